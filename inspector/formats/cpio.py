"""Cpio archives as RPM packages carry them: "new ASCII" with and without checksum, and RPM's own form whose headers hold a number only.

Formats: cpio(5) of libarchive, "New ASCII Format"; rpm, lib/cpio.c for ``07070X``.
"""

from __future__ import annotations

import stat
from collections.abc import Sequence

from msgspec import Struct, field

from inspector.errors import FormatError, LimitExceeded
from inspector.formats.archive_entry import ArchiveEntry
from inspector.limits import Limits
from inspector.source import SliceSource, Source

_NEW_ASCII = (b"070701", b"070702")
_STRIPPED = b"07070X"
_NEW_HEADER = 110
_STRIPPED_HEADER = 14
_TRAILER = b"TRAILER!!!"


class CpioArchive(Struct):
    """What :func:`read_cpio` found.

    :ivar end: where the archive ends, or where reading stopped.
    :ivar trailer: where the member that marks the end begins; the same as ``end`` where there is none.
    :ivar damages: (path, error): the path is b"" for what ended the reading.
    """

    entries: list[ArchiveEntry] = field(default_factory=list)
    end: int = 0
    trailer: int = 0
    damages: list[tuple[bytes, FormatError]] = field(default_factory=list)


def read_cpio(source: Source, limits: Limits, files: Sequence[ArchiveEntry] = ()) -> CpioArchive:
    """List an archive.  The names of one file share the content, which lies behind the last of them.

    :param files: what an RPM header says of each file, by number; for headers that hold nothing else.
    :raises FormatError: where the first header is broken.
    :raises LimitExceeded: where there are more members than ``Limits.inodes``.
    """
    archive = CpioArchive()
    position = 0
    try:
        while True:
            magic = source.read_at(position, 6)
            entry: ArchiveEntry | None
            if magic in _NEW_ASCII:
                entry = _new_ascii(source, position, limits)
            elif magic == _STRIPPED:
                entry = _stripped(source, position, files)
            else:
                raise FormatError("no cpio header", position)
            if entry is None or entry.path == _TRAILER:
                archive.trailer = position
                archive.end = min(position + 124 if entry is not None else position + 16, source.size)
                break
            if len(archive.entries) >= limits.inodes:
                raise LimitExceeded(f"more than {limits.inodes} members: the inodes limit")
            archive.entries.append(entry)
            if entry.end > source.size:
                entry.size = max(source.size - entry.data_start, 0)
                entry.end = source.size
                raise FormatError("the archive is cut off inside a member", position)
            position = entry.end
    except LimitExceeded:
        raise
    except FormatError as error:
        if not archive.entries:
            raise
        archive.end = archive.trailer = min(position, source.size)
        archive.damages.append((b"", error))
    _share_content(archive.entries)
    return archive


def _hexadecimal(field: bytes, position: int) -> int:
    try:
        text = field.decode("ascii")
        if not text.isalnum():
            raise ValueError
        return int(text, 16)
    except ValueError:
        raise FormatError("a number of a cpio header is not hexadecimal", position) from None


def _new_ascii(source: Source, position: int, limits: Limits) -> ArchiveEntry:
    header = source.read_at(position, _NEW_HEADER)
    if len(header) < _NEW_HEADER:
        raise FormatError("the archive is cut off inside a header", position)
    numbers = [_hexadecimal(header[offset : offset + 8], position) for offset in range(6, _NEW_HEADER, 8)]
    inode, mode, uid, gid, nlink, mtime, size, major, minor, _, _, name_size, _ = numbers
    if not 1 < name_size <= limits.path_length + 1:
        raise FormatError(f"a cpio member's name has {name_size} bytes", position)
    name = source.read_at(position + _NEW_HEADER, name_size)
    start = position + -(-(_NEW_HEADER + name_size) // 4) * 4
    entry = ArchiveEntry(name.split(b"\0", 1)[0], mode, uid, gid, mtime, start=position, data_start=start)
    entry.end = start + -(-size // 4) * 4
    if nlink > 1 and not stat.S_ISDIR(mode):
        entry.inode = inode + (major << 32) + (minor << 64)
    _give_content(entry, source, size)
    return entry


def _stripped(source: Source, position: int, files: Sequence[ArchiveEntry]) -> ArchiveEntry | None:
    """A member whose header is the number of a file in the package's own header; None for the trailer."""
    number = _hexadecimal(source.read_at(position + 6, 8).ljust(1), position)
    if number == 0xFFFFFFFF:
        return None
    if number >= len(files):
        raise FormatError(f"a member is file {number} of {len(files)}", position)
    known = files[number]
    start = position + -(-_STRIPPED_HEADER // 4) * 4
    entry = ArchiveEntry(known.path, known.mode, known.uid, known.gid, known.mtime, start=position, data_start=start)
    entry.target, entry.inode = known.target, known.inode
    entry.end = start + -(-known.size // 4) * 4
    _give_content(entry, source, known.size)
    return entry


def _give_content(entry: ArchiveEntry, source: Source, size: int) -> None:
    if stat.S_ISLNK(entry.mode):
        entry.target = entry.target or source.read_at(entry.data_start, min(size, 65_535))
    elif stat.S_ISREG(entry.mode):
        entry.size, entry.content = size, SliceSource(source, entry.data_start, size)


def _share_content(entries: Sequence[ArchiveEntry]) -> None:
    """Give every name of a file the content that one of them carries."""
    carriers = {entry.inode: entry for entry in entries if entry.inode is not None and entry.size}
    for entry in entries:
        carrier = carriers.get(entry.inode) if entry.inode is not None else None
        if carrier is not None and entry is not carrier and entry.content is not None:
            entry.size, entry.content = carrier.size, carrier.content
