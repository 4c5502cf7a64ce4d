"""A file that is made of ranges of another one and of new bytes between them, as a :class:`inspector.source.Source`.

An edit of a large file is a few ranges and a few kilobytes; nothing is copied until somebody reads it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeAlias

from inspector.errors import FormatError
from inspector.limits import MIB
from inspector.source import BytesSource, FileSource, Source

CHUNK = MIB
"""Bytes that are looked at, or handed on, at once."""


class FileRange(NamedTuple):
    """Bytes ``[start, end)`` of the file that the new one is made of."""

    start: int
    end: int


class Zeros(NamedTuple):
    """So many zero bytes."""

    length: int


Piece: TypeAlias = FileRange | Zeros | bytes


class SplicedFile:
    """The pieces, one after the other.  It reads ``base``, which must stay readable and unchanged as long as this is read.

    :ivar size: in bytes.
    """

    __slots__ = ("_base", "_pieces", "_starts", "size")

    def __init__(self, base: Source, pieces: Iterable[Piece]) -> None:
        self._base = base
        self._pieces: list[Piece] = []
        self._starts: list[int] = []
        self.size = 0
        for piece in pieces:
            length = _length(piece)
            if length > 0:
                self._pieces.append(piece)
                self._starts.append(self.size)
                self.size += length

    def on(self, base: Source) -> SplicedFile:
        """The same pieces of another source that has the same bytes."""
        return SplicedFile(base, self._pieces)

    def read_at(self, offset: int, length: int) -> bytes:
        """See :class:`Source`."""
        end = min(offset + length, self.size)
        if offset < 0 or end <= offset:
            return b""
        index = bisect_right(self._starts, offset) - 1
        parts = []
        while offset < end:
            start = self._starts[index]
            stop = min(start + _length(self._pieces[index]), end)
            parts.append(self._read_piece(self._pieces[index], offset - start, stop - start))
            offset, index = stop, index + 1
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _read_piece(self, piece: Piece, start: int, end: int) -> bytes:
        if isinstance(piece, FileRange):
            return read_exactly(self._base, piece.start + start, end - start)
        if isinstance(piece, Zeros):
            return bytes(end - start)
        return piece[start:end]

    def chunks(self) -> Iterator[bytes]:
        """All bytes in order, at most 1 MiB at a time."""
        for offset in range(0, self.size, CHUNK):
            yield self.read_at(offset, CHUNK)

    def content(self) -> bytes:
        """All bytes at once: a copy of the whole file in memory."""
        return self.read_at(0, self.size)


def _length(piece: Piece) -> int:
    if isinstance(piece, FileRange):
        return piece.end - piece.start
    return piece.length if isinstance(piece, Zeros) else len(piece)


def read_exactly(source: Source, offset: int, length: int) -> bytes:
    """Bytes ``[offset, offset + length)``, all of them.

    :raises FormatError: where the source gives fewer, because it became shorter, or because the range runs out of it.
    """
    content = source.read_at(offset, length)
    if len(content) != max(length, 0):
        raise FormatError("the file ends before the bytes that it should have", offset + len(content))
    return content


def in_reach(source: Source) -> Source:
    """The same bytes where reading them again costs nothing: a file of a file system as it is, all else in memory."""
    if isinstance(source, FileSource | BytesSource):
        return source
    return BytesSource(read_exactly(source, 0, source.size))


def patched(base: Source, edits: Iterable[tuple[int, bytes]]) -> SplicedFile:
    """The same file with other bytes at some offsets.

    :param edits: offset and new bytes, in order, not overlapping.
    """
    pieces: list[Piece] = []
    position = 0
    for offset, new in edits:
        pieces += [FileRange(position, offset), new]
        position = offset + len(new)
    return SplicedFile(base, [*pieces, FileRange(position, base.size)])


def is_same_range(old: Source, old_start: int, new: Source, new_start: int, length: int) -> bool:
    """Whether two ranges hold the same bytes; both are read, 1 MiB at a time."""
    for done in range(0, length, CHUNK):
        size = min(CHUNK, length - done)
        before = old.read_at(old_start + done, size)
        if len(before) != size or before != new.read_at(new_start + done, size):
            return False
    return True
