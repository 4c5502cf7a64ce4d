"""What an application's Python reaches, as slim asks it: without Python's own tests, and without imports that nobody but a developer takes.

The import graph counts every import statement; the table ``weak`` of ``rules/prune/modules.toml`` names those that a released application never runs:
functions that test their own module, and those that build extension modules.
"""

from __future__ import annotations

import fnmatch
import gc
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import cache, cached_property

from msgspec import Struct
from msgspec.structs import replace

from inspector.artifact.artifact import Artifact
from inspector.artifact.tree import Tree
from inspector.facts.facts import Facts
from inspector.facts.loading.run_time_paths import mount_of
from inspector.facts.python.application_entries import application_entries, with_modules
from inspector.facts.python.distributions import PythonDistribution, collect_python_distributions
from inspector.facts.python.environments import find_environments
from inspector.facts.python.import_edges import Edge
from inspector.facts.python.import_graph import ImportGraph
from inspector.facts.python.module_index import Module, ModuleIndex, index_modules
from inspector.facts.python.reachability import Reachability, reach
from inspector.limits import Limits
from inspector.resources import load_table
from inspector.slim.options import SlimOptions
from inspector.slim.planning.prune_rules import Matcher, PruneRule

_TESTS = "python-tests"
_STANDARD_LIBRARY = "the standard library"


class _WeakImport(Struct, frozen=True):
    importer: re.Pattern[str] | None
    target: re.Pattern[str]
    kinds: frozenset[str]
    reason: str


@dataclass
class ModuleReach:
    """What is reached, and what only weak imports lead to.

    :ivar reachability: the closure; of an open interpreter it holds every module.
    :ivar graph: the graph that it was found in.
    :ivar beside_unread: names of ``.pth`` files whose code does not count, because the modules that they serve all go.
    """

    reachability: Reachability
    graph: _WeighedGraph
    beside_unread: frozenset[str] = frozenset()

    @property
    def index(self) -> ModuleIndex:
        """All modules."""
        return self.reachability.graph.index

    @property
    def closed(self) -> bool:
        """Whether the bundle is an application."""
        return self.reachability.closed

    @property
    def roots(self) -> tuple[str, ...]:
        """What the application starts from, or why the interpreter is open, a clause each."""
        entries = self.reachability.entries
        names = (*entries.modules, *entries.files, *("code" for _ in entries.code))
        if not entries.closed:
            return entries.reasons
        return tuple(f"{name}: {reason}" for name, reason in zip(names, entries.reasons, strict=False))

    @cached_property
    def weak(self) -> Mapping[Module, str]:
        """For modules that only weak imports lead to a clause that says which."""
        return self.graph.weak_clauses(self.reachability) if self.closed else {}

    def unreached(self) -> Iterator[Module]:
        """Modules that nothing reaches, in the order of the index."""
        return self.reachability.unreached()

    def why_imported(self, path: str) -> str | None:
        """See :class:`inspector.slim.planning.guards.ImportAnswers`."""
        return self.reachability.why_imported(path)

    def why_read(self, path: str) -> str | None:
        """See :class:`inspector.slim.planning.guards.ImportAnswers`; the standard library's words count for its own files only."""
        if self.index.at(path) is not None:
            return None  # a module is imported, not read
        clause = self.reachability.data_reference(path)
        if clause is None:
            return None
        readers = self.index.find(clause.partition(" ")[0])
        own = any(path.startswith(f"{environment.standard_library}/") for environment in self.index.environments)
        in_site = any(
            path.startswith(f"{site}/") for found in self.index.environments for site in found.site_directories
        )
        if readers and readers[0].standard_library and (not own or in_site):
            return None
        return clause


def find_reach(
    artifact: Artifact,
    facts: Facts,
    options: SlimOptions,
    rules: Mapping[str, PruneRule],
    limits: Limits,
    traced: Sequence[str] = (),
) -> ModuleReach:
    """The reach of a bundle's application; everything where its interpreter is open.

    :param traced: full names of modules that a trace saw, which count as started.
    :raises UsageError: for an entry that the bundle does not have.
    """
    with _no_collection():
        return _find(_Finding(artifact, facts, options, rules, limits, traced), artifact.tree, rules)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without the search for cycles, which syntax trees do not have: it takes half of the time in which they are made."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _find(finding: _Finding, tree: Tree, rules: Mapping[str, PruneRule]) -> ModuleReach:
    tests = rules.get(_TESTS)
    if tests is not None:
        found = finding.reach(_without(tree, tests))
        if not found.closed or not _imports_tests(found.reachability):
            return found
    return finding.reach(tree)


class _Finding:
    def __init__(
        self,
        artifact: Artifact,
        facts: Facts,
        options: SlimOptions,
        rules: Mapping[str, PruneRule],
        limits: Limits,
        traced: Sequence[str],
    ) -> None:
        self._artifact, self._facts, self._options, self._limits = artifact, facts, options, limits
        self._traced = traced
        self._distributions = collect_python_distributions(artifact.tree, limits).distributions
        variables = {**facts.launcher.environment, **options.environment}
        self._environments = find_environments(
            artifact.tree, facts.objects, environment=variables, mount=mount_of(artifact)
        )
        self._served = {name: rule.modules for rule in rules.values() for name in rule.beside}

    def reach(self, tree: Tree) -> ModuleReach:
        """The closure over the modules of a tree, without the code of ``.pth`` files whose modules all go then."""
        index = index_modules(tree, self._environments, self._distributions)
        entries = application_entries(
            self._artifact, self._facts.launcher, index, self._facts.objects, self._options.entries
        )
        if entries.closed and self._traced:
            names = [name for name in self._traced if index.find(name)]
            entries = with_modules(entries, names, "a traced run imported it")
        graph = _WeighedGraph(tree, index, self._distributions, self._limits)
        unread = self._unread(index)
        if entries.closed and unread:
            without = graph.of(_without_configurations(index, unread))
            found = ModuleReach(reach(without, entries, tree), without, unread)
            served = [module for name in unread for top in self._served[name] for module in index.find(top)]
            if not any(found.reachability.reaches(module) for module in served):
                return found
        return ModuleReach(reach(graph, entries, tree), graph)

    def _unread(self, index: ModuleIndex) -> frozenset[str]:
        """Names of ``.pth`` files that serve a group of modules which may go."""
        present = {
            configuration.path.rpartition("/")[2]
            for environment in index.environments
            for configuration in environment.configurations
        }
        return frozenset(present & self._served.keys())


def _without_configurations(index: ModuleIndex, names: frozenset[str]) -> ModuleIndex:
    """The same modules, as if interpreters did not read these ``.pth`` files."""
    found = copy(index)
    found.environments = tuple(
        replace(
            environment,
            configurations=tuple(one for one in environment.configurations if one.path.rpartition("/")[2] not in names),
        )
        for environment in index.environments
    )
    return found


def _without(tree: Tree, rule: PruneRule) -> Tree:
    matcher = Matcher(rule.places, rule.exceptions)
    return Tree((node for node in tree if not matcher.takes(node.path)), deduplicated=tree.deduplicated)


def _imports_tests(reachability: Reachability) -> bool:
    """Whether a module that does not come with Python imports Python's ``test`` package, where the index has no module of that name."""
    if reachability.graph.index.find("test"):
        return False
    for module in reachability.modules:
        source = None if module.standard_library else reachability.graph.source(module)
        for statement in () if source is None else source.statements:
            if statement.level == 0 and (statement.module == "test" or statement.module.startswith("test.")):
                return True
    return False


class _WeighedGraph(ImportGraph):
    """The import graph without weak edges, which are remembered."""

    def __init__(
        self, tree: Tree, index: ModuleIndex, distributions: Sequence[PythonDistribution], limits: Limits
    ) -> None:
        super().__init__(tree, index, distributions, limits)
        self.weak_edges: list[tuple[Edge, str]] = []

    def edges(self, module: Module, *, started: bool = False) -> Iterator[Edge]:
        """See :meth:`ImportGraph.edges`."""
        for edge in super().edges(module, started=started):
            row = _weakness(edge)
            if row is None:
                yield edge
            else:
                self.weak_edges.append((edge, row.reason))

    def of(self, index: ModuleIndex) -> _WeighedGraph:
        """The same graph over the same modules with other environments; sources that were read need not be read again."""
        found = copy(self)
        found.index = index
        found.weak_edges = []
        return found

    def weak_clauses(self, reachability: Reachability) -> dict[Module, str]:
        """For modules that only weak edges lead to, from a reached module on, a clause that says so."""
        clauses: dict[Module, str] = {}
        for edge, reason in self.weak_edges:
            if edge.target not in clauses and not reachability.reaches(edge.target):
                clauses[edge.target] = f"{edge.clause}: {reason}"
        return clauses


@cache
def _weak_imports() -> tuple[_WeakImport, ...]:
    def pattern(globs: Sequence[str]) -> re.Pattern[str]:
        return re.compile("|".join(fnmatch.translate(glob) for glob in globs))

    return tuple(
        _WeakImport(
            None if row["importers"] == [_STANDARD_LIBRARY] else pattern(row["importers"]),
            pattern(row["targets"]),
            frozenset(row["kinds"]),
            row["reason"],
        )
        for row in load_table("prune/modules.toml")["weak"]
    )


def _weakness(edge: Edge) -> _WeakImport | None:
    importer = edge.importer
    if importer is None:
        return None
    for row in _weak_imports():
        if edge.kind not in row.kinds or not row.target.match(edge.target.name):
            continue
        if importer.standard_library if row.importer is None else row.importer.match(importer.name) is not None:
            return row
    return None
