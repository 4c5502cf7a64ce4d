"""A ZIP archive written anew: members that do not change are copied as they are stored, others deflated (APPNOTE 6.3.10).

What comes out has sizes in its local headers and no data descriptors, and no ZIP64 records: :data:`MOST_ENTRIES` and :data:`MOST_BYTES` bound it.
"""

from __future__ import annotations

import calendar
import stat
import struct
import time
import zlib
from typing import BinaryIO

from msgspec import Struct

from inspector.errors import FormatError
from inspector.formats.zip.archive import ZipArchive
from inspector.formats.zip.decoders import DEFLATE, STORED
from inspector.formats.zip.entries import HAS_DESCRIPTOR, ZipEntry
from inspector.source import SliceSource, Source

MOST_ENTRIES = 0xFFFE
"""Entries that an end record without ZIP64 can count."""
MOST_BYTES = 0xFFFFFFFE
"""Bytes of an archive, and of a member, that four bytes can state."""

_LOCAL = struct.Struct("<4s3HL3L2H")  # 4.3.7, time and date as one number
_CENTRAL = struct.Struct("<4s4HL3L5H2L")  # 4.3.12, likewise
_END = struct.Struct("<4s4H2LH")  # 4.3.16
_VERSION = 20  # 4.4.3.2: deflate and directories
_UNIX = 3 << 8  # 4.4.2
_UTF8 = 0x800
_ZIP64_EXTRA = 0x0001
_TIME_EXTRA = struct.Struct("<HHBl")  # Info-ZIP, extrafld.txt: "UT", one time
_STEP = 1 << 20
_EARLIEST = 315532800  # 1980-01-01, the first day that MS-DOS has


class _Written(Struct):
    name: bytes
    method: int
    flags: int
    dos_time: int
    crc: int
    stored_size: int
    size: int
    header: int
    made_by: int
    external: int
    extra: bytes
    comment: bytes


class ZipWriter:
    """Writes an archive to a file that can seek, from where the file stands; what is in front of it is a prefix.

    :param offsets_from: what the archive's offsets count from: 0 where they count a prefix too.
    """

    def __init__(self, file: BinaryIO, *, offsets_from: int = 0) -> None:
        self._file = file
        self._base = offsets_from
        self._written: list[_Written] = []

    def copy(self, archive: ZipArchive, entry: ZipEntry, *, mode: int | None = None) -> None:
        """An entry of another archive, its data as they are stored.

        :param mode: type and permission bits, where they change.
        :raises FormatError: where the entry's place in its archive cannot be.
        """
        if entry.refusal is not None:
            raise entry.refusal
        header = self._like(entry, mode)
        header.method, header.crc, header.size = entry.method, entry.crc, entry.size
        header.flags = entry.flags & ~HAS_DESCRIPTOR | (0 if entry.name.isascii() else _UTF8)
        lengths = archive.source.read_at(entry.header + 26, 4)
        name_length, extra_length = int.from_bytes(lengths[:2], "little"), int.from_bytes(lengths[2:], "little")
        local_extra = archive.source.read_at(entry.header + 30 + name_length, extra_length)
        self._begin(header, _without_zip64(local_extra))
        stored = SliceSource(archive.source, entry.data, entry.stored_size)
        for offset in range(0, entry.stored_size, _STEP):
            self._file.write(stored.read_at(offset, _STEP))
        header.stored_size = entry.stored_size
        self._end(header)

    def replace(self, entry: ZipEntry, content: Source, *, mode: int | None = None, mtime: int | None = None) -> None:
        """An entry with other content: stored where it was stored, else deflated.

        :param mtime: seconds since 1970; None for the entry's own time.
        """
        header = self._like(entry, mode)
        if mtime is not None and mtime != entry.mtime:
            header.dos_time, header.extra = _times(mtime)
        self._write(header, content, compress=entry.method != STORED)

    def add(self, name: bytes, content: Source, *, mode: int, mtime: int | None, compress: bool = True) -> None:
        """A new entry.

        :param name: UTF-8, directories with a slash at the end.
        :param mode: file type and permission bits.
        """
        dos_time, extra = _times(mtime if mtime is not None else _EARLIEST)
        directory = 0x10 if stat.S_ISDIR(mode) else 0
        header = _Written(
            name, STORED, 0, dos_time, 0, 0, 0, 0, _UNIX | _VERSION, mode << 16 | directory, extra, b""
        )  # fmt: skip
        self._write(header, content, compress=compress)

    def finish(self, comment: bytes = b"") -> None:
        """The central directory and the end record.

        :raises FormatError: where the archive is too large for them.
        """
        start = self._file.tell()
        for one in self._written:
            self._file.write(
                _CENTRAL.pack(
                    b"PK\x01\x02", one.made_by, _VERSION, one.flags, one.method, one.dos_time, one.crc, one.stored_size, one.size,
                    len(one.name), len(one.extra), len(one.comment), 0, 0, one.external, one.header,
                ) + one.name + one.extra + one.comment
            )  # fmt: skip
        end = self._file.tell()
        if len(self._written) > MOST_ENTRIES or end > MOST_BYTES:
            raise FormatError(
                f"{len(self._written)} entries in {end} bytes are too much for a ZIP archive without ZIP64"
            )
        count = len(self._written)
        self._file.write(
            _END.pack(b"PK\x05\x06", 0, 0, count, count, end - start, start - self._base, len(comment)) + comment
        )

    def _like(self, entry: ZipEntry, mode: int | None) -> _Written:
        external, made_by = entry.external, entry.made_by
        if mode is not None:
            external, made_by = mode << 16 | external & 0xFF, _UNIX | _VERSION
        flags = 0 if entry.name.isascii() else _UTF8
        return _Written(
            entry.name, STORED, flags, entry.dos_time, 0, 0, 0, 0, made_by, external, _without_zip64(entry.extra), entry.comment
        )  # fmt: skip

    def _write(self, header: _Written, content: Source, *, compress: bool) -> None:
        header.method = DEFLATE if compress and content.size else STORED
        header.flags |= 0 if header.name.isascii() else _UTF8
        self._begin(header, header.extra)
        start = self._file.tell()
        compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
        for offset in range(0, content.size, _STEP):
            piece = content.read_at(offset, _STEP)
            header.crc = zlib.crc32(piece, header.crc)
            header.size += len(piece)
            self._file.write(compressor.compress(piece) if header.method == DEFLATE else piece)
        if header.size != content.size:
            raise FormatError(f"only {header.size} of {content.size} bytes can be read")
        if header.method == DEFLATE:
            self._file.write(compressor.flush())
        header.stored_size = self._file.tell() - start
        self._end(header)

    def _begin(self, header: _Written, local_extra: bytes) -> None:
        position = self._file.tell()
        header.header = position - self._base
        self._file.write(_local(header, len(local_extra)) + header.name + local_extra)
        self._local_extra = len(local_extra)

    def _end(self, header: _Written) -> None:
        """Go back for the sizes, which the local header has to state."""
        end = self._file.tell()
        if max(end, header.size) > MOST_BYTES:
            raise FormatError(f"{header.size} bytes of {header.name!r} are too much for a ZIP archive without ZIP64")
        self._file.seek(header.header + self._base)
        self._file.write(_local(header, self._local_extra))
        self._file.seek(end)
        self._written.append(header)


def _local(header: _Written, extra_length: int) -> bytes:
    return _LOCAL.pack(
        b"PK\x03\x04", _VERSION, header.flags, header.method, header.dos_time, header.crc,
        header.stored_size, header.size, len(header.name), extra_length,
    )  # fmt: skip


def _times(mtime: int) -> tuple[int, bytes]:
    """Date and time of MS-DOS, which counts in steps of two seconds, and an extra field with the exact time where that is not enough."""
    fields = time.gmtime(min(max(mtime, _EARLIEST), calendar.timegm((2107, 12, 31, 23, 59, 58))))
    date = (fields.tm_year - 1980) << 9 | fields.tm_mon << 5 | fields.tm_mday
    clock = fields.tm_hour << 11 | fields.tm_min << 5 | fields.tm_sec // 2
    exact = mtime % 2 == 0 and calendar.timegm(fields) == mtime
    fits = -(1 << 31) <= mtime < 1 << 31
    return date << 16 | clock, b"" if exact or not fits else _TIME_EXTRA.pack(0x5455, 5, 1, mtime)


def _without_zip64(extra: bytes) -> bytes:
    kept = b""
    position = 0
    while position + 4 <= len(extra):
        number = int.from_bytes(extra[position : position + 2], "little")
        length = 4 + int.from_bytes(extra[position + 2 : position + 4], "little")
        if number != _ZIP64_EXTRA:
            kept += extra[position : position + length]
        position += length
    return kept
