"""Frozen modules: Python code as data of a program, in tables of ``struct _frozen`` (CPython, ``Include/cpython/import.h``).

A row is a name, the marshalled code, its size, and, from 3.11 on, whether it is a package (before, a negative size said so); 3.11 and 3.12 have
one more
pointer.  A row of zeros ends a table.  CPython's own tables are called ``_PyImport_FrozenModules`` and the like; a program that sets
``PyImport_FrozenModules`` may call its own anything, and a stripped one has no names, so that tables are told by what their rows must look like.
CPython 3.11 keeps its own modules as objects, not as marshalled code (deep-freezing); such rows have no bytes and are not listed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from struct import Struct

import msgspec

from inspector.formats.elf import ElfFile
from inspector.formats.elf.pointers import Pointers
from inspector.formats.elf.sections import SHF_ALLOC, SHF_EXECINSTR, SHT_DYNSYM, SHT_PROGBITS, SHT_STRTAB, SHT_SYMTAB
from inspector.limits import MIB, Limits
from inspector.patterns import lazy_pattern
from inspector.source import BytesSource, Source

_NAME = lazy_pattern(rb"[A-Za-z_]\w*(?:\.\w+)*")
_CODE = frozenset((0x63, 0xE3))  # TYPE_CODE without and with FLAG_REF (CPython, Python/marshal.c)
_MOST_DATA = 64 * MIB  # bytes of data that are searched for tables
_LARGEST_CODE = 64 * MIB
_SYMBOLS = lazy_pattern(rb"\0(_?PyImport_Frozen\w+)(?=\0)")


class FrozenModule(msgspec.Struct, frozen=True):
    """One row.

    :ivar offset: of its marshalled code in the file.
    :ivar size: bytes of that code.
    """

    name: str
    offset: int
    size: int
    is_package: bool


class FrozenTable(msgspec.Struct, frozen=True):
    """One table.

    :ivar address: where its first row lies when the program is loaded.
    :ivar symbol: the name of the table, or "" where no symbol says it.
    """

    address: int
    symbol: str
    modules: tuple[FrozenModule, ...]


def read_frozen_tables(source: Source, elf: ElfFile, limits: Limits) -> tuple[FrozenTable, ...]:
    """All tables of a file, in the order of their addresses; none where it has none.

    :raises FormatError: where the bytes of a member cannot be decoded.
    """
    # A table of a hundred thousand pointers is followed in a moment in memory, and in a second by as many reads
    in_memory = BytesSource(source.read_at(0, source.size)) if source.size <= _MOST_DATA else source
    pointers = Pointers(in_memory, elf)
    names = _symbols(source, elf, limits)
    tables: list[FrozenTable] = []
    seen = -1
    for address in _candidates(pointers, elf):
        if address <= seen:
            continue
        for row_size in _row_sizes(pointers.size):
            modules = _rows(pointers, address, row_size, limits)
            if modules:
                tables.append(FrozenTable(address, names.get(address, ""), tuple(modules)))
                seen = address + len(modules) * row_size
                break
    return tuple(tables)


def _row_sizes(pointer: int) -> tuple[int, ...]:
    """Bytes of a row: up to 3.10 and from 3.13 on, and of 3.11 and 3.12."""
    return (24, 32) if pointer == 8 else (12, 20, 16)


def _candidates(pointers: Pointers, elf: ElfFile) -> list[int]:
    """Addresses of pairs of pointers, the second to something that begins as marshalled code."""
    relocated = pointers.relocated()
    found = {address for address in relocated if address + pointers.size in relocated}
    if elf.type == "EXEC":  # nothing of it is relocated
        left = _MOST_DATA
        low = min((segment.vaddr for segment in elf.loads), default=0)
        high = max((segment.vaddr + segment.filesz for segment in elf.loads), default=0)
        for section in elf.sections:
            if section.type != SHT_PROGBITS or section.flags & (SHF_ALLOC | SHF_EXECINSTR) != SHF_ALLOC:
                continue
            if section.size > left:
                break
            left -= section.size
            words = pointers.words(section.offset, section.size)
            inside = [index for index, word in enumerate(words) if low <= word < high]
            found.update(
                section.address + index * pointers.size
                for index, following in pairwise(inside)
                if following == index + 1
            )
    return sorted(address for address in found if _is_row(pointers, address))


def _is_row(pointers: Pointers, address: int) -> bool:
    code = pointers.at(address + pointers.size)
    begin = None if code is None else pointers.content(code, 1)
    if begin is None or begin[1][:1] == b"" or begin[1][0] not in _CODE:
        return False
    size = pointers.integer(address + 2 * pointers.size)
    if size is None or not 8 < abs(size) <= _LARGEST_CODE:
        return False
    name = pointers.at(address)
    text = None if name is None else pointers.text(name)
    return text is not None and _NAME.fullmatch(text) is not None


def _rows(pointers: Pointers, address: int, row_size: int, limits: Limits) -> list[FrozenModule]:
    """The rows from an address to the row of zeros; none where something else comes before it."""
    modules: list[FrozenModule] = []
    while len(modules) < limits.inodes:
        name, code = pointers.at(address), pointers.at(address + pointers.size)
        size = pointers.integer(address + 2 * pointers.size)
        if name is None or code is None or size is None:
            return []
        if name == code == size == 0:
            return modules
        if not _is_row(pointers, address):
            return []
        text = pointers.text(name) or b""
        place = pointers.content(code, abs(size))
        if place is None:
            return []
        package = size < 0 or (pointers.integer(address + 2 * pointers.size + 4) or 0) & 0xFF == 1
        modules.append(FrozenModule(text.decode("ascii", "replace"), place[0], abs(size), package))
        address += row_size
    return []


def _symbols(source: Source, elf: ElfFile, limits: Limits) -> dict[int, str]:
    """CPython's names for its tables by address, from the symbol tables that are there."""
    found: dict[int, str] = {}
    sections = tuple(elf.sections)
    layout = elf.header.layout
    for section in sections:
        if section.type not in (SHT_SYMTAB, SHT_DYNSYM) or not 0 < section.link < len(sections):
            continue
        names = sections[section.link]
        if names.type != SHT_STRTAB or max(names.size, section.size) > limits.elf_tables:
            continue
        starts = {
            match.start(1): match[1].decode() for match in _SYMBOLS.finditer(source.read_at(names.offset, names.size))
        }
        if starts:
            found.update(_values(source.read_at(section.offset, section.size), layout.symbol, layout.bits, starts))
    return found


def _values(rows: bytes, row: Struct, bits: int, starts: dict[int, str]) -> Iterator[tuple[int, str]]:
    for fields in row.iter_unpack(rows[: len(rows) // row.size * row.size]):
        name = starts.get(fields[0])
        if name is not None:
            value, section = (fields[4], fields[3]) if bits == 64 else (fields[1], fields[5])
            if section:
                yield value, name
