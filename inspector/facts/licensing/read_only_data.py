"""Where an ELF file keeps its constants: string literals and tables, without the names of its symbols.

Sections tell where there are any (``.rodata``, ``.data.rel.ro``); else the segments that are mapped and not executed, or those of a linker that puts
constants and code into one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from inspector.formats.elf import ElfFile
from inspector.formats.elf.sections import SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, SHT_PROGBITS, Section
from inspector.formats.elf.segments import PT_LOAD
from inspector.limits import MIB
from inspector.source import Source

PIECE = MIB
"""Bytes that are looked at together: so many hits as they may hold, a hostile file can make us keep."""

_NO_CONSTANTS = (".eh_frame", ".gcc_except_table", ".interp", ".note", ".stapsdt", ".gopclntab", ".plt", ".got")


def constant_ranges(elf: ElfFile, sections: Sequence[Section]) -> list[tuple[int, int]]:
    """Offset and size of the file's ranges that hold constants, in rising order, none overlapping another; none of a file without code.

    A file without code contains no component (``libicudata``, ``libQt5*.debug``): its data is what its name says.

    :param sections: ``elf.sections``, decoded once for all who ask.
    """
    if elf.is_separate_debug or not _has_code(elf):
        return []
    found = [
        (section.offset, section.size)
        for section in sections
        if section.type == SHT_PROGBITS
        and section.flags & SHF_ALLOC
        and not section.flags & SHF_EXECINSTR
        and (not section.flags & SHF_WRITE or section.name.startswith(".data.rel.ro"))
        and not section.name.startswith(_NO_CONSTANTS)
    ]
    if not found:
        loaded = [segment for segment in elf.segments if segment.type == PT_LOAD and not segment.is_writable]
        found = [(segment.offset, segment.filesz) for segment in loaded if not segment.is_executable]
        # A linker without -z separate-code puts the constants behind the code.
        if not any(size > len(elf.segments) * 64 and start for start, size in found):
            found = [(segment.offset, segment.filesz) for segment in loaded]
    return _merged(found, elf.size)


def _has_code(elf: ElfFile) -> bool:
    if len(elf.sections):
        return elf.sections.has_code_in_file() is True
    return any(segment.type == PT_LOAD and segment.is_executable for segment in elf.segments)


def _merged(ranges: Iterable[tuple[int, int]], end: int) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for offset, size in sorted(ranges):
        last = min(offset + size, end)
        start = max(offset, sum(merged[-1]) if merged else 0)
        if start < last:
            merged.append((start, last - start))
    return merged


def constants(source: Source, ranges: Iterable[tuple[int, int]], overlap: int) -> Iterator[tuple[int, bytes]]:
    """The bytes of the ranges in pieces with their offsets; neighbouring pieces of a range share ``overlap`` bytes.

    :raises FormatError: where the content cannot be decoded.
    :raises OSError: where the medium fails.
    """
    for start, size in ranges:
        at, end = start, start + size
        while at < end:
            content = source.read_at(at, min(PIECE + overlap, end - at))
            if not content:
                break
            yield at, content
            if at + len(content) >= end:
                break
            at += PIECE
