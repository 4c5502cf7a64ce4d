"""The central directory of a ZIP archive as entries (APPNOTE 4.3.12, 4.4, 4.5)."""

from __future__ import annotations

import calendar
import struct

from msgspec import Struct

from inspector.errors import FormatError, LimitExceeded
from inspector.formats.zip.end_records import EndRecord
from inspector.limits import Limits
from inspector.source import Source

CENTRAL = b"PK\x01\x02"
_CENTRAL_HEADER = struct.Struct("<4s6H3L5H2L")  # 4.3.12
_ZIP64_EXTRA = 0x0001  # 4.5.3
_EXTENDED_TIME = 0x5455  # Info-ZIP, extrafld.txt: "UT"
_UNIX = 3  # 4.4.2: version made by, upper byte
_UTF8 = 0x800  # 4.4.4, bit 11
ENCRYPTED = 0x1  # bit 0
HAS_DESCRIPTOR = 0x8  # bit 3
_UNKNOWN_32, _UNKNOWN_16 = 0xFFFFFFFF, 0xFFFF
_DIRECTORY_ATTRIBUTE = 0x10  # MS-DOS


class ZipEntry(Struct):
    """One entry as the central directory has it.

    :ivar name: as written, UTF-8 (names in the code page of MS-DOS are converted).
    :ivar mode: file type and permission bits as ``st_mode``, where a Unix program wrote them; else 0.
    :ivar mtime: seconds since 1970, the local time of MS-DOS taken as UTC; None where it is no date.
    :ivar dos_time: date and time as MS-DOS writes them, the date in the upper half.
    :ivar external: attributes of the system that wrote it, as written; ``made_by`` names that system.
    :ivar method: the number of the compression method (4.4.5): 0 stored, 8 deflate, 12 bzip2, 14 LZMA, 93 zstd.
    :ivar stored_size: bytes of the compressed data.
    :ivar header: where the local header begins in the source, a prefix included.
    :ivar data: where the data begin; set by :class:`inspector.formats.zip.ZipArchive`.
    :ivar end: behind the data and the data descriptor.
    :ivar refusal: why the data cannot be read, or None.
    """

    name: bytes
    mode: int
    mtime: int | None
    method: int
    flags: int
    crc: int
    size: int
    stored_size: int
    header: int
    dos_time: int = 0
    external: int = 0
    made_by: int = 0
    extra: bytes = b""
    comment: bytes = b""
    data: int = 0
    end: int = 0
    refusal: FormatError | None = None

    @property
    def is_directory(self) -> bool:
        """By the trailing slash, as every reader decides."""
        return self.name.endswith(b"/")


def read_central_directory(source: Source, end: EndRecord, limits: Limits) -> tuple[list[ZipEntry], FormatError | None]:
    """All entries in the order of the directory, and why reading stopped before its end, or None.

    :raises LimitExceeded: where there are more entries than ``Limits.inodes``, or more bytes of them than ``Limits.decoded_metadata``.
    :raises FormatError: where not a single entry can be read.
    """
    if end.count > limits.inodes:
        raise LimitExceeded(f"the ZIP archive has {end.count} entries, more than the inodes limit", end.start)
    if end.size > limits.decoded_metadata:
        raise LimitExceeded(f"a central directory of {end.size} bytes passes the decoded_metadata limit", end.start)
    directory = source.read_at(end.start, end.size)
    entries: list[ZipEntry] = []
    position = 0
    try:
        while position < len(directory):
            if len(entries) >= limits.inodes:
                raise LimitExceeded("the ZIP archive has more entries than the inodes limit", end.start)
            entry, position = _entry(directory, position, end)
            entries.append(entry)
    except LimitExceeded:
        raise
    except FormatError as error:
        if not entries:
            raise
        return entries, error
    # The two bytes of the record may have gone round (more than 65535 entries without ZIP64)
    if (len(entries) - end.count) & 0xFFFF:
        return entries, FormatError(
            f"the end record promises {end.count} entries, and there are {len(entries)}", end.start
        )
    return entries, None


def _entry(directory: bytes, position: int, end: EndRecord) -> tuple[ZipEntry, int]:
    if len(directory) - position < _CENTRAL_HEADER.size:
        raise FormatError("the central directory of the ZIP archive is cut off", end.start + position)
    (
        signature, made_by, _, flags, method, time, date, crc, stored_size, size, name_length, extra_length,
        comment_length, disk, _, external, header,
    ) = _CENTRAL_HEADER.unpack_from(directory, position)  # fmt: skip
    if signature != CENTRAL:
        raise FormatError("an entry of the central directory has no signature", end.start + position)
    at = position + _CENTRAL_HEADER.size
    following = at + name_length + extra_length + comment_length
    if following > len(directory):
        raise FormatError("an entry passes the end of the central directory", end.start + position)
    extra = directory[at + name_length : at + name_length + extra_length]
    mtime = _mtime(date, time)
    if extra:
        if _UNKNOWN_32 in (size, stored_size, header) or disk == _UNKNOWN_16:
            size, stored_size, header = _zip64(extra, size, stored_size, header, end.start + position)
        stamp = _field(extra, _EXTENDED_TIME)
        if stamp is not None and len(stamp) >= 5 and stamp[0] & 1:
            mtime = int.from_bytes(stamp[1:5], "little", signed=True)
    entry = ZipEntry(
        name=_name(directory[at : at + name_length], flags),
        mode=external >> 16 if made_by >> 8 == _UNIX else 0,
        mtime=mtime,
        method=method,
        flags=flags,
        crc=crc,
        size=size,
        stored_size=stored_size,
        header=header + end.prefix,
        dos_time=date << 16 | time,
        external=external,
        made_by=made_by,
        extra=extra,
        comment=directory[following - comment_length : following],
    )
    if not entry.is_directory and entry.mode == 0 and external & _DIRECTORY_ATTRIBUTE and not size:
        entry.name += b"/"
    return entry, following


def _name(name: bytes, flags: int) -> bytes:
    """UTF-8 by its flag, or because it is UTF-8 (what Unix programs write without the flag); else code page 437 (appendix D)."""
    if flags & _UTF8 or name.isascii():
        return name
    try:
        name.decode()
    except UnicodeDecodeError:
        return name.decode("cp437").encode()
    return name


def _mtime(date: int, time: int) -> int | None:
    month, day = date >> 5 & 15, date & 31
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return calendar.timegm(((date >> 9) + 1980, month, day, time >> 11, time >> 5 & 63, (time & 31) * 2))


def _field(extra: bytes, wanted: int) -> bytes | None:
    """The content of an extra field (4.5.1)."""
    position = 0
    while position + 4 <= len(extra):
        number = int.from_bytes(extra[position : position + 2], "little")
        length = int.from_bytes(extra[position + 2 : position + 4], "little")
        if number == wanted:
            return extra[position + 4 : position + 4 + length]
        position += 4 + length
    return None


def _zip64(extra: bytes, size: int, stored_size: int, header: int, at: int) -> tuple[int, int, int]:
    """Sizes and offset with those that are too large for four bytes replaced, in the order of 4.5.3."""
    values = _field(extra, _ZIP64_EXTRA)
    if values is None:
        if _UNKNOWN_32 in (size, stored_size, header):
            raise FormatError("an entry's sizes stand in a ZIP64 field that is not there", at)
        return size, stored_size, header
    found = []
    for value in (size, stored_size, header):
        if value == _UNKNOWN_32:
            if len(values) < 8:
                raise FormatError("the ZIP64 field of an entry is cut off", at)
            value, values = int.from_bytes(values[:8], "little"), values[8:]
        found.append(value)
    return found[0], found[1], found[2]
