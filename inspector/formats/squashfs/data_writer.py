"""The data area: blocks of files and fragments, copied where that is possible and compressed where not."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable
from functools import partial

from msgspec import Struct

from inspector.formats.squashfs.block_reuse import ImageReuse, MovedRanges
from inspector.formats.squashfs.data import BLOCK_RAW
from inspector.formats.squashfs.equal_content import read_all
from inspector.formats.squashfs.image_output import ImageOutput
from inspector.formats.squashfs.inode import Inode
from inspector.formats.squashfs.ordered_compression import OrderedCompression
from inspector.formats.squashfs.write_plan import StoredContent

_CHUNK = 1 << 20  # bytes that are read or copied at once


class DataCounts(Struct):
    """How the data area was made; blocks are files' own blocks, without fragments, and bytes are those stored."""

    blocks_copied: int = 0
    blocks_compressed: int = 0
    fragments_copied: int = 0
    fragments_compressed: int = 0
    bytes_copied: int = 0
    bytes_compressed: int = 0


class DataWriter:
    """Writes contents and says in each where it lies.

    :param queue: must be finished before the contents' places are read.
    :param fragments: whether small files are packed together.
    :param tail_ends: whether the last, short block of larger files is packed too.
    :param advance: told of bytes of content that were taken.
    :ivar fragment_table: position and size word of each fragment.
    """

    def __init__(
        self,
        output: ImageOutput,
        queue: OrderedCompression,
        block_size: int,
        *,
        fragments: bool,
        tail_ends: bool,
        advance: Callable[[int], None],
    ) -> None:
        self.counts = DataCounts()
        self.fragment_table: list[tuple[int, int]] = []
        self._output = output
        self._queue = queue
        self._block_size = block_size
        self._fragments = fragments
        self._tail_ends = tail_ends
        self._advance = advance
        self._zeros = bytes(block_size)
        self._open_fragment = bytearray()

    def copy(self, reuse: ImageReuse) -> None:
        """Copy what an image gives; its loose tails are not packed yet.  Nothing may be waiting in the queue.

        :raises FormatError: where the old image cannot be read.
        """
        moved = MovedRanges()
        for start, end in reuse.ranges:
            moved.add(start, self._output.position)
            for at in range(start, end, _CHUNK):
                length = min(_CHUNK, end - at)
                self._output.write(reuse.container.stored_bytes(at, length))
                self.counts.bytes_copied += length
        new_index = {}
        for index in reuse.fragments:
            fragment = reuse.container.fragments[index]
            new_index[index] = len(self.fragment_table)
            word = fragment.stored | (BLOCK_RAW if fragment.raw else 0)
            self.fragment_table.append((moved.new_position(fragment.position), word))
        self.counts.fragments_copied += len(new_index)
        for content, inode in reuse.contents:
            self._adopt(content, inode, moved, new_index)

    def store(self, content: StoredContent) -> None:
        """Compress a content.

        :raises FormatError: where it cannot be read.
        """
        size, block_size = content.size, self._block_size
        tail = size % block_size if self._fragments and (self._tail_ends or size < block_size) else 0
        content.words = array("I", bytes(4 * -(-(size - tail) // block_size)))
        step = max(block_size, _CHUNK)
        for start in range(0, size - tail, step):
            chunk = read_all(content, start, min(step, size - tail - start))
            if len(chunk) <= block_size:
                self._block(content, start // block_size, chunk)
            else:
                for at in range(0, len(chunk), block_size):
                    self._block(content, (start + at) // block_size, chunk[at : at + block_size])
            self._advance(len(chunk))
        if tail:
            self.pack_tail(content, tail)

    def pack_tail(self, content: StoredContent, length: int) -> None:
        """Put the last bytes of a content into a fragment.

        :raises FormatError: where they cannot be read.
        """
        tail = read_all(content, content.size - length, length)
        if len(self._open_fragment) + length > self._block_size:
            self.close_fragment()
        content.fragment = len(self.fragment_table)
        content.fragment_offset = len(self._open_fragment)
        self._open_fragment += tail
        self._advance(length)

    def close_fragment(self) -> None:
        """Compress the fragment that is being filled, if there is one."""
        if self._open_fragment:
            index = len(self.fragment_table)
            self.fragment_table.append((0, 0))  # content.fragment counts on its place
            self._queue.submit(bytes(self._open_fragment), partial(self._fragment_done, index))
            self._open_fragment.clear()

    def _adopt(self, content: StoredContent, inode: Inode, moved: MovedRanges, new_index: dict[int, int]) -> None:
        """Say in a content where its copied bytes are."""
        words = array("I", struct.unpack(f"<{inode.block_count}I", inode.size_words))
        content.words = words
        self.counts.blocks_copied += len(words) - words.count(0)
        if any(words):
            content.start = moved.new_position(inode.data_start)
        content.sparse_bytes = sum(block.size for block in inode.blocks() if not block.stored) if 0 in words else 0
        if inode.fragment_index in new_index:
            content.fragment = new_index[inode.fragment_index]
            content.fragment_offset = inode.fragment_offset
            self._advance(content.size)
        else:
            self._advance(content.size - inode.tail_size)

    def _block(self, content: StoredContent, index: int, block: bytes) -> None:
        if block == (self._zeros if len(block) == self._block_size else self._zeros[: len(block)]):
            content.sparse_bytes += len(block)  # its size word is 0 already
        else:
            self._queue.submit(block, partial(self._block_done, content, index))

    def _block_done(self, content: StoredContent, index: int, stored: bytes, word: int) -> None:
        position = self._output.write(stored)
        if content.start is None:
            content.start = position
        content.words[index] = word
        self.counts.blocks_compressed += 1
        self.counts.bytes_compressed += len(stored)

    def _fragment_done(self, index: int, stored: bytes, word: int) -> None:
        self.fragment_table[index] = self._output.write(stored), word
        self.counts.fragments_compressed += 1
        self.counts.bytes_compressed += len(stored)
