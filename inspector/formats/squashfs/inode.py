"""Inodes: what a file is, and where its bytes are."""

from __future__ import annotations

import struct
from collections.abc import Hashable, Iterator
from enum import Enum
from typing import TYPE_CHECKING

from inspector.errors import FormatError, LimitExceeded
from inspector.formats.squashfs.data import BLOCK_LENGTH, BLOCK_RAW, DataBlock

if TYPE_CHECKING:
    from inspector.formats.squashfs.content import ContentReader

NO_INDEX = 0xFFFF_FFFF  # squashfs_fs.h: SQUASHFS_INVALID_FRAG, SQUASHFS_INVALID_XATTR
_LARGEST_FILE = (1 << 63) - 1  # loff_t is signed


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

_COMMON = struct.Struct("<HHHHII")
_DIRECTORY = struct.Struct("<IIHHI")
_LONG_DIRECTORY = struct.Struct("<IIIIHHI")
_FILE = struct.Struct("<IIII")
_LONG_FILE = struct.Struct("<QQQIIII")
_SYMLINK = struct.Struct("<II")
_DEVICE = struct.Struct("<II")
_LINKS = struct.Struct("<I")
_XATTR = struct.Struct("<I")
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
        sizes = self._sizes[self._sizes_start : self._sizes_end]
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


class InodeParser:
    """Makes inodes out of the decoded inode table.

    :param table: the whole decoded table.
    :param ids: user and group ids by index.
    :param fragment_count: how many fragments an inode may name.
    """

    def __init__(
        self,
        table: bytes,
        ids: tuple[int, ...],
        inode_count: int,
        fragment_count: int,
        symlink_limit: int,
        content: ContentReader,
    ) -> None:
        self._table = table
        self._ids = ids
        self._inode_count = inode_count
        self._fragment_count = fragment_count
        self._symlink_limit = symlink_limit
        self._content = content
        self._parsed = 0

    def parse(self, at: int) -> Inode:
        """The inode at index ``at`` of the table.

        :raises FormatError: where it is cut short or contradicts the image.
        """
        try:
            kind_number, mode, uid, gid, mtime, number = _COMMON.unpack_from(self._table, at)
            kind = KINDS[kind_number] if kind_number < len(KINDS) else None
            if kind is None:
                raise FormatError(f"inode {number} is of the unknown type {kind_number}")
            if not 0 < number <= self._inode_count:
                raise FormatError(f"inode number {number} is not one of 1 to {self._inode_count}")
            if uid >= len(self._ids) or gid >= len(self._ids):
                raise FormatError(f"inode {number} names owner {max(uid, gid)} of {len(self._ids)} ids")
            inode = Inode(kind, number, mode & 0o7777, self._ids[uid], self._ids[gid], mtime, self._content)
            long = kind_number > BASIC_KINDS
            start, at = at, at + _COMMON.size
            if kind is InodeKind.FILE:
                end = self._file(inode, at, long=long)
            elif kind is InodeKind.DIRECTORY:
                end = self._directory(inode, at, long=long)
            else:
                end = self._other(inode, at, long=long)
        except struct.error:
            raise FormatError("an inode is cut short by the end of the inode table") from None
        # Inodes that share bytes could make a small table describe any amount of blocks.
        self._parsed += end - start
        if self._parsed > len(self._table):
            raise FormatError(f"inode {number} overlaps with another one")
        return inode

    def _file(self, inode: Inode, at: int, *, long: bool) -> int:
        if long:
            start, size, inode.sparse_bytes, inode.nlink, fragment, offset, xattr = _LONG_FILE.unpack_from(
                self._table, at
            )
            inode.xattr_index = None if xattr == NO_INDEX else xattr
            at += _LONG_FILE.size
        else:
            start, fragment, offset, size = _FILE.unpack_from(self._table, at)
            at += _FILE.size
        if size > _LARGEST_FILE:
            raise FormatError(f"inode {inode.number}: a file of {size} bytes")
        block_size = self._content.block_size
        blocks = size // block_size
        if fragment == NO_INDEX:
            blocks = -(-size // block_size)
        elif fragment >= self._fragment_count:
            raise FormatError(f"inode {inode.number} names fragment {fragment} of {self._fragment_count}")
        elif size % block_size:  # a writer may name a fragment of which the file has nothing
            if offset + size % block_size > block_size:
                raise FormatError(
                    f"inode {inode.number} ends at {offset + size % block_size} in a fragment of at most {block_size} bytes"
                )
            inode.fragment_index, inode.fragment_offset = fragment, offset
        if 4 * blocks > len(self._table) - at:
            raise FormatError(f"inode {inode.number}: {blocks} block sizes pass the end of the inode table")
        inode.size, inode.data_start = size, start
        end: int = at + 4 * blocks
        inode._sizes, inode._sizes_start, inode._sizes_end = self._table, at, end  # noqa: SLF001 - the parser fills what it made
        return end

    def _directory(self, inode: Inode, at: int, *, long: bool) -> int:
        if long:
            inode.nlink, size, block, _parent, _index_count, offset, xattr = _LONG_DIRECTORY.unpack_from(
                self._table, at
            )
            inode.xattr_index = None if xattr == NO_INDEX else xattr
        else:
            block, inode.nlink, size, offset, _parent = _DIRECTORY.unpack_from(self._table, at)
        # Three bytes more than the listing has: the kernel counts "." and ".." so (fs/squashfs/dir.c).
        inode.listing = (block, offset, max(size - 3, 0))
        return at + (_LONG_DIRECTORY.size if long else _DIRECTORY.size)

    def _other(self, inode: Inode, at: int, *, long: bool) -> int:
        if inode.kind is InodeKind.SYMLINK:
            inode.nlink, length = _SYMLINK.unpack_from(self._table, at)
            at += _SYMLINK.size
            inode.target = self._target(inode.number, at, length)
            inode.size = length
            at += length
        elif inode.kind in (InodeKind.BLOCK_DEVICE, InodeKind.CHARACTER_DEVICE):
            inode.nlink, inode.device_number = _DEVICE.unpack_from(self._table, at)
            at += _DEVICE.size
        else:
            (inode.nlink,) = _LINKS.unpack_from(self._table, at)
            at += _LINKS.size
        if long:
            (xattr,) = _XATTR.unpack_from(self._table, at)
            inode.xattr_index = None if xattr == NO_INDEX else xattr
            at += _XATTR.size
        return at

    def _target(self, number: int, at: int, length: int) -> bytes:
        if not length:
            raise FormatError(f"inode {number}: a symbolic link to nothing")
        if length > self._symlink_limit:
            raise LimitExceeded(f"inode {number}: a symbolic link of {length} bytes: the symlink_length limit")
        target = self._table[at : at + length]
        if len(target) < length:
            raise FormatError(f"inode {number}: a symbolic link of {length} bytes passes the end of the inode table")
        if b"\0" in target:
            raise FormatError(f"inode {number}: a symbolic link with a NUL byte")
        return target
