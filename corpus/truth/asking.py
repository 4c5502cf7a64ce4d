"""Questions to the real loader of a tree, and its answers: one process a question, all of one bundle in one chamber.

The answers are kept below ``truth/answers`` of the corpus's cache, so that a change of the model is compared without asking again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from corpus.recipe import Unavailable
from corpus.store import cache_directory
from corpus.truth.loader_output import Opening, Trace, read_opening, read_start, read_trace
from corpus.truth.probes import probes
from corpus.truth.trees import ARM64, MUSL

BUNDLE = "/bundle"
PROBES = "/probes"
EMULATOR = "/emulator"
MUSL_LOADER = "/lib/ld-musl-x86_64.so.1"

_TRACE = {"LD_TRACE_LOADED_OBJECTS": "1", "LD_WARN": "yes", "LD_BIND_NOW": "1"}
_CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Question:
    """One object in one process.

    :ivar object: run-time path in the tree ("/bundle/usr/lib/…").
    :ivar program: run-time path of the executable that loads it; equal to ``object`` for a program, None for our own smallest program.
    """

    object: str
    program: str | None

    @property
    def is_program(self) -> bool:
        """Whether the object is started, not loaded."""
        return self.program == self.object


@dataclass(frozen=True, slots=True)
class Answer:
    """What the real loader said.

    :ivar trace: of the process with the object in it; a library is preloaded into its program.
    :ivar start: of a program: None where it started, else the loader's text.
    :ivar opening: of a library: what ``dlopen`` in its program said.
    :ivar error: why the question could not be asked (the kernel's refusal to start the program), or None.
    """

    trace: Trace
    start: str | None = None
    opening: Opening | None = None
    error: str | None = None


Way = Literal["trace", "real"]


@dataclass(frozen=True, slots=True)
class Start:
    """How a program of a kind of system is started here.

    :ivar traced: what stands before a program that is traced.
    :ivar real: what stands before one that is started for real.
    :ivar variables: which make the loader trace.
    """

    compiler: str = "gcc"
    traced: tuple[str, ...] = ()
    real: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=lambda: _TRACE)
    mounts: Mapping[Path, str] = field(default_factory=dict)


def start_of(system: str) -> Start:
    """The way of starting programs of a system.

    :raises Unavailable: without the emulator that another machine's programs need.
    """
    if system.startswith(MUSL):  # musl knows no tracing variable; its --list does the same (ldso/dynlink.c, __dls3)
        return Start("musl-gcc", (MUSL_LOADER, "--list"), variables={})
    if system.endswith(ARM64):
        emulator = shutil.which("qemu-aarch64-static")
        if emulator is None:
            raise Unavailable("qemu-aarch64-static is not installed (package qemu-user-static)")
        # The emulator is static, so that variables meant for the loader pass through it.
        command = (f"{EMULATOR}/qemu-aarch64-static",)
        return Start("aarch64-linux-gnu-gcc", command, command, mounts={Path(emulator).parent: EMULATOR})
    return Start()


def ask(
    tree: Path, bundle: Path, questions: Sequence[Question], environment: Mapping[str, str], *, again: bool = False
) -> dict[Question, Answer]:
    """Ask the tree's loader all questions about a bundle, which lies at :data:`BUNDLE` there.

    :param environment: what the bundle's launcher sets; given to the programs alone.
    :param again: ask even if the answers to exactly these questions are known.
    """
    started = start_of(tree.name)
    jobs = [_job(question, environment, way, started) for question in questions for way in ("trace", "real")]
    own_probes = probes(started.compiler)
    kept = _place(tree, bundle, own_probes, jobs)
    raw = _known(kept) if not again else None
    if raw is None:
        raw = run_in_tree(tree, {bundle: BUNDLE, own_probes: PROBES, **started.mounts}, jobs)
        _keep(kept, raw)
    pairs = zip(questions, raw[0::2], raw[1::2], strict=True)
    return {question: _answer(question, trace, real) for question, trace, real in pairs}


def run_in_tree(tree: Path, places: Mapping[Path, str], jobs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Run every job in the tree with directories mounted at places.

    :raises Unavailable: where mounts are not allowed or the chamber did not come up.
    """
    mounts = [f"{source}={place}" for source, place in places.items()]
    command = ["unshare", "--mount", "--propagation", "private", sys.executable, "-m", "corpus.truth.chamber"]
    told = "".join(json.dumps(job) + "\n" for job in jobs)
    with tempfile.TemporaryDirectory() as directory:
        answers = Path(directory, "answers")
        answers.touch()
        finished = subprocess.run(
            [*command, str(answers), str(tree), *mounts],
            input=told,
            capture_output=True,
            text=True,
            cwd=_CHECKOUT,
            check=False,
        )
        lines = answers.read_text(encoding="ascii").split("\n")[:-1]
    if finished.returncode != 0 or len(lines) != len(jobs):
        said = (finished.stderr.strip().splitlines() or [f"it ended with status {finished.returncode}"])[-1]
        raise Unavailable(f"{len(lines)} of {len(jobs)} questions were answered in {tree.name}: {said}")
    return [json.loads(line) for line in lines]


def _job(question: Question, environment: Mapping[str, str], way: Way, started: Start) -> dict[str, Any]:
    own = dict(environment)
    program = question.program or f"{PROBES}/program"
    preloads = [own["LD_PRELOAD"]] if own.get("LD_PRELOAD") else []
    if way == "trace":
        own |= started.variables
        preloads += [] if question.is_program else [question.object]
    elif question.is_program:
        own["LD_BIND_NOW"] = "1"
        preloads.append(f"{PROBES}/start_probe.so")
    else:
        own["TRUTH_OPEN"] = question.object
        preloads.append(f"{PROBES}/open_probe.so")
    if preloads:
        own["LD_PRELOAD"] = ":".join(preloads)
    return {"argv": [*(started.traced if way == "trace" else started.real), program], "env": own}


def _answer(question: Question, trace: Mapping[str, Any], real: Mapping[str, Any]) -> Answer:
    error = trace.get("error") or real.get("error")
    if error is not None:
        return Answer(Trace(), error=error)
    read = read_trace(trace["out"], trace["err"], trace["status"])
    if question.is_program:
        if read.silent and real["err"]:  # musl names everything that is missing when it really starts a program, too
            read = read_trace("", real["err"], real["status"])
        return Answer(read, start=read_start(real["out"], real["err"], real["status"]))
    return Answer(read, opening=read_opening(real["out"], real["err"], real["status"]))


def _place(tree: Path, bundle: Path, own_probes: Path, jobs: Sequence[Mapping[str, Any]]) -> Path:
    """Where the answers to these questions are kept; another file when anything that they depend on was made anew."""
    made = [bundle.stat().st_mtime_ns, (tree / "etc").stat().st_mtime_ns, own_probes.name]
    told = json.dumps([str(bundle), made, jobs], sort_keys=True)
    digest = hashlib.sha256(told.encode()).hexdigest()[:16]
    return cache_directory() / "truth/answers" / tree.name / f"{bundle.name}-{digest}.json"


def _known(path: Path) -> list[dict[str, Any]] | None:
    try:
        found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def _keep(path: Path, raw: Sequence[Mapping[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(raw), encoding="utf-8")
    partial.rename(path)
