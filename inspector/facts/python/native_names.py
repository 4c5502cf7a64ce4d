"""Names of modules inside extension modules: C code imports by name (``PyImport_ImportModule``), and the names lie in its read-only data.

A name counts where it is a whole C string.  Some compilers pack strings without an end between them: Cython since 3.2, often compressed, mypyc and
Rust.  There a name counts wherever it occurs, for modules of the extension's own distribution, of those that it requires, and of the standard
library.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Collection, Iterator

from inspector.artifact.tree import Node
from inspector.errors import FormatError
from inspector.facts.python.implicit_imports import implicit_imports
from inspector.facts.python.module_index import Module, ModuleIndex
from inspector.formats.elf import read_elf
from inspector.limits import MIB
from inspector.patterns import lazy_pattern

_SECTIONS = lazy_pattern(r"\.l?(?:ro)?data(?:\..*)?$")
_MOST_READ = 256 * MIB
_ZLIB = lazy_pattern(rb"x[\x01\x5e\x9c\xda]")  # RFC 1950: CMF 0x78 and the four FLG bytes without a dictionary
_MOST_STREAMS = 2000
_LARGEST_STREAM = 4 * MIB
_SHORTEST_STREAM = 32
_LONGEST_NAME = 200
_RELATIVE = (b"__pyx_", b"mypyc")
"""Marks of compilers whose modules import relative to their package; PyImport_ImportModule() takes full names only."""
_PACKED = (b"pyo3", b"mypyc", b"PyO3")
_SHORTEST_WORD = 4
"""Characters; shorter words lie between zeros by chance, and count only for modules that are near."""
_SHORTEST_PACKED = 4  # characters; shorter names stand in every text


def names_in_extension(node: Node, module: Module, index: ModuleIndex, related: Collection[str]) -> set[str]:
    """Full names of modules of the index that an extension module or bytecode names.

    :param related: top-level modules of its own distribution and of those that it requires.
    """
    try:
        data = _read_only_data(node)
    except (FormatError, OSError, ValueError, MemoryError):
        return set()
    return names_in_data(data, module, index, related)


def names_in_data(data: bytes, module: Module, index: ModuleIndex, related: Collection[str]) -> set[str]:
    """Names of modules in any bytes, in the form that compilers leave them."""
    found: set[str] = set()
    relative = any(mark in data for mark in _RELATIVE)
    siblings = {child.name.rpartition(".")[2]: child.name for child in index.children(module.package) if relative}
    words = {word for word in data.split(b"\0") if 0 < len(word) <= _LONGEST_NAME}
    for word in words:
        text = word.decode("ascii", "replace")
        if index.find(text):
            if "." in text or len(text) >= _SHORTEST_WORD or _is_near(text, module, index, related):
                found.add(text)
        elif text in siblings:
            found.add(siblings[text])
        elif "." in text:
            parent = text.rpartition(".")[0]  # "module.attribute"
            if index.find(parent):
                found.add(parent)
    packed = list(_streams(data))
    if any(mark in data for mark in _PACKED) or not words:
        packed.append(data[: 32 * MIB])
    for text_bytes in packed:
        found.update(_outermost(set(_packed_names(text_bytes, module, index, related)), text_bytes))
        found.update(name for last, name in siblings.items() if last.encode() in text_bytes)
    return found


def _is_near(name: str, module: Module, index: ModuleIndex, related: Collection[str]) -> bool:
    return name == module.top_level or name in related or any(found.standard_library for found in index.find(name))


def _outermost(names: set[str], data: bytes) -> set[str]:
    """Names that occur for themselves, and not only inside of longer ones ("cffi" in "_cffi_backend") or in paths ("/cffi-2.1/")."""
    kept = set()
    for name in names:
        longer = [other for other in names if name in other and other != name]
        rest = data
        for other in sorted(longer, key=len, reverse=True):
            rest = rest.replace(other.encode(), b"\0")
        if re.search(rb"(?<!/)" + re.escape(name.encode()) + rb"(?![/-])", rest):
            kept.add(name)
    return kept


def _packed_names(data: bytes, module: Module, index: ModuleIndex, related: Collection[str]) -> Iterator[str]:
    for top in {module.top_level, *related}:
        if top.encode() in data:
            yield top
            yield from (below.name for below in index.below(top) if below.name.encode() in data)
    for child in index.children(""):
        if child.name in implicit_imports().prose:
            continue
        if child.standard_library and len(child.name) >= _SHORTEST_PACKED and child.name.encode() in data:
            yield child.name
            if child.is_package:
                yield from (below.name for below in index.below(child.name) if below.name.encode() in data)


def _read_only_data(node: Node) -> bytes:
    elf = read_elf(node, load_symbols=False)
    sections = [section for section in elf.sections if _SECTIONS.match(section.name) and section.occupies_file]
    if not sections:
        return node.read_at(0, min(node.size, _MOST_READ))
    left, parts = _MOST_READ, []
    for section in sections:
        parts.append(node.read_at(section.offset, min(section.size, left, max(node.size - section.offset, 0))))
        left -= len(parts[-1])
    return b"\0".join(parts)


def _streams(data: bytes) -> Iterator[bytes]:
    """Texts of the zlib streams in bytes."""
    for number, match in enumerate(_ZLIB.finditer(data)):
        if number >= _MOST_STREAMS:
            return
        decoder = zlib.decompressobj()
        try:
            text = decoder.decompress(data[match.start() : match.start() + _LARGEST_STREAM], _LARGEST_STREAM)
        except zlib.error:
            continue
        if decoder.eof and len(text) >= _SHORTEST_STREAM:
            yield text
