"""The content of regular files: their blocks, their part of a fragment, and sweeps that decode every fragment once."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

from inspector.errors import FormatError
from inspector.forked_work import processors
from inspector.formats.squashfs.data import BLOCK_LENGTH, BLOCK_RAW, BlockReader
from inspector.formats.squashfs.inode import Inode
from inspector.formats.squashfs.read_ahead import ReadAhead

_FRAGMENT = struct.Struct("<QII")
FRAGMENT_SIZE = _FRAGMENT.size
_CHECKPOINT = 1024  # blocks between two remembered positions of a large file
_MOST_THREADS = 4


class Fragment(NamedTuple):
    """A block that holds the ends of several files.

    :ivar position: in the image.
    :ivar stored: bytes in the image.
    :ivar raw: whether it is stored without compression.
    """

    position: int
    stored: int
    raw: bool


class FragmentTable:
    """The fragments by index.

    :param load: reads the table's records; called when the first fragment is wanted.
    """

    def __init__(self, count: int, load: Callable[[], bytes]) -> None:
        self._count = count
        self._load = load
        self._records: bytes | None = None
        self._read: dict[int, Fragment] = {}

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Fragment:
        """:raises FormatError: where the table cannot be read."""
        found = self._read.get(index)  # each is asked for by every file that has a part of it
        if found is not None:
            return found
        if not 0 <= index < self._count:
            raise IndexError(index)
        if self._records is None:
            self._records = self._load()
        position, word, _ = _FRAGMENT.unpack_from(self._records, index * FRAGMENT_SIZE)
        found = self._read[index] = Fragment(position, word & BLOCK_LENGTH, bool(word & BLOCK_RAW))
        return found


class Sweep:
    """One pass over many files in the order of :meth:`ContentReader.position_key`: the current fragment stays, the next ones are decoded ahead.

    Nothing is decoded ahead before the consumer has asked for the content of a fragment, so a sweep that only looks at names costs nothing.

    :param order: the indexes of the fragments in the order in which they will be needed.
    """

    def __init__(self, order: Sequence[int], fragments: FragmentTable, blocks: BlockReader) -> None:
        self._order = order
        self._ordinals = {index: ordinal for ordinal, index in enumerate(order)}
        self._fragments = fragments
        self._blocks = blocks
        self._current = -1
        self._content = b""
        self._ahead: ReadAhead | None = None
        # On one processor a second thread would only take turns with the first.
        self._threads = min(processors(), _MOST_THREADS) if blocks.worth_a_thread and processors() > 1 else 0

    def fragment(self, index: int) -> bytes | None:
        """The content of a fragment; None where it is not part of this sweep, or is not compressed.

        :raises FormatError: where it cannot be decoded.
        """
        if index == self._current:
            return self._content
        ordinal = self._ordinals.get(index)
        if ordinal is None:
            return None
        fragment = self._fragments[index]
        if fragment.raw:
            return None
        self._decode_ahead(ordinal)
        if self._ahead is not None and ordinal in self._ahead:
            content = self._ahead.take(ordinal)
        else:
            content = self._blocks.decode(self._blocks.stored_bytes(fragment.position, fragment.stored))
        self._blocks.charge(len(content))
        self._current, self._content = index, content
        return content

    def close(self) -> None:
        """End the threads."""
        if self._ahead is not None:
            self._ahead.close()
            self._ahead = None
        self._ordinals.clear()
        self._current, self._content = -1, b""

    def _decode_ahead(self, ordinal: int) -> None:
        following = range(ordinal + 1, min(ordinal + 2 + self._threads, len(self._order)))
        if not self._threads or not following:
            return
        if self._ahead is None:
            self._ahead = ReadAhead(self._blocks.decode, self._threads)
        self._ahead.forget_before(ordinal)
        for next_ordinal in following:
            if next_ordinal in self._ahead:
                continue
            fragment = self._fragments[self._order[next_ordinal]]
            if fragment.raw:
                continue
            try:
                stored = self._blocks.stored_bytes(fragment.position, fragment.stored)
            except FormatError:
                continue  # it is told of when somebody asks for this fragment
            self._ahead.submit(next_ordinal, stored)


class ContentReader:
    """Reads files by their inodes.

    :param find_all_inodes: makes every inode of the image known to :meth:`note_tail`.
    :ivar deduplicated: whether the image's writer stored equal files once, as the superblock says.
    """

    def __init__(
        self,
        blocks: BlockReader,
        block_size: int,
        fragments: FragmentTable,
        find_all_inodes: Callable[[], None],
        *,
        deduplicated: bool = False,
    ) -> None:
        self.block_size = block_size
        self.fragments = fragments
        self.deduplicated = deduplicated
        self.sweep: Sweep | None = None
        self._blocks = blocks
        self._find_all_inodes = find_all_inodes
        self._fragment_ends: dict[int, int] = {}
        self._checkpoints_of: Inode | None = None
        self._checkpoints: list[int] = []

    def note_tail(self, inode: Inode) -> None:
        """Remember how far a file's tail reaches into its fragment; the furthest is the fragment's length."""
        if inode.fragment_index is not None:
            end = inode.fragment_offset + inode.tail_size
            if end > self._fragment_ends.get(inode.fragment_index, 0):
                self._fragment_ends[inode.fragment_index] = end

    @property
    def compressor(self) -> str:
        """The compressor's name in the superblock."""
        return self._blocks.compressor

    @property
    def end(self) -> int:
        """Bytes of the image; nothing of its data lies behind."""
        return self._blocks.end

    def stored_bytes(self, position: int, length: int) -> bytes:
        """``length`` bytes of the image as they are stored.

        :raises FormatError: where the image or its source ends before.
        """
        return self._blocks.image_bytes(position, length)

    def fragment_length(self, index: int) -> int:
        """How much of a fragment's content the image's files reach, in decoded bytes; 0 where none has a part of it."""
        self._find_all_inodes()
        return self._fragment_ends.get(index, 0)

    def stored_share(self, index: int, length: int) -> int:
        """How many stored bytes of a fragment stand for ``length`` bytes of its content, rounded."""
        end = max(self.fragment_length(index) or length, 1)
        return (2 * self.fragments[index].stored * length + end) // (2 * end)

    def position_key(self, inode: Inode) -> tuple[int, int, int]:
        """Sorts files by where their content lies, those of one fragment together."""
        if inode.fragment_index is not None:
            return self.fragments[inode.fragment_index].position, inode.fragment_index, inode.fragment_offset
        return inode.data_start, -1, inode.number

    def start_sweep(self, inodes: Sequence[Inode]) -> Sweep:
        """A sweep over files that are in the order of :meth:`position_key`; :meth:`end_sweep` ends it."""
        order = list(dict.fromkeys(inode.fragment_index for inode in inodes if inode.fragment_index is not None))
        self.sweep = Sweep(order, self.fragments, self._blocks)
        return self.sweep

    def end_sweep(self, sweep: Sweep) -> None:
        """End a sweep, whether or not another one was started since."""
        sweep.close()
        if self.sweep is sweep:
            self.sweep = None

    def read(self, inode: Inode, offset: int, length: int) -> bytes:
        """Bytes of a regular file; the range lies within it.

        :raises FormatError: where they cannot be decoded.
        """
        if not inode.block_count:
            return self._tail(inode, offset, offset + length)
        block, start = divmod(offset, self.block_size)
        position = self._position(inode, block)
        if start + length <= self.block_size:
            return self._piece(inode, block, start, start + length, position)
        parts = []
        while length > 0:
            end = min(start + length, self.block_size)
            parts.append(self._piece(inode, block, start, end, position))
            if block < inode.block_count:
                position += inode.size_word(block) & BLOCK_LENGTH
            length -= end - start
            block, start = block + 1, 0
        return b"".join(parts)

    def _piece(self, inode: Inode, block: int, start: int, end: int, position: int) -> bytes:
        """Bytes ``[start, end)`` of one block of a file, or of its tail, all of them."""
        if block >= inode.block_count:
            return self._tail(inode, start, end)
        word = inode.size_word(block)
        if not word:
            self._blocks.charge_zeros(end - start)
            return bytes(end - start)
        stored = word & BLOCK_LENGTH
        if not stored:
            raise FormatError(f"inode {inode.number}: block {block} is of no bytes, but not sparse", position)
        piece = self._blocks.read(position, stored, raw=bool(word & BLOCK_RAW), start=start, end=end)
        if len(piece) < end - start:
            # format.adoc, 4: every block but a file's last is filled up with zeros.
            if (block + 1) * self.block_size >= inode.size:
                raise FormatError(f"inode {inode.number}: the file's last block is too short", position)
            piece = piece.ljust(end - start, b"\0")
        return piece

    def _tail(self, inode: Inode, start: int, end: int) -> bytes:
        """Bytes ``[start, end)`` of the part of a file that lies in a fragment."""
        index = inode.fragment_index
        if index is None:  # the parser counts blocks so that every other byte has one
            raise FormatError(f"inode {inode.number}: the file ends before byte {end}")
        start += inode.fragment_offset
        end += inode.fragment_offset
        content = self.sweep.fragment(index) if self.sweep is not None else None
        if content is not None:
            piece = content[start:end]
        else:
            fragment = self.fragments[index]
            piece = self._blocks.read(fragment.position, fragment.stored, raw=fragment.raw, start=start, end=end)
        if len(piece) < end - start:
            raise FormatError(
                f"inode {inode.number} lies behind the end of fragment {index}", self.fragments[index].position
            )
        return piece

    def _position(self, inode: Inode, block: int) -> int:
        """Where a block starts: the sum of all before it."""
        if not block:
            return inode.data_start
        chunk, rest = divmod(min(block, inode.block_count), _CHECKPOINT)
        position = inode.data_start
        if chunk:
            if self._checkpoints_of is not inode:
                self._checkpoints_of, self._checkpoints = inode, [position]
            known = self._checkpoints
            while len(known) <= chunk:
                first = (len(known) - 1) * _CHECKPOINT
                known.append(known[-1] + inode.stored_length(first, first + _CHECKPOINT))
            position = known[chunk]
        return position + inode.stored_length(chunk * _CHECKPOINT, chunk * _CHECKPOINT + rest)
