"""Modules that nothing reaches, and what is nothing without them: data beside them, programs in ``bin`` that import them."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence

from inspector.artifact.tree import Kind, Node, Tree
from inspector.errors import FormatError
from inspector.facts.python.module_index import Module
from inspector.patterns import lazy_pattern
from inspector.resources import load_table
from inspector.slim.planning.module_reach import ModuleReach
from inspector.slim.planning.prune_rules import PruneRule, prune_rules
from inspector.slim.planning.removals import Removals
from inspector.slim.planning.traced_use import TracedUse

_REMAINDER = "unreached-modules"
_PROGRAMS = frozenset({"bin", "sbin", "libexec"})
_SHEBANG = lazy_pattern(rb"#!.*\n?.*python")
_IMPORTED = lazy_pattern(rb"^[ \t]*(?:from|import)[ \t]+([A-Za-z_][\w.]*)", re.MULTILINE)
_MOST_SCRIPT = 64 << 10  # bytes; programs that pip writes have a few hundred


def claim_unreached(reach: ModuleReach, tree: Tree, rules: Mapping[str, PruneRule], removals: Removals) -> None:
    """Claim every module that nothing reaches, but not what a module needs that stays all the same.

    Modules of a group go under its rule as one action, the rest under the names of their top-level modules.
    """
    unreached = list(reach.unreached())
    subjects = _Subjects(unreached)
    staying = _staying(reach, unreached, subjects, rules, removals)
    gone: dict[str, tuple[PruneRule, str]] = {}
    packages: list[tuple[PruneRule, Module]] = []
    for module in unreached:
        rule, subject = rules.get(subjects.rule_of(module)), subjects.of(module)
        if module in staying or rule is None:
            for path in module.files:
                if path not in removals:
                    removals.keep(subjects.rule_of(module), subject, staying[module], path)
                    removals.leave_alone(path)
            continue
        weak = reach.weak.get(module)
        removals.claim(
            rule,
            subject,
            module.files,
            reasons=() if weak is None else (weak,),
            confidence=rule.confidence if weak is None else "medium",
        )
        gone[module.name] = (rule, subject)
        if module.is_package and module.member is None:
            packages.append((rule, module))
    for rule, module in packages:
        directory = posixpath.dirname(module.path)
        removals.claim(rule, subjects.of(module), _data(tree, directory, removals, reach))
    _claim_beside(reach, tree, rules, removals, subjects)
    _claim_programs(tree, gone, removals)


def _staying(
    reach: ModuleReach,
    unreached: Sequence[Module],
    subjects: _Subjects,
    rules: Mapping[str, PruneRule],
    removals: Removals,
) -> dict[Module, str]:
    """Modules that stay although nothing reaches them, each with the reason, and what they import in turn."""
    staying: dict[Module, str] = {}
    for module in unreached:
        name = subjects.rule_of(module)
        rule = rules.get(name)
        if _stays(module, reach):
            staying[module] = "it may be imported by a name that stands in no source"
        elif rule is None:
            staying[module] = f"{name} does not run"
        elif (reason := removals.refusal(rule, subjects.of(module), module.path)) is not None:
            staying[module] = reason
    candidates, todo = frozenset(unreached), list(staying)
    while todo:
        importer = todo.pop()
        for edge in reach.graph.edges(importer):
            if edge.target in candidates and edge.target not in staying:
                staying[edge.target] = f"{importer.name} imports it, which stays"
                todo.append(edge.target)
    return staying


def claim_untraced(reach: ModuleReach, traced: TracedUse, rules: Mapping[str, PruneRule], removals: Removals) -> None:
    """Claim modules that are reached and that no traced run imported: of the level aggressive."""
    rule = rules.get("untraced-modules")
    if rule is None or not traced.is_known:
        return
    for module in reach.index.modules:
        if module.loose or not module.files or traced.imported(module.name) or _stays(module, reach):
            continue
        if not any(path in removals for path in module.files):
            removals.claim(rule, module.top_level, module.files)


def _stays(module: Module, reach: ModuleReach) -> bool:
    """Whether it is imported by a name that stands in no source (``rules/prune/guards.toml``, ``python``)."""
    table = load_table("prune/guards.toml")["python"]
    if any(fnmatch.fnmatchcase(module.top_level, pattern) for pattern in table["always"]):
        return True
    return any(reach.reachability.reaches(name) for name in table["with_any_of"].get(module.top_level, ()))


class _Subjects:
    """Under which rule and name a module goes."""

    def __init__(self, unreached: Sequence[Module]) -> None:
        self._groups = {module: rule.name for rule in prune_rules().values() for module in rule.modules}
        members: dict[str, dict[str, None]] = {}
        for module in unreached:
            group = self._groups.get(module.top_level)
            if group is not None:
                members.setdefault(group, {})[module.top_level] = None
        self._names = {group: ", ".join(sorted(names)) for group, names in members.items()}

    def rule_of(self, module: Module) -> str:
        """The name of the rule."""
        return self._groups.get(module.top_level, _REMAINDER)

    def of(self, module: Module) -> str:
        """The subject."""
        return self._names.get(self.rule_of(module), module.top_level)


def _data(tree: Tree, directory: str, removals: Removals, reach: ModuleReach) -> Iterator[str]:
    """Files of a package's directory, and of directories below it that are no packages of their own, that nothing reads."""
    todo = [directory]
    while todo:
        for node in tree.children(todo.pop()):
            if node.kind is Kind.DIRECTORY:
                if f"{node.path}/__init__.py" not in tree:
                    todo.append(node.path)
            elif node.path not in removals and reach.index.at(node.path) is None and reach.why_read(node.path) is None:
                yield node.path


def _claim_beside(
    reach: ModuleReach, tree: Tree, rules: Mapping[str, PruneRule], removals: Removals, subjects: _Subjects
) -> None:
    """``.pth`` files whose code did not count: they go with the modules that they serve."""
    for rule in rules.values():
        names = reach.beside_unread.intersection(rule.beside)
        modules = [module for name in rule.modules for module in reach.index.find(name)]
        if names and modules and all(path in removals for module in modules for path in module.files):
            places = sorted({module.place for module in modules})
            paths = [path for place in places for name in sorted(names) if (path := f"{place}/{name}") in tree]
            removals.claim(rule, subjects.of(modules[0]), paths)


def _claim_programs(tree: Tree, gone: Mapping[str, tuple[PruneRule, str]], removals: Removals) -> None:
    """Python programs that import a module which goes: they go with it, as they would only fail."""
    for node in tree.files():
        if posixpath.basename(posixpath.dirname(node.path)) in _PROGRAMS and node.path not in removals:
            for name in _imported(node):
                rule, subject = gone.get(name, (None, ""))
                if rule is not None:
                    removals.claim(rule, subject, (node.path,), reasons=(f"{node.path} imports {name}",))
                    break


def _imported(node: Node) -> list[str]:
    """Modules that a script imports, by their full names; none for what is no Python script."""
    if not node.is_executable or node.size > _MOST_SCRIPT:
        return []
    try:
        content = node.read_at(0, _MOST_SCRIPT)
    except (FormatError, OSError):
        return []
    if not _SHEBANG.match(content):
        return []
    return [match.decode("ascii") for match in _IMPORTED.findall(content)]
