"""RPM packages: lead, signature, header, payload (RPM reference manual, "RPM V4 Package format"; the same layout holds for V3 and V6)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from msgspec import Struct

from inspector.errors import FormatError, LimitExceeded
from inspector.formats.archive_entry import ArchiveEntry
from inspector.limits import MIB, Limits
from inspector.source import Source

MAGIC = b"\xed\xab\xee\xdb"
_LEAD = 96
_HEADER_MAGIC = b"\x8e\xad\xe8\x01"
_INTRODUCTION = struct.Struct(">4s4xII")  # magic and version, reserved, index entries, bytes of data
_ENTRY = struct.Struct(">IIII")  # tag, type, offset, count
_LARGEST_HEADER = 256 * MIB  # rpm, lib/header.c: HEADER_DATA_MAX
_MOST_ENTRIES = 0xFFFF  # rpm, lib/header.c: HEADER_TAGS_MAX

# Tags of the reference manual, "RPM Tags"
_NAME, _VERSION, _RELEASE, _EPOCH, _LICENSE, _ARCH, _SOURCE_RPM = 1000, 1001, 1002, 1003, 1014, 1022, 1044
_REQUIRES, _FORMAT, _COMPRESSOR = 1049, 1124, 1125
_SIZES, _MODES, _MTIMES, _LINKS, _INODES = 1028, 1030, 1034, 1036, 1096
_DIRECTORY_INDEXES, _BASENAMES, _DIRECTORIES, _LONG_SIZES = 1116, 1117, 1118, 5008

_INTEGERS = {2: "B", 3: "H", 4: "I", 5: "Q"}
_STRING, _STRINGS, _TRANSLATED = 6, 8, 9


class RpmPackage(Struct, frozen=True):
    """What stands in front of the payload.

    :ivar payload_offset: where the payload begins, and the headers end.
    :ivar payload_format: "cpio", or what else the header says.
    :ivar compressor: as the header names it ("xz", "zstd", …); "gzip" where it says nothing, as rpm takes it.
    :ivar files: what the header says of each file, by number; contents are in the payload.
    """

    name: str
    version: str
    arch: str
    license: str
    requires: tuple[str, ...]
    is_source: bool
    payload_offset: int
    payload_format: str
    compressor: str
    files: tuple[ArchiveEntry, ...]


class _Header:
    """The tags of one header structure."""

    def __init__(self, source: Source, position: int) -> None:
        introduction = source.read_at(position, _INTRODUCTION.size)
        if len(introduction) < _INTRODUCTION.size or not introduction.startswith(_HEADER_MAGIC):
            raise FormatError("no RPM header", position)
        _, count, size = _INTRODUCTION.unpack(introduction)
        if count > _MOST_ENTRIES or size > _LARGEST_HEADER:
            raise LimitExceeded(f"an RPM header of {count} entries and {size} bytes", position)
        self.position = position
        data_start = position + _INTRODUCTION.size + count * _ENTRY.size
        self.end = data_start + size
        if self.end > source.size:
            raise FormatError("the package is cut off inside its header", position)
        index = source.read_at(position + _INTRODUCTION.size, count * _ENTRY.size)
        self._data = source.read_at(data_start, size)
        self._entries = {tag: (kind, offset, number) for tag, kind, offset, number in _ENTRY.iter_unpack(index)}

    def integers(self, tag: int) -> tuple[int, ...]:
        kind, offset, count = self._entries.get(tag, (0, 0, 0))
        code = _INTEGERS.get(kind)
        if code is None:
            return ()
        end = offset + count * struct.calcsize(code)
        if end > len(self._data):
            raise FormatError(f"tag {tag} of an RPM header lies behind its end", self.position)
        return struct.unpack(f">{count}{code}", self._data[offset:end])

    def strings(self, tag: int) -> tuple[bytes, ...]:
        kind, offset, count = self._entries.get(tag, (0, 0, 0))
        if kind not in (_STRING, _STRINGS, _TRANSLATED):
            return ()
        if offset > len(self._data) or count > len(self._data):
            raise FormatError(f"tag {tag} of an RPM header lies behind its end", self.position)
        parts = self._data[offset:].split(b"\0", count)
        if len(parts) <= count:
            raise FormatError(f"tag {tag} of an RPM header has no end", self.position)
        return tuple(parts[:count])

    def text(self, tag: int) -> str:
        found = self.strings(tag)
        return found[0].decode("utf-8", "backslashreplace") if found else ""

    def __contains__(self, tag: int) -> bool:
        return tag in self._entries


def read_rpm(source: Source, limits: Limits) -> RpmPackage:
    """Read what stands in front of the payload.

    :raises FormatError: where it is no package, or a header is damaged.
    :raises LimitExceeded: where it names more files than ``Limits.inodes``.
    """
    if source.read_at(0, 4) != MAGIC:
        raise FormatError("no RPM package", 0)
    signature = _Header(source, _LEAD)
    header = _Header(source, -(-signature.end // 8) * 8)  # the signature is filled up to eight bytes
    epoch = header.integers(_EPOCH)
    version = f"{header.text(_VERSION)}-{header.text(_RELEASE)}"
    return RpmPackage(
        name=header.text(_NAME),
        version=f"{epoch[0]}:{version}" if epoch else version,
        arch=header.text(_ARCH),
        license=header.text(_LICENSE),
        requires=tuple(name.decode("utf-8", "backslashreplace") for name in header.strings(_REQUIRES)),
        is_source=_SOURCE_RPM not in header,
        payload_offset=header.end,
        payload_format=header.text(_FORMAT) or "cpio",
        compressor=header.text(_COMPRESSOR) or "gzip",
        files=_files(header, limits),
    )


def _files(header: _Header, limits: Limits) -> tuple[ArchiveEntry, ...]:
    names, directories = header.strings(_BASENAMES), header.strings(_DIRECTORIES)
    if len(names) > limits.inodes:
        raise LimitExceeded(f"{len(names)} files: the inodes limit")
    indexes = header.integers(_DIRECTORY_INDEXES)
    sizes = header.integers(_LONG_SIZES) or header.integers(_SIZES)
    modes, mtimes, links = header.integers(_MODES), header.integers(_MTIMES), header.strings(_LINKS)
    inodes = header.integers(_INODES)
    files = []
    for number, name in enumerate(names):
        index = _at(indexes, number, 0)
        directory = directories[index] if index < len(directories) else b""
        entry = ArchiveEntry(b"." + directory + name, _at(modes, number, 0o100644), mtime=_at(mtimes, number, 0))
        entry.size = _at(sizes, number, 0)
        entry.target = links[number] if number < len(links) else b""
        entry.inode = _at(inodes, number, 0) or None
        files.append(entry)
    return tuple(files)


def _at(values: Sequence[int], index: int, otherwise: int) -> int:
    return values[index] if index < len(values) else otherwise
