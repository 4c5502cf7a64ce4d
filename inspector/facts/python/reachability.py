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

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from inspector.artifact.tree import Tree
from inspector.facts.python.application_entries import ApplicationEntries
from inspector.facts.python.data_references import DataReferences
from inspector.facts.python.distributions import PythonDistribution
from inspector.facts.python.implicit_imports import implicit_imports
from inspector.facts.python.import_closure import closure_of
from inspector.facts.python.import_edges import Edge
from inspector.facts.python.import_graph import ImportGraph
from inspector.facts.python.module_index import Module


class Reachability(Struct):
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
    _data: DataReferences | None = None

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
            clauses.append(edge.clause)
            current = edge.importer
        return tuple(reversed(clauses))

    # -- answers by tree path (inspector.slim.planning.guards.ImportAnswers)

    def why_imported(self, path: str) -> str | None:
        """A clause that says who imports the module that a file belongs to; None where nobody does, or the file is no module's."""
        module = self.graph.index.at(path)
        if module is None:
            return None
        if module.loose:
            return "it lies on no search path that is known, and may be found by a changed one"
        edge = self.edges.get(module)
        return None if edge is None else edge.clause

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
                if (module := self.graph.index.at(path)) is not None
                and not module.loose
                and module.name not in implicit_imports().instead
            ]
            found[distribution.normalized_name] = (
                None if not self.closed or not modules else any(module in self.edges for module in modules)
            )
        return found


def reach(graph: ImportGraph, entries: ApplicationEntries, tree: Tree) -> Reachability:
    """Everything that the entries lead to; every module where the interpreter is open."""
    if not entries.closed:
        reason = entries.reasons[0] if entries.reasons else "the interpreter is open"
        edges = {module: Edge(None, module, "start", detail=reason) for module in graph.index.modules}
        return Reachability(entries, graph, edges, tree)
    return Reachability(entries, graph, closure_of(graph, tree, entries), tree)
