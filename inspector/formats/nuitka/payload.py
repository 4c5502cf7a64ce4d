"""The payload of a Nuitka one-file program: ``KA``, ``X`` (stored) or ``Y`` (zstd), then entries until an empty name.

An entry: a name that ends with a zero byte; a byte of flags (1 executable, 2 symbolic link); of a link its target, ended by a zero byte, and no more;
else the size in 8 bytes, the content's CRC-32 where the program caches what it unpacks, the stored size in 4 bytes where each file is a zstd frame
of its
own ("archive"), and the content.  Otherwise one zstd stream covers names and contents.  Numbers are little-endian.  The payload does not say which of
these it is, so that each reading is tried, and the one counts that comes out even.  Observed in programs of Nuitka 2.8 and 4.3.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from inspector.errors import FormatError, LimitExceeded
from inspector.formats.compressed_stream import DecodedStream, decode_stream
from inspector.formats.zlib_member import check_ratio
from inspector.limits import MIB, Limits
from inspector.patterns import lazy_pattern
from inspector.source import SliceSource, Source

Layout = Literal["stored", "stream", "archive"]

MAGICS = (b"KAX", b"KAY")
_MAGIC = lazy_pattern(rb"KA[XY]")
_ZSTD = b"\x28\xb5\x2f\xfd"
_TRAILER = struct.Struct("<Q")
_CHUNK = MIB
_NAME_READ = 512
_EXECUTABLE, _LINK = 1, 2


class PayloadEntry(Struct, frozen=True):
    """One file or link.

    :ivar offset: of the content: in the decoded stream, else in the file.
    :ivar stored: bytes in the file.
    :ivar target: of a symbolic link.
    :ivar crc: CRC-32 of the content, where the payload says it.
    """

    name: bytes
    executable: bool
    size: int
    offset: int
    stored: int
    target: bytes | None = None
    crc: int | None = None


class NuitkaPayload(Struct):
    """A payload whose entries were read.

    :ivar start: of ``KA`` in the file; ``end`` is behind the terminator.
    :ivar appended: whether it lies behind the program (up to Nuitka 4.0), not in its read-only data.
    :ivar has_checksums: whether entries carry a CRC-32, as programs do that keep what they unpacked.
    """

    source: Source
    start: int
    end: int
    layout: Layout
    appended: bool
    has_checksums: bool
    entries: tuple[PayloadEntry, ...]
    limits: Limits
    _stream: DecodedStream | None = None

    def open(self, entry: PayloadEntry) -> Source:
        """An entry's content.

        :raises FormatError: where its frame cannot be decoded, or the content has another size or CRC-32 than its entry says.
        """
        content = self._content(entry)
        if entry.crc is not None:
            crc = 0
            for offset in range(0, entry.size, _CHUNK):
                crc = zlib.crc32(content.read_at(offset, min(_CHUNK, entry.size - offset)), crc)
            if (crc or 1) != entry.crc:  # 0 is written as 1
                raise FormatError("its CRC-32 is that of other content", entry.offset)
        return content

    def _content(self, entry: PayloadEntry) -> Source:
        if self._stream is not None:
            return SliceSource(self._stream, entry.offset, entry.size)
        stored = SliceSource(self.source, entry.offset, entry.stored)
        if self.layout != "archive" or not entry.size:
            return stored
        check_ratio(entry.stored, entry.size, self.limits)
        decoded = decode_stream(stored, self.limits, "zstd")
        if decoded.size != entry.size or decoded.damage is not None:
            raise decoded.damage or FormatError(f"its frame decodes to {decoded.size} bytes, not {entry.size}")
        return decoded

    def stored_range(self, entry: PayloadEntry) -> tuple[int, int]:
        """First and last + 1 byte of an entry's content in the file; of a stream all of it."""
        if self._stream is not None:
            return self.start + len(MAGICS[0]), self.end
        return entry.offset, entry.offset + entry.stored


def find_payload(source: Source, limits: Limits) -> NuitkaPayload | None:
    """The payload of a program: where the last eight bytes say that it is, else the first place that reads as one; None where there is none.

    :raises FormatError: where the last eight bytes lead to a payload that is damaged.
    :raises LimitExceeded: where it is a bomb.
    """
    (size,) = _TRAILER.unpack(source.read_at(source.size - _TRAILER.size, _TRAILER.size).rjust(_TRAILER.size, b"\0"))
    start = source.size - _TRAILER.size - size
    if start > 0 and size > len(MAGICS[0]) and source.read_at(start, 3) in MAGICS:
        return read_payload(source, start, source.size - _TRAILER.size, limits, appended=True)
    for place in _places(source):
        try:
            return read_payload(source, place, source.size, limits, appended=False)
        except LimitExceeded:
            raise
        except FormatError:
            continue
    return None


def _places(source: Source) -> Iterator[int]:
    position = 0
    while position < source.size:
        chunk = source.read_at(position, min(_CHUNK + 16, source.size - position))
        for match in _MAGIC.finditer(chunk, 0, _CHUNK + 2):
            following = chunk[match.end() : match.end() + 12]
            stream = following.startswith(_ZSTD)
            if (chunk[match.start() + 2] == ord("Y") and stream) or _begins_name(following):
                yield position + match.start()
        position += _CHUNK


def _begins_name(following: bytes) -> bool:
    """Whether bytes can be the beginning of a file's name."""
    first = following.split(b"\0", 1)[0]
    return len(first) > 1 and all(0x20 < byte < 0x7F for byte in first) and not first.startswith(b"/")


def read_payload(source: Source, start: int, end: int, limits: Limits, *, appended: bool) -> NuitkaPayload:
    """The payload at a place.

    :param end: behind its last byte where that is known, else the file's end.
    :raises FormatError: where no reading of it comes out even.
    """
    body = start + len(MAGICS[0])
    compressed = source.read_at(start, len(MAGICS[0])) == MAGICS[1]
    if compressed and source.read_at(body, len(_ZSTD)) == _ZSTD:
        stream = decode_stream(SliceSource(source, body, end - body), limits, "zstd")
        entries, has_checksums, _ = _read_entries(stream, 0, stream.size, limits, archive=False, exact=True)
        entries = tuple(
            PayloadEntry(
                entry.name, entry.executable, entry.size, entry.offset,
                stream.stored_between(entry.offset, entry.offset + entry.size), entry.target, entry.crc,
            ) for entry in entries
        )  # fmt: skip
        stop = body + stream.stored_end
        return NuitkaPayload(source, start, stop, "stream", appended, has_checksums, entries, limits, stream)
    entries, has_checksums, stop = _read_entries(source, body, end, limits, archive=compressed, exact=appended)
    check_ratio(stop - start, sum(entry.size for entry in entries), limits)
    layout: Layout = "archive" if compressed else "stored"
    return NuitkaPayload(source, start, stop, layout, appended, has_checksums, entries, limits)


def _read_entries(
    source: Source, start: int, end: int, limits: Limits, *, archive: bool, exact: bool
) -> tuple[tuple[PayloadEntry, ...], bool, int]:
    """All entries, whether they carry checksums, and where they end, by the reading that comes out even."""
    failure: FormatError | None = None
    # With checksums first: that reading proves itself by one of them, while content that is taken for names may come out even by chance.
    for has_checksums in (True, False):
        try:
            entries, stop = _entries(source, start, end, limits, archive=archive, has_checksums=has_checksums)
            if exact and stop != end:
                raise FormatError(f"{end - stop} bytes lie behind the payload's last entry", stop)
        except LimitExceeded:
            raise
        except FormatError as error:
            failure = error
        else:
            return entries, has_checksums, stop
    raise failure or FormatError("the payload has no entries", start)


def _entries(
    source: Source, start: int, end: int, limits: Limits, *, archive: bool, has_checksums: bool
) -> tuple[tuple[PayloadEntry, ...], int]:
    fields = struct.Struct("<Q" + ("I" if has_checksums else "") + ("I" if archive else ""))
    entries: list[PayloadEntry] = []
    position = start
    while True:
        name, position = _text(source, position, end, limits)
        if not name:
            if not entries:
                raise FormatError("the payload is empty", position)
            return tuple(entries), position
        if any(byte < 0x20 for byte in name):
            raise FormatError("an entry's name has control characters in it", position)
        flags = source.read_at(position, 1)
        if not flags or flags[0] > (_EXECUTABLE | _LINK):
            raise FormatError("an entry has flags that are not known", position)
        position += 1
        executable = bool(flags[0] & _EXECUTABLE)
        if len(entries) >= limits.inodes:
            raise LimitExceeded("the payload has more entries than the inodes limit", position)
        if flags[0] & _LINK:
            target, position = _text(source, position, end, limits)
            entries.append(PayloadEntry(name, executable, 0, position, 0, target))
            continue
        raw = source.read_at(position, fields.size)
        if len(raw) < fields.size:
            raise FormatError("the payload ends within an entry", position)
        size, *more = fields.unpack(raw)
        crc = more[0] if has_checksums else None
        stored = more[-1] if archive else size
        position += fields.size
        if stored > end - position:
            raise FormatError(f"an entry claims {stored} bytes, which are not there", position)
        if archive and stored and source.read_at(position, len(_ZSTD)) != _ZSTD:
            raise FormatError("an entry's content is no zstd frame", position)
        if has_checksums and not archive and not any(entry.size for entry in entries):
            _check(source, position, size, crc)
        entries.append(PayloadEntry(name, executable, size, position, stored, crc=crc))
        position += stored


def _check(source: Source, position: int, size: int, crc: int | None) -> None:
    found = 0
    for offset in range(0, size, _CHUNK):
        found = zlib.crc32(source.read_at(position + offset, min(_CHUNK, size - offset)), found)
    if (found or 1) != crc:  # 0 is written as 1
        raise FormatError("the first entry's CRC-32 is that of other content", position)


def _text(source: Source, position: int, end: int, limits: Limits) -> tuple[bytes, int]:
    """A text that a zero byte ends, and the place behind it."""
    length = _NAME_READ
    while True:
        raw = source.read_at(position, min(length, end - position))
        found = raw.find(b"\0")
        if found >= 0:
            return raw[:found], position + found + 1
        if len(raw) < length:
            raise FormatError("the payload ends within a name", position)
        if length > limits.path_length:
            raise FormatError("an entry's name is longer than the path_length limit", position)
        length *= 4
