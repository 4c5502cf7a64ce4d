"""Directory listings: names, and where their inodes are."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from inspector.errors import FormatError
from inspector.formats.squashfs.inode import BASIC_KINDS

_HEADER = struct.Struct("<III")
_ENTRY = struct.Struct("<HhHH")
_ENTRIES_PER_HEADER = 256  # squashfs_fs.h: SQUASHFS_DIR_COUNT
_NAME_LENGTH = 256  # squashfs_fs.h: SQUASHFS_NAME_LEN

Entry = tuple[bytes, int, int, int]


def listing(content: bytes, start: int, length: int) -> Iterator[Entry]:
    """The entries of one directory: name, position of the inode's block in the inode table, offset in the decoded block, basic type (1 to 7).

    :param content: the decoded directory table.
    :param start: where the listing starts in it.
    :param length: bytes of the listing.
    :raises FormatError: where it passes the table's end or breaks off, or a name is one that no directory can have or is not in bytewise order, as
        Linux and unsquashfs demand: a name that comes twice could be a link first and a directory then (CVE-2021-41072).
    """
    end = start + length
    if end > len(content):
        raise FormatError(f"a directory listing of {length} bytes passes the end of the directory table")
    header_size, entry_size = _HEADER.size, _ENTRY.size
    unpack_entry = _ENTRY.unpack_from
    previous = b""
    at = start
    while at < end:
        if at + header_size > end:
            raise FormatError("a directory listing breaks off within a header")
        count, block, _number = _HEADER.unpack_from(content, at)
        at += header_size
        if count >= _ENTRIES_PER_HEADER:
            raise FormatError(
                f"a directory header counts {count + 1} entries; at most {_ENTRIES_PER_HEADER} are allowed"
            )
        for _ in range(count + 1):
            name_at = at + entry_size
            if name_at > end:
                raise FormatError("a directory listing breaks off within an entry")
            offset, _delta, kind, name_size = unpack_entry(content, at)
            at = name_at + name_size + 1
            if at > end:
                raise FormatError("a directory listing breaks off within a name")
            name = content[name_at:at]
            if name <= previous:
                raise FormatError(f"directory entry {name[:64]!r} is not after {previous[:64]!r}")
            if name_size >= _NAME_LENGTH or b"/" in name or b"\0" in name or name in (b".", b".."):
                raise FormatError(f"directory entry {name[:64]!r} is no file name")
            if not 0 < kind <= BASIC_KINDS:
                raise FormatError(f"directory entry {name[:64]!r} is of the unknown type {kind}")
            previous = name
            yield name, block, offset, kind
