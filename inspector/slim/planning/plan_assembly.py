"""One plan, put together: what goes, in steps that depend on each other, and what is changed of the rest."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Collection

from inspector.artifact.tree import Kind
from inspector.quantities import format_size
from inspector.slim.planning.asked_removals import claim_licenses, claim_named, claim_translations, claim_unportable
from inspector.slim.planning.bundle_knowledge import BundleKnowledge
from inspector.slim.planning.change_actions import Changes
from inspector.slim.planning.library_data import claim_library_data
from inspector.slim.planning.module_removal import claim_unreached, claim_untraced
from inspector.slim.planning.plan import Action, Kept
from inspector.slim.planning.prune_rules import Matcher, prune_rules
from inspector.slim.planning.qt_parts import claim_qt_parts
from inspector.slim.planning.removals import Removals

_KINDS = ("remove", "share", "search-path", "strip", "compile", "rewrite")
"""In the order in which a plan lists them."""
_NOTABLE_COST = 0.05
"""Of all stored bytes, what compiling may add without being named."""


class PlanAssembly:
    """One plan; call :meth:`remove` before the others.

    :param exclude: keys of actions that are left out.
    :ivar notices: what the user ought to know before it is done.
    """

    def __init__(self, knowledge: BundleKnowledge, exclude: Collection[str]) -> None:
        self.knowledge = knowledge
        self.exclude = exclude
        self.tree, self.facts, self.options, self.rules = (
            knowledge.artifact.tree,
            knowledge.facts,
            knowledge.options,
            knowledge.rules,
        )
        self.imports_are_known, self.guards, self.savings, self.subjects = (
            knowledge.imports_are_known,
            knowledge.guards,
            knowledge.savings,
            knowledge.subjects,
        )
        self.notices: list[str] = []
        envelope = knowledge.artifact.envelope
        if envelope is not None and envelope.signature.status != "absent":
            self.notices.append("it is signed, and its signature does not hold for what is written anew")
        self._tell_takers()
        self.removals = Removals(self.tree, knowledge.guards, exclude, confirmed=knowledge.traced.is_known)

    # -- removals

    def remove(self) -> None:
        """Decide about everything that goes."""
        claim_named(self.options, self.tree, self.removals, self.subjects)
        claim_unportable(self.options, self.facts, self.rules, self.removals)
        claim_licenses(self.options, self.facts, self.tree, self.rules, self.removals)
        self._match_places()
        if self.imports_are_known:
            claim_unreached(self.knowledge.reach, self.tree, self.rules, self.removals)
            claim_untraced(self.knowledge.reach, self.knowledge.traced, self.rules, self.removals)
        claim_translations(self.options, self.tree, self.rules, self.removals)
        self.knowledge.bytecode.follow_sources(self.removals)
        self.knowledge.bytecode.claim(self.removals)
        self.knowledge.libraries.restore(self.removals)
        self._claim_unneeded()
        self._follow_links()
        self._tell_of_unknown_takers()

    # -- other programs of a multipackage bundle

    def _tell_takers(self) -> None:
        for taker, count in sorted(Counter(self.knowledge.taken.members.values()).items()):
            what = "1 member" if count == 1 else f"{count} members"
            self.notices.append(f"{taker} takes {what} from it when it starts: they stay")

    def _tell_of_unknown_takers(self) -> None:
        """A program does not know who takes members from it: whoever is not near it is not asked."""
        if self.knowledge.artifact.format not in ("pyinstaller", "pyinstaller-folder") or not self.removals.paths:
            return
        if not self.knowledge.taken.members:
            self.notices.append(
                "no program near it takes members from it; where one does (PyInstaller's MERGE), put it where it looks for this one and slim again:"
                " what it takes will stay"
            )
        if not self.knowledge.taken.is_complete:
            self.notices.append("there are too many files near it to look for other programs that take members from it")

    def _claim_unneeded(self) -> None:
        """Libraries and what belongs to them, until nothing further is left over."""
        unreached = None
        if self.imports_are_known:
            unreached = self.rules.get("unreached-libraries")
        elif self.knowledge.interpreter_is_open:
            unreached = self.rules.get("unimportable-libraries")
        orphaned = self.rules.get("unneeded-libraries")
        if self.knowledge.starts_are_known:
            claim_qt_parts(self.facts, self.tree, self.rules, self.removals, self.knowledge.libraries)
        self.knowledge.libraries.claim_unneeded(self.removals, orphaned, unreached)
        while claim_library_data(self.facts, self.tree, self.rules, self.removals):
            self.knowledge.libraries.claim_unneeded(self.removals, orphaned, unreached)

    def _match_places(self) -> None:
        """The rules that places tell; the first that takes a file has it, unless a guard keeps it from that rule.

        What a rule would have taken that the user has switched off goes under no other rule.
        """
        matchers = [
            (rule, Matcher(rule.places, rule.exceptions))
            for rule in prune_rules().values()
            if rule.places
            and (rule.name in self.rules or rule.name in self.options.rules_off)
            and (self.imports_are_known or not rule.for_applications)
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
        actions += changes.of_records(changed, self.knowledge.limits)
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
        compilation = self.knowledge.bytecode.compilation(self.removals)
        if compilation.sources and not self.options.run:
            self.notices.append(
                f"{len(compilation.sources)} modules have no valid bytecode, and none is compiled, as nothing of the bundle may be run"
            )
            return []
        actions = changes.of_bytecode(compilation)
        cost = -sum(action.saves.stored for action in actions)
        if cost >= _NOTABLE_COST * max(self.savings.total.stored, 1):
            self.notices.append(
                f"{compilation.missing} modules have no bytecode, and compiling it takes {format_size(cost)}: the bundle starts faster from then on; "
                "--rule -compile-bytecode leaves it out"
            )
        return actions

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
