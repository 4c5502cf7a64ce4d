"""A program with an archive inside it, taken apart and put together again, its ELF headers kept true.

Freezers put their archive behind an ELF file, or between its sections, where no segment covers it.  Taking the bytes out, or putting others of
another
length there, moves what lies behind: section contents, and the table of section headers (gABI chapter 4, "ELF Header" and "Section Header").
"""

from __future__ import annotations

import struct

from msgspec import Struct

from inspector.errors import FormatError, LimitExceeded
from inspector.formats.elf import ElfFile
from inspector.limits import MIB
from inspector.source import Source

_LARGEST_PROGRAM = 64 * MIB  # bytes of a program without its archive; the starters that are known have less than one
_UNIT = 16  # what lies behind the archive moves by a multiple of this many bytes, so that nothing loses its alignment
_SHT_NOBITS = 8


class SplicedProgram(Struct, frozen=True):
    """The program around an archive.

    :ivar head: bytes in front of the archive.
    :ivar tail: bytes behind it; empty where it is appended.
    :ivar start: where the archive begins.
    :ivar length: bytes of the archive.
    """

    head: bytes
    tail: bytes
    start: int
    length: int
    _elf: ElfFile

    def around(self, length: int) -> tuple[bytes, bytes]:
        """What belongs in front of and behind an archive of another length; padding is at the beginning of the second.

        :param length: bytes of the new archive; 0 for the program without one.
        """
        padding = (self.length - length) % _UNIT if self.tail else 0
        shift = length + padding - self.length
        header = self._elf.header
        word = "Q" if self._elf.bits == 64 else "I"
        order = "<" if self._elf.endian == "little" else ">"
        head, tail = bytearray(self.head), bytearray(self.tail)
        end = self.start + self.length

        def patch(place: int, layout: str, *values: int) -> None:
            for part, base in ((head, 0), (tail, end)):
                if base <= place <= base + len(part) - struct.calcsize(order + layout):
                    struct.pack_into(order + layout, part, place - base, *values)
                    return

        is_64 = self._elf.bits == 64
        offset_field, size_field = (24, 32) if is_64 else (16, 20)  # sh_offset and sh_size of a section header
        for index, section in enumerate(self._elf.sections):
            place = header.shoff + index * header.shentsize
            if section.offset >= end:
                patch(place + offset_field, word, section.offset + shift)
            elif section.offset == self.start and section.size >= self.length and section.type != _SHT_NOBITS:
                patch(place + size_field, word, section.size - self.length + length)
        if header.shoff >= end:
            patch(40 if is_64 else 32, word, header.shoff + shift)  # e_shoff
        return bytes(head), b"\0" * padding + bytes(tail)


def spliced_program(source: Source, elf: ElfFile, start: int, end: int) -> SplicedProgram:
    """The program around the archive at ``[start, end)``.

    :raises FormatError: where a segment covers a part of the archive, so that it cannot be moved.
    :raises LimitExceeded: where the program itself is larger than 64 MiB.
    """
    if any(segment.filesz and segment.offset < end and segment.end > start for segment in elf.loads):
        raise FormatError("the archive lies in a segment of the program", start)
    if start + source.size - end > _LARGEST_PROGRAM:
        raise LimitExceeded("the program around the archive is larger than 64 MiB", start)
    return SplicedProgram(source.read_at(0, start), source.read_at(end, source.size - end), start, end - start, elf)
