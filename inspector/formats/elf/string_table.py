"""NUL-terminated strings at offsets of a table, decoded once and within a budget.

A hostile table is one long string that a hundred thousand rows name at offsets of their own: what is decoded is counted, not what is there.
"""

from __future__ import annotations

from inspector.errors import LimitExceeded
from inspector.formats.elf.ranges import FileRanges
from inspector.limits import KIB, Limits

_WHOLE = 64 * KIB
_TAIL = 16 * KIB
_PIECE = 512


def text(content: bytes) -> str:
    """Bytes as text; those that are not UTF-8 as ``\\xNN``."""
    return content.decode("utf-8", "backslashreplace")


class StringTable:
    """The dynamic string table (``DT_STRTAB``), for the few names that are always wanted.

    Not read as a whole unless it is small or ``whole`` says so: linkers write the names of libraries and versions behind those of the symbols, so
    that the end of the table is read at once and the rest string by string.

    :ivar offset: in the file.
    :ivar size: bytes of it that the file has.
    """

    def __init__(self, ranges: FileRanges, offset: int, size: int, limits: Limits, *, whole: bool) -> None:
        self.offset = offset
        self.size = max(0, min(size, ranges.size - offset))
        self._ranges = ranges
        self._left = limits.elf_tables
        self._known: dict[int, str | None] = {}
        if self.size <= _WHOLE or whole:
            ranges.load([(offset, self.size)])
        else:
            ranges.load([(offset + self.size - _TAIL, _TAIL)])

    def at(self, index: int) -> str | None:
        """The string at ``index``, or None where the table has none: outside of it, or without an end.

        :raises LimitExceeded: where all strings together pass ``Limits.elf_tables``.
        """
        if index in self._known:
            return self._known[index]
        found = self._find(index)
        self._known[index] = found
        return found

    def _find(self, index: int) -> str | None:
        if not 0 <= index < self.size:
            return None
        length = _PIECE
        while True:
            wanted = min(length, self.size - index)
            piece = self._ranges.read(self.offset + index, wanted)
            end = piece.find(0)
            if end >= 0:
                break
            if wanted == self.size - index or len(piece) < wanted:
                return None
            length *= 8
        self._left -= end + 1
        if self._left < 0:
            raise LimitExceeded("the names of an ELF file are longer than the elf_tables limit", self.offset + index)
        return text(piece[:end])
