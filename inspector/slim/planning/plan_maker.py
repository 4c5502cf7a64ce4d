"""``make_plan``: from an opened artifact and its facts to the plan, without changing or running anything."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec.structs import replace

from inspector import __version__
from inspector.artifact.artifact import Artifact
from inspector.errors import UsageError
from inspector.facts.facts import Facts
from inspector.limits import Limits
from inspector.model import ByteCount
from inspector.progress import SILENT, Progress
from inspector.slim.options import SlimOptions
from inspector.slim.planning.budget import within_budget
from inspector.slim.planning.bundle_knowledge import BundleKnowledge
from inspector.slim.planning.plan import Action, Plan
from inspector.slim.planning.plan_assembly import PlanAssembly
from inspector.slim.planning.prune_rules import prune_rules


def make_plan(
    artifact: Artifact,
    facts: Facts,
    options: SlimOptions,
    limits: Limits,
    progress: Progress = SILENT,
    exclude: Collection[str] = frozenset(),
) -> Plan:
    """What slim would do to an artifact; the same input and options give the same plan, byte for byte.

    Whoever makes several plans for one artifact asks :class:`PlanMaker`, which keeps what it has found out.

    :param facts: as :func:`inspector.facts.collect.collect_facts` gives them for this artifact.
    :param exclude: keys of actions (:attr:`inspector.slim.planning.plan.Action.key`) that are left out, because they were found guilty.
    :raises UsageError: where the options contradict each other, or name a rule that there is not.
    :raises FormatError: where a member cannot be read for the digest of the input.
    """
    return PlanMaker(artifact, facts, options, limits, progress).plan(exclude)


class PlanMaker:
    """Plans for one artifact with one set of options; what does not depend on the actions left out is found out once.

    Parameters and errors as for :func:`make_plan`.
    """

    def __init__(
        self, artifact: Artifact, facts: Facts, options: SlimOptions, limits: Limits, progress: Progress = SILENT
    ) -> None:
        progress.stage("Planning")
        _check(options)
        self._knowledge = BundleKnowledge(artifact, facts, options, limits)

    def plan(self, exclude: Collection[str] = frozenset()) -> Plan:
        """The plan without these actions, within the budget where the options have one."""
        whole = self._plan(exclude)
        if self._knowledge.options.budget is None:
            return whole
        overhead = 0
        if self._knowledge.artifact.source is not None:
            overhead = max(self._knowledge.artifact.size - self._knowledge.savings.total.stored, 0)
        asked = [action.key for action in whole.actions if prune_rules()[action.rule].asked]
        plan, gap = within_budget(
            whole, self._knowledge.options.budget, overhead, lambda left_out: self._plan({*exclude, *left_out}), asked
        )
        return replace(plan, budget_gap=gap)

    def _plan(self, exclude: Collection[str]) -> Plan:
        making = PlanAssembly(self._knowledge, exclude)
        making.remove()
        actions = making.actions()
        return Plan(
            tool=f"bundle-inspect {__version__}",
            target=self._knowledge.target,
            level=self._knowledge.options.level,
            bytecode=self._knowledge.options.bytecode,
            closed=self._knowledge.starts_are_known,
            interpreter=self._knowledge.has_python,
            roots=self._knowledge.roots,
            actions=actions,
            kept=making.kept(),
            notices=tuple(making.notices),
            predicted=_after(self._knowledge.savings.total, actions),
        )


def _check(options: SlimOptions) -> None:
    if options.level == "aggressive" and not options.traces:
        raise UsageError(
            "the level aggressive removes what no run has used, and there is no trace",
            "record one with: inspect trace ARTIFACT -- ARGUMENTS, and give it with --trace FILE",
        )
    if options.bytecode == "hot" and not options.traces:
        raise UsageError(
            "--pyc hot keeps the bytecode of what a trace saw, and there is no trace",
            "record one with: inspect trace ARTIFACT -- ARGUMENTS, and give it with --trace FILE",
        )


def _after(total: ByteCount, actions: Iterable[Action]) -> ByteCount:
    raw, stored = total.raw, total.stored
    for action in actions:
        raw -= action.saves.raw
        stored -= action.saves.stored
    return ByteCount(raw=raw, stored=stored)
