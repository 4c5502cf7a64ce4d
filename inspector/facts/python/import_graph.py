"""Which module imports which: edges from one module to others, each with the kind of import and the place that shows it.

The graph is made while it is asked: a source is parsed when :meth:`ImportGraph.edges` wants its module, once, so that an application's closure
costs only the modules in it.  Nothing is executed.  Where a name can mean several modules, it means all of them.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec.structs import replace

from inspector.artifact.tree import Node, Tree
from inspector.errors import FormatError
from inspector.facts.python.binary_imports import binary_edges, cython_statements, opaque_edges
from inspector.facts.python.distributions import PythonDistribution
from inspector.facts.python.dynamic_imports import named_edges, string_edges, walk_edges
from inspector.facts.python.entry_points import SCRIPT_GROUPS, EntryPoint, read_entry_points
from inspector.facts.python.implicit_imports import implicit_imports
from inspector.facts.python.import_edges import Edge, EdgeKind
from inspector.facts.python.module_index import Module, ModuleIndex
from inspector.facts.python.name_resolution import NameResolver
from inspector.facts.python.source_imports import ImportStatement, SourceImports, StatementKind
from inspector.facts.python.source_reading import read_any_source
from inspector.limits import Limits

_STATEMENT_EDGES: dict[StatementKind, EdgeKind] = {
    "module": "import",
    "lazy": "lazy",
    "optional": "optional",
    "main": "main",
}


class ImportGraph:
    """The imports of the modules of one tree.

    :ivar index: the modules.
    :ivar names: finds modules by name.
    :ivar entry_points: of all distributions.
    """

    def __init__(
        self,
        tree: Tree,
        index: ModuleIndex,
        distributions: Sequence[PythonDistribution] = (),
        limits: Limits | None = None,
    ) -> None:
        self.index = index
        self.names = NameResolver(tree, index, distributions)
        self.entry_points: tuple[EntryPoint, ...] = read_entry_points(tree, distributions)
        self._tree = tree
        self._limits = limits or Limits()
        self._sources: dict[Module, SourceImports | None] = {}

    # -- sources ---------------------------------------------------------------------------------------------------------------------

    def source(self, module: Module) -> SourceImports | None:
        """What a module's source says; of an extension module a source beside it; None where there is none or it cannot be read."""
        if module not in self._sources:
            self._sources[module] = self._read(module)
        return self._sources[module]

    def _read(self, module: Module) -> SourceImports | None:
        if module.member is not None:
            content = module.member.read() if module.kind == "source" else b""
            return read_any_source(content, self.names.top_levels) if content else None
        path = next((path for path in (module.path, *module.files) if path.endswith(".py")), None)
        return None if path is None else self._source_at(path)

    def _source_at(self, path: str) -> SourceImports | None:
        node = self._tree.resolve(path)
        if node is None or not node.is_file:
            return None
        try:
            return read_any_source(node.read(limits=self._limits), self.names.top_levels)
        except (FormatError, OSError):
            return None

    def source_of_text(self, text: str) -> SourceImports:
        """What a piece of code says: a line of a ``.pth`` file, the argument of ``-c``."""
        return read_any_source(text.encode("utf-8", "replace"), self.names.top_levels)

    def stub_of(self, module: Module) -> Node | None:
        """The stub beside a source."""
        node = self._tree.resolve(posixpath.splitext(module.path)[0] + ".pyi")
        return node if node is not None and node.is_file else None

    # -- edges -----------------------------------------------------------------------------------------------------------------------

    def edges(self, module: Module, *, started: bool = False) -> Iterator[Edge]:
        """Everything that a module imports by itself; see :mod:`inspector.facts.python.import_closure` for what depends on other modules.

        :param started: whether it is started as a script, so that imports below ``if __name__ == "__main__"`` count.
        """
        parent = module.name.rpartition(".")[0]
        if parent:
            yield from (Edge(module, found, "parent") for found in self.names.exactly(parent, module))
        if module.name in implicit_imports().instead:
            return
        source = self.source(module)
        if source is not None:
            yield from self.source_edges(source, module, started=started)
        if module.kind in ("extension", "bytecode"):
            yield from binary_edges(self._tree, self.names, module, self._limits)
            for statement in cython_statements(self._tree, module, self._limits):
                yield from self._statement_edges(statement, module, "native")
            if source is None and module.kind == "bytecode" and not module.standard_library:
                yield from opaque_edges(self.names, module)

    def source_edges(self, source: SourceImports, module: Module | None, *, started: bool = False) -> Iterator[Edge]:
        """The edges of a source; without a module for a piece of code."""
        not_called = [] if module is None else _not_called(module)
        for statement in source.statements:
            if not_called and any(fnmatch.fnmatchcase(statement.function, pattern) for pattern in not_called):
                continue
            if statement.kind != "main" or started or module is None:
                edges = self._statement_edges(statement, module, _STATEMENT_EDGES[statement.kind])
                yield from edges if statement.function != "__getattr__" else _on_attribute(edges, module)
        for statement in source.code if source.runs_code else ():
            yield from self._statement_edges(statement, module, "string")
        for named in source.named:
            edges = named_edges(self.names, named, module)
            yield from edges if named.function != "__getattr__" else _on_attribute(edges, module)
        for name, line in source.run_modules.items():
            for found in (*self.names.resolve(name, module), *self.names.resolve(f"{name}.__main__", module)):
                yield Edge(module, found, "named", line)
        yield from string_edges(self.names, source, module)
        if module is not None and source.reads_stub:
            yield from self._stub_edges(module)
        if module is not None and source.walks:
            yield from walk_edges(self.names, source, module)

    def _statement_edges(self, statement: ImportStatement, module: Module | None, kind: EdgeKind) -> Iterator[Edge]:
        base = self.names.absolute(statement.module, statement.level, module)
        if not base:
            return
        targets = self.names.resolve(base, module)
        yield from (Edge(module, target, kind, statement.line) for target in targets)
        packages = [target for target in targets if target.name == base]
        for name in statement.names or ():
            if name == "*":
                exported = {word for target in packages if (source := self.source(target)) for word in source.exported}
                found = [other for word in exported for other in self.names.exactly(f"{base}.{word}", module)]
            else:
                found = self.names.exactly(f"{base}.{name}", module)
                if not found and not packages:
                    found = self.names.elsewhere(f"{base}.{name}", module)
            yield from (Edge(module, target, kind, statement.line) for target in found)

    def _stub_edges(self, module: Module) -> Iterator[Edge]:
        stub = self.stub_of(module)
        source = None if stub is None else self._source_at(stub.path)
        for statement in source.statements if source is not None else ():
            yield from self._statement_edges(statement, module, "stub")

    # -- what others ask for ---------------------------------------------------------------------------------------------------------

    def implicit_edges(self, module: Module, reached: Collection[str]) -> Iterator[Edge]:
        """Edges of the table of implicit imports, as far as the modules that they depend on are reached."""
        for row in implicit_imports().by_module.get(module.name, ()):
            if row.when is None or row.when in reached:
                for name in row.imports:
                    for found in self._matching(name, module):
                        yield Edge(module, found, "implicit", detail=row.reason)

    def _matching(self, pattern: str, module: Module | None) -> Iterable[Module]:
        if pattern.endswith(".*"):
            return [found for found in self.index.below(pattern[:-2]) if not found.is_test]
        if "*" in pattern:
            return [found for found in self.index.children("") if fnmatch.fnmatchcase(found.name, pattern)]
        return self.names.resolve(pattern, module)

    def entry_point_targets(self, group: str) -> Iterator[tuple[EntryPoint, Module]]:
        """The modules behind the entry points of a group; none for groups that make programs."""
        for point in self.entry_points:
            if point.group == group and point.group not in SCRIPT_GROUPS:
                yield from ((point, found) for found in self.names.resolve(point.module, None))


def build_import_graph(
    tree: Tree, index: ModuleIndex, distributions: Sequence[PythonDistribution] = (), limits: Limits | None = None
) -> ImportGraph:
    """The import graph of a tree; sources are read when they are asked for.

    :param distributions: whose entry points and requirements count.
    """
    return ImportGraph(tree, index, distributions, limits)


def _not_called(module: Module) -> list[str]:
    """Patterns of functions of a module that no application calls."""
    return [
        pattern
        for row in implicit_imports().not_called
        if fnmatch.fnmatchcase(module.name, row.module) and (module.standard_library or not row.standard_library)
        for pattern in row.functions
    ]


def _on_attribute(edges: Iterable[Edge], module: Module | None) -> Iterator[Edge]:
    """Edges of a package's ``__getattr__`` to its own modules: they wait until somebody uses an attribute of that name."""
    for edge in edges:
        if module is not None and edge.target.name.startswith(f"{module.name}."):
            name = edge.target.name[len(module.name) + 1 :].partition(".")[0]
            yield replace(edge, kind="attribute", attribute=name)
        else:
            yield edge
