"""What a module without a source may import: an extension module, bytecode alone."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from inspector.artifact.tree import Tree
from inspector.errors import FormatError
from inspector.facts.python.import_edges import Edge
from inspector.facts.python.module_index import Module
from inspector.facts.python.name_resolution import NameResolver
from inspector.facts.python.native_names import names_in_data, names_in_extension
from inspector.facts.python.source_imports import ImportStatement, statements_in_text
from inspector.limits import Limits
from inspector.patterns import lazy_pattern

_WORD = lazy_pattern(rb"[A-Za-z_][\w.]{1,199}")


def binary_edges(tree: Tree, names: NameResolver, module: Module, limits: Limits) -> Iterator[Edge]:
    """Names of modules in the file, each as if it were imported."""
    node = tree.resolve(module.path) if module.member is None else None
    if module.kind == "extension" and node is not None and node.is_file:
        found = names_in_extension(node, module, names.index, names.related(module))
    else:
        content = module.member.read() if module.member is not None else _content(tree, module.path, limits)
        found = names_in_data(content, module, names.index, names.related(module)) | _marshalled(content, names)
    for name in sorted(found):
        yield from (Edge(module, target, "native") for target in names.exactly(name, module) if target is not module)


def cython_statements(tree: Tree, module: Module, limits: Limits) -> list[ImportStatement]:
    """Import statements of a Cython source that was packed beside its extension module."""
    if module.member is not None or module.kind != "extension":
        return []
    path = posixpath.join(posixpath.dirname(module.path), module.name.rpartition(".")[2] + ".pyx")
    return statements_in_text(_content(tree, path, limits).decode("utf-8", "replace"), 0)


def opaque_edges(names: NameResolver, module: Module) -> Iterator[Edge]:
    """Bytecode alone may import all of its own distribution, and the top of what that requires."""
    for found in names.of_distribution(module):
        if found is not module:
            yield Edge(module, found, "opaque")
    for top in names.related(module):
        yield from (Edge(module, found, "opaque") for found in names.exactly(top, module))


def _marshalled(content: bytes, names: NameResolver) -> set[str]:
    """Names in marshalled code, where each string stands behind its length: words that are names of modules."""
    found = set()
    for match in _WORD.finditer(content):
        text = match[0].decode("ascii", "replace")
        # A length byte that is a letter sticks to the word behind it.
        found |= {name for name in (text, text[1:]) if names.index.find(name)}
    return found


def _content(tree: Tree, path: str, limits: Limits) -> bytes:
    node = tree.resolve(path)
    if node is None or not node.is_file:
        return b""
    try:
        return node.read(limits=limits)
    except (FormatError, OSError):
        return b""
