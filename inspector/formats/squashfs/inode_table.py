"""The inode table: what its records say, checked against the image before anybody relies on it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from inspector.errors import FormatError, LimitExceeded
from inspector.formats.squashfs.inode import BASIC_KINDS, KINDS, Inode, InodeKind

if TYPE_CHECKING:
    from inspector.formats.squashfs.content import ContentReader

_LARGEST_FILE = (1 << 63) - 1  # loff_t is signed
NO_INDEX = 0xFFFF_FFFF  # squashfs_fs.h: SQUASHFS_INVALID_FRAG, SQUASHFS_INVALID_XATTR
_COMMON = struct.Struct("<HHHHII")
_DIRECTORY = struct.Struct("<IIHHI")
_LONG_DIRECTORY = struct.Struct("<IIIIHHI")
_FILE = struct.Struct("<IIII")
_LONG_FILE = struct.Struct("<QQQIIII")
_SYMLINK = struct.Struct("<II")
_DEVICE = struct.Struct("<II")
_LINKS = struct.Struct("<I")
_XATTR = struct.Struct("<I")
_KIND_FILE, _KIND_DIRECTORY = InodeKind.FILE, InodeKind.DIRECTORY


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
            if kind is _KIND_FILE:
                end = self._file(inode, at, long=long)
            elif kind is _KIND_DIRECTORY:
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
        inode.set_block_sizes(self._table, at, end)
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
