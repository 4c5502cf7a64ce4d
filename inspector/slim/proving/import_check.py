"""Whether every Python module that imported before imports after, under the bundle's own interpreter.

Modules are imported in batches, each in a process of its own (:mod:`inspector.slim.proving.import_worker`), so that what they share is loaded once.
One that ends or hangs its process is named, tried again alone, and the others go on in a fresh process.
"""

from __future__ import annotations

import os
import select
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Literal

from msgspec import Struct, field

from inspector.progress import SILENT, Progress
from inspector.slim.planning.module_names import why_never_imported
from inspector.slim.proving.bounded_process import BoundedProcess, ThrowAwayHome, describe_status
from inspector.slim.proving.bundle_interpreter import BundleInterpreter

ImportState = Literal["imported", "failed", "crashed", "hung", "not tried"]

MODULE_SECONDS = 30.0
"""How long one module may take; what it imports itself counts."""

_BATCH = 250
_WORKER = Path(__file__).with_name("import_worker.py")
_REPORT_BYTES = 1 << 16
_MOST_RESTARTS = 200  # a batch whose every module crashes must come to an end


class ImportOutcome(Struct, frozen=True):
    """How the import of one module went.

    :ivar message: the exception, or how the process ended; "" for what imported.
    """

    state: ImportState
    message: str = ""


class ImportRegression(Struct, frozen=True):
    """A module that imported before and does not after."""

    module: str
    outcome: ImportOutcome

    def __str__(self) -> str:
        return f"{self.module} {self.outcome.state}: {self.outcome.message}"


class ImportVerification(Struct, frozen=True):
    """What :func:`verify_tree` found.

    :ivar regressions: in the order of the modules.
    :ivar checked: how many modules imported before and were tried after.
    :ivar not_checked: modules that were not tried, each with a clause that says why; those that never imported are among them.
    :ivar before: the outcomes in the first tree, for the next call.
    """

    regressions: tuple[ImportRegression, ...] = ()
    checked: int = 0
    not_checked: dict[str, str] = field(default_factory=dict)
    before: dict[str, ImportOutcome] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing that imported before fails after."""
        return not self.regressions


class ImportConditions(Struct, frozen=True, kw_only=True):
    """Under which conditions modules are imported; the same before and after.

    :ivar search_first: tree paths of directories put in front of ``sys.path``: those of the scripts that the launcher starts.
    :ivar processes: how many run at a time.
    :ivar deadline: seconds of ``time.monotonic()`` after which nothing more is started, or None.
    :ivar scratch: where throw-away homes are made; by default where temporary files go.
    """

    interpreter: BundleInterpreter
    search_first: tuple[str, ...] = ()
    module_seconds: float = MODULE_SECONDS
    processes: int = 2
    deadline: float | None = None
    scratch: Path | None = None


def verify_tree(
    before_root: Path,
    after_root: Path,
    modules: Collection[str],
    conditions: ImportConditions,
    *,
    never: Collection[str] = (),
    known_before: Mapping[str, ImportOutcome] | None = None,
    progress: Progress = SILENT,
) -> ImportVerification:
    """Import modules in both trees.  Both must be copies that may change: modules have been seen to write into their own package.

    :param before_root: the input, unpacked with its times.
    :param after_root: the planned tree, unpacked with its times.
    :param modules: names of the modules that are kept.
    :param never: names that are not imported beside those of ``rules/python/never_imported.toml``: the programs that the bundle starts.
    :param known_before: the outcomes of an earlier call with the same input.
    """
    reasons = {name: why_never_imported(name) for name in modules}
    reasons |= dict.fromkeys((name for name in modules if name in never), "it is a program that the bundle starts")
    not_checked = {name: why for name, why in reasons.items() if why is not None}
    wanted = [name for name, why in reasons.items() if why is None]
    before = {name: known_before[name] for name in wanted if known_before is not None and name in known_before}
    missing = [name for name in wanted if name not in before]
    kept = [name for name in wanted if name not in before or before[name].state == "imported"]
    progress.stage("Importing modules", total=len(missing) + len(kept))
    jobs = [(batch, before_root, before) for batch in batches(missing)]
    after: dict[str, ImportOutcome] = {}
    jobs += [(batch, after_root, after) for batch in batches(kept)]
    jobs.sort(key=lambda job: job[0])  # a batch of both trees side by side, while its files are in memory
    outcomes = _in_parallel([(root, batch) for batch, root, _ in jobs], conditions, progress)
    for (_, _, known), found in zip(jobs, outcomes, strict=True):
        known.update(found)
    imported = [name for name in wanted if before[name].state == "imported"]
    not_checked |= {
        name: before[name].message
        if before[name].state == "not tried"
        else f"it did not import before: {before[name].message}"
        for name in wanted
        if before[name].state != "imported"
    }
    suspects = [name for name in imported if after[name].state not in {"imported", "not tried"}]
    if suspects:
        after |= import_modules(after_root, suspects, conditions)  # a busy machine is no regression
    not_checked |= {name: after[name].message for name in imported if after[name].state == "not tried"}
    regressions = [
        ImportRegression(name, after[name]) for name in suspects if after[name].state not in {"imported", "not tried"}
    ]
    checked = sum(1 for name in wanted if name not in not_checked)
    return ImportVerification(tuple(regressions), checked, not_checked, before)


def import_modules(root: Path, modules: Sequence[str], conditions: ImportConditions) -> dict[str, ImportOutcome]:
    """Import modules of one tree and say how it went."""
    found: dict[str, ImportOutcome] = {}
    for outcomes in _in_parallel([(root, batch) for batch in batches(modules)], conditions, SILENT):
        found |= outcomes
    return found


def batches(modules: Collection[str]) -> list[tuple[str, ...]]:
    """Modules in groups for one process each: those of a top-level package together, small packages with their neighbours, large ones in parts."""
    found: list[tuple[str, ...]] = []
    waiting: list[str] = []
    packages: dict[str, list[str]] = {}
    for name in sorted(modules):
        packages.setdefault(name.partition(".")[0], []).append(name)
    for names in packages.values():
        if len(names) > _BATCH // 2:
            parts = -(-len(names) // _BATCH)
            size = -(-len(names) // parts)
            found += [tuple(names[start : start + size]) for start in range(0, len(names), size)]
            continue
        if len(waiting) + len(names) > _BATCH:
            found.append(tuple(waiting))
            waiting = []
        waiting += names
    return [*found, tuple(waiting)] if waiting else found


def _in_parallel(
    jobs: Sequence[tuple[Path, tuple[str, ...]]], conditions: ImportConditions, progress: Progress
) -> Iterator[dict[str, ImportOutcome]]:
    """The outcomes of each job, in the order of the jobs."""
    with ThreadPoolExecutor(max_workers=max(conditions.processes, 1)) as pool:
        running = [(batch, pool.submit(_import_batch, root, batch, conditions)) for root, batch in jobs]
        for batch, future in running:
            yield future.result()
            progress.advance(len(batch))


def _import_batch(root: Path, modules: tuple[str, ...], conditions: ImportConditions) -> dict[str, ImportOutcome]:
    """All modules of a batch, in as many processes as it takes."""
    found: dict[str, ImportOutcome] = {}
    todo = modules
    for _ in range(_MOST_RESTARTS):
        if not todo:
            return found
        if conditions.deadline is not None and monotonic() > conditions.deadline:
            break
        outcomes = _import_in_one_process(root, todo, conditions)
        culprit = next((name for name, outcome in outcomes.items() if outcome.state in {"crashed", "hung"}), None)
        if culprit is not None and len(outcomes) > 1:
            outcomes |= _import_in_one_process(root, (culprit,), conditions)  # what came before it may be to blame
        found |= outcomes
        if not outcomes:
            break
        todo = tuple(name for name in todo if name not in found)
    reason = (
        "the time for imports was over" if conditions.deadline is not None else "too many modules before it crashed"
    )
    return found | dict.fromkeys(todo, ImportOutcome("not tried", reason))


def _import_in_one_process(
    root: Path, modules: tuple[str, ...], conditions: ImportConditions
) -> dict[str, ImportOutcome]:
    """Outcomes up to the first module that ends or hangs the process, that one included."""
    root = root.resolve()
    with ThrowAwayHome(conditions.scratch) as home, tempfile.TemporaryFile() as stderr:
        job = home.root / "modules"
        places = [str(root / place) for place in conditions.search_first]
        job.write_text("\n".join([str(len(places)), *places, *modules]), encoding="utf-8", errors="surrogateescape")
        reading, writing = os.pipe()
        try:
            command = conditions.interpreter.command(root, [str(_WORKER), str(writing), str(job)])
            environment = conditions.interpreter.environment_in(root, home)
            try:
                process = BoundedProcess(
                    command, directory=home.empty, environment=environment, pass_fds=(writing,), stderr=stderr
                )
            except OSError as error:
                return {
                    name: ImportOutcome("not tried", f"the interpreter cannot be started: {error.strerror}")
                    for name in modules
                }
            finally:
                os.close(writing)
            with process:
                outcomes, begun, in_time = _listen(reading, modules, conditions.module_seconds)
                if begun is None and len(outcomes) == len(modules):
                    return outcomes
                status = process.wait(1.0 if in_time else 0.0)
        finally:
            os.close(reading)
        culprit = begun if begun is not None else next(name for name in modules if name not in outcomes)
        if not in_time:
            return outcomes | {culprit: ImportOutcome("hung", f"it took more than {conditions.module_seconds:g} s")}
        stderr.seek(max(os.fstat(stderr.fileno()).st_size - _REPORT_BYTES, 0))
        said = " ".join(stderr.read().decode("utf-8", "replace").split("\n")[-2:]).strip()[:300]
        ended = f"its process {describe_status(status)}" if status is not None else "its process closed the report"
        return outcomes | {culprit: ImportOutcome("crashed", f"{ended}{': ' + said if said else ''}")}


def _listen(report: int, modules: tuple[str, ...], seconds: float) -> tuple[dict[str, ImportOutcome], str | None, bool]:
    """Read the worker's report to its end or until it is silent for too long: outcomes, the module begun and not finished, whether it was in time."""
    outcomes: dict[str, ImportOutcome] = {}
    begun: str | None = None
    pending = b""
    waiter = select.poll()
    waiter.register(report, select.POLLIN)
    last_step = monotonic()
    while True:
        left = last_step + seconds - monotonic()
        if left <= 0 or not waiter.poll(left * 1000):
            return outcomes, begun, False
        received = os.read(report, _REPORT_BYTES)
        if not received:
            return outcomes, begun, True
        *lines, pending = (pending + received).split(b"\n")
        pending = pending[-_REPORT_BYTES:]
        for line in lines:
            number, _, message = line[1:].partition(b" ")
            if not number.isdigit() or len(number) > 6 or int(number) >= len(modules):
                continue  # a module that writes into descriptors that are not its own
            name = modules[int(number)]
            last_step = monotonic()
            if line[:1] == b"+":
                begun = name
            elif name == begun:
                begun = None
                state: ImportState = "imported" if line[:1] == b"=" else "failed"
                outcomes[name] = ImportOutcome(state, message.decode("utf-8", "replace"))
        if len(outcomes) == len(modules):
            return outcomes, None, True  # whatever a process that a module started still keeps open
