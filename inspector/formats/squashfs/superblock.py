"""The first 96 bytes of an image: what it is, how it was made, where its tables are; and what is not a SquashFS 4.0 image, by name."""

from __future__ import annotations

import struct

from msgspec import Struct

from inspector.errors import FormatError, UnsupportedFormat
from inspector.source import Source

MAGIC = b"hsqs"
SUPERBLOCK_SIZE = 96
ABSENT = 0xFFFF_FFFF_FFFF_FFFF  # squashfs_fs.h: SQUASHFS_INVALID_BLK, the position of a table that the image has not
METADATA_SIZE = 8192  # squashfs_fs.h: SQUASHFS_METADATA_SIZE

# squashfs_fs.h: SQUASHFS_FILE_MAX_LOG; the kernel and the specification allow 4 KiB to 1 MiB
BLOCK_LOGS = range(12, 21)
LARGEST_BLOCK = 1 << 20
SUPERBLOCK_LAYOUT = struct.Struct("<IIIIIHHHHHHQQQQQQQQ")

COMPRESSORS = {1: "gzip", 2: "lzma", 3: "lzo", 4: "xz", 5: "lz4", 6: "zstd"}  # squashfs_fs.h: ZLIB_COMPRESSION …

# squashfs_fs.h: SQUASHFS_NOI …; only the tenth bit changes how an image is read, the others record how it was made
FLAG_NO_FRAGMENTS = 0x010
FLAG_ALWAYS_FRAGMENTS = 0x020
FLAG_DEDUPLICATED = 0x040
FLAG_EXPORTABLE = 0x080
FLAG_NO_XATTRS = 0x200
FLAG_COMPRESSOR_OPTIONS = 0x400
FLAGS = {
    0x001: "inodes-uncompressed",
    0x002: "data-uncompressed",
    0x008: "fragments-uncompressed",
    FLAG_NO_FRAGMENTS: "no-fragments",
    FLAG_ALWAYS_FRAGMENTS: "always-fragments",
    FLAG_DEDUPLICATED: "deduplicated",
    FLAG_EXPORTABLE: "exportable",
    0x100: "xattrs-uncompressed",
    FLAG_NO_XATTRS: "no-xattrs",
    FLAG_COMPRESSOR_OPTIONS: "compressor-options",
    0x800: "ids-uncompressed",
}

_OTHER_MAGICS = {
    b"shsq": "a vendor's SquashFS with its own lzma (magic 'shsq')",
    b"qshs": "a big-endian vendor's SquashFS with its own lzma (magic 'qshs')",
    b"hsqt": "a vendor's SquashFS (DD-WRT, magic 'hsqt')",
    b"tqsh": "a big-endian vendor's SquashFS (DD-WRT, magic 'tqsh')",
    b"sqlz": "a big-endian vendor's SquashFS with its own lzma (magic 'sqlz')",
}
_VERSION_OFFSET = 28  # s_major and s_minor, two 16-bit words, at the same place in every version


class Superblock(Struct, frozen=True):
    """The superblock's fields, checked; positions and sizes in bytes from the start of the image, an absent table is None.

    :ivar mkfs_time: when the image was made, seconds since 1970.
    :ivar compressor: "gzip", "lzma", "lzo", "xz", "lz4" or "zstd".
    :ivar flags: as stored; see :attr:`flag_names`.
    :ivar root_reference: where the root's inode is: metadata block's position in the inode table << 16 | offset in the decoded block.
    :ivar bytes_used: length of the image without the padding that follows it.
    """

    inode_count: int
    mkfs_time: int
    block_size: int
    fragment_count: int
    compressor: str
    flags: int
    id_count: int
    root_reference: int
    bytes_used: int
    id_table: int
    xattr_table: int | None
    inode_table: int
    directory_table: int
    fragment_table: int | None
    export_table: int | None

    @property
    def flag_names(self) -> tuple[str, ...]:
        """The flags in words; bits without a name as "0x4"."""
        return tuple(FLAGS.get(1 << bit, hex(1 << bit)) for bit in range(16) if self.flags >> bit & 1)


def read_superblock(source: Source) -> Superblock:
    """The superblock at the start of ``source``.

    :raises UnsupportedFormat: for big-endian images, versions before and after 4.0, vendors' variants and a superblock at the end of the image.
    :raises FormatError: where it is no SquashFS image, or one whose superblock contradicts itself or the source's size.
    """
    raw = source.read_at(0, SUPERBLOCK_SIZE)
    if raw[:4] != MAGIC:
        raise _what_else(raw, source)
    if len(raw) < SUPERBLOCK_SIZE:
        raise FormatError(f"the image ends after {len(raw)} of the superblock's {SUPERBLOCK_SIZE} bytes", 0)
    (
        _,
        inode_count,
        mkfs_time,
        block_size,
        fragment_count,
        compressor,
        block_log,
        flags,
        id_count,
        major,
        minor,
        root_reference,
        bytes_used,
        id_table,
        xattr_table,
        inode_table,
        directory_table,
        fragment_table,
        export_table,
    ) = SUPERBLOCK_LAYOUT.unpack(raw)
    if (major, minor) != (4, 0):
        raise UnsupportedFormat(f"SquashFS version {major}.{minor}; only 4.0 can be read", _VERSION_OFFSET)
    if block_log not in BLOCK_LOGS or block_size != 1 << block_log:
        raise FormatError(f"block size {block_size} and its logarithm {block_log} are no size from 4 KiB to 1 MiB", 12)
    if compressor not in COMPRESSORS:
        raise UnsupportedFormat(f"compressor {compressor} is not one of {', '.join(COMPRESSORS.values())}", 20)
    if not inode_count:
        raise FormatError("the superblock counts no inodes, not even the root", 4)
    if not id_count:
        raise FormatError("the superblock counts no user ids", 26)
    if not SUPERBLOCK_SIZE < bytes_used <= source.size:
        raise FormatError(f"the superblock says {bytes_used} bytes, {source.size} are there", 40)
    superblock = Superblock(
        inode_count=inode_count,
        mkfs_time=mkfs_time,
        block_size=block_size,
        fragment_count=fragment_count,
        compressor=COMPRESSORS[compressor],
        flags=flags,
        id_count=id_count,
        root_reference=root_reference,
        bytes_used=bytes_used,
        id_table=id_table,
        xattr_table=None if xattr_table == ABSENT else xattr_table,
        inode_table=inode_table,
        directory_table=directory_table,
        # Without fragments some writers store a position and some store -1: the field then means nothing.
        fragment_table=fragment_table if fragment_count and fragment_table != ABSENT else None,
        export_table=None if export_table == ABSENT else export_table,
    )
    _check_table_order(superblock)
    return superblock


def _check_table_order(superblock: Superblock) -> None:
    """The order that the kernel insists on (fs/squashfs/super.c, squashfs_fill_super)."""
    if superblock.fragment_count and superblock.fragment_table is None:
        raise FormatError(f"{superblock.fragment_count} fragments are counted but there is no fragment table", 80)
    positions = (
        ("superblock", SUPERBLOCK_SIZE - 1),
        ("inode", superblock.inode_table),
        ("directory", superblock.directory_table),
        ("fragment", superblock.fragment_table),
        ("export", superblock.export_table),
        ("id", superblock.id_table),
        ("xattr", superblock.xattr_table),
        ("end of the image", superblock.bytes_used),
    )
    before, before_name = 0, ""
    for name, position in positions:
        if position is None:
            continue
        # An image whose only directory is empty has a directory table of no bytes.
        if position < before or (position == before and before_name != "directory"):
            raise FormatError(f"table out of order: {name} at {position} is not after {before_name} at {before}")
        before, before_name = position, name


def _what_else(raw: bytes, source: Source) -> FormatError:
    """The most helpful error for what does not start with the magic."""
    magic = raw[:4]
    if magic == b"sqsh":  # the same number, written by a big-endian machine
        major, minor = struct.unpack_from(">HH", raw.ljust(SUPERBLOCK_SIZE, b"\0"), _VERSION_OFFSET)
        return UnsupportedFormat(
            f"a big-endian SquashFS image, version {major}.{minor}; only little-endian 4.0 can be read", 0
        )
    if magic in _OTHER_MAGICS:
        return UnsupportedFormat(f"{_OTHER_MAGICS[magic]}; only SquashFS 4.0 can be read", 0)
    if _has_superblock_at_end(source):
        return UnsupportedFormat(
            "a SquashFS image with its superblock at the end (mksquashfs -stream), which cannot be read", 0
        )
    if not raw:
        return FormatError("no SquashFS image: no bytes", 0)
    return FormatError(f"no SquashFS image: it starts with {magic!r}, not {MAGIC!r}", 0)


def _has_superblock_at_end(source: Source) -> bool:
    # Images are padded to 4 KiB, so what is written last starts within the last 4 KiB and its own length.
    tail = source.read_at(max(source.size - 4096 - SUPERBLOCK_SIZE, 0), 4096 + SUPERBLOCK_SIZE)
    at = tail.rfind(MAGIC)
    while at >= 0:
        if len(tail) - at >= SUPERBLOCK_SIZE:
            fields = SUPERBLOCK_LAYOUT.unpack_from(tail, at)
            block_size, block_log, version = fields[3], fields[6], fields[9:11]
            if version == (4, 0) and block_log in BLOCK_LOGS and block_size == 1 << block_log:
                return True
        at = tail.rfind(MAGIC, 0, at)
    return False
