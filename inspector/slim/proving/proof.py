"""Whether a planned tree still works: its imports, a second audit, the user's own commands; and which actions are to blame where it does not."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from inspector.artifact import open_artifact
from inspector.artifact.artifact import Artifact
from inspector.artifact.tree import Kind
from inspector.facts.facts import Facts
from inspector.facts.launchers.launcher_facts import Launcher
from inspector.facts.loading.run_time_paths import mount_of
from inspector.limits import Limits
from inspector.pipeline import audit_opened
from inspector.progress import SILENT, Progress
from inspector.result import Result, SlimCheck
from inspector.slim.making.planned_tree import PlannedTree, unchanged_tree
from inspector.slim.planning.module_names import importable_modules
from inspector.slim.planning.started_modules import started_modules
from inspector.slim.proving.bundle_interpreter import (
    BundleInterpreter,
    InterpreterAnswer,
    NotChecked,
    ask_interpreter,
    find_interpreter,
)
from inspector.slim.proving.import_check import ImportConditions, ImportOutcome, verify_tree
from inspector.slim.proving.smoke import SmokeBaseline, compare_smoke, run_baseline
from inspector.slim.proving.unpacked_tree import write_tree
from inspector.slim.proving.verification import compare_audits

_MOST_NAMED = 5


class Proof(Struct, frozen=True):
    """What the checks of one planned tree said.

    :ivar failures: a sentence each; empty where everything passed that could be checked.
    :ivar modules: modules that imported before and do not after.
    :ivar commands: smoke tests that differ.
    :ivar audit_failed: whether the second audit is worse.
    """

    checks: tuple[SlimCheck, ...]
    failures: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    audit_failed: bool = False

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.failures


class AuditConditions(Struct, frozen=True, kw_only=True):
    """With what the second audit is made, the same as the first."""

    limits: Limits
    hosts: tuple[str, ...] = ()
    environment: Mapping[str, str] | None = None


class Prover:
    """Unpacks the input once, and any number of planned trees beside it, and compares how they behave.

    :param before: the audit of the input.
    :param run: whether anything of the bundle may be run.
    :param smoke: the user's commands.
    :param scratch: an empty directory, which grows to the size of the input and the output.
    """

    def __init__(
        self, artifact: Artifact, facts: Facts, before: Result, conditions: AuditConditions, *, run: bool, smoke: tuple[str, ...], scratch: Path,
        progress: Progress = SILENT,
    ) -> None:  # fmt: skip
        self._artifact, self._facts, self._before = artifact, facts, before
        self._conditions, self._smoke, self._scratch, self._progress = conditions, smoke, scratch, progress
        self._run = run
        self._launcher = _with_environment(facts.launcher, conditions.environment or {})
        self._known: dict[str, ImportOutcome] = {}
        self._baselines: dict[str, SmokeBaseline] = {}
        self._before_root: Path | None = None
        self._count = 0
        found = find_interpreter(self._launcher, artifact.tree, mount_root=mount_of(artifact).root, run=run)
        self.interpreter: BundleInterpreter | NotChecked = found
        self.answer: InterpreterAnswer | NotChecked = found if isinstance(found, NotChecked) else self._ask(found)

    def _ask(self, interpreter: BundleInterpreter) -> InterpreterAnswer | NotChecked:
        return ask_interpreter(interpreter, self.before_root, below=self._scratch)

    @property
    def before_root(self) -> Path:
        """The input, unpacked; made when it is first asked for."""
        if self._before_root is None:
            self._before_root = self._scratch / "before"
            write_tree(unchanged_tree(self._artifact.tree), self._before_root, progress=self._progress)
        return self._before_root

    def prove(self, planned: PlannedTree) -> Proof:
        """All checks of a planned tree."""
        with _Laid(self, planned) as root:
            audit = self._audit(root)
            imports, modules = self._imports(planned, root, None)
            smoke, commands = self._smoke_tests(root, self._smoke)
        checks = (*audit, imports, *smoke)
        failures = tuple(f"{check.name}: {check.detail}" for check in checks if check.outcome == "failed")
        return Proof(checks, failures, modules, commands, any(check.outcome == "failed" for check in audit))

    def fails_like(self, planned: PlannedTree, proof: Proof) -> bool:
        """Whether a planned tree fails in one of the ways in which another did: only those are checked."""
        with _Laid(self, planned) as root:
            if proof.audit_failed and any(check.outcome == "failed" for check in self._audit(root)):
                return True
            if proof.modules and self._imports(planned, root, proof.modules)[1]:
                return True
            return bool(proof.commands) and bool(self._smoke_tests(root, proof.commands)[1])

    def lay(self, planned: PlannedTree) -> Path:
        """A planned tree, unpacked to a directory of its own."""
        self._count += 1
        root = self._scratch / f"after-{self._count}"
        write_tree(planned, root, shared_with=self._before_root, progress=self._progress)
        return root

    # -- the second audit

    def _audit(self, root: Path) -> tuple[SlimCheck, ...]:
        self._progress.stage("Auditing the result")
        given = self._conditions
        with open_artifact(root, given.limits) as artifact:
            # The directory stands for the input, whose format knows what is started and searched
            artifact.layout = self._artifact.layout
            after = audit_opened(
                artifact, limits=given.limits, hosts=given.hosts, environment=given.environment, progress=SILENT
            ).result
        return audit_checks(self._before, after)

    # -- imports

    def _imports(
        self, planned: PlannedTree, root: Path, only: tuple[str, ...] | None
    ) -> tuple[SlimCheck, tuple[str, ...]]:
        if isinstance(self.answer, NotChecked) or isinstance(self.interpreter, NotChecked):
            reason = self.answer.reason if isinstance(self.answer, NotChecked) else ""
            return SlimCheck(name="imports", outcome="not checked", detail=f"because {reason}"), ()
        started = started_modules(self._launcher, self._artifact.tree, mount_root=mount_of(self._artifact).root)
        search = (*started.directories, *self.answer.search_path)
        files = [entry.path for entry in planned if entry.kind in (Kind.FILE, Kind.SYMLINK)]
        modules = list(importable_modules(files, search, self.answer.suffixes)) if only is None else list(only)
        conditions = ImportConditions(
            interpreter=self.interpreter, search_first=started.directories, scratch=self._scratch
        )
        found = verify_tree(
            self.before_root,
            root,
            modules,
            conditions,
            never=started.names,
            known_before=self._known,
            progress=self._progress,
        )
        self._known.update(found.before)
        failing = tuple(regression.module for regression in found.regressions)
        if failing:
            return SlimCheck(
                name="imports", outcome="failed", detail=_listed([str(each) for each in found.regressions])
            ), failing
        detail = f"{found.checked:,} modules import as before"
        if found.not_checked:
            detail += f"; {len(found.not_checked):,} did not import before, or are never imported by a check"
        return SlimCheck(name="imports", outcome="passed", detail=detail), ()

    # -- the user's commands

    def _smoke_tests(self, root: Path, commands: tuple[str, ...]) -> tuple[list[SlimCheck], tuple[str, ...]]:
        checks: list[SlimCheck] = []
        failing: list[str] = []
        if self._artifact.layout.members_at is not None:
            return [], ()  # a program that unpacks itself is started as a whole, once it is written
        for command in commands:
            self._progress.stage(f"Running {command[:40]}")
            if command not in self._baselines:
                self._baselines[command] = run_baseline(command, self.before_root)
            found = compare_smoke(self._baselines[command], root)
            outcome = {"agrees": "passed", "differs": "failed", "fails before": "not checked"}[found.verdict]
            checks.append(SlimCheck(name="smoke", outcome=outcome, detail=f"{command}: {found.message}"))  # type: ignore[arg-type]
            if found.verdict == "differs":
                failing.append(command)
        return checks, tuple(failing)


class _Laid:
    """A planned tree on disk for as long as it is looked at."""

    def __init__(self, prover: Prover, planned: PlannedTree) -> None:
        self._prover, self._planned = prover, planned
        self._root: Path | None = None

    def __enter__(self) -> Path:
        self._root = self._prover.lay(self._planned)
        return self._root

    def __exit__(self, *_: object) -> None:
        if self._root is not None:
            shutil.rmtree(self._root, ignore_errors=True)


def audit_checks(before: Result, after: Result) -> tuple[SlimCheck, SlimCheck]:
    """Findings and systems of a second audit beside those of the first."""
    found = compare_audits(before, after)
    worse = [sentence for sentence in found.sentences() if sentence not in found.worse_hosts]
    audit = (
        SlimCheck(name="audit", outcome="failed", detail=_listed(worse))
        if worse
        else SlimCheck(name="audit", outcome="passed", detail=_counted(before, after))
    )
    if found.worse_hosts:
        return audit, SlimCheck(name="hosts", outcome="failed", detail=_listed(list(found.worse_hosts)))
    if not after.hosts:
        return audit, SlimCheck(name="hosts", outcome="not checked", detail="because no system was judged")
    return audit, SlimCheck(
        name="hosts", outcome="passed", detail=f"the verdict is as before on {len(after.hosts)} systems, or better"
    )


def _counted(before: Result, after: Result) -> str:
    fixed = len(before.findings) - len(after.findings)
    return "no new finding" + (f", {fixed} fewer" if fixed > 0 else "")


def _listed(sentences: list[str]) -> str:
    more = f"; and {len(sentences) - _MOST_NAMED} more" if len(sentences) > _MOST_NAMED else ""
    return "; ".join(sentences[:_MOST_NAMED]) + more


def _with_environment(launcher: Launcher, environment: Mapping[str, str]) -> Launcher:
    return replace(launcher, environment={**launcher.environment, **environment}) if environment else launcher
