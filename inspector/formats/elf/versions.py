"""Symbol versions: which are needed from whom, and which are defined.

Specification: LSB Core 5.0, "Symbol Versioning" (``Elfxx_Verneed``, ``Elfxx_Verdef``); chains are followed as glibc's ``dl-version.c`` does, to the
entry whose offset to the next is 0, and not by DT_VERNEEDNUM.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

import msgspec

from inspector.formats.elf.identification import Layout

VER_FLG_BASE, VER_FLG_WEAK = 1, 2
VERSION_MASK, VERSION_HIDDEN = 0x7FFF, 0x8000
VER_NDX_LOCAL, VER_NDX_GLOBAL = 0, 1
_CURRENT = 1
_MOST_DEFECTS = 1000
_LONGEST_NAME = 80
"""Characters of a name that a defect's sentence repeats."""


class VersionNeed(msgspec.Struct, frozen=True):
    """One version of one library that must be there when the loader starts the file.

    :ivar index: what symbols of this version carry in DT_VERSYM.
    :ivar weak: VER_FLG_WEAK: a missing version is only a warning.
    :ivar hash: the ELF hash of ``version`` as written, which glibc compares first.
    """

    library: str
    version: str
    index: int
    weak: bool
    hash: int


class VersionDefinition(msgspec.Struct, frozen=True):
    """One version that the file defines.

    :ivar is_base: VER_FLG_BASE: the name of the file itself, not a version of symbols.
    :ivar parents: the versions that it inherits from.
    """

    name: str
    index: int
    is_base: bool
    weak: bool
    parents: tuple[str, ...]


Names = Callable[[int], str | None]


class _Chain(Exception):
    """A chain leaves its table or does not end; caught in this module."""


def decode_version_needs(content: bytes, layout: Layout, names: Names, defects: list[str]) -> tuple[VersionNeed, ...]:
    """DT_VERNEED.

    :param content: from DT_VERNEED to where the table ends at the latest.
    :param names: the string at an offset of DT_STRTAB, or None.
    """
    needs: list[VersionNeed] = []
    budget = _Budget(len(content) // layout.vernaux.size)
    offset = 0
    try:
        while True:
            revision, count, file, auxiliary, following = budget.row(layout.verneed, content, offset)
            if revision != _CURRENT:
                raise _Chain(f"revision {revision}")
            library = names(file)
            if library is None:
                _add_once(defects, "a library of the needed versions has no name in the string table")
                library = ""
            at = offset + auxiliary
            for left in range(count, 0, -1):
                hash_, flags, index, name, next_auxiliary = budget.row(layout.vernaux, content, at)
                version = names(name)
                if version is None:
                    _add_once(defects, f"a version needed of {library[:_LONGEST_NAME]} has no name in the string table")
                else:
                    needs.append(VersionNeed(library, version, index & VERSION_MASK, bool(flags & VER_FLG_WEAK), hash_))
                if not next_auxiliary:
                    if left > 1:
                        raise _Chain(f"{left - 1} versions of {library[:_LONGEST_NAME]} are missing")
                    break
                at += next_auxiliary
            if not following:
                break
            offset += following
    except _Chain as broken:
        defects.append(f"the table of needed versions is broken: {broken}")
    return tuple(needs)


def decode_version_definitions(
    content: bytes, layout: Layout, names: Names, defects: list[str]
) -> tuple[VersionDefinition, ...]:
    """DT_VERDEF; parameters as for :func:`decode_version_needs`."""
    definitions: list[VersionDefinition] = []
    budget = _Budget(len(content) // layout.verdaux.size)
    offset = 0
    try:
        while True:
            revision, flags, index, count, _, auxiliary, following = budget.row(layout.verdef, content, offset)
            if revision != _CURRENT:
                raise _Chain(f"revision {revision}")
            found: list[str] = []
            at = offset + auxiliary
            for left in range(count, 0, -1):
                name, next_auxiliary = budget.row(layout.verdaux, content, at)
                found.append(names(name) or "")
                if not next_auxiliary:
                    if left > 1:
                        raise _Chain(f"version {found[0][:_LONGEST_NAME]} has {left - 1} parents fewer than it says")
                    break
                at += next_auxiliary
            if not found or not all(found):
                _add_once(defects, f"version definition {index} has no name in the string table")
            if found and found[0]:
                is_base, weak = bool(flags & VER_FLG_BASE), bool(flags & VER_FLG_WEAK)
                definitions.append(VersionDefinition(found[0], index & VERSION_MASK, is_base, weak, tuple(found[1:])))
            if not following:
                break
            offset += following
    except _Chain as broken:
        defects.append(f"the table of version definitions is broken: {broken}")
    return tuple(definitions)


def _add_once(defects: list[str], sentence: str) -> None:
    """Add a sentence unless it was the last: a hundred thousand rows can be wrong in the same way."""
    if defects[-1:] != [sentence] and len(defects) < _MOST_DEFECTS:
        defects.append(sentence)


class _Budget:
    """Rows of a chain, each inside of the table, and not more than fit into it side by side: chains that share rows would cost a square."""

    def __init__(self, rows: int) -> None:
        self._left = rows

    def row(self, row: Struct, content: bytes, offset: int) -> tuple[int, ...]:
        self._left -= 1
        if self._left < 0:
            raise _Chain("its rows are shared")
        if offset + row.size > len(content):
            raise _Chain("it runs out of its bytes")
        return row.unpack_from(content, offset)
