"""Which module imports which: edges from one module to others, each with the kind of import and the place that shows it.

The graph is made while it is asked: a source is parsed when :meth:`ImportGraph.edges` wants its module, once, so that an application's closure
costs only the modules in it.  Nothing is executed.  Where a name can mean several modules, it means all of them.

Kinds of edges (:data:`EdgeKind`)::

    attribute    an import in a module's __getattr__ (PEP 562), where reached code uses an attribute of that name
    import       a statement that runs with the module          lazy        a statement inside a function
    optional     a statement that may fail                      main        a statement that runs only in a started script
    parent       the package around a module                    named       import_module("x") and functions that hand their argument to it
    string       a constant that is a module's name             prefix      a name that is put together behind a constant beginning
    unknown      a name that nothing tells: the whole package around the module, its test suites excepted
    walk         pkgutil lists the package                      entry-point an entry point of a group that is asked for
    implicit     rules/python/implicit_imports.toml             native      a name in an extension module, or in bytecode without a source
    stub         an import in the stub that a lazy loader reads opaque      all of a distribution that is bytecode without sources
    start        what is started, and what every start imports
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from inspector.artifact.tree import Node, Tree
from inspector.errors import FormatError
from inspector.facts.python.distributions import PythonDistribution
from inspector.facts.python.entry_points import SCRIPT_GROUPS, EntryPoint, read_entry_points
from inspector.facts.python.implicit_imports import implicit_imports
from inspector.facts.python.module_index import Module, ModuleIndex
from inspector.facts.python.native_names import names_in_data, names_in_extension
from inspector.facts.python.source_imports import ImportStatement, NamedImport, SourceImports, statements_in_text
from inspector.facts.python.source_reading import read_any_source
from inspector.limits import Limits

EdgeKind = Literal[
    "import", "lazy", "optional", "main", "parent", "named", "string", "prefix", "unknown", "walk", "entry-point", "implicit", "native",
    "stub", "opaque", "start", "attribute",
]  # fmt: skip

_STATEMENT_EDGES: dict[str, EdgeKind] = {"module": "import", "lazy": "lazy", "optional": "optional", "main": "main"}
_NAME = re.compile(r"\.*[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?::\w[\w.]*)?")
_SHORTEST_PREFIX = 4
_REQUIRES = re.compile(rb"^Requires-Dist:[ \t]*([A-Za-z0-9][\w.-]*)", re.MULTILINE)
_EXTERNAL = frozenset(sys.stdlib_module_names) | frozenset(sys.builtin_module_names)


@dataclass(frozen=True, slots=True)
class Edge:
    """One import.

    :ivar importer: None where a start is the reason.
    :ivar line: of the source, 0 where there is none.
    :ivar detail: a clause for kinds that need one ("AppRun starts it").
    :ivar attribute: for the kind "attribute" the name that must be used.
    """

    importer: Module | None
    target: Module
    kind: EdgeKind
    line: int = 0
    detail: str = ""
    attribute: str = ""


class ImportGraph:
    """The imports of the modules of one tree.

    :ivar index: the modules.
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
        self.entry_points: tuple[EntryPoint, ...] = read_entry_points(tree, distributions)
        self._tree = tree
        self._limits = limits or Limits()
        self._sources: dict[Module, SourceImports | None] = {}
        self._top_levels = frozenset(module.top_level for module in index.modules)
        self._tops_of: dict[str, set[str]] = {}
        self._modules_of: dict[str, list[Module]] = {}
        for module in index.modules:
            if module.distribution is not None:
                self._tops_of.setdefault(module.distribution, set()).add(module.top_level)
                self._modules_of.setdefault(module.distribution, []).append(module)
        self._distributions = {found.normalized_name: found for found in distributions}
        self._related_tops: dict[str, set[str]] = {}
        self._by_last: dict[str, list[Module]] = {}
        for module in index.modules:
            self._by_last.setdefault(module.name.rpartition(".")[2], []).append(module)

    # -- sources

    def source(self, module: Module) -> SourceImports | None:
        """What a module's source says; of an extension module a source beside it; None where there is none or it cannot be read."""
        if module not in self._sources:
            self._sources[module] = self._read(module)
        return self._sources[module]

    def _read(self, module: Module) -> SourceImports | None:
        if module.member is not None:
            return read_any_source(module.member.read(), self._top_levels) if module.kind == "source" else None
        for path in (module.path, *module.files):
            node = self._tree.resolve(path)
            if path.endswith(".py") and node is not None and node.is_file:
                try:
                    return read_any_source(node.read(limits=self._limits), self._top_levels)
                except (FormatError, OSError):
                    return None
        return None

    def source_of_text(self, text: str) -> SourceImports | None:
        """What a piece of code says: a line of a ``.pth`` file, the argument of ``-c``."""
        return read_any_source(text.encode("utf-8", "replace"), self._top_levels)

    # -- edges

    def edges(self, module: Module, *, started: bool = False) -> Iterator[Edge]:
        """Everything that a module imports by itself; see :mod:`inspector.facts.python.reachability` for what depends on other modules.

        :param started: whether it is started as a script, so that imports below ``if __name__ == "__main__"`` count.
        """
        yield from self._parents(module)
        if module.name in implicit_imports().instead:
            return
        source = self.source(module)
        if source is not None:
            yield from self.source_edges(source, module, started=started)
        if module.kind in ("extension", "bytecode"):
            yield from self._binary_edges(module, opaque=source is None)

    def _parents(self, module: Module) -> Iterator[Edge]:
        parent = module.name.rpartition(".")[0]
        if parent:
            yield from (Edge(module, found, "parent") for found in self._named(parent, module))

    def source_edges(self, source: SourceImports, module: Module | None, *, started: bool = False) -> Iterator[Edge]:
        """The edges of a source; without a module for a piece of code."""
        not_called = () if module is None else _not_called(module)
        for statement in (*source.statements, *(source.code if source.runs_code else ())):
            if not_called and any(fnmatch.fnmatchcase(statement.function, pattern) for pattern in not_called):
                continue
            if statement.kind != "main" or started or module is None:
                kind: EdgeKind = "string" if statement in source.code else _STATEMENT_EDGES[statement.kind]
                edges = self._statement_edges(statement, module, kind)
                yield from edges if statement.function != "__getattr__" else _on_attribute(edges, module)
        for named in source.named:
            edges = self._named_edges(named, module)
            yield from edges if named.function != "__getattr__" else _on_attribute(edges, module)
        for name, line in source.run_modules.items():
            for found in (*self.resolve(name, module), *self.resolve(f"{name}.__main__", module)):
                yield Edge(module, found, "named", line)
        yield from self._string_edges(source, module)
        if module is not None:
            if source.reads_stub:
                yield from self._stub_edges(module)
            if source.walks:
                yield from self._walk_edges(module, source)

    def _statement_edges(self, statement: ImportStatement, module: Module | None, kind: EdgeKind) -> Iterator[Edge]:
        base = self._absolute(statement.module, statement.level, module)
        if base is None:
            return
        targets = list(self.resolve(base, module)) if base else []
        for name in statement.names or ():
            if name == "*":
                for target in targets:
                    exported = self.source(target) if target.name == base else None
                    for attribute in exported.exported if exported is not None else ():
                        targets += self._named(f"{base}.{attribute}", module)
            elif base:
                found = self._named(f"{base}.{name}", module)
                if not found and not any(target.name == base for target in targets):
                    found = list(self._elsewhere(f"{base}.{name}", module))
                targets += found
        yield from (Edge(module, target, kind, statement.line) for target in targets)

    def _absolute(self, name: str, level: int, module: Module | None) -> str | None:
        """The full name of a relative import; None where it leads out of the package."""
        if level == 0:
            return name
        if module is None:
            return None
        parts = module.package.split(".") if module.package else []
        if level > len(parts):
            return None
        base = parts[: len(parts) - (level - 1)]
        return ".".join([*base, name] if name else base)

    def _named_edges(self, named: NamedImport, module: Module | None) -> Iterator[Edge]:
        name = named.name
        if named.parameter_of is not None:
            return
        if named.is_unknown:
            yield from self.unknown_edges(module, named.line)
            return
        if named.own and module is not None:
            bases = [f"{base}.{name.lstrip('.')}" for base in {module.name, module.package}]
        elif name.startswith("."):
            level = len(name) - len(name.lstrip("."))
            bases = [self._absolute(name.lstrip("."), level, module) or ""]
            if module is not None:
                bases.append(f"{module.top_level}{name}")
        else:
            bases = [name]
        for base in bases:
            if named.prefix:
                yield from self.prefix_edges(base, module, named.line)
            else:
                yield from (
                    Edge(module, found, "named", named.line) for found in self.resolve(base.rstrip("."), module)
                )

    def prefix_edges(self, prefix: str, module: Module | None, line: int) -> Iterator[Edge]:
        """All modules whose names begin so."""
        package, _, last = prefix.rpartition(".")
        if not package and len(last) < _SHORTEST_PREFIX:
            yield from self.unknown_edges(module, line)
            return
        for found in self.index.children(package):
            if found.name.startswith(prefix) and (last or not found.is_test):
                yield Edge(module, found, "prefix", line)
                if not last:
                    yield from (
                        Edge(module, below, "prefix", line)
                        for below in self.index.below(found.name)
                        if not below.is_test
                    )

    def unknown_edges(self, module: Module | None, line: int) -> Iterator[Edge]:
        """What a name may mean that nothing tells: everything in the package around the module.

        Not for the standard library, which imports so what its callers name, and for a module outside of packages, whose strings must do.
        """
        if module is None or module.standard_library or not module.package:
            return
        for found in self.index.below(module.package):
            if not found.is_test and found is not module:
                yield Edge(module, found, "unknown", line)

    def _string_edges(self, source: SourceImports, module: Module | None) -> Iterator[Edge]:
        """Constants that are names of modules: dotted ones anywhere, others where the source imports by name."""
        if module is not None and module.name in implicit_imports().not_names:
            return
        by_name = source.imports_by_name and not (module is not None and module.standard_library)
        for text, line in source.strings.items():
            if "." in text or by_name:
                for found in self.modules_named(text, module, alone=by_name):
                    if not found.is_test or (module is not None and module.is_test):
                        yield Edge(module, found, "string", line)
        if by_name and module is not None:
            for text in source.fragments:
                if text.endswith((".", "_")) and len(text) >= _SHORTEST_PREFIX:
                    base = text if not text.startswith(".") else f"{module.package}{text}"
                    if base.partition(".")[0] in self._top_levels or not base.partition(".")[2]:
                        package, _, _ = base.rpartition(".")
                        yield from (
                            Edge(module, found, "prefix")
                            for found in self.index.children(package)
                            if found.name.startswith(base) and not found.is_test
                        )

    def modules_named(self, text: str, module: Module | None, *, alone: bool) -> Iterator[Module]:
        """Modules that a constant may name: the full name, with an attribute behind it, or, where ``alone``, relative to the module's package."""
        if not _NAME.fullmatch(text):
            return
        text = text.partition(":")[0]
        if text.startswith("."):
            if module is not None:
                absolute = self._absolute(text.lstrip("."), len(text) - len(text.lstrip(".")), module)
                yield from self._named(absolute or "", module)
            return
        name = text
        while name and not self.index.find(name):
            name = name.rpartition(".")[0]
        if name and (("." in text and (name == text or "." in name)) or (alone and self._may_mean(name, module))):
            yield from self._named(name, module)
        if alone and module is not None and not name:
            for base in {module.name, module.package}:
                yield from (found for found in self._named(f"{base}.{text}", module) if not found.is_test)

    def _may_mean(self, name: str, module: Module | None) -> bool:
        """Whether a single word may be meant as a top-level module: of the module's own distribution, or of one that it requires."""
        if module is None or module.loose or module.distribution is None:
            return not (module is not None and module.standard_library)
        top = name.partition(".")[0]
        return top in self._related(module) or any(found.standard_library for found in self.index.find(top))

    def _walk_edges(self, module: Module, source: SourceImports) -> Iterator[Edge]:
        """``pkgutil`` lists a package: its own, and those that it names."""
        if module.standard_library:
            return
        packages = {module.package} | {text for text in source.strings if self.index.find(text)}
        packages |= {
            statement.module
            for statement in source.statements
            if statement.level == 0 and statement.module.partition(".")[0] == module.top_level
        }
        for package in packages - {""}:
            if package.partition(".")[0] == module.top_level:
                yield from (
                    Edge(module, found, "walk")
                    for found in self.index.below(package)
                    if not found.is_test or module.is_test
                )

    def stub_of(self, module: Module) -> Node | None:
        """The stub beside a source."""
        path = posixpath.splitext(module.path)[0] + ".pyi"
        node = self._tree.resolve(path)
        return node if node is not None and node.is_file else None

    def _stub_edges(self, module: Module) -> Iterator[Edge]:
        stub = self.stub_of(module)
        if stub is None:
            return
        try:
            source = read_any_source(stub.read(limits=self._limits), self._top_levels)
        except (FormatError, OSError):
            return
        for statement in source.statements if source is not None else ():
            yield from self._statement_edges(statement, module, "stub")

    # -- binaries

    def _binary_edges(self, module: Module, *, opaque: bool) -> Iterator[Edge]:
        related = self._related(module)
        node = self._tree.resolve(module.path) if module.member is None else None
        if node is not None and node.is_file and module.kind == "extension":
            names = names_in_extension(node, module, self.index, related)
        else:
            content = module.member.read() if module.member is not None else self._content(node)
            names = names_in_data(content.replace(b"\xda", b"\0").replace(b"\xfa", b"\0"), module, self.index, related)
            names |= _packed(content, self.index)
        for name in sorted(names):
            yield from (Edge(module, found, "native") for found in self._named(name, module) if found is not module)
        for path in (posixpath.join(posixpath.dirname(module.path), module.name.rpartition(".")[2] + ".pyx"),):
            cython = self._tree.resolve(path) if module.member is None else None
            if cython is not None and cython.is_file:
                for statement in statements_in_text(self._content(cython).decode("utf-8", "replace"), 0):
                    yield from self._statement_edges(statement, module, "native")
        if opaque and module.kind == "bytecode" and not module.standard_library:
            yield from self._opaque_edges(module)

    def _opaque_edges(self, module: Module) -> Iterator[Edge]:
        """Bytecode alone may import all of its own distribution, and the top of what that requires."""
        owned = self._modules_of.get(module.distribution or "", None)
        for found in owned if owned is not None else self.index.below(module.top_level):
            if found is not module:
                yield Edge(module, found, "opaque")
        for top in self._related(module):
            yield from (Edge(module, found, "opaque") for found in self._named(top, module))

    def _content(self, node: Node | None) -> bytes:
        if node is None:
            return b""
        try:
            return node.read(limits=self._limits)
        except (FormatError, OSError):
            return b""

    def _related(self, module: Module) -> Collection[str]:
        """Top-level modules of a module's distribution and of those that it requires."""
        distribution = self._distributions.get(module.distribution or "")
        if distribution is None:
            return ()
        if distribution.normalized_name in self._related_tops:
            return self._related_tops[distribution.normalized_name]
        found = set(self._tops_of.get(distribution.normalized_name, ()))
        node = self._tree.resolve(distribution.metadata_path)
        for match in _REQUIRES.findall(self._content(node)):
            found |= self._tops_of.get(re.sub(r"[-_.]+", "-", match.decode()).lower(), set())
        self._related_tops[distribution.normalized_name] = found
        return found

    # -- names

    def resolve(self, name: str, module: Module | None) -> Iterator[Module]:
        """The modules that importing a full name executes: itself and the packages around it; where it is not on a search path, what may be meant."""
        parts = name.split(".")
        found: list[Module] = []
        for end in range(1, len(parts) + 1):
            step = self._named(".".join(parts[:end]), module)
            if not step:
                break
            found += step
            if end == len(parts):
                yield from found
                return
        yield from found
        if not found or found[-1].is_package:
            yield from self._elsewhere(name, module)

    def _named(self, name: str, module: Module | None) -> list[Module]:
        """Modules of exactly this name; loose ones where the importer is loose, or nothing else has the name."""
        found = list(self.index.find(name))
        if module is None or module.loose or not found:
            loose = self.index.find_loose(name)
            if module is not None and module.loose:
                beside = [other for other in loose if other.place == module.place]
                found += beside or loose
            else:
                found += loose
        return found

    def _elsewhere(self, name: str, module: Module | None) -> Iterator[Module]:
        """Where a name is found by a changed ``sys.path`` or an import hook: vendored in the importer's own package, or anywhere loose."""
        top, _, rest = name.partition(".")
        if top in _EXTERNAL:
            return
        tails = [name]
        if self.index.find(top):
            while rest:
                tails.append(rest)
                rest = rest.partition(".")[2]
        for tail in tails:
            last = tail.rpartition(".")[2]
            found = [
                other
                for other in self._by_last.get(last, ())
                if other.name.endswith(f".{tail}")
                and (other.loose or module is None or self._same_origin(other, module) or other.top_level == top)
            ]
            if found:
                yield from found
                return

    @staticmethod
    def _same_origin(one: Module, other: Module) -> bool:
        return one.top_level == other.top_level or (
            one.distribution is not None and one.distribution == other.distribution
        )

    # -- what others ask for

    def implicit_edges(self, module: Module, reached: Collection[str]) -> Iterator[Edge]:
        """Edges of the table of implicit imports, as far as the modules that they depend on are reached."""
        for row in implicit_imports().by_module.get(module.name, ()):
            if row.when is None or row.when in reached:
                for name in row.imports:
                    yield from (
                        Edge(module, found, "implicit", detail=row.reason) for found in self._matching(name, module)
                    )

    def _matching(self, pattern: str, module: Module | None) -> Iterator[Module]:
        if pattern.endswith(".*"):
            yield from (found for found in self.index.below(pattern[:-2]) if not found.is_test)
        elif "*" in pattern:
            yield from (found for found in self.index.children("") if fnmatch.fnmatchcase(found.name, pattern))
        else:
            yield from self.resolve(pattern, module)

    def entry_point_targets(self, text: str) -> Iterator[tuple[EntryPoint, Module]]:
        """The modules behind the entry points of a group."""
        for point in self.entry_points:
            if point.group == text and point.group not in SCRIPT_GROUPS:
                yield from ((point, found) for found in self.resolve(point.module, None))


def build_import_graph(
    tree: Tree, index: ModuleIndex, distributions: Sequence[PythonDistribution] = (), limits: Limits | None = None
) -> ImportGraph:
    """The import graph of a tree; sources are read when they are asked for.

    :param distributions: whose entry points and requirements count.
    """
    return ImportGraph(tree, index, distributions, limits)


@cache
def _not_called(module: Module) -> tuple[str, ...]:
    """Patterns of functions of a module that no application calls."""
    return tuple(
        pattern
        for row in implicit_imports().not_called
        if fnmatch.fnmatchcase(module.name, row.module) and (module.standard_library or not row.standard_library)
        for pattern in row.functions
    )


def _on_attribute(edges: Iterable[Edge], module: Module | None) -> Iterator[Edge]:
    """Edges of a package's ``__getattr__`` to its own modules: they wait until somebody uses an attribute of that name."""
    for edge in edges:
        inside = module is not None and edge.target.name.startswith(f"{module.name}.")
        if inside and module is not None and edge.kind != "string":
            name = edge.target.name[len(module.name) + 1 :].partition(".")[0]
            yield replace(edge, kind="attribute", attribute=name)
        else:
            yield edge


def _packed(content: bytes, index: ModuleIndex) -> set[str]:
    """Names in marshalled code: each string stands behind its length."""
    found = set()
    for match in re.finditer(rb"[A-Za-z_][\w.]{1,199}", content):
        text = match[0].decode("ascii")
        if index.find(text):
            found.add(text)
    return found
