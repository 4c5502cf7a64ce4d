"""The closure of an application's entries over the import graph, with what only several modules together decide.

Functions that import for their callers (``import_optional_dependency("lxml")``), lazy attributes of packages, groups of entry points and implicit
imports that depend on a second module: each waits until both sides are reached.
"""

from __future__ import annotations

import gc

from inspector.artifact.tree import Tree
from inspector.errors import FormatError
from inspector.facts.python.application_entries import ApplicationEntries
from inspector.facts.python.dynamic_imports import constant_edges
from inspector.facts.python.implicit_imports import implicit_imports
from inspector.facts.python.import_edges import Edge
from inspector.facts.python.import_functions import import_functions
from inspector.facts.python.import_graph import ImportGraph
from inspector.facts.python.module_index import Module
from inspector.facts.python.source_imports import SourceImports

_LONGEST_SCRIPT = 1 << 20


def closure_of(graph: ImportGraph, tree: Tree, entries: ApplicationEntries) -> dict[Module, Edge]:
    """Every module that closed entries lead to, with the first edge that led to it, in the order in which they were found."""
    closure = _Closure(graph, tree)
    collects = gc.isenabled()
    gc.disable()  # syntax trees have no cycles, and looking for them takes half of the time
    try:
        closure.start(entries)
        closure.follow()
    finally:
        if collects:
            gc.enable()
    return closure.edges


class _Closure:
    def __init__(self, graph: ImportGraph, tree: Tree) -> None:
        self.graph = graph
        self.tree = tree
        self.edges: dict[Module, Edge] = {}
        self._todo: list[Module] = []
        self._started: set[Module] = set()
        self._names: set[str] = set()
        self._with_implicit: list[Module] = []
        self._helpers: set[str] = set()
        self._forwards: dict[str, set[str]] = {}
        self._calls: dict[str, list[tuple[Module | None, str, int]]] = {}
        self._asked: dict[str, list[tuple[Module, SourceImports]]] = {}
        self._used: set[str] = set()
        self._on_use: dict[str, list[Edge]] = {}
        self._sources: list[tuple[Module | None, SourceImports]] = []
        self._groups = {point.group for point in graph.entry_points}

    # -- roots -----------------------------------------------------------------------------------------------------------------------

    def start(self, entries: ApplicationEntries) -> None:
        """Take the entries, what every start imports, and the code of ``.pth`` files."""
        index = self.graph.index
        reasons = iter(entries.reasons)
        for name in entries.modules:
            reason = next(reasons, "it is started")
            for module in (*self.graph.names.resolve(name, None), *index.find(f"{name}.__main__")):
                self._start_module(module, reason)
        for path in entries.files:
            self._start_file(path, next(reasons, "it is started"))
        for code in entries.code:
            self._start_code(code, next(reasons, "it is started"))
        for name in implicit_imports().at_start:
            for module in index.find(name):
                self._add(Edge(None, module, "start", detail="every interpreter imports it"))
        for environment in index.environments:
            for configuration in environment.configurations:
                for line in configuration.code:
                    self._start_code(line, f"{configuration.path} imports it")

    def _start_module(self, module: Module, reason: str) -> None:
        self._started.add(module)
        self._add(Edge(None, module, "start", detail=reason))

    def _start_file(self, path: str, reason: str) -> None:
        node = self.tree.resolve(path)
        if node is None:
            return
        places = (node.path, f"{node.path}/__main__.py", f"{node.path}/__main__.pyc")
        modules = [module for place in places if (module := self.graph.index.at(place)) is not None]
        for module in modules:
            self._start_module(module, reason)
        if not modules and node.is_file:
            try:
                self._start_code(node.read_at(0, _LONGEST_SCRIPT).decode("utf-8", "replace"), reason)
            except (FormatError, OSError):
                return

    def _start_code(self, text: str, reason: str) -> None:
        source = self.graph.source_of_text(text)
        for edge in self.graph.source_edges(source, None, started=True):
            self._add(Edge(None, edge.target, "start", detail=reason))
        self._note(source, None)

    # -- the fixed point -------------------------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Follow edges until none leads on."""
        while self._todo:
            module = self._todo.pop()
            for edge in self.graph.edges(module, started=module in self._started):
                if edge.kind != "attribute" or self._is_used(edge):
                    self._add(edge)
                else:
                    self._on_use.setdefault(edge.attribute, []).append(edge)
            source = self.graph.source(module)
            if source is not None and module.name not in implicit_imports().instead:
                self._note(source, module)
            for waiting in self._with_implicit if not self._todo else ():
                for edge in self.graph.implicit_edges(waiting, self._names):
                    self._add(edge)

    def _add(self, edge: Edge) -> None:
        module = edge.target
        if module in self.edges or module is edge.importer:
            return
        self.edges[module] = edge
        self._names.add(module.name)
        self._todo.append(module)
        if module.name in implicit_imports().by_module:
            self._with_implicit.append(module)

    def _note(self, source: SourceImports, module: Module | None) -> None:
        """Keep what decides about others, and decide what others kept."""
        self._use(source, module)
        for function, owner in source.forwards:
            self._forwards.setdefault(function, set()).add(owner)
            if function in self._helpers:
                self._learn(owner)
        for named in source.named:
            if named.parameter_of is not None:
                self._learn(named.parameter_of)
        for function, text, line in source.calls:
            self._calls.setdefault(function, []).append((module, text, line))
            if function in self._helpers:
                self._call(module, text, line)
        if module is not None and not module.standard_library:
            self._note_asked(source, module)
        self._find_entry_points(source, module)

    def _note_asked(self, source: SourceImports, module: Module) -> None:
        words = import_functions().importing_words
        for function in source.asked:
            if any(word in function for word in words):
                self._asked.setdefault(function, []).append((module, source))
                if function in self._helpers:
                    self._ask(module, source)

    def _find_entry_points(self, source: SourceImports, module: Module | None) -> None:
        for group in self._groups.intersection(source.strings):
            if not group.isalpha() or _finds_plugins(source):
                for point, found in self.graph.entry_point_targets(group):
                    detail = f"{point.group} of {point.distribution}"
                    self._add(Edge(module, found, "entry-point", source.strings[group], detail))

    # -- lazy attributes -------------------------------------------------------------------------------------------------------------

    def _use(self, source: SourceImports, module: Module | None) -> None:
        """Names that may be asked of a lazy package: attributes, and constants outside of the module that offers them."""
        self._used |= source.attributes
        self._sources.append((module, source))
        for name in [name for name in self._on_use if name in source.attributes or name in source.strings]:
            edges = self._on_use[name]
            wanted = [edge for edge in edges if name in source.attributes or edge.importer is not module]
            self._on_use[name] = [edge for edge in edges if edge not in wanted]
            for edge in wanted:
                self._add(edge)

    def _is_used(self, edge: Edge) -> bool:
        name = edge.attribute
        return name in self._used or any(
            name in source.strings for module, source in self._sources if module is not edge.importer
        )

    # -- functions that import for their callers -------------------------------------------------------------------------------------

    def _learn(self, function: str) -> None:
        """A function imports what it is given, and so do those that give it a parameter of theirs."""
        todo = [function]
        while todo:
            function = todo.pop()
            if function in self._helpers or function in import_functions().common_names:
                continue
            self._helpers.add(function)
            todo.extend(self._forwards.get(function, ()))
            for module, text, line in self._calls.get(function, ()):
                self._call(module, text, line)
            for asking, source in self._asked.get(function, ()):
                self._ask(asking, source)

    def _call(self, module: Module | None, text: str, line: int) -> None:
        alone = module is None or not module.standard_library
        for edge in constant_edges(self.graph.names, text, module, line, alone=alone, named=True):
            self._add(edge)

    def _ask(self, module: Module, source: SourceImports) -> None:
        """A name that is no constant goes to such a function: any of the caller's constants may be it."""
        for text, line in source.strings.items():
            for edge in constant_edges(self.graph.names, text, module, line, alone=True):
                self._add(edge)


def _finds_plugins(source: SourceImports) -> bool:
    """Whether a source uses a function that finds entry points; a group whose name is a plain word counts only there."""
    names = [*source.attributes, *(name for statement in source.statements for name in statement.names or ())]
    return any(word in name.lower() for name in names for word in import_functions().plugin_words)
