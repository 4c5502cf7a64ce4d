"""Directory listings: names and references to their inodes, in groups behind common headers."""

from __future__ import annotations

import struct

from msgspec import Struct

from inspector.formats.squashfs.inode import KINDS
from inspector.formats.squashfs.metadata_writer import MetadataWriter
from inspector.formats.squashfs.superblock import METADATA_SIZE
from inspector.formats.squashfs.write_plan import PlannedInode

_HEADER = struct.Struct("<III")
_ENTRY = struct.Struct("<HhHH")
_INDEX = struct.Struct("<III")
_ENTRIES_PER_HEADER = 256  # squashfs_fs.h: SQUASHFS_DIR_COUNT
_LARGEST_DELTA = 0x7FFF
_MOST_INDEXES = 0xFFFF

BASIC_TYPES = {kind: number for number, kind in enumerate(KINDS[:8]) if kind is not None}
"""The numbers of the basic inodes; those of the extended ones are 7 more."""


class Listing(Struct, frozen=True):
    """Where a directory's listing lies.

    :ivar block: position of its first metadata block in the directory table.
    :ivar offset: in the decoded block.
    :ivar size: bytes; 0 for an empty directory.
    :ivar index: the index entries of a listing of several metadata blocks, as they follow the directory's inode; count and bytes.
    """

    block: int
    offset: int
    size: int
    index_count: int = 0
    index: bytes = b""


def write_listing(directory: PlannedInode, table: MetadataWriter) -> Listing:
    """Write the listing of a directory whose members have been written.

    A header begins anew where the inodes' metadata block changes, their numbers are too far apart, or it counts 256 names; in a listing of several
    metadata blocks also where a block begins, so that each block can be found through the index and read from its first header on
    (fs/squashfs/namei.c).
    """
    block, offset = table.position
    begin = table.length
    long = sum(len(name) for name, _ in directory.children) + _ENTRY.size * len(directory.children) > METADATA_SIZE
    index: list[bytes] = []
    group: list[tuple[bytes, PlannedInode]] = []
    group_size = 0
    base_block = base_number = 0
    indexed_block = block

    def write_group() -> None:
        nonlocal indexed_block
        first_name = group[0][0]
        at, _ = table.position
        if at != indexed_block and len(index) < _MOST_INDEXES:
            indexed_block = at
            index.append(_INDEX.pack(table.length - begin, at, len(first_name) - 1) + first_name)
        parts = [_HEADER.pack(len(group) - 1, base_block, base_number)]
        for name, inode in group:
            reference = inode.reference or 0
            kind = BASIC_TYPES[inode.entry.kind]
            parts.append(_ENTRY.pack(reference & 0xFFFF, inode.number - base_number, kind, len(name) - 1) + name)
        table.write(b"".join(parts))

    for name, inode in directory.children:
        inode_block = (inode.reference or 0) >> 16
        if group and (
            inode_block != base_block
            or len(group) == _ENTRIES_PER_HEADER
            or abs(inode.number - base_number) > _LARGEST_DELTA
            or (long and table.position[1] + group_size >= METADATA_SIZE)
        ):
            write_group()
            group, group_size = [], 0
        if not group:
            base_block, base_number, group_size = inode_block, inode.number, _HEADER.size
        group.append((name, inode))
        group_size += _ENTRY.size + len(name)
    if group:
        write_group()
    return Listing(block, offset, table.length - begin, len(index), b"".join(index))
