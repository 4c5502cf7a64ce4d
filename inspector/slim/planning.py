"""``make_plan``: from an opened artifact and its facts to the plan, without changing or running anything."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property

from msgspec.structs import replace

from inspector import __version__
from inspector.artifact.artifact import Artifact
from inspector.artifact.tree import Kind
from inspector.errors import UsageError
from inspector.facts.facts import Facts
from inspector.facts.python.extension_modules import is_python_program
from inspector.limits import Limits
from inspector.model import ByteCount
from inspector.progress import SILENT, Progress
from inspector.slim.asked_removals import claim_licenses, claim_named, claim_translations, claim_unportable
from inspector.slim.budget import within_budget
from inspector.slim.bytecode_plan import BytecodePlanner, bytecode_facts
from inspector.slim.change_actions import Changes
from inspector.slim.guards import Guards
from inspector.slim.library_data import claim_library_data
from inspector.slim.library_needs import LibraryNeeds
from inspector.slim.module_reach import find_reach
from inspector.slim.module_removal import claim_unreached, claim_untraced
from inspector.slim.options import SlimOptions
from inspector.slim.plan import Action, Kept, Plan, PlanTarget
from inspector.slim.prune_rules import Matcher, PruneRule, active_rules, prune_rules
from inspector.slim.qt_parts import claim_qt_parts
from inspector.slim.removals import Removals
from inspector.slim.savings import Savings
from inspector.slim.subjects import Subjects
from inspector.slim.target_digest import target_digest
from inspector.slim.traced_use import read_traces

_KINDS = ("remove", "share", "search-path", "strip", "compile", "rewrite")
"""In the order in which a plan lists them."""


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
    :param exclude: keys of actions (:attr:`inspector.slim.plan.Action.key`) that are left out, because they were found guilty.
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
        self.artifact, self.facts, self.options, self.limits = artifact, facts, options, limits
        self.rules = active_rules(options)
        self.savings = Savings(artifact.tree)
        self.traced = read_traces(options.traces, lambda: self._target.digest)
        self.reach = find_reach(artifact, facts, options, self.rules, limits, sorted(self.traced.modules))
        self.closed = self.reach.closed
        self.starts_are_known = self.closed or _has_no_python(facts)
        self.roots = self.reach.roots if self.closed or not self.starts_are_known else _programs(facts)
        self.subjects = Subjects(facts)
        self.guards = Guards(artifact, facts, options, self.reach if self.closed else None, self.traced)
        self.libraries = LibraryNeeds(facts, artifact.tree, self.traced.libraries)
        self.bytecode = BytecodePlanner(
            artifact.tree,
            bytecode_facts(facts, options.environment),
            options.bytecode,
            self._bytecode_rules(),
            self.subjects,
            hot=self.traced.sources,
        )

    def _bytecode_rules(self) -> Mapping[str, PruneRule]:
        """The rules of the chosen policy are asked for by choosing it."""
        asked = {"none": "all-bytecode", "hot": "cold-bytecode"}.get(self.options.bytecode)
        return {name: rule for name, rule in self.rules.items() if not rule.asked or name == asked}

    @cached_property
    def _target(self) -> PlanTarget:
        return PlanTarget(
            path=self.artifact.path,
            format=self.artifact.format,
            digest=target_digest(self.artifact),
            size=self.savings.total,
        )

    def plan(self, exclude: Collection[str] = frozenset()) -> Plan:
        """The plan without these actions, within the budget where the options have one."""
        whole = self._plan(exclude)
        if self.options.budget is None:
            return whole
        overhead = 0
        if self.artifact.source is not None:
            overhead = max(self.artifact.size - self.savings.total.stored, 0)
        plan, gap = within_budget(
            whole, self.options.budget, overhead, lambda left_out: self._plan({*exclude, *left_out})
        )
        return replace(plan, budget_gap=gap)

    def _plan(self, exclude: Collection[str]) -> Plan:
        making = _Making(self, exclude)
        making.remove()
        actions = making.actions()
        return Plan(
            tool=f"bundle-inspect {__version__}",
            target=self._target,
            level=self.options.level,
            bytecode=self.options.bytecode,
            closed=self.closed,
            roots=self.roots,
            actions=actions,
            kept=making.kept(),
            notices=tuple(making.notices),
            predicted=_after(self.savings.total, actions),
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


def _has_no_python(facts: Facts) -> bool:
    """Whether the bundle is an application of programs alone: what they load is known by the load graph, as far as names tell."""
    return bool(facts.launcher.programs) and not any(is_python_program(found) for found in facts.objects)


def _programs(facts: Facts) -> tuple[str, ...]:
    return tuple(f"{start.program}: {start.by or facts.launcher.path} starts it" for start in facts.launcher.starts)


def _after(total: ByteCount, actions: Iterable[Action]) -> ByteCount:
    raw, stored = total.raw, total.stored
    for action in actions:
        raw -= action.saves.raw
        stored -= action.saves.stored
    return ByteCount(raw=raw, stored=stored)


class _Making:
    """One plan in the making; the steps are in the order in which they depend on each other."""

    def __init__(self, maker: PlanMaker, exclude: Collection[str]) -> None:
        self.maker = maker
        self.exclude = exclude
        self.tree, self.facts, self.options, self.rules = (
            maker.artifact.tree,
            maker.facts,
            maker.options,
            maker.rules,
        )
        self.closed, self.guards, self.savings, self.subjects = (
            maker.closed,
            maker.guards,
            maker.savings,
            maker.subjects,
        )
        self.notices: list[str] = []
        envelope = maker.artifact.envelope
        if envelope is not None and envelope.signature.status != "absent":
            self.notices.append("it is signed, and its signature does not hold for what is written anew")
        self.removals = Removals(self.tree, maker.guards, exclude, confirmed=maker.traced.is_known)

    # -- removals

    def remove(self) -> None:
        """Decide about everything that goes."""
        claim_named(self.options, self.tree, self.removals, self.subjects)
        from_host = claim_unportable(self.options, self.facts, self.rules, self.removals)
        claim_licenses(self.options, self.facts, self.tree, self.rules, self.removals)
        self._match_places()
        if self.closed:
            claim_unreached(self.maker.reach, self.tree, self.rules, self.removals)
            claim_untraced(self.maker.reach, self.maker.traced, self.rules, self.removals)
        claim_translations(self.options, self.tree, self.rules, self.removals)
        self.maker.bytecode.follow_sources(self.removals)
        self.maker.bytecode.claim(self.removals)
        self.maker.libraries.restore(self.removals, from_host)
        self._claim_unneeded()
        self._follow_links()

    def _claim_unneeded(self) -> None:
        """Libraries and what belongs to them, until nothing further is left over."""
        if self.maker.starts_are_known:
            claim_qt_parts(self.facts, self.tree, self.rules, self.removals, self.maker.libraries)
        self.maker.libraries.claim_unneeded(self.removals, self.rules, closed=self.closed)
        while claim_library_data(self.facts, self.tree, self.rules, self.removals):
            self.maker.libraries.claim_unneeded(self.removals, self.rules, closed=self.closed)

    def _match_places(self) -> None:
        """The rules that places tell; the first that takes a file has it, unless a guard keeps it from that rule.

        What a rule would have taken that the user has switched off goes under no other rule.
        """
        matchers = [
            (rule, Matcher(rule.places, rule.exceptions))
            for rule in prune_rules().values()
            if rule.places
            and (rule.name in self.rules or rule.name in self.options.rules_off)
            and (self.closed or not rule.for_applications)
        ]
        for node in self.tree:
            path = node.path
            if node.kind is Kind.DIRECTORY or path in self.removals:
                continue
            for rule, matcher in matchers:
                if not matcher.takes(path):
                    continue
                if rule.name not in self.rules:
                    self.removals.leave_alone(path)
                elif not self.removals.claim(rule, self.subjects.of(path), (path,)):
                    continue
                break

    def _follow_links(self) -> None:
        """A link whose target goes would lead nowhere: it goes too, or, where a guard keeps it, its target stays."""
        links = [
            (node.path, target.path)
            for node in self.tree
            if node.kind is Kind.SYMLINK and (target := self.tree.resolve(node.path)) is not None
        ]
        for link, end in links:
            removal = self.removals.owner(end)
            if removal is None or link in self.removals:
                continue
            reason = self.guards.reason_to_keep(removal.rule, link)
            if reason is None:
                self.removals.take_along(link, end)
            else:
                self.removals.give_back(end, f"{link} is a link to it, and {reason}")

    # -- actions

    def actions(self) -> tuple[Action, ...]:
        """All actions, the removals first, each kind in the order of rule and subject."""
        removed = self.removals.paths
        empty = self._emptied_directories()
        actions = [
            Action(
                rule=removal.rule.name,
                level=removal.rule.level,
                kind="remove",
                subject=removal.subject,
                paths=tuple(sorted((*removal.paths, *empty.get(removal.key, ())))),
                saves=self.savings.of_removed(removal.paths, removed),
                confidence=removal.confidence,
                reasons=tuple(removal.reasons),
                refuted_by=removal.rule.refuted_by,
            )
            for removal in self.removals
        ]
        changes = Changes(
            self.tree, self.facts, self.rules, self.exclude, self.guards, self.removals, self.savings, self.subjects
        )
        actions += changes.of_files()
        actions += self._compile(changes)
        changed = {path for action in actions for path in action.paths if action.kind != "share"}
        actions += changes.of_records(changed, self.maker.limits)
        actions.sort(key=lambda action: (_KINDS.index(action.kind), action.rule, action.subject))
        return tuple(actions)

    def _emptied_directories(self) -> dict[str, list[str]]:
        """Directories that become empty, by the key of the action that takes the last member in the order of paths."""
        left: dict[str, int] = {}
        last: dict[str, str] = {}
        for node in self.tree:
            if not node.path:
                continue
            parent = posixpath.dirname(node.path)
            left[parent] = left.get(parent, 0) + 1
        todo = sorted(self.removals.paths)
        for path in todo:
            removal = self.removals.owner(path)
            if removal is not None:
                last[posixpath.dirname(path)] = removal.key
        found: dict[str, list[str]] = {}
        gone = list(todo)
        while gone:
            path = gone.pop()
            parent = posixpath.dirname(path)
            left[parent] -= 1
            if left[parent] == 0 and parent and self._may_go(parent):
                key = last[parent]
                found.setdefault(key, []).append(parent)
                last.setdefault(posixpath.dirname(parent), key)
                gone.append(parent)
        return found

    def _may_go(self, directory: str) -> bool:
        node = self.tree.get(directory)
        return node is not None and node.kind is Kind.DIRECTORY and self.guards.never(directory) is None

    def _compile(self, changes: Changes) -> list[Action]:
        compilation = self.maker.bytecode.compilation(self.removals)
        if compilation.sources and not self.options.run:
            self.notices.append(
                f"{len(compilation.sources)} modules have no valid bytecode, and none is compiled, as nothing of the bundle may be run"
            )
            return []
        return changes.of_bytecode(compilation)

    def kept(self) -> tuple[Kept, ...]:
        """What guards kept, by rule and subject."""
        rows = [
            Kept(
                rule=rule,
                subject=subject,
                reason=reason,
                paths=tuple(sorted(paths)),
                bytes=self.savings.of_removed(paths, paths),
            )
            for rule, subject, reason, paths in self.removals.kept()
        ]
        return tuple(sorted(rows, key=lambda row: (row.rule, row.subject, row.reason)))
