"""Few, contiguous reads: the ranges of one file that were read so far, and what they cost."""

from __future__ import annotations

from collections.abc import Iterable

from inspector.errors import LimitExceeded
from inspector.limits import KIB, Limits
from inspector.source import Source

HEAD = 4 * KIB
"""The first read; holds the header, the program headers and, in most libraries, the notes and the hash table."""
_NEAR = 16 * KIB
"""Two ranges with a gap up to this are read at once: in a compressed image they share a block."""


class FileRanges:
    """A source read in windows, which :meth:`load` merges and :meth:`read` serves from.

    :raises LimitExceeded: from both, where the windows together would pass ``Limits.elf_tables``.
    """

    def __init__(self, source: Source, limits: Limits) -> None:
        self.size = source.size
        self._source = source
        self._left = limits.elf_tables
        self._windows: list[tuple[int, int, bytes]] = []
        self.head = self._fetch(0, HEAD)

    def _fetch(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        if offset < 0 or length <= 0:
            return b""
        self._left -= length
        if self._left < 0:
            raise LimitExceeded("the ELF tables are larger than the elf_tables limit", offset)
        content = self._source.read_at(offset, length)
        self._windows.append((offset, offset + len(content), content))
        return content

    def _is_loaded(self, offset: int, end: int) -> bool:
        return any(start <= offset and end <= stop for start, stop, _ in self._windows)

    def load(self, wanted: Iterable[tuple[int, int]]) -> None:
        """Read ahead the ranges ``(offset, length)`` that are not there yet, neighbours together."""
        pending: list[list[int]] = []
        for offset, length in sorted(wanted):
            end = min(offset + length, self.size)
            if offset < 0 or end <= offset or self._is_loaded(offset, end):
                continue
            if pending and offset - pending[-1][1] <= _NEAR:
                pending[-1][1] = max(pending[-1][1], end)
            else:
                pending.append([offset, end])
        for offset, end in pending:
            self._fetch(offset, end - offset)

    def read(self, offset: int, length: int) -> bytes:
        """Bytes ``[offset, offset + length)``, fewer only where the file ends."""
        end = min(offset + length, self.size)
        if offset < 0 or end <= offset:
            return b""
        for start, stop, content in self._windows:
            if start <= offset and end <= stop:
                return content[offset - start : end - start]
        return self._fetch(offset, end - offset)
