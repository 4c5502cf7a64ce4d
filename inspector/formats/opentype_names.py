"""The ``name`` table of TrueType and OpenType fonts: family, version and what they say of their licence.

OpenType specification 1.9.1, "Font file" and "name — Naming table".  Collections (``ttcf``) tell the names of their first font; WOFF is compressed
and not read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from inspector.errors import FormatError
from inspector.source import Source

FAMILY, VERSION, LICENSE, LICENSE_URL, TYPOGRAPHIC_FAMILY = 1, 5, 13, 14, 16
"""Name identifiers of the specification."""

_SIGNATURES = (b"\x00\x01\x00\x00", b"OTTO", b"true")
_MOST_TABLES = 256
_MOST_NAMES = 4096
_LONGEST_TABLE = 1024 * 1024


def read_font_names(source: Source) -> dict[int, str]:
    """Names by identifier, English ones before others.

    :raises FormatError: where it is no font, or its tables do not lie in the file.
    """
    start = _first_font(source)
    signature, count = source.read_at(start, 4), _u16(source.read_at(start + 4, 2), 0)
    if signature not in _SIGNATURES:
        raise FormatError("it does not begin like a font", offset=start)
    directory = source.read_at(start + 12, 16 * min(count, _MOST_TABLES))
    for at in range(0, len(directory) - 15, 16):
        if directory[at : at + 4] == b"name":
            offset, length = _u32(directory, at + 8), _u32(directory, at + 12)
            if offset + 6 > source.size:
                raise FormatError("its name table lies behind its end", offset=offset)
            return _names(source.read_at(offset, min(length, _LONGEST_TABLE, source.size - offset)))
    return {}


def _first_font(source: Source) -> int:
    if source.size < 16:
        raise FormatError("it is too short for a font", offset=0)
    if source.read_at(0, 4) != b"ttcf":
        return 0
    start = _u32(source.read_at(12, 4), 0)
    if start + 12 > source.size:
        raise FormatError("its first font lies behind its end", offset=12)
    return start


def _names(table: bytes) -> dict[int, str]:
    if len(table) < 6:
        raise FormatError("its name table is cut off")
    count, storage = _u16(table, 2), _u16(table, 4)
    found: dict[int, tuple[int, str]] = {}
    for rank, identifier, text in _records(table, min(count, _MOST_NAMES), storage):
        if identifier not in found or rank < found[identifier][0]:
            found[identifier] = (rank, text)
    return {identifier: text for identifier, (_, text) in found.items()}


def _records(table: bytes, count: int, storage: int) -> Iterator[tuple[int, int, str]]:
    """Rank (0: English of Windows or Unicode), identifier and text of each record that can be read."""
    for number in range(count):
        at = 6 + 12 * number
        if at + 12 > len(table):
            return
        platform, _, language, identifier, length, offset = struct.unpack_from(">6H", table, at)
        raw = table[storage + offset : storage + offset + length]
        if platform in (0, 3):
            yield (0 if language in (0, 0x409) else 2), identifier, raw.decode("utf-16-be", "replace")
        elif platform == 1:
            yield (1 if language == 0 else 3), identifier, raw.decode("mac-roman", "replace")


def _u16(content: bytes, at: int) -> int:
    if at + 2 > len(content):
        raise FormatError("it is cut off")
    return int.from_bytes(content[at : at + 2], "big")


def _u32(content: bytes, at: int) -> int:
    if at + 4 > len(content):
        raise FormatError("it is cut off")
    return int.from_bytes(content[at : at + 4], "big")
