"""The primary volume descriptor of an ISO 9660 volume (ECMA-119 4th edition, 8.4): where the tree of directories begins."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from msgspec import Struct

from inspector.errors import FormatError, UnsupportedFormat
from inspector.source import Source

SECTOR = 2048  # ECMA-119 6.1.2: a logical sector of 2048 bytes
SYSTEM_AREA = (
    16 * SECTOR
)  # ECMA-119 6.2.1: sectors 0 to 15 belong to the system, an AppImage's ELF runtime among others
STANDARD_IDENTIFIER = b"CD001"  # ECMA-119 8.1.2
_PRIMARY, _SUPPLEMENTARY, _TERMINATOR = 1, 2, 255  # ECMA-119 8.1.1
_DESCRIPTORS = 64  # far more than any mastering program writes
APPLICATION_USE = 883  # ECMA-119 8.4.32: offset in the descriptor of 512 bytes for the application


class Volume(Struct, frozen=True):
    """What the primary volume descriptor says.

    :ivar offset: of the descriptor, bytes from the start of the source.
    :ivar identifier: the volume's name, blanks removed; bytes that are no ASCII written ``\\xNN``.
    :ivar block_size: bytes of a logical block, the unit of every location.
    :ivar block_count: blocks that the volume says it has.
    :ivar root_location: logical block of the root directory.
    :ivar root_length: bytes of the root directory.
    :ivar created: seconds since 1970, or None where the field is blank.
    :ivar application_use: 512 bytes (``type 1`` AppImages keep update information there).
    """

    offset: int
    identifier: str
    block_size: int
    block_count: int
    root_location: int
    root_length: int
    created: int | None
    application_use: bytes
    ranges: tuple[tuple[int, int], ...]
    """(first, last + 1) bytes of all descriptors and path tables."""
    other_roots: tuple[tuple[int, int], ...]
    """(location, length) of the root directories of supplementary descriptors (Joliet)."""


def blocks_of(length: int) -> int:
    """Logical blocks that so many bytes occupy."""
    return -(-length // SECTOR)


def has_volume(source: Source) -> bool:
    """Whether an ISO 9660 volume descriptor stands where the standard puts the first one."""
    return source.read_at(SYSTEM_AREA + 1, len(STANDARD_IDENTIFIER)) == STANDARD_IDENTIFIER


def read_volume(source: Source) -> Volume:
    """Read the volume descriptors; the first primary one decides.

    :raises FormatError: where there is none, or where it contradicts itself or the source.
    :raises UnsupportedFormat: where blocks are not 2048 bytes large.
    """
    primary: tuple[int, bytes] | None = None
    others: list[bytes] = []
    offset = SYSTEM_AREA
    while offset < SYSTEM_AREA + _DESCRIPTORS * SECTOR:
        raw = source.read_at(offset, SECTOR)
        if len(raw) < SECTOR or raw[1:6] != STANDARD_IDENTIFIER:
            break
        if raw[0] == _PRIMARY and primary is None:
            primary = offset, raw
        elif raw[0] == _SUPPLEMENTARY:
            others.append(raw)
        offset += SECTOR
        if raw[0] == _TERMINATOR:
            break
    if primary is None:
        raise FormatError("no ISO 9660 primary volume descriptor", SYSTEM_AREA)
    place, raw = primary
    (block_size,) = struct.unpack_from("<H", raw, 128)
    if block_size != SECTOR:
        # Blocks of 512 and 1024 bytes are allowed by 8.4.12, but no known program writes them
        raise UnsupportedFormat(f"ISO 9660 blocks of {block_size} bytes", place + 128)
    root_location, root_length = _root_of(raw)
    if root_location * SECTOR >= source.size:
        raise FormatError(f"the root directory lies at block {root_location}, behind the end of the file", place + 158)
    ranges = [(SYSTEM_AREA, offset)]
    for descriptor in (raw, *others):
        ranges += _path_tables(descriptor)
    return Volume(
        offset=place,
        identifier=raw[40:72].rstrip(b" \0").decode("ascii", "backslashreplace"),
        block_size=block_size,
        block_count=struct.unpack_from("<I", raw, 80)[0],
        root_location=root_location,
        root_length=root_length,
        created=parse_long_time(raw[813:830]),
        application_use=raw[APPLICATION_USE : APPLICATION_USE + 512],
        ranges=tuple(ranges),
        other_roots=tuple(_root_of(descriptor) for descriptor in others),
    )


def _root_of(descriptor: bytes) -> tuple[int, int]:
    location, length = struct.unpack_from("<I4xI", descriptor, 156 + 2)  # ECMA-119 8.4.18: a directory record
    return location, length


def _path_tables(descriptor: bytes) -> Iterator[tuple[int, int]]:
    """ECMA-119 8.4.13 to 8.4.17: the size, and the places of two little-endian and two big-endian tables; 0 where there is none."""
    (size,) = struct.unpack_from("<I", descriptor, 132)
    for location in (*struct.unpack_from("<II", descriptor, 140), *struct.unpack_from(">II", descriptor, 148)):
        if location:
            yield location * SECTOR, (location + blocks_of(size)) * SECTOR


def parse_long_time(raw: bytes) -> int | None:
    """Seconds since 1970 of ``YYYYMMDDHHMMSScc`` and a zone in quarters of an hour (ECMA-119 8.4.26.1), or None where it is blank or wrong."""
    digits = raw[:14]
    if len(raw) != 17 or not digits.isdigit() or digits == b"0" * 14:
        return None
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:8])
    hour, minute, second = int(digits[8:10]), int(digits[10:12]), int(digits[12:14])
    return _seconds(year, month, day, hour, minute, second, raw[16])


def parse_short_time(raw: bytes) -> int | None:
    """Seconds since 1970 of the seven bytes of a directory record (ECMA-119 9.1.5), or None where they are blank or wrong."""
    if len(raw) != 7 or not any(raw):
        return None
    year, month, day, hour, minute, second, zone = raw
    return _seconds(1900 + year, month, day, hour, minute, second, zone)


def _seconds(year: int, month: int, day: int, hour: int, minute: int, second: int, zone: int) -> int | None:
    quarters = zone - 256 if zone > 127 else zone
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61 and 1 <= year <= 9999):
        return None
    from calendar import timegm  # it imports locale; not for everybody who opens a file

    return timegm((year, month, day, hour, minute, second)) - quarters * 15 * 60
