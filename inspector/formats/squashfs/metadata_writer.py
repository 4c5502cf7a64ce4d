"""Metadata blocks: records in, 8 KiB pieces compressed each behind a 16-bit header out."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from inspector.errors import LimitExceeded
from inspector.formats.squashfs.superblock import METADATA_SIZE

_RAW = 0x8000  # squashfs_fs.h: SQUASHFS_COMPRESSED_BIT, set where the block is not compressed


class MetadataWriter:
    """One table of metadata blocks.

    :param budget: the most bytes of records that it may take.
    """

    def __init__(self, compress: Callable[[bytes], bytes], budget: int) -> None:
        self._compress = compress
        self._budget = budget
        self._open = bytearray()
        self._blocks: list[bytes] = []
        self._stored = 0
        self.length = 0
        """Bytes of records so far."""

    @property
    def position(self) -> tuple[int, int]:
        """Where the next byte goes: position of its metadata block in the table, offset in the decoded block."""
        return self._stored, len(self._open)

    def write(self, record: bytes) -> None:
        """Append a record; it may cross from one block to the next.

        :raises LimitExceeded: where that passes the budget.
        """
        self.length += len(record)
        if self.length > self._budget:
            raise LimitExceeded(f"a table of more than {self._budget} bytes: the decoded_metadata limit")
        self._open += record
        while len(self._open) >= METADATA_SIZE:
            self._close_block(bytes(self._open[:METADATA_SIZE]))
            del self._open[:METADATA_SIZE]

    def finish(self) -> bytes:
        """The whole table as it is stored."""
        if self._open:
            self._close_block(bytes(self._open))
            self._open.clear()
        return b"".join(self._blocks)

    def _close_block(self, content: bytes) -> None:
        block = metadata_block(content, self._compress)
        self._blocks.append(block)
        self._stored += len(block)


def metadata_block(content: bytes, compress: Callable[[bytes], bytes] | None) -> bytes:
    """One block with its header; raw where ``compress`` is None or does not make it smaller."""
    packed = content if compress is None else compress(content)
    if len(packed) < len(content):
        return struct.pack("<H", len(packed)) + packed
    return struct.pack("<H", len(content) | _RAW) + content


def lookup_table(records: bytes, start: int, compress: Callable[[bytes], bytes]) -> tuple[bytes, Sequence[int]]:
    """A table that is found through an array of the positions of its blocks.

    :param start: where its first block goes, in the image.
    :returns: the stored blocks, and their positions in the image.
    """
    blocks = []
    positions = []
    for at in range(0, len(records), METADATA_SIZE):
        positions.append(start)
        blocks.append(metadata_block(records[at : at + METADATA_SIZE], compress))
        start += len(blocks[-1])
    return b"".join(blocks), positions
