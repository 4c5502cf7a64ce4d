"""Which ELF files are worth stripping, told from what is known of them already; the bytes that go are an estimate until it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

from inspector.artifact.tree import Node, Tree
from inspector.errors import FormatError
from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.facts import Facts
from inspector.formats.elf.strip import needs_symtab, strip_elf
from inspector.formats.elf.strip_refusals import refusal_by_place

_LEAST = 1024
"""Raw bytes; a smaller file is not worth a change that somebody must look at."""
_TABLES = 512
"""Raw bytes of the new section headers and their names, about."""


class Strippable(Struct, frozen=True):
    """One ELF file and the raw bytes that it loses, about."""

    path: str
    saves: int


def strippable(facts: Facts, tree: Tree, is_left: Callable[[str], bool]) -> Iterator[Strippable]:
    """The files that get smaller, by path.

    :param is_left: whether a tree path is not to be touched: it goes, or has the file of another path.
    """
    for found in facts.objects:
        if is_left(found.path) or found.elf.type not in ("DYN", "EXEC"):
            continue
        saves = _saves(found)
        node = tree.get(found.path)
        if saves < _LEAST or node is None:
            continue
        siblings = {child.name for child in tree.children(found.path.rpartition("/")[0])}
        if refusal_by_place(found.name, node.mode, siblings) is not None:
            continue
        if found.byte_kinds.get("payload", 0):
            saves = _tried(found, node)
        if saves >= _LEAST:
            yield Strippable(found.path, saves)


def _saves(found: ElfObject) -> int:
    """Raw bytes of debug information, symbol tables and what nothing owns; 0 where the file has none of the first two."""
    kinds = found.byte_kinds
    symbols = 0 if needs_symtab(found.elf) else kinds.get("symbols", 0)
    named = kinds.get("debug", 0) + symbols
    if found.elf.is_separate_debug or not found.elf.header.shnum:
        return 0
    return max(named + kinds.get("dead", 0) - _TABLES, 0)


def _tried(found: ElfObject, node: Node) -> int:
    """What it really loses, for a file with a payload, which may have to be left alone."""
    try:
        return strip_elf(node, found.elf).bytes_saved
    except (FormatError, OSError):
        return 0
