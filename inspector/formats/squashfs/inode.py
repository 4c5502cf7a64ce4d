"""Inodes: what a file is, and where its bytes are."""

from __future__ import annotations

import struct
from collections.abc import Hashable, Iterator
from enum import Enum
from typing import TYPE_CHECKING

from inspector.formats.squashfs.data import BLOCK_LENGTH, BLOCK_RAW, DataBlock

if TYPE_CHECKING:
    from inspector.formats.squashfs.content import ContentReader


class InodeKind(Enum):
    """What an inode is; the values are the words that reports use."""

    DIRECTORY = "directory"
    FILE = "file"
    SYMLINK = "symlink"
    BLOCK_DEVICE = "block-device"
    CHARACTER_DEVICE = "character-device"
    FIFO = "fifo"
    SOCKET = "socket"


# squashfs_fs.h: SQUASHFS_DIR_TYPE (1) … SQUASHFS_LSOCKET_TYPE (14); the second seven are the first with an xattr index and larger fields.
KINDS = (None, *InodeKind, *InodeKind)
BASIC_KINDS = 7

_WORD = struct.Struct("<I")


class Inode:
    """One inode.  A regular file is a :class:`inspector.source.Source` of its content.

    :ivar number: 1 to the superblock's inode_count, unique in the image.
    :ivar mode: permission bits with setuid, setgid and sticky (07777).
    :ivar mtime: seconds since 1970.
    :ivar nlink: names of this inode, as the image counts them; 1 where the inode's form has no count.
    :ivar size: bytes of a regular file, or of a symbolic link's target; else 0.
    :ivar target: of a symbolic link, as stored.
    :ivar device_number: of a device, as stored; see :attr:`device`.
    :ivar xattr_index: into the image's extended attributes, or None.
    :ivar fragment_index: of the fragment that holds the file's last bytes, or None.
    :ivar fragment_offset: where in the decoded fragment.
    :ivar data_start: position in the image of the first block.
    :ivar sparse_bytes: bytes that the writer says it has not stored because they are zero.
    :ivar listing: of a directory: position of the metadata block in the directory table, offset in the decoded block, bytes of the listing.
    """

    __slots__ = (
        "_content",
        "_sizes",
        "_sizes_end",
        "_sizes_start",
        "data_start",
        "device_number",
        "fragment_index",
        "fragment_offset",
        "gid",
        "kind",
        "listing",
        "mode",
        "mtime",
        "nlink",
        "number",
        "size",
        "sparse_bytes",
        "target",
        "uid",
        "xattr_index",
    )

    def __init__(
        self, kind: InodeKind, number: int, mode: int, uid: int, gid: int, mtime: int, content: ContentReader
    ) -> None:
        self.kind = kind
        self.number = number
        self.mode = mode
        self.uid = uid
        self.gid = gid
        self.mtime = mtime
        self.nlink = 1
        self.size = 0
        self.target = b""
        self.device_number = 0
        self.xattr_index: int | None = None
        self.fragment_index: int | None = None
        self.fragment_offset = 0
        self.data_start = 0
        self.sparse_bytes = 0
        self.listing = (0, 0, 0)
        self._content = content
        self._sizes = b""
        self._sizes_start = 0
        self._sizes_end = 0

    def set_block_sizes(self, table: bytes, start: int, end: int) -> None:
        """Where in the decoded inode table the size words of its blocks are; they are not copied."""
        self._sizes, self._sizes_start, self._sizes_end = table, start, end

    def __repr__(self) -> str:
        return f"<Inode {self.number} {self.kind.value} mode={self.mode:o} size={self.size}>"

    @property
    def device(self) -> tuple[int, int]:
        """Major and minor number of a device; (0, 0) for what is none."""
        number = self.device_number  # linux/kdev_t.h: new_decode_dev
        return (number >> 8) & 0xFFF, (number & 0xFF) | ((number >> 12) & 0xFFF00)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return self.kind is InodeKind.FILE

    @property
    def container(self) -> ContentReader:
        """What reads the image that this inode belongs to; the same object for all inodes of an image."""
        return self._content

    @property
    def size_words(self) -> bytes:
        """The size words of its own blocks as stored, four bytes each."""
        return self._sizes[self._sizes_start : self._sizes_end]

    @property
    def block_count(self) -> int:
        """Blocks of its own, sparse ones included, the fragment not."""
        return (self._sizes_end - self._sizes_start) // 4

    @property
    def tail_size(self) -> int:
        """Bytes that lie in the fragment."""
        return 0 if self.fragment_index is None else self.size % self._content.block_size

    @property
    def content_key(self) -> Hashable | None:
        """Equal for files of one image that share their blocks and their part of a fragment, which proves equal content; None for an empty file."""
        if not self.size:
            return None
        sizes = self.size_words
        # Without blocks of its own the start means nothing: writers leave any number there.
        start = self.data_start if sizes else 0
        return (
            self.size,
            start,
            sizes,
            self.fragment_index,
            self.fragment_offset if self.fragment_index is not None else 0,
        )

    @property
    def stored_size(self) -> int:
        """Bytes that the content occupies in the image: its own blocks, and of its fragment as much as its part of the fragment's content."""
        own = self.own_stored_size
        if self.fragment_index is None:
            return own
        return own + self._content.stored_share(self.fragment_index, self.tail_size)

    @property
    def own_stored_size(self) -> int:
        """Stored bytes of its own blocks, the fragment not counted; they lie one behind the other from ``data_start`` on."""
        if not self.block_count:  # most files
            return 0
        return sum(
            self.stored_length(first, min(first + 1024, self.block_count)) for first in range(0, self.block_count, 1024)
        )

    def size_word(self, block: int) -> int:
        """The size word of a block as stored: its length, and whether it is raw."""
        word: int = _WORD.unpack_from(self._sizes, self._sizes_start + 4 * block)[0]
        return word

    def stored_length(self, first: int, last: int) -> int:
        """Stored bytes of its own blocks ``[first, last)``."""
        start, end = self._sizes_start + 4 * first, self._sizes_start + 4 * last
        if self._sizes.count(0, start, end) == end - start:  # all sparse, as almost all of a huge file must be
            return 0
        return sum(word & BLOCK_LENGTH for word in struct.unpack_from(f"<{last - first}I", self._sizes, start))

    def blocks(self) -> Iterator[DataBlock]:
        """Its own blocks in the order of the file, without the fragment."""
        position = self.data_start
        left = self.size
        view = memoryview(self._sizes)[self._sizes_start : self._sizes_end]
        for (word,) in struct.iter_unpack("<I", view):
            stored = word & BLOCK_LENGTH
            size = min(left, self._content.block_size)
            yield DataBlock(position if stored else 0, stored, bool(word & BLOCK_RAW) and stored > 0, size)
            position += stored
            left -= size

    def read_at(self, offset: int, length: int) -> bytes:
        """Bytes ``[offset, offset + length)`` of a regular file, fewer only where the file ends; nothing of what is no regular file.

        :raises FormatError: where the content cannot be decoded, with the block's position.
        :raises LimitExceeded: where more was read from this image than Limits allow.
        """
        if self.kind is not InodeKind.FILE or offset < 0:
            return b""
        length = min(length, self.size - offset)
        return self._content.read(self, offset, length) if length > 0 else b""
