"""Actions that change files and keep them: shared, search paths repaired, stripped, compiled, records rewritten."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Mapping

from inspector.artifact.tree import Tree
from inspector.facts.facts import Facts
from inspector.limits import Limits
from inspector.model import ByteCount
from inspector.slim.planning.bytecode_plan import Compilation
from inspector.slim.planning.guards import Guards
from inspector.slim.planning.plan import Action, ActionKind, action_key
from inspector.slim.planning.prune_rules import PruneRule
from inspector.slim.planning.records import changed_records
from inspector.slim.planning.removals import Removals
from inspector.slim.planning.savings import Savings
from inspector.slim.planning.search_path_planning import search_path_repairs
from inspector.slim.planning.sharing import can_share, shareable
from inspector.slim.planning.strip_planning import strippable
from inspector.slim.planning.subjects import Subjects

_COMPILED_SHARE = (9, 20)
"""Stored bytes of new bytecode as a share of its raw ones, where the container compresses: marshalled code shrinks to a little less than half."""
_MOST_REASONS = 5


class Changes:
    """The actions of one plan that change files, made when the removals are settled."""

    def __init__(
        self,
        tree: Tree,
        facts: Facts,
        rules: Mapping[str, PruneRule],
        exclude: Collection[str],
        guards: Guards,
        removals: Removals,
        savings: Savings,
        subjects: Subjects,
    ) -> None:
        self._tree, self._facts = tree, facts
        self._rules, self._exclude = rules, exclude
        self._guards, self._removals = guards, removals
        self._savings, self._subjects = savings, subjects
        self._shared: set[str] = set()

    def _is_left(self, path: str) -> bool:
        """Whether a file is not to be touched: it goes, has the file of another path, or the user keeps it."""
        return path in self._removals or path in self._shared or self._guards.is_kept(path)

    def _action(
        self,
        rule: PruneRule,
        subject: str,
        paths: Iterable[str],
        *,
        saves: ByteCount | None = None,
        reasons: Iterable[str] = (),
        details: Mapping[str, str] | None = None,
    ) -> Action:
        kind: ActionKind = rule.kind
        return Action(
            rule=rule.name,
            level=rule.level,
            kind=kind,
            subject=subject,
            paths=tuple(paths),
            saves=saves or ByteCount(),
            confidence=rule.confidence,
            reasons=(rule.reason, *reasons),
            refuted_by=rule.refuted_by,
            details=dict(sorted((details or {}).items())),
        )

    def of_files(self) -> list[Action]:
        """Equal files shared, search paths repaired, ELF files stripped."""
        return [*self._share(), *self._repair_search_paths(), *self._strip()]

    def _share(self) -> list[Action]:
        rule = self._rules.get("share-equal-files")
        actions = []
        if not can_share(self._facts.format):
            return []
        for paths in () if rule is None else shareable(self._tree, self._is_left):
            node = self._tree.get(paths[0])
            if rule is None or node is None or action_key(rule.name, paths[0]) in self._exclude:
                continue
            copies = len(paths) - 1
            saves = ByteCount(raw=node.size * copies, stored=node.stored_size * copies)
            actions.append(self._action(rule, paths[0], paths, saves=saves))
            self._shared.update(paths[1:])
        return actions

    def _repair_search_paths(self) -> list[Action]:
        rule = self._rules.get("repair-search-paths")
        if rule is None:
            return []
        new: dict[str, dict[str, str]] = {}
        gone: dict[str, dict[str, None]] = {}
        for repair in search_path_repairs(self._facts, self._is_left):
            subject = self._subjects.of(repair.path)
            new.setdefault(subject, {})[repair.path] = f"{repair.kind}:{repair.new}"
            gone.setdefault(subject, {}).update(dict.fromkeys(repair.gone))
        return [
            self._action(
                rule,
                subject,
                sorted(paths),
                reasons=[f"{element} goes" for element in list(gone[subject])[:_MOST_REASONS]],
                details=paths,
            )
            for subject, paths in sorted(new.items())
            if action_key(rule.name, subject) not in self._exclude
        ]

    def _strip(self) -> list[Action]:
        rule = self._rules.get("strip-debug")
        if rule is None:
            return []
        grouped: dict[str, dict[str, ByteCount]] = {}
        for found in strippable(self._facts, self._tree, self._is_left):
            node = self._tree.get(found.path)
            stored = 0 if node is None else self._savings.stored(node) * found.saves // max(node.size, 1)
            grouped.setdefault(self._subjects.of(found.path), {})[found.path] = ByteCount(
                raw=found.saves, stored=stored
            )
        return [
            self._action(rule, subject, sorted(saves), saves=sum(saves.values(), ByteCount()))
            for subject, saves in sorted(grouped.items())
            if action_key(rule.name, subject) not in self._exclude
        ]

    def of_bytecode(self, compilation: Compilation) -> list[Action]:
        """Bytecode that is written; the details name each file's source."""
        rule = self._rules.get("compile-bytecode")
        if rule is None or not compilation.sources:
            return []
        grouped: dict[str, dict[str, str]] = {}
        for path, source in compilation.sources.items():
            if not self._guards.is_kept(path):
                grouped.setdefault(self._subjects.of(source), {})[path] = source
        reasons = []
        if compilation.missing:
            reasons.append(f"{compilation.missing} modules of the bundle have none")
        if compilation.stale:
            reasons.append(
                f"{compilation.stale} modules of the bundle have some that does not fit the source's time or size"
            )
        return [
            self._action(
                rule,
                subject,
                sorted(sources),
                saves=self._cost_of_compiling(sources),
                reasons=reasons,
                details=sources,
            )
            for subject, sources in sorted(grouped.items())
            if action_key(rule.name, subject) not in self._exclude
        ]

    def _cost_of_compiling(self, sources: Mapping[str, str]) -> ByteCount:
        """Negative: what the new files take, about as many raw bytes as their sources, less what lies in their places now."""
        compresses = self._savings.total.stored < self._savings.total.raw
        raw = stored = 0
        for path, source in sources.items():
            node, old = self._tree.get(source), self._tree.get(path)
            size = 0 if node is None else node.size
            raw -= size
            stored -= size * _COMPILED_SHARE[0] // _COMPILED_SHARE[1] if compresses else size
            if old is not None:
                raw += old.size
                stored += self._savings.stored(old)
        return ByteCount(raw=raw, stored=stored)

    def of_records(self, changed: Collection[str], limits: Limits) -> list[Action]:
        """Records of installed distributions that name what is changed or gone."""
        rule = self._rules.get("rewrite-record")
        if rule is None:
            return []
        return [
            self._action(rule, posixpath.basename(posixpath.dirname(path)), (path,))
            for path in changed_records(self._tree, changed, limits)
            if not self._guards.is_kept(path)
        ]
