"""Imports by names that are values: ``import_module()``, constants that are names, beginnings of names, lists of a package's modules."""

from __future__ import annotations

from collections.abc import Iterator

from inspector.facts.python.implicit_imports import implicit_imports
from inspector.facts.python.import_edges import Edge
from inspector.facts.python.module_index import Module
from inspector.facts.python.name_resolution import NameResolver
from inspector.facts.python.source_imports import NamedImport, SourceImports

_SHORTEST_PREFIX = 4  # characters; a shorter beginning of a name tells nothing


def named_edges(names: NameResolver, named: NamedImport, module: Module | None) -> Iterator[Edge]:
    """The edges of one call; none where the name is a parameter, which callers decide."""
    if named.parameter_of is not None:
        return
    if named.is_unknown:
        yield from unknown_edges(names, module, named.line)
        return
    for base in _bases(names, named, module):
        if named.prefix:
            yield from prefix_edges(names, base, module, named.line)
        else:
            yield from (Edge(module, found, "named", named.line) for found in names.resolve(base.rstrip("."), module))


def _bases(names: NameResolver, named: NamedImport, module: Module | None) -> list[str]:
    name = named.name
    if named.own and module is not None:
        return [f"{base}.{name.lstrip('.')}" for base in dict.fromkeys((module.name, module.package))]
    if not name.startswith("."):
        return [name]
    bases = [names.relative(name, module)]
    if module is not None:
        bases.append(f"{module.top_level}{name}")  # the second argument of import_module() may be any package around it
    return [base for base in bases if base]


def prefix_edges(names: NameResolver, prefix: str, module: Module | None, line: int) -> Iterator[Edge]:
    """All modules whose names begin so."""
    package, _, last = prefix.rpartition(".")
    if not package and len(last) < _SHORTEST_PREFIX:
        yield from unknown_edges(names, module, line)
        return
    for found in names.index.children(package):
        if found.name.startswith(prefix) and (last or not found.is_test):
            yield Edge(module, found, "prefix", line)
            if not last:
                for below in names.index.below(found.name):
                    if not below.is_test:
                        yield Edge(module, below, "prefix", line)


def unknown_edges(names: NameResolver, module: Module | None, line: int) -> Iterator[Edge]:
    """What a name may mean that nothing tells: everything in the package around the module.

    Not for the standard library, which imports so what its callers name, and not for a module outside of packages, whose constants must do.
    """
    if module is None or module.standard_library or not module.package:
        return
    for found in names.index.below(module.package):
        if not found.is_test and found is not module:
            yield Edge(module, found, "unknown", line)


def string_edges(names: NameResolver, source: SourceImports, module: Module | None) -> Iterator[Edge]:
    """Constants that are names of modules: dotted ones anywhere, single words where the source imports by name."""
    if module is not None and module.name in implicit_imports().not_names:
        return
    by_name = source.imports_by_name and not (module is not None and module.standard_library)
    for text, line in source.strings.items():
        if text.endswith(".") and names.index.find(text[:-1]):
            yield from prefix_edges(names, text, module, line)
        elif "." in text or by_name:
            yield from constant_edges(names, text, module, line, alone=by_name)
    if by_name and module is not None:
        for text in source.fragments:
            yield from _fragment_edges(names, text, module)


def constant_edges(
    names: NameResolver, text: str, module: Module | None, line: int, *, alone: bool, named: bool = False
) -> Iterator[Edge]:
    """What one constant may name; test suites only where a test names them.

    :param alone: see :meth:`inspector.facts.python.name_resolution.NameResolver.of_constant`.
    :param named: whether it is handed to a function that imports, so that any single word may be a module.
    """
    for found in names.of_constant(text, module, alone=alone, any_word=alone and named):
        if not found.is_test or (module is not None and module.is_test):
            yield Edge(module, found, "named" if named else "string", line)


def _fragment_edges(names: NameResolver, text: str, module: Module) -> Iterator[Edge]:
    """A constant part of an f-string that ends like the beginning of a name."""
    if not text.endswith((".", "_")) or len(text) < _SHORTEST_PREFIX:
        return
    base = f"{module.package}{text}" if text.startswith(".") else text
    if base.partition(".")[0] in names.top_levels or "." not in base:
        for found in names.index.children(base.rpartition(".")[0]):
            if found.name.startswith(base) and not found.is_test:
                yield Edge(module, found, "prefix")


def walk_edges(names: NameResolver, source: SourceImports, module: Module) -> Iterator[Edge]:
    """``pkgutil`` lists a package: the one around the module, and those of the same top-level package that it names or imports."""
    if module.standard_library:
        return
    packages = {module.package, *source.strings, *(row.module for row in source.statements if row.level == 0)}
    for package in sorted(packages):
        if package.partition(".")[0] == module.top_level and names.index.find(package):
            for found in names.index.below(package):
                if not found.is_test or module.is_test:
                    yield Edge(module, found, "walk")
