"""NUL-terminated strings at offsets of a table, decoded once and within a budget.

A hostile table is one long string that a hundred thousand rows name at offsets of their own: what is decoded is counted, not what is there.
"""

from __future__ import annotations

from inspector.errors import LimitExceeded
from inspector.formats.elf.ranges import FileRanges
from inspector.limits import KIB, Limits

_WHOLE = 64 * KIB
_CHUNK = 16 * KIB
_MOST_CHUNKS = 32
_PIECE = 512


def text(content: bytes) -> str:
    """Bytes as text; those that are not UTF-8 as ``\\xNN``."""
    return content.decode("utf-8", "backslashreplace")


class StringTable:
    """The dynamic string table (``DT_STRTAB``), for the few names that are always wanted.

    What the ranges do not hold yet is read in chunks where a name lies, or as a whole where the table is small or many of its chunks are wanted.

    :ivar offset: in the file.
    :ivar size: bytes of it that the file has.
    """

    def __init__(self, ranges: FileRanges, offset: int, size: int, limits: Limits) -> None:
        self.offset = offset
        self.size = max(0, min(size, ranges.size - offset))
        self._ranges = ranges
        self._left = limits.elf_tables
        self._known: dict[int, str | None] = {}
        self._chunks: set[int] = set()
        self._whole = self.size <= _WHOLE

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
        self._load_around(index)
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

    def _load_around(self, index: int) -> None:
        if self._whole:
            self._ranges.load([(self.offset, self.size)])
            return
        chunk = index // _CHUNK
        if chunk not in self._chunks:
            self._chunks.add(chunk)
            start = chunk * _CHUNK
            self._ranges.load([(self.offset + start, min(_CHUNK + _PIECE, self.size - start))])
            self._whole = len(self._chunks) >= _MOST_CHUNKS
