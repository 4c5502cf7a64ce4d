"""Directory records (ECMA-119 9.1) with their Rock Ridge fields: the names in one directory."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from msgspec import Struct, field

from inspector.errors import FormatError
from inspector.formats.iso9660.rock_ridge import SystemUse, read_system_use
from inspector.formats.iso9660.volume import SECTOR
from inspector.source import Source

_FIXED = 33  # ECMA-119 9.1: bytes in front of the identifier
_DIRECTORY, _MULTI_EXTENT = 2, 0x80  # ECMA-119 9.1.6
_EXTENTS = 4096  # sections of one file; 4 GiB each


class DirectoryRecord(Struct):
    """One name, put together from all records of a file in several sections.

    :ivar offset: of the first record, bytes from the start of the source.
    :ivar identifier: the ISO 9660 name (``b"\\0"`` for the directory itself, ``b"\\1"`` for its parent).
    :ivar extents: (logical block, bytes) of the file's sections in order.
    :ivar use: the Rock Ridge fields; empty on a volume without.
    :ivar error: why ``use`` is not complete, or None; the record itself and its neighbours are sound.
    """

    offset: int
    identifier: bytes
    is_directory: bool
    extents: list[tuple[int, int]]
    use: SystemUse = field(default_factory=SystemUse)
    error: FormatError | None = None

    @property
    def location(self) -> int:
        """Logical block of the first section."""
        return self.extents[0][0]

    @property
    def stored_size(self) -> int:
        """Bytes of all sections."""
        return sum(length for _, length in self.extents)


def read_first_record(source: Source, location: int) -> DirectoryRecord:
    """The record of the directory itself, which stands first in it; its ``use.skip`` says how to read the others.

    :raises FormatError: where there is no such record.
    """
    offset = location * SECTOR
    for record in _records(source.read_at(offset, 255), offset, source, 0):
        if record.identifier == b"\0":
            return record
        break
    raise FormatError("a directory that does not begin with its own record", offset)


def read_records(source: Source, location: int, length: int, skip: int | None) -> Iterator[DirectoryRecord]:
    """The records of a directory without those of itself and its parent.

    :param skip: bytes of every system use area in front of the first entry (SUSP 5.3), or None where the volume has none.
    :raises FormatError: at the first record that is damaged; those before it have been given out.
    """
    offset = location * SECTOR
    content = source.read_at(offset, length)
    pending: DirectoryRecord | None = None
    for record in _records(content, offset, source, skip):
        if record.identifier in (b"\0", b"\1"):
            continue
        if pending is not None:
            if pending.identifier == record.identifier:
                pending.extents += record.extents
            else:
                yield pending
                pending = record
        else:
            pending = record
        if not content[record.offset - offset + 25] & _MULTI_EXTENT:
            yield pending
            pending = None
        elif len(pending.extents) > _EXTENTS:
            raise FormatError(f"a file of more than {_EXTENTS} sections", record.offset)
    if pending is not None:
        yield pending
    if len(content) < length:
        raise FormatError(f"a directory of {length} bytes of which {len(content)} are there", offset)


def _records(content: bytes, base: int, source: Source, skip: int | None) -> Iterator[DirectoryRecord]:
    position = 0
    while position < len(content):
        length = content[position]
        if length == 0:  # ECMA-119 6.8.1.1: records do not cross sectors; the rest of one is zeros
            position = (position // SECTOR + 1) * SECTOR
            continue
        name_length = content[position + 32] if position + _FIXED <= len(content) else 0
        if name_length == 0 or length < _FIXED + name_length or position + length > len(content):
            raise FormatError(f"a directory record of {length} bytes with a name of {name_length}", base + position)
        location, size, flags = struct.unpack_from("<I4xI4x7xB", content, position + 2)
        attributes = content[
            position + 1
        ]  # ECMA-119 9.1.2: blocks of an extended attribute record in front of the data
        area = position + _FIXED + name_length + (1 - name_length % 2)  # ECMA-119 9.1.12: padded to an even place
        record = DirectoryRecord(
            offset=base + position,
            identifier=content[position + _FIXED : position + _FIXED + name_length],
            is_directory=bool(flags & _DIRECTORY),
            extents=[(location + attributes, size)],
        )
        if skip is not None:
            start = area + (0 if record.identifier == b"\0" else skip)
            record.error = read_system_use(source, content[start : position + length], base + start, record.use)
        yield record
        position += length
