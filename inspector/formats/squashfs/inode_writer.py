"""The inode table: each inode in its basic form where that holds it, else in its extended one."""

from __future__ import annotations

import struct
from collections.abc import Callable

from inspector.errors import LimitExceeded
from inspector.formats.squashfs.inode import InodeKind
from inspector.formats.squashfs.inode_table import NO_INDEX
from inspector.formats.squashfs.listing_writer import BASIC_TYPES, Listing, write_listing
from inspector.formats.squashfs.metadata_writer import MetadataWriter
from inspector.formats.squashfs.write_plan import PlannedInode, WritePlan

_EXTENDED = 7  # squashfs_fs.h: SQUASHFS_LDIR_TYPE is SQUASHFS_DIR_TYPE and seven more, and so on
_COMMON = struct.Struct("<HHHHII")
_DIRECTORY = struct.Struct("<IIHHI")
_LONG_DIRECTORY = struct.Struct("<IIIIHHI")
_FILE = struct.Struct("<IIII")
_LONG_FILE = struct.Struct("<QQQIIII")
_TWO_WORDS = struct.Struct("<II")
_WORD = struct.Struct("<I")
_LARGEST_TIME = 0xFFFF_FFFF
_MOST_IDS = 0xFFFF  # the superblock's count of ids has 16 bits
_LISTING_EXTRA = 3  # the kernel counts "." and ".." so (fs/squashfs/dir.c)


class IdTable:
    """User and group ids, each once, by the order of their first use."""

    def __init__(self) -> None:
        self._indexes: dict[int, int] = {}

    def index(self, number: int) -> int:
        """The index of an id.

        :raises LimitExceeded: where the image has 65,535 others already.
        """
        found = self._indexes.get(number)
        if found is None:
            found = self._indexes[number] = len(self._indexes)
            if found >= _MOST_IDS:
                raise LimitExceeded(
                    f"more than {_MOST_IDS} different user and group ids; an image has no room for more"
                )
        return found

    def records(self) -> bytes:
        """The table's records."""
        return struct.pack(f"<{len(self._indexes)}I", *self._indexes)

    def __len__(self) -> int:
        return len(self._indexes)


class InodeWriter:
    """Writes the inode table and the directory table of a plan whose contents have their places.

    :param owner: user and group id of everything, or None for those of the entries.
    :param mtime: time of everything, or None for those of the entries.
    :ivar inodes: the inode table; ``directories`` the directory table; ``ids`` the ids that they use.
    """

    def __init__(
        self, compress: Callable[[bytes], bytes], budget: int, *, owner: tuple[int, int] | None, mtime: int | None
    ) -> None:
        self.inodes = MetadataWriter(compress, budget)
        self.directories = MetadataWriter(compress, budget)
        self.ids = IdTable()
        self._owner = owner
        self._mtime = mtime
        self._listings: dict[int, Listing] = {}

    def write(self, plan: WritePlan) -> None:
        """Write everything; each inode then has its reference.

        :raises LimitExceeded: where a table passes its budget, or the ids do not fit.
        """
        for directory in plan.directories:
            for _, child in directory.children:
                if child.reference is None:
                    self._write_inode(child, len(plan.inodes))
            self._listings[directory.number] = write_listing(directory, self.directories)
        self._write_inode(plan.root, len(plan.inodes))

    def _write_inode(self, inode: PlannedInode, inode_count: int) -> None:
        block, offset = self.inodes.position
        inode.reference = block << 16 | offset
        kind = inode.entry.kind
        if kind is InodeKind.DIRECTORY:
            extended, rest = self._directory(inode, inode_count)
        elif kind is InodeKind.FILE:
            extended, rest = _file(inode)
        else:
            extended, rest = inode.xattr_index is not None, _other(inode)
        number = BASIC_TYPES[kind] + (_EXTENDED if extended else 0)
        self.inodes.write(self._common(inode, number) + rest)

    def _common(self, inode: PlannedInode, number: int) -> bytes:
        entry = inode.entry
        uid, gid = self._owner or (entry.uid, entry.gid)
        mtime = min(max(entry.mtime if self._mtime is None else self._mtime, 0), _LARGEST_TIME)
        return _COMMON.pack(number, entry.mode, self.ids.index(uid), self.ids.index(gid), mtime, inode.number)

    def _directory(self, inode: PlannedInode, inode_count: int) -> tuple[bool, bytes]:
        listing = self._listings.pop(inode.number)
        parent = inode_count + 1 if inode.parent is None else inode.parent.number  # as mksquashfs does for the root
        size = listing.size + _LISTING_EXTRA
        if size > _LARGEST_TIME:
            raise LimitExceeded(f"{inode.entry.path[:200]!r}: a listing of {listing.size} bytes")
        if size <= 0xFFFF and inode.xattr_index is None and not listing.index_count:
            return False, _DIRECTORY.pack(listing.block, inode.nlink, size, listing.offset, parent)
        xattr = NO_INDEX if inode.xattr_index is None else inode.xattr_index
        record = _LONG_DIRECTORY.pack(
            inode.nlink, size, listing.block, parent, listing.index_count, listing.offset, xattr
        )
        return True, record + listing.index


def _file(inode: PlannedInode) -> tuple[bool, bytes]:
    if inode.content is None:
        start = size = sparse = fragment_offset = 0
        fragment, words = NO_INDEX, b""
    else:
        content = inode.content.stored
        start, size, fragment_offset = content.start or 0, content.size, content.fragment_offset
        fragment = NO_INDEX if content.fragment is None else content.fragment
        words = struct.pack(f"<{len(content.words)}I", *content.words)
        sparse = min(content.sparse_bytes, size - 1)  # as mksquashfs: a file with a size has a stored byte for stat(2)
    if max(start, size) <= 0xFFFF_FFFF and inode.nlink == 1 and not sparse and inode.xattr_index is None:
        return False, _FILE.pack(start, fragment, fragment_offset, size) + words
    xattr = NO_INDEX if inode.xattr_index is None else inode.xattr_index
    return True, _LONG_FILE.pack(start, size, sparse, inode.nlink, fragment, fragment_offset, xattr) + words


def _other(inode: PlannedInode) -> bytes:
    """A symbolic link, device, pipe or socket, behind the common part."""
    entry = inode.entry
    if entry.kind is InodeKind.SYMLINK:
        record = _TWO_WORDS.pack(inode.nlink, len(entry.target)) + entry.target
    elif entry.kind in (InodeKind.BLOCK_DEVICE, InodeKind.CHARACTER_DEVICE):
        major, minor = entry.device  # linux/kdev_t.h: new_encode_dev
        record = _TWO_WORDS.pack(inode.nlink, (minor & 0xFF) | major << 8 | (minor & ~0xFF) << 12)
    else:
        record = _WORD.pack(inode.nlink)
    return record if inode.xattr_index is None else record + _WORD.pack(inode.xattr_index)
