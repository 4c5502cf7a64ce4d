"""``make_plan``: from an opened artifact and its facts to the plan, without changing or running anything."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Mapping

from inspector import __version__
from inspector.artifact.artifact import Artifact
from inspector.artifact.tree import Kind
from inspector.facts.facts import Facts
from inspector.limits import Limits
from inspector.model import ByteCount
from inspector.progress import SILENT, Progress
from inspector.slim.bytecode_plan import BytecodePlanner, bytecode_facts
from inspector.slim.change_actions import Changes
from inspector.slim.guards import Guards, globs_pattern
from inspector.slim.library_needs import LibraryNeeds
from inspector.slim.options import SlimOptions
from inspector.slim.plan import Action, Kept, Plan, PlanTarget
from inspector.slim.prune_rules import Matcher, PruneRule, active_rules, prune_rules
from inspector.slim.removals import Removals
from inspector.slim.savings import Savings
from inspector.slim.subjects import Subjects
from inspector.slim.target_digest import target_digest

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

    :param facts: as :func:`inspector.facts.collect.collect_facts` gives them for this artifact.
    :param exclude: keys of actions (:attr:`inspector.slim.plan.Action.key`) that are left out, because they were found guilty.
    :raises UsageError: where the options contradict each other, or name a rule that there is not.
    :raises FormatError: where a member cannot be read for the digest of the input.
    """
    progress.stage("Planning")
    planner = _Planner(artifact, facts, options, limits, exclude)
    planner.remove()
    actions = planner.actions()
    return Plan(
        tool=f"bundle-inspect {__version__}",
        target=PlanTarget(
            path=artifact.path,
            format=artifact.format,
            digest=target_digest(artifact),
            size=planner.savings.total,
        ),
        level=options.level,
        bytecode=options.bytecode,
        closed=planner.closed,
        roots=planner.roots,
        actions=actions,
        kept=planner.kept(),
        notices=tuple(planner.notices),
        predicted=_after(planner.savings.total, actions),
    )


def _after(total: ByteCount, actions: Iterable[Action]) -> ByteCount:
    raw, stored = total.raw, total.stored
    for action in actions:
        raw -= action.saves.raw
        stored -= action.saves.stored
    return ByteCount(raw=raw, stored=stored)


class _Planner:
    """One plan in the making; the steps are in the order in which they depend on each other."""

    def __init__(
        self, artifact: Artifact, facts: Facts, options: SlimOptions, limits: Limits, exclude: Collection[str]
    ) -> None:
        self.artifact, self.facts, self.options, self.limits = artifact, facts, options, limits
        self.tree = artifact.tree
        self.exclude = exclude
        self.rules = active_rules(options)
        self.closed = False
        self.roots: tuple[str, ...] = ()
        self.notices: list[str] = []
        self.savings = Savings(artifact.tree)
        self.subjects = Subjects(facts)
        self.guards = Guards(artifact, facts, options)
        self.removals = Removals(artifact.tree, self.guards, exclude)
        self.libraries = LibraryNeeds(facts, artifact.tree)
        self.bytecode = BytecodePlanner(
            artifact.tree,
            bytecode_facts(facts, options.environment),
            options.bytecode,
            self._bytecode_rules(),
            self.subjects,
        )

    def _bytecode_rules(self) -> Mapping[str, PruneRule]:
        """The rules of the chosen policy are asked for by choosing it."""
        asked = {"none": "all-bytecode", "hot": "cold-bytecode"}.get(self.options.bytecode)
        return {name: rule for name, rule in self.rules.items() if not rule.asked or name == asked}

    # -- removals

    def remove(self) -> None:
        """Decide about everything that goes."""
        self._drop_what_is_named()
        self._match_places()
        self.bytecode.follow_sources(self.removals)
        self.bytecode.claim(self.removals)
        self.libraries.restore(self.removals, ())
        self.libraries.claim_unneeded(self.removals, self.rules, closed=self.closed)
        self._follow_links()

    def _drop_what_is_named(self) -> None:
        pattern = globs_pattern(self.options.drop)
        if pattern is None:
            return
        rule = prune_rules()["asked-for"]
        for node in self.tree:
            if node.kind is not Kind.DIRECTORY and pattern.match(node.path):
                self.removals.claim(rule, self.subjects.of(node.path), (node.path,), by_command=True)

    def _match_places(self) -> None:
        """The rules that places tell; the first that takes a file has it, unless a guard keeps it from that rule."""
        matchers = [
            (rule, Matcher(rule.places, rule.exceptions))
            for rule in self.rules.values()
            if rule.places and not rule.asked and (self.closed or not rule.for_applications)
        ]
        for node in self.tree:
            path = node.path
            if node.kind is Kind.DIRECTORY or path in self.removals:
                continue
            for rule, matcher in matchers:
                if matcher.takes(path) and self.removals.claim(rule, self.subjects.of(path), (path,)):
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
            self.artifact, self.facts, self.rules, self.exclude, self.guards, self.removals, self.savings, self.subjects
        )
        actions += changes.of_files()
        actions += self._compile(changes)
        changed = {path for action in actions for path in action.paths if action.kind != "share"}
        actions += changes.of_records(changed, self.limits)
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
        compilation = self.bytecode.compilation(self.removals)
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
