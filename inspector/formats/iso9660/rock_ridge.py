"""System use areas of directory records: SUSP (IEEE P1281 1.12), Rock Ridge (IEEE P1282 1.12) and the zisofs entry ``ZF``.

Every area is bounded by the bytes that are there; continuation areas (``CE``) are followed at most :data:`CONTINUATIONS` times and never twice
to the same place.  Entries of other makers are passed over, as SUSP 5 demands.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from msgspec import Struct, field

from inspector.errors import FormatError
from inspector.formats.iso9660.volume import SECTOR, parse_long_time, parse_short_time
from inspector.source import Source

CONTINUATIONS = 32  # Linux, fs/isofs/rock.c: RR_MAX_CE_ENTRIES
_TEXT_LIMIT = 65_535 + 1  # bytes of one name or link that are gathered before its length is judged


class SystemUse(Struct):
    """What the system use area of one record says; None where it says nothing.

    :ivar skip: bytes in front of the first entry of every other record (``SP`` of the root).
    :ivar mode: POSIX ``st_mode``, file type included.
    :ivar serial: POSIX file serial number, the same for hard links (Rock Ridge 1.12 only).
    :ivar device: major and minor number.
    :ivar modified: seconds since 1970.
    :ivar zisofs: (uncompressed size in bytes, log2 of the block size, bytes of the header).
    :ivar compression: name of a compression that is not zisofs version 1, such as ``PZ`` of zisofs 2.
    :ivar child: logical block of the directory that was moved elsewhere (``CL``).
    :ivar relocated: True for the place that a directory was moved to (``RE``); readers hide it.
    """

    skip: int | None = None
    name: bytes | None = None
    mode: int | None = None
    links: int | None = None
    uid: int = 0
    gid: int = 0
    serial: int | None = None
    device: tuple[int, int] | None = None
    target: bytes | None = None
    modified: int | None = None
    zisofs: tuple[int, int, int] | None = None
    compression: str | None = None
    sparse: bool = False
    child: int | None = None
    relocated: bool = False
    continuations: list[tuple[int, int]] = field(default_factory=list)
    """(first, last + 1) bytes of the source that the continuation areas occupy."""


def read_system_use(source: Source, area: bytes, offset: int, said: SystemUse) -> FormatError | None:
    """Read a record's area and its continuations into ``said``.

    :param area: the bytes behind the record's name, the root's ``skip`` already cut off.
    :param offset: of ``area``, bytes from the start of ``source``; for messages.
    :returns: where an entry is longer than its area, or continuations do not end, the error; ``said`` then holds what stood in front of it.
    """
    name: list[bytes] = []
    link = _LinkText()
    error = None
    try:
        for signature, body, where in _entries(source, area, offset, said.continuations):
            if signature == b"NM" and body:
                name.append(_dots(body[0]) or body[1:])
                if sum(map(len, name)) > _TEXT_LIMIT:
                    raise FormatError("a Rock Ridge name of more than 65,535 bytes", where)
            elif signature == b"SL" and body:
                link.add(body[1:], where)
            else:
                reader = _READERS.get(signature)
                if reader is not None:
                    reader(said, body)
    except FormatError as found:
        error = found
    if name:
        said.name = b"".join(name)
    if link.used:
        said.target = link.text()
    return error


def _entries(
    source: Source, area: bytes, offset: int, seen: list[tuple[int, int]]
) -> Iterator[tuple[bytes, bytes, int]]:
    while True:
        continuation: tuple[int, int, int] | None = None
        position = 0
        while position + 4 <= len(area):
            signature, length = area[position : position + 2], area[position + 2]
            if not any(area[position : position + 2]) or signature == b"ST":
                break  # zero padding, or the terminator of SUSP 5.4
            if length < 4 or position + length > len(area):
                raise FormatError(
                    f"a system use entry of {length} bytes where {len(area) - position} are left", offset + position
                )
            body = area[position + 4 : position + length]
            if signature == b"CE" and len(body) >= 24:
                block, start, size = struct.unpack_from("<I4xI4xI", body)
                continuation = (block, start, size)
            else:
                yield signature, body, offset + position
            position += length
        if continuation is None:
            return
        block, start, size = continuation
        place = (block * SECTOR + start, block * SECTOR + start + size)
        if place in seen or len(seen) >= CONTINUATIONS:
            raise FormatError("continuation areas that do not end", offset)
        if start + size > SECTOR:  # SUSP 5.1: an area lies within one logical sector
            raise FormatError(f"a continuation area of {size} bytes at {start} of a sector", offset)
        seen.append(place)
        offset = place[0]
        area = source.read_at(offset, size)
        if len(area) < size:
            raise FormatError("a continuation area behind the end of the file", offset)


def _dots(flags: int) -> bytes | None:
    if flags & 2:  # P1282 4.1.4: CURRENT
        return b"."
    return b".." if flags & 4 else None  # PARENT


class _LinkText:
    """The text of a symbolic link, put together from component records (P1282 4.1.3.1)."""

    def __init__(self) -> None:
        self.used = False
        self._parts: list[bytes] = []
        self._absolute = False
        self._open = False  # the last component goes on in the next record
        self._length = 0

    def add(self, records: bytes, where: int) -> None:
        self.used = True
        position = 0
        while position + 2 <= len(records):
            flags, length = records[position], records[position + 1]
            if position + 2 + length > len(records):
                raise FormatError("a symbolic link's component is longer than its entry", where)
            content = _dots(flags) or records[position + 2 : position + 2 + length]
            position += 2 + length
            self._length += len(content) + 1
            if self._length > _TEXT_LIMIT:
                raise FormatError("a symbolic link of more than 65,535 bytes", where)
            if flags & 8:  # ROOT: what came before does not count
                self._parts, self._absolute, self._open = [], True, False
                continue
            if self._open:
                self._parts[-1] += content
            else:
                self._parts.append(content)
            self._open = bool(flags & 1)

    def text(self) -> bytes:
        return (b"/" if self._absolute else b"") + b"/".join(self._parts)


def _sharing_protocol(said: SystemUse, body: bytes) -> None:
    if body[:2] == b"\xbe\xef" and len(body) >= 3:  # SUSP 5.3
        said.skip = body[2]


def _posix_attributes(said: SystemUse, body: bytes) -> None:
    if len(body) >= 32:
        said.mode, said.links, said.uid, said.gid = struct.unpack_from("<I4xI4xI4xI", body)
    if len(body) >= 40:
        (said.serial,) = struct.unpack_from("<I", body, 32)


def _device_number(said: SystemUse, body: bytes) -> None:
    if len(body) >= 16:
        high, low = struct.unpack_from("<I4xI", body)
        # P1282 4.1.2 leaves the split to the system; on Linux dev_t is one number, and mkisofs writes it whole into the low half
        said.device = (high, low) if high else (low >> 8 & 0xFFF, low & 0xFF | low >> 12 & 0xFFF00)


def _time_stamps(said: SystemUse, body: bytes) -> None:
    if not body or not body[0] & 2:  # P1282 4.1.6: bit 1 is the modification time
        return
    width = 17 if body[0] & 0x80 else 7
    start = 1 + (width if body[0] & 1 else 0)  # creation stands first
    stamp = body[start : start + width]
    said.modified = parse_long_time(stamp) if width == 17 else parse_short_time(stamp)


def _compressed(said: SystemUse, body: bytes) -> None:
    if len(body) < 12 or body[:2] != b"pz":
        said.compression = body[:2].decode("ascii", "backslashreplace")
        return
    header_words, block_log = body[2], body[3]
    (size,) = struct.unpack_from("<I", body, 4)
    said.zisofs = (size, block_log, header_words * 4)


def _child_link(said: SystemUse, body: bytes) -> None:
    if len(body) >= 8:
        (said.child,) = struct.unpack_from("<I", body)


def _relocated(said: SystemUse, _body: bytes) -> None:
    said.relocated = True


def _sparse(said: SystemUse, _body: bytes) -> None:
    said.sparse = True


_READERS = {
    b"SP": _sharing_protocol,
    b"PX": _posix_attributes,
    b"PN": _device_number,
    b"TF": _time_stamps,
    b"ZF": _compressed,
    b"Z2": _compressed,  # zisofs version 2 (libisofs, doc/zisofs2_format.txt)
    b"CL": _child_link,
    b"RE": _relocated,
    b"SF": _sparse,
}
