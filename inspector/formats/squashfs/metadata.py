"""Metadata blocks: 8 KiB pieces of the tables, each behind a 16-bit header, and the tables that are made of them."""

from __future__ import annotations

import struct

from inspector.errors import FormatError, LimitExceeded
from inspector.formats.squashfs.compression import Decompressor
from inspector.formats.squashfs.superblock import METADATA_SIZE
from inspector.source import Source

_RAW = 0x8000  # squashfs_fs.h: SQUASHFS_COMPRESSED_BIT, set where the block is not compressed


class MetadataTable:
    """A decoded run of metadata blocks: one ``bytes``, and which position in the file each block came from.

    :ivar content: all blocks, decoded and joined.
    """

    __slots__ = ("_offsets", "content", "name")

    def __init__(self, name: str, content: bytes, offsets: dict[int, int]) -> None:
        self.name = name
        self.content = content
        self._offsets = offsets

    def locate(self, block: int, offset: int) -> int:
        """Index into ``content`` of a reference.

        :param block: position of the metadata block in the table, stored bytes.
        :param offset: offset in the decoded block.
        :raises FormatError: where no block starts there, or it is shorter.
        """
        start = self._offsets.get(block)
        # Every block but the last has METADATA_SIZE bytes, so this and the length of the whole bound the offset.
        if start is None or offset >= METADATA_SIZE or start + offset >= len(self.content):
            raise FormatError(f"the {self.name} table has no byte {offset} in a block at {block}")
        return start + offset


class MetadataReader:
    """Reads metadata blocks of one image and counts what they decode to.

    :param end: bytes of the image; no block may pass it.
    :param budget: the most bytes that all tables together may decode to (``Limits.decoded_metadata``).
    """

    def __init__(self, source: Source, decompressor: Decompressor, end: int, budget: int) -> None:
        self._source = source
        self._decompressor = decompressor
        self._end = end
        self._budget = budget
        self.decoded = 0

    def charge(self, length: int) -> None:
        """Count ``length`` bytes of memory that metadata costs.

        :raises LimitExceeded: where that passes the budget.
        """
        self.decoded += length
        if self.decoded > self._budget:
            raise LimitExceeded(f"metadata of more than {self._budget} bytes: the decoded_metadata limit")

    def raw(self, start: int, length: int) -> bytes:
        """``length`` bytes of the image, all of them.

        :raises FormatError: where they pass the end of the image.
        """
        if length > self._end - start:
            raise FormatError(f"{length} bytes of metadata pass the end of the image", start)
        found = self._source.read_at(start, length)
        if len(found) < length:
            raise FormatError(f"{length} bytes of metadata are wanted, the source has {len(found)}", start)
        return found

    def table(self, name: str, start: int, end: int) -> MetadataTable:
        """All blocks in ``[start, end)``, which must be nothing but blocks.

        :raises FormatError: where a block is empty, too long, cut short, or not the last one and short.
        """
        stored = memoryview(self.raw(start, end - start))
        parts: list[bytes] = []
        offsets: dict[int, int] = {}
        position = total = 0
        while position < len(stored):
            if total % METADATA_SIZE:
                raise FormatError(f"a block of the {name} table that is not the last one is short", start + position)
            block, after = self._block(stored, position, start)
            offsets[position] = total
            parts.append(block)
            total += len(block)
            position = after
        return MetadataTable(name, b"".join(parts), offsets)

    def block(self, position: int) -> tuple[bytes, int]:
        """The block at ``position`` of the image, decoded, and the position behind it."""
        available = min(self._end - position, METADATA_SIZE + 2)
        if available < 2:
            raise FormatError("a metadata block lies outside the image", position)
        block, after = self._block(memoryview(self.raw(position, available)), 0, position)
        return block, position + after

    def lookup_table(self, name: str, index_position: int, count: int, record_size: int) -> tuple[bytes, int]:
        """The records of a table that is found through an array of block positions, and the position of its first block.

        :param index_position: where the array is, in the image.
        """
        length = count * record_size
        blocks = -(-length // METADATA_SIZE)
        positions = struct.unpack(f"<{blocks}Q", self.raw(index_position, blocks * 8))
        parts = []
        for number, position in enumerate(positions):
            wanted = min(length - number * METADATA_SIZE, METADATA_SIZE)
            part, after = self.block(position)
            if after > index_position or (number and position <= positions[number - 1]):
                raise FormatError(f"block {number} of the {name} table is not where it can be", position)
            if len(part) < wanted:
                raise FormatError(f"block {number} of the {name} table has {len(part)} of {wanted} bytes", position)
            parts.append(part[:wanted])
        return b"".join(parts), positions[0] if positions else index_position

    def _block(self, stored: memoryview, position: int, origin: int) -> tuple[bytes, int]:
        """The decoded block at ``position`` of ``stored``, and the position behind it; ``origin`` is for messages."""
        body = position + 2
        if body > len(stored):
            raise FormatError("a metadata block's header is cut short", origin + position)
        header = stored[position] | stored[position + 1] << 8
        length = header & ~_RAW
        if not 0 < length <= METADATA_SIZE:
            raise FormatError(f"a metadata block of {length} stored bytes", origin + position)
        after = body + length
        if after > len(stored):
            raise FormatError(f"a metadata block of {length} stored bytes is cut short", origin + position)
        block = bytes(stored[body:after])
        if not header & _RAW:
            try:
                block = self._decompressor.decode(block, METADATA_SIZE)
            except LimitExceeded:
                raise
            except FormatError as error:
                raise FormatError(f"metadata block: {error.what}", origin + position) from None
            if not block:
                raise FormatError("a metadata block decodes to nothing", origin + position)
        self.charge(len(block))
        return block, after
