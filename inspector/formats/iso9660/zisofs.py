"""zisofs version 1: files compressed block by block with zlib (libisofs, doc/zisofs_format.txt).

A file is a header of 16 bytes, a table of block pointers (32-bit little-endian, one more than there are blocks) and the blocks, each a zlib stream.
Two equal pointers stand for a block of zeros.
"""

from __future__ import annotations

import struct

from inspector.errors import FormatError, UnsupportedFormat
from inspector.formats.inflate import INFLATE_ERRORS, inflate_decoder
from inspector.source import Source

MAGIC = bytes.fromhex("37e45396c9dbd607")
_HEADER = 16
_SMALLEST_BLOCK, _LARGEST_BLOCK = 12, 20  # log2; programs write 15 to 17


class ZisofsFile:
    """A compressed file's content as a :class:`inspector.source.Source`; decodes the blocks that are asked for and keeps the last one.

    :param stored: the compressed bytes.
    :param size: bytes that the directory record promises.
    :param block_log: log2 of the block size that the directory record promises.
    :raises FormatError: where header and record contradict each other, or the pointers leave the stored bytes.
    """

    def __init__(self, stored: Source, size: int, block_log: int) -> None:
        head = stored.read_at(0, _HEADER)
        if len(head) < _HEADER or head[:8] != MAGIC:
            raise FormatError("the directory record says zisofs, but the file does not begin with its magic bytes", 0)
        (own_size,) = struct.unpack_from("<I", head, 8)
        if own_size != size or head[13] != block_log:
            raise FormatError(f"zisofs header of {own_size} bytes, directory record of {size}", 8)
        if not _SMALLEST_BLOCK <= block_log <= _LARGEST_BLOCK:
            raise UnsupportedFormat(f"zisofs blocks of 2^{block_log} bytes", 13)
        self.size = size
        self._stored = stored
        self._block_log = block_log
        count = -(-size >> block_log)
        table = stored.read_at(head[12] * 4, (count + 1) * 4)
        if len(table) < (count + 1) * 4:
            raise FormatError(
                f"zisofs pointer table of {count + 1} entries does not fit into the stored bytes", head[12] * 4
            )
        self._pointers = table
        self._block_number = -1
        self._block = b""

    def read_at(self, offset: int, length: int) -> bytes:
        """See :class:`inspector.source.Source`."""
        if offset < 0:
            return b""
        end = min(offset + length, self.size)
        parts = []
        while offset < end:
            number = offset >> self._block_log
            start = number << self._block_log
            block = self._decode(number)
            part = block[offset - start : end - start]
            parts.append(part)
            offset += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _decode(self, number: int) -> bytes:
        if number == self._block_number:
            return self._block
        expected = min(self.size - (number << self._block_log), 1 << self._block_log)
        start, end = struct.unpack_from("<II", self._pointers, number * 4)
        block = bytes(expected) if start == end else self._inflate(start, end, expected)
        self._block_number, self._block = number, block
        return block

    def _inflate(self, start: int, end: int, expected: int) -> bytes:
        if not start < end <= self._stored.size or end - start > 2 << self._block_log:
            raise FormatError(f"zisofs block at bytes {start} to {end} of {self._stored.size}", start)
        inflate = inflate_decoder()
        try:
            block = inflate.decompress(self._stored.read_at(start, end - start), expected + 1)
        except INFLATE_ERRORS as error:
            raise FormatError(f"zisofs block is no valid zlib stream ({error})", start) from None
        if len(block) != expected or not inflate.eof:
            raise FormatError(f"zisofs block does not decode to the {expected} bytes that it should", start)
        return block
