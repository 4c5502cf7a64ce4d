"""Where things lie in an image: ranges of bytes, for a map of what is covered and for a writer that copies what it does not change."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from inspector.formats.squashfs.superblock import METADATA_SIZE


class TableRange(NamedTuple):
    """Bytes ``[start, end)`` of the image that hold a table."""

    name: str
    start: int
    end: int


def index_size(count: int, record_size: int) -> int:
    """Bytes of the array that says where the blocks of a table are."""
    return 8 * -(-count * record_size // METADATA_SIZE)


def merge_ranges(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same bytes as sorted ranges ``[start, end)`` that neither overlap nor touch."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
