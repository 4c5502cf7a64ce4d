"""Which modules an application can come to import, and through whom: the closure of its entries over the import graph.

    environments = find_environments(tree, objects, environment=launcher.environment, mount=mount_of(artifact))
    index        = index_modules(tree, environments, distributions)
    graph        = build_import_graph(tree, index, distributions)
    entries      = application_entries(artifact, launcher, index, objects, declared)
    reached      = reach(graph, entries)

or all of it by :func:`inspector.facts.python.imports.collect_imports`.

What static reading cannot see: names that are put together from parts that no constant begins with, outside of the importer's own package;
pickles; code that is downloaded or generated; plugins that the user installs elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from inspector.artifact.tree import Tree
from inspector.facts.python.application_entries import ApplicationEntries
from inspector.facts.python.data_references import DataReferences
from inspector.facts.python.distributions import PythonDistribution
from inspector.facts.python.implicit_imports import implicit_imports
from inspector.facts.python.import_graph import Edge, EdgeKind, ImportGraph
from inspector.facts.python.module_index import Module
from inspector.facts.python.source_imports import SourceImports

_HELPER_STOP = frozenset(
    {"get", "load", "find", "run", "call", "main", "open", "exec", "__call__", "__getattr__", "__init__", "<lambda>"}
)
_HELPER_WORDS = ("import", "module", "lazy", "backend", "plugin", "optional", "require", "engine")
_CLAUSES: Mapping[EdgeKind, str] = {
    "import": "{importer} imports {target}",
    "lazy": "{importer} imports {target} inside a function",
    "optional": "{importer} imports {target} if it is there",
    "main": "{importer} imports {target} when it is started",
    "parent": "{target} is the package around {importer}",
    "named": "{importer} imports {target} by its name",
    "string": "{importer} names {target} in a string",
    "prefix": "{importer} imports modules whose names begin like {target}",
    "unknown": "{importer} imports something by a name that cannot be told, {target} may be it",
    "walk": "{importer} lists the modules around {target}",
    "entry-point": "{importer} asks for entry points, and {target} is one: {detail}",
    "implicit": "{importer} needs {target}: {detail}",
    "native": "{importer} has the name {target} in its binary",
    "stub": "the stub that {importer} reads imports {target}",
    "opaque": "{importer} has no source, and {target} belongs to it",
    "attribute": "{importer} imports {target} when its attribute is used, and the name is in use",
    "start": "{target}: {detail}",
}


@dataclass(slots=True)
class Reachability:
    """What is reached.

    :ivar entries: what it was reached from.
    :ivar closed: whether there is a boundary at all; of an open interpreter every module is reached.
    :ivar graph: the import graph.
    :ivar edges: for every reached module the first edge that led to it.
    """

    entries: ApplicationEntries
    graph: ImportGraph
    edges: dict[Module, Edge]
    tree: Tree
    _data: DataReferences | None = field(default=None, repr=False)

    @property
    def closed(self) -> bool:
        """Whether there is a boundary at all."""
        return self.entries.closed

    @property
    def modules(self) -> Iterable[Module]:
        """The reached modules, in the order in which they were found."""
        return self.edges.keys()

    def reaches(self, module: Module | str) -> bool:
        """Whether a module, or any of the modules of a full name, is reached."""
        if isinstance(module, Module):
            return module in self.edges
        return any(
            found in self.edges for found in (*self.graph.index.find(module), *self.graph.index.find_loose(module))
        )

    def unreached(self) -> Iterator[Module]:
        """Modules that nothing reaches, in the order of the index; loose ones and namespace packages are never among them.

        A file may go when it belongs to one of these (:attr:`inspector.facts.python.module_index.Module.files`): all files of a module go together.
        """
        return (
            module
            for module in self.graph.index.modules
            if module not in self.edges and not module.loose and module.kind != "namespace" and module.files
        )

    def chain(self, module: Module | str) -> tuple[str, ...]:
        """Why a module is reached: clauses from the application's start to the module; nothing where it is not reached."""
        if isinstance(module, str):
            candidates = [found for found in self.graph.index.find(module) if found in self.edges]
            if not candidates:
                return ()
            module = candidates[0]
        clauses: list[str] = []
        current: Module | None = module
        while current is not None and current in self.edges:
            edge = self.edges[current]
            clauses.append(clause_of(edge))
            current = edge.importer
        return tuple(reversed(clauses))

    # -- answers by tree path (inspector.slim.guards.ImportAnswers)

    def why_imported(self, path: str) -> str | None:
        """A clause that says who imports the module that a file belongs to; None where nobody does, or the file is no module's."""
        module = self.graph.index.at(path)
        if module is None:
            return None
        if module.loose:
            return "it lies on no search path that is known, and may be found by a changed one"
        edge = self.edges.get(module)
        return None if edge is None else clause_of(edge)

    def why_read(self, path: str) -> str | None:
        """A clause that says which reached module names a data file; None where none does."""
        return self.data_reference(path)

    def data_reference(self, path: str) -> str | None:
        """A clause that says which reached module names a data file, by its name, its directory or its suffix; None where none does."""
        return self._references().named(path)

    def may_read_data(self, path: str) -> str | None:
        """A clause that says which reached module of the same package opens files beside its code; None where none does."""
        return self._references().beside(path)

    def _references(self) -> DataReferences:
        if self._data is None:
            self._data = DataReferences(self.tree, self.graph, self.edges)
        return self._data

    def imported_distributions(self, distributions: Sequence[PythonDistribution]) -> dict[str, bool | None]:
        """Whether the application imports a distribution, by PEP 503 name.

        None where that cannot be told: the interpreter is open, or the distribution has no modules.
        """
        found: dict[str, bool | None] = {}
        for distribution in distributions:
            modules = [
                module
                for path in distribution.files
                if (module := self.graph.index.at(path)) is not None and not module.loose
            ]
            found[distribution.normalized_name] = (
                None if not self.closed or not modules else any(module in self.edges for module in modules)
            )
        return found


def clause_of(edge: Edge) -> str:
    """An edge in words: "pandas.io.excel imports zipfile inside a function (line 12)"."""
    importer = edge.importer
    who = "the interpreter" if importer is None else importer.path if importer.loose else importer.name
    target = edge.target.path if edge.target.loose else edge.target.name
    text = _CLAUSES[edge.kind].format(importer=who, target=target, detail=edge.detail)
    return f"{text} (line {edge.line})" if edge.line else text


def reach(graph: ImportGraph, entries: ApplicationEntries, tree: Tree) -> Reachability:
    """Everything that the entries lead to; every module where the interpreter is open."""
    if not entries.closed:
        reason = entries.reasons[0] if entries.reasons else "the interpreter is open"
        edges = {module: Edge(None, module, "start", detail=reason) for module in graph.index.modules}
        return Reachability(entries, graph, edges, tree)
    closure = _Closure(graph, tree)
    closure.start(entries)
    closure.run()
    return Reachability(entries, graph, closure.edges, tree)


def _asks_for_plugins(source: SourceImports) -> bool:
    """Whether a source uses a function that finds entry points; a group whose name is a plain word counts only there."""
    names = [*source.attributes, *(name for statement in source.statements for name in statement.names or ())]
    return any(
        word in name.lower() for name in names for word in ("entry_point", "entrypoint", "extensionmanager", "plugin")
    )


class _Closure:
    """The fixed point: modules, and what depends on several of them (functions that import for others, entry points, implicit imports)."""

    def __init__(self, graph: ImportGraph, tree: Tree) -> None:
        self.graph = graph
        self.tree = tree
        self.edges: dict[Module, Edge] = {}
        self._todo: list[Module] = []
        self._started: set[Module] = set()
        self._names: set[str] = set()
        self._waiting: list[Module] = []
        self._helpers: set[str] = set()
        self._calls: dict[str, list[tuple[Module | None, str, int]]] = {}
        self._asked: dict[str, list[tuple[Module | None, SourceImports]]] = {}
        self._used: set[str] = set()
        self._on_use: dict[str, list[Edge]] = {}
        self._strings: list[tuple[Module | None, dict[str, int]]] = []
        self._groups = {point.group for point in graph.entry_points}

    # -- roots

    def start(self, entries: ApplicationEntries) -> None:
        """Take the entries, what every start imports, and the code of ``.pth`` files."""
        index = self.graph.index
        reasons = iter(entries.reasons)
        for name in entries.modules:
            reason = next(reasons, "it is started")
            for module in (*self.graph.resolve(name, None), *index.find(f"{name}.__main__")):
                self._started.add(module)
                self._add(Edge(None, module, "start", detail=reason))
        for path in entries.files:
            self._start_file(path, next(reasons, "it is started"))
        for code in entries.code:
            self._code(code, next(reasons, "it is started"))
        for name in implicit_imports().at_start:
            for module in index.find(name):
                self._add(Edge(None, module, "start", detail="every interpreter imports it"))
        for environment in index.environments:
            for configuration in environment.configurations:
                for line in configuration.code:
                    self._code(line, f"{configuration.path} imports it")

    def _start_file(self, path: str, reason: str) -> None:
        node = self.tree.resolve(path)
        if node is None:
            return
        places = (node.path, f"{node.path}/__main__.py", f"{node.path}/__main__.pyc")
        modules = [module for place in places if (module := self.graph.index.at(place)) is not None]
        for module in modules:
            self._started.add(module)
            self._add(Edge(None, module, "start", detail=reason))
        if not modules and node.is_file:
            self._code(node.read_at(0, 1 << 20).decode("utf-8", "replace"), reason)

    def _code(self, text: str, reason: str) -> None:
        source = self.graph.source_of_text(text)
        if source is not None:
            for edge in self.graph.source_edges(source, None, started=True):
                self._add(Edge(None, edge.target, "start", detail=reason))
            self._note(source, None)

    # -- the fixed point

    def run(self) -> None:
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
            if not self._todo:
                for waiting in self._waiting:
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
            self._waiting.append(module)
        if module.kind == "namespace":
            return

    def _note(self, source: SourceImports, module: Module | None) -> None:
        """What other modules' facts decide: attributes, calls of functions that import for their caller, groups of entry points."""
        self._use(source, module)
        for named in source.named:
            if named.parameter_of is not None and named.parameter_of not in _HELPER_STOP:
                self._learn(named.parameter_of)
        for function, text, line in source.calls:
            if function in self._helpers:
                self._call(module, text, line)
            self._calls.setdefault(function, []).append((module, text, line))
        for function in source.asked:
            if any(word in function for word in _HELPER_WORDS):
                if function in self._helpers:
                    self._ask(module, source)
                self._asked.setdefault(function, []).append((module, source))
        for text in self._groups.intersection(source.strings):
            if text.isalpha() and not _asks_for_plugins(source):
                continue
            for point, found in self.graph.entry_point_targets(text):
                self._add(
                    Edge(module, found, "entry-point", source.strings[text], f"{point.group} of {point.distribution}")
                )

    def _use(self, source: SourceImports, module: Module | None) -> None:
        """Names that may be asked of a lazy package: attributes, and constants outside of the package that offers them."""
        self._used |= source.attributes
        for name in self._on_use.keys() & source.attributes:
            for edge in self._on_use.pop(name):
                self._add(edge)
        self._strings.append((module, source.strings))
        for name in self._on_use.keys() & source.strings.keys():
            for edge in self._on_use[name]:
                if edge.importer is not module:
                    self._add(edge)

    def _is_used(self, edge: Edge) -> bool:
        return edge.attribute in self._used or any(
            edge.attribute in strings for module, strings in self._strings if module is not edge.importer
        )

    def _learn(self, function: str) -> None:
        if function in self._helpers:
            return
        self._helpers.add(function)
        for module, text, line in self._calls.get(function, ()):
            self._call(module, text, line)
        for module, source in self._asked.get(function, ()):
            self._ask(module, source)

    def _call(self, module: Module | None, text: str, line: int) -> None:
        for found in self.graph.modules_named(text, module, alone=not (module is not None and module.standard_library)):
            if not found.is_test or (module is not None and module.is_test):
                self._add(Edge(module, found, "named", line))

    def _ask(self, module: Module | None, source: SourceImports) -> None:
        """A name that is no constant goes to such a function: the caller's constants may be it."""
        if module is not None and module.standard_library:
            return
        for text, line in source.strings.items():
            for found in self.graph.modules_named(text, module, alone=True):
                if not found.is_test or (module is not None and module.is_test):
                    self._add(Edge(module, found, "string", line))
