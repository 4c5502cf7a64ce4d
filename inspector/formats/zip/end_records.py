"""Where a ZIP archive ends, and with that where its central directory lies (APPNOTE 4.3.14 to 4.3.16)."""

from __future__ import annotations

import struct

from msgspec import Struct

from inspector.errors import FormatError
from inspector.source import Source

END = b"PK\x05\x06"
_ZIP64_END = b"PK\x06\x06"
_ZIP64_LOCATOR = b"PK\x06\x07"
_CENTRAL = b"PK\x01\x02"
_END_RECORD = struct.Struct("<4s4H2LH")  # 4.3.16
_LOCATOR = struct.Struct("<4sLQL")  # 4.3.15
_ZIP64_RECORD = struct.Struct("<4sQ2H2L4Q")  # 4.3.14
_MOST_COMMENT = 0xFFFF  # bytes; the length is two bytes wide
_MOST_BEHIND = (
    0x10000 + 2
)  # bytes behind the archive that are passed over: the manifest of a scie is 64 KiB at most, between two line ends
_MOST_CANDIDATES = 64  # signatures in comments and in what lies behind


class EndRecord(Struct, frozen=True):
    """What the end of an archive says.

    :ivar start: where the central directory begins in the source.
    :ivar size: its bytes.
    :ivar count: how many entries it should have.
    :ivar prefix: bytes in front of the archive: what has to be added to every offset that it states.  0 where
        the offsets count the prefix themselves.
    :ivar end: behind the last record and the comment.
    :ivar comment: the archive's comment.
    """

    start: int
    size: int
    count: int
    prefix: int
    end: int
    comment: bytes = b""


def find_end_record(source: Source) -> EndRecord | None:
    """The archive that a file ends with, or None where it ends with none.

    :raises FormatError: where there is an end record, and no central directory can be where it says.
    """
    window = min(source.size, _MOST_COMMENT + _END_RECORD.size + _MOST_BEHIND)
    base = source.size - window
    tail = source.read_at(base, window)
    refusal: FormatError | None = None
    empty: EndRecord | None = None
    position = len(tail)
    for _ in range(_MOST_CANDIDATES):
        position = tail.rfind(END, 0, position + len(END) - 1 if position < len(tail) else position)
        if position < 0:
            break
        if position + _END_RECORD.size > len(tail):
            continue
        try:
            found = _read(source, base, tail, position)
        except FormatError as error:
            refusal = refusal or error
            continue
        if found.count:
            return found
        empty = empty or found  # or the signature stands in the comment of an archive that is not empty
    if empty is None and refusal is not None:
        raise refusal
    return empty


def _read(source: Source, base: int, tail: bytes, position: int) -> EndRecord:
    at = base + position
    _, disk, _, _, count, size, offset, comment_length = _END_RECORD.unpack_from(tail, position)
    end = at + _END_RECORD.size + comment_length
    if end > source.size:
        raise FormatError("the comment of the ZIP archive passes the end of the file", at)
    records_start = at
    if disk == 0xFFFF or count == 0xFFFF or size == 0xFFFFFFFF or offset == 0xFFFFFFFF:
        found = _zip64(source, at)
        if found is not None:
            records_start, disk, count, size, offset = found
    if disk not in (0, 1):  # some writers count from 1
        raise FormatError(f"the ZIP archive is the last of {disk + 1} parts", at)
    start = records_start - size
    prefix = start - offset
    if start < 0 or prefix < 0:
        raise FormatError(
            f"a central directory of {size} bytes at {offset} does not fit before the end record of the ZIP archive", at
        )
    if count and source.read_at(start, 4) != _CENTRAL:
        raise FormatError("the ZIP archive has no central directory where its end record says", start)
    return EndRecord(
        start,
        size,
        count,
        prefix,
        end,
        tail[position + _END_RECORD.size : position + _END_RECORD.size + comment_length],
    )


def _zip64(source: Source, at: int) -> tuple[int, int, int, int, int] | None:
    """Start of the ZIP64 end record, number of the disk, entries, bytes and offset of the central directory; None where there is no such record."""
    locator = source.read_at(at - _LOCATOR.size, _LOCATOR.size) if at >= _LOCATOR.size else b""
    if not locator.startswith(_ZIP64_LOCATOR):
        return None
    _, _, stated, _ = _LOCATOR.unpack(locator)
    # As with the central directory, a prefix may lie in front of what the locator states; then the record ends where the locator begins.
    for start in dict.fromkeys((stated, at - _LOCATOR.size - _ZIP64_RECORD.size)):
        record = source.read_at(start, _ZIP64_RECORD.size) if 0 <= start < at else b""
        if len(record) == _ZIP64_RECORD.size and record.startswith(_ZIP64_END):
            _, length, _, _, disk, _, _, count, size, offset = _ZIP64_RECORD.unpack(record)
            if start + 12 + length == at - _LOCATOR.size:
                return start, disk, count, size, offset
    raise FormatError("the ZIP64 end record is not where its locator says", at - _LOCATOR.size)
