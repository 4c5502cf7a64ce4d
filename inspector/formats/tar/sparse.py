"""Sparse members: a map of the regions that are stored, everything between them zeros (GNU tar manual, "Storing Sparse Files")."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence

from inspector.errors import FormatError
from inspector.formats.tar.header import BLOCK, TarHeader, number
from inspector.formats.tar.pax_records import decimal
from inspector.source import SliceSource, Source

_MOST_REGIONS = 1_000_000
_OLD_FIRST, _OLD_FOLLOWING = 4, 21  # GNU tar, tar.h: SPARSES_IN_OLDGNU_HEADER, SPARSES_IN_SPARSE_HEADER

Regions = list[tuple[int, int]]
"""(offset in the file, length) of each stored region."""


class SparseContent:
    """A sparse member's content, a :class:`inspector.source.Source`.

    :param stored: the regions' bytes one behind the other.
    :param size: the file's whole length in bytes.
    :raises FormatError: where the regions overlap, lie behind the end, or are longer than what is stored.
    """

    def __init__(self, stored: Source, regions: Sequence[tuple[int, int]], size: int) -> None:
        self.size = size
        self._stored = stored
        self._starts: list[int] = []
        self._regions: list[tuple[int, int, int]] = []
        position = end = 0
        for offset, length in regions:
            if offset < end or length < 0 or offset + length > size:
                raise FormatError("a sparse member's map is out of order")
            if length:
                self._starts.append(offset)
                self._regions.append((offset, length, position))
            position += length
            end = offset + length
        if position > stored.size:
            raise FormatError("a sparse member's map names more bytes than are stored")

    def read_at(self, offset: int, length: int) -> bytes:
        """See :class:`inspector.source.Source`."""
        length = min(length, self.size - offset)
        if offset < 0 or length <= 0:
            return b""
        content = bytearray(length)
        index = max(bisect.bisect_right(self._starts, offset) - 1, 0)
        for start, count, position in self._regions[index:]:
            if start >= offset + length:
                break
            first, last = max(start, offset), min(start + count, offset + length)
            if last > first:
                content[first - offset : last - offset] = self._stored.read_at(position + first - start, last - first)
        return bytes(content)


def old_regions(header: TarHeader, read_block: Callable[[], bytes], position: int) -> tuple[Regions, int]:
    """The map and the whole size of a member of type "S".

    :param read_block: gives the next 512 bytes of the archive, behind the header.
    :raises FormatError: where the map does not end.
    """
    regions = _old_records(header.block, 386, _OLD_FIRST, position)  # tar.h, struct oldgnu_header
    size = number(header.block[483:495], position)
    more = header.block[482]
    while more:
        block = read_block()
        if len(block) < BLOCK or len(regions) > _MOST_REGIONS:
            raise FormatError("a sparse member's map does not end", position)
        regions += _old_records(block, 0, _OLD_FOLLOWING, position)
        more = block[504]
    return regions, size


def _old_records(block: bytes, start: int, count: int, position: int) -> Regions:
    found = []
    for offset in range(start, start + 24 * count, 24):
        if not block[offset]:
            break
        found.append(
            (number(block[offset : offset + 12], position), number(block[offset + 12 : offset + 24], position))
        )
    return found


def pax_regions(records: Sequence[tuple[bytes, bytes]], data: Source, position: int) -> tuple[Regions, int, int] | None:
    """The map, the whole size, and the bytes of the data that the map itself takes, of a member with GNU.sparse records; None of any other.

    :raises FormatError: where the map cannot be read.
    """
    values = dict(records)
    if values.get(b"GNU.sparse.major") == b"1":
        size = decimal(values.get(b"GNU.sparse.realsize", b""), position)
        regions, taken = _map_in_data(data, position)
        return regions, size, taken
    if b"GNU.sparse.size" not in values:
        return None
    size = decimal(values[b"GNU.sparse.size"], position)
    written = values.get(b"GNU.sparse.map")
    if written is not None:
        numbers = [decimal(part, position) for part in written.split(b",") if part]
    else:
        numbers = [
            decimal(value, position) for key, value in records if key in (b"GNU.sparse.offset", b"GNU.sparse.numbytes")
        ]
    return list(zip(numbers[::2], numbers[1::2], strict=False)), size, 0


def _map_in_data(data: Source, position: int) -> tuple[Regions, int]:
    """Version 1.0: decimal numbers, one a line, in front of the data, filled up to whole blocks."""
    text = b""
    needed: int | None = None
    while True:
        lines = text.count(b"\n")
        if needed is None and lines:
            count = decimal(text.split(b"\n", 1)[0], position)
            if not 0 <= count <= _MOST_REGIONS:
                raise FormatError("a sparse member's map has too many regions", position)
            needed = 1 + 2 * count
        if needed is not None and lines >= needed:
            break
        chunk = data.read_at(len(text), BLOCK * 16)
        if not chunk:
            raise FormatError("a sparse member's map does not end", position)
        text += chunk
    parts = text.split(b"\n", needed)
    numbers = [decimal(part, position) for part in parts[1:needed]]
    taken = len(text) - len(parts[-1])
    return list(zip(numbers[::2], numbers[1::2], strict=True)), -(-taken // BLOCK) * BLOCK


def sparse_content(data: Source, taken: int, regions: Regions, size: int) -> SparseContent:
    """The content of a sparse member whose data begin with ``taken`` bytes of map."""
    return SparseContent(SliceSource(data, taken), regions, size)
