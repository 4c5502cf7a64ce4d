"""Modules in a program that Nuitka compiled: those that stayed bytecode, and the constants of those that became machine code.

The program's read-only data hold a blob of entries, each a name that a zero byte ends, a length of 4 bytes, and data.  The first, ``.bytecode``,
is a count
of 2 bytes and so many texts: ``X``, a length in LEB128, marshalled code.  Tables elsewhere have a row for each module that is bytecode, with a
pointer to its
name, its number in the first entry, and its size, negative for some packages.  The other entries are named after modules and hold their constants.
Observed in programs of Nuitka 2.8 and 4.3; numbers are little-endian.
"""

from __future__ import annotations

import struct

from msgspec import Struct

from inspector.formats.elf import ElfFile
from inspector.formats.elf.pointers import Pointers
from inspector.limits import MIB, Limits
from inspector.patterns import lazy_pattern
from inspector.source import BytesSource, Source

_FIRST = b"\0.bytecode\0"
_MARKS = (
    b"__nuitka_binary_dir\0",
    b"<nuitka_module_loader>",
)  # a name that the program defines, and what its importer is called
_CONSTANTS = ".rodata"
_NAME = lazy_pattern(rb"[\w.\-]*")
_MODULE = lazy_pattern(rb"[A-Za-z_][\w-]*(?:\.[\w-]+)*")  # "_sysconfigdata__linux_x86_64-linux-gnu" is one
_CHUNK = 4 * MIB
_LARGEST_PROGRAM = 256 * MIB  # bytes of a program that are looked through
_MOST_ENTRIES = 100_000
_LONGEST_NAME = 300
_LONGEST_ROW = 128  # bytes


class CompiledModule(Struct, frozen=True):
    """One module.

    :ivar offset: of its marshalled code, or of its constants, in the program.
    :ivar is_bytecode: whether it stayed bytecode; else the bytes are its constants.
    """

    name: str
    offset: int
    size: int
    is_bytecode: bool
    is_package: bool = False


def is_compiled_program(source: Source, elf: ElfFile) -> bool:
    """Whether a program was compiled by Nuitka, by two names that the compiled code has among its constants.

    :raises FormatError: where the program cannot be decoded.
    """
    section = elf.section(_CONSTANTS)
    if not elf.is_program or section is None:
        return False
    missing = set(_MARKS)
    overlap = max(map(len, _MARKS)) - 1
    end = min(section.offset + section.size, source.size)
    place = max(end - _CHUNK, section.offset)
    while missing and place < end:  # the last chunk first: the marks lie behind the constants of the modules
        content = source.read_at(place, min(_CHUNK + overlap, end - place))
        missing = {mark for mark in missing if mark not in content}
        if place == section.offset:
            break
        place = max(place - _CHUNK, section.offset)
    return not missing


def read_compiled_modules(source: Source, elf: ElfFile, limits: Limits) -> tuple[CompiledModule, ...]:
    """The modules of a program, those with bytecode first, in the order of their numbers; none where it has no such blob.

    :raises FormatError: where the program cannot be decoded.
    """
    if source.size > _LARGEST_PROGRAM:
        return ()
    content = source.read_at(0, source.size)
    place = content.find(_FIRST)
    while place >= 0:
        entries = _entries(content, place + 1)
        if len(entries) > 1:
            break
        place = content.find(_FIRST, place + 1)
    else:
        return ()
    (_, start, size), *others = entries
    codes = _codes(content, start, start + size, limits)
    found = _named(Pointers(BytesSource(content), elf), elf, codes)
    found += [
        CompiledModule(name.decode("ascii", "replace"), at, length, False)
        for name, at, length in others
        if _MODULE.fullmatch(name)
    ]
    return tuple(found)


def _entries(content: bytes, place: int) -> list[tuple[bytes, int, int]]:
    """Name, offset and length of the entries from a place on, as far as they read as such."""
    found: list[tuple[bytes, int, int]] = []
    while len(found) < _MOST_ENTRIES:
        end = content.find(b"\0", place, place + _LONGEST_NAME)
        if end < 0 or end + 5 > len(content) or not _NAME.fullmatch(content, place, end):
            break
        (length,) = struct.unpack_from("<I", content, end + 1)
        if not length or length > len(content) - end - 5:
            break
        found.append((content[place:end], end + 5, length))
        place = end + 5 + length
    return found


def _codes(content: bytes, start: int, end: int, limits: Limits) -> list[tuple[int, int]]:
    """Offset and size of each code of the first entry; those in front of damage."""
    if end - start < 2:
        return []
    (count,) = struct.unpack_from("<H", content, start)
    found: list[tuple[int, int]] = []
    place = start + 2
    while len(found) < min(count, limits.inodes) and place < end and content[place : place + 1] == b"X":
        place += 1
        size = shift = 0
        while place < end and shift < 35:
            byte = content[place]
            place += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if size > end - place:
            break
        found.append((place, size))
        place += size
    return found


def _named(pointers: Pointers, elf: ElfFile, codes: list[tuple[int, int]]) -> list[CompiledModule]:
    """The codes with the names that the program's tables give them.

    Rows differ from release to release: a pointer to a name comes first, number and size stand together some words behind it.  The sizes are so
    peculiar
    that a number with the right one is meant; its row's name is the nearest in front of it.
    """
    cells: dict[int, tuple[int, int, bytes]] = {}  # by address of a number: distance to the name, number, name
    for slot in pointers.relocated() if elf.type == "DYN" else _addresses_of_data(elf, pointers.size):
        address = pointers.at(slot)
        name = None if address is None else pointers.text(address)
        if name is None or not _MODULE.fullmatch(name):
            continue
        for distance in range(pointers.size, _LONGEST_ROW, pointers.size):
            cell = slot + distance
            index, size = pointers.integer(cell), pointers.integer(cell + 4)
            if index is None or size is None or not 0 <= index < len(codes) or abs(size) != codes[index][1]:
                continue
            if cell not in cells or distance < cells[cell][0]:
                cells[cell] = distance, index, name
    names: dict[int, str] = {}
    for _, index, name in (cells[cell] for cell in sorted(cells)):
        names.setdefault(index, name.decode("ascii", "replace"))
    packages = {name.rpartition(".")[0] for name in names.values()}
    return [CompiledModule(names[index], *codes[index], True, names[index] in packages) for index in sorted(names)]


def _addresses_of_data(elf: ElfFile, step: int) -> range:
    """Addresses of words of a program that is not relocated, in its data."""
    section = elf.section(".data")
    return range(0) if section is None else range(section.address, section.address + section.size, step)
