"""A ZIP archive: its entries, where each of them lies, and what cannot be."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from operator import attrgetter

from inspector.errors import FormatError, UnsupportedFormat
from inspector.formats.zip.decoders import STORED
from inspector.formats.zip.end_records import EndRecord, find_end_record
from inspector.formats.zip.entries import ENCRYPTED, HAS_DESCRIPTOR, ZipEntry, read_central_directory
from inspector.formats.zip.members import DecodedMember, MemberCache
from inspector.limits import Limits
from inspector.source import BytesSource, SliceSource, Source

_LOCAL = b"PK\x03\x04"
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")  # APPNOTE 4.3.7
_DESCRIPTOR = b"PK\x07\x08"  # 4.3.9.3


class ZipArchive:
    """The archive that a source ends with.

    :ivar entries: in the order of the central directory, the unreadable ones with a refusal.
    :ivar end: what its end says.
    :ivar damage: why the central directory could not be read to its end, or None.
    """

    def __init__(self, source: Source, limits: Limits | None = None, end: EndRecord | None = None) -> None:
        """Read the central directory and the local headers.

        :param end: the archive's end, where it was looked for already.
        :raises FormatError: where the source ends with no archive, or its directory cannot be read.
        """
        limits = limits or Limits()
        found = end or find_end_record(source)
        if found is None:
            raise FormatError("there is no end record of a ZIP archive")
        self.source = source
        self.end = found
        self.entries, self.damage = read_central_directory(source, found, limits)
        self._cache = MemberCache(source.size, limits)
        self._by_name = {
            entry.name: entry for entry in self.entries
        }  # of equal names the last one, as every reader takes it
        self._locate()

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def get(self, name: bytes) -> ZipEntry | None:
        """The entry of a name, the last one of several."""
        return self._by_name.get(name)

    @property
    def start(self) -> int:
        """Where the first entry begins: the bytes of the prefix."""
        return min((entry.header for entry in self.entries), default=self.end.start)

    def open(self, entry: ZipEntry) -> Source:
        """The content of an entry.

        :raises FormatError: where its place in the archive cannot be, it is encrypted, or its method is not known (``UnsupportedFormat``).
        """
        if entry.refusal is not None:
            raise entry.refusal
        if entry.flags & ENCRYPTED:
            raise UnsupportedFormat("it is encrypted", entry.header)
        if not entry.size:
            return BytesSource(b"")
        stored = SliceSource(self.source, entry.data, entry.stored_size)
        if entry.method == STORED:
            if entry.stored_size != entry.size:
                raise FormatError(f"it is stored in {entry.stored_size} bytes and has {entry.size}", entry.header)
            return stored
        return DecodedMember(stored, entry.method, entry.size, entry.crc, entry.header, self._cache)

    def header_ranges(self) -> Iterator[tuple[int, int]]:
        """(first, last + 1) bytes of local headers, data descriptors, the central directory and the end records."""
        for entry in self.entries:
            if entry.refusal is None:
                yield entry.header, entry.data
                if entry.end > entry.data + entry.stored_size:
                    yield entry.data + entry.stored_size, entry.end
        yield self.end.start, self.end.end

    def data_ranges(self) -> Iterator[tuple[int, int]]:
        """(first, last + 1) bytes of the members' data."""
        for entry in self.entries:
            if entry.refusal is None and entry.stored_size:
                yield entry.data, entry.data + entry.stored_size

    def _locate(self) -> None:
        """Set where the data of every entry begin and end, and refuse entries that lie over one another."""
        before: ZipEntry | None = None
        for entry in sorted(self.entries, key=attrgetter("header")):
            entry.data = entry.end = entry.header
            try:
                self._read_local_header(entry)
                if before is not None and before.end > entry.header:
                    raise FormatError(
                        f"its bytes overlap those of {before.name.decode('utf-8', 'backslashreplace')}", entry.header
                    )
            except FormatError as error:
                entry.refusal = error
                continue
            before = entry

    def _read_local_header(self, entry: ZipEntry) -> None:
        header = self.source.read_at(entry.header, _LOCAL_HEADER.size + len(entry.name)) if entry.header >= 0 else b""
        if len(header) < _LOCAL_HEADER.size or not header.startswith(_LOCAL):
            raise FormatError("there is no local header where the central directory says", entry.header)
        fields = _LOCAL_HEADER.unpack_from(header)
        name_length, extra_length = fields[9], fields[10]
        name = header[_LOCAL_HEADER.size : _LOCAL_HEADER.size + name_length]
        # A name that was converted from code page 437 is not compared
        if entry.name.isascii() and name.rstrip(b"/") != entry.name.rstrip(b"/"):
            raise FormatError("its local header has another name than the central directory", entry.header)
        entry.data = entry.header + _LOCAL_HEADER.size + name_length + extra_length
        data_end = entry.data + entry.stored_size
        if data_end > self.end.start:
            raise FormatError("its data reach into the central directory", entry.header)
        entry.end = data_end + (self._descriptor(entry, data_end) if entry.flags & HAS_DESCRIPTOR else 0)

    def _descriptor(self, entry: ZipEntry, at: int) -> int:
        """Bytes of the data descriptor: CRC and both sizes, in four or eight bytes each, with or without a signature (4.3.9)."""
        content = self.source.read_at(at, min(24, self.end.start - at))
        signature = len(_DESCRIPTOR) if content.startswith(_DESCRIPTOR) else 0
        sum_ = entry.crc.to_bytes(4, "little")
        for width in (4, 8):
            if entry.stored_size >= 1 << 8 * width or entry.size >= 1 << 8 * width:
                continue
            expected = sum_ + entry.stored_size.to_bytes(width, "little") + entry.size.to_bytes(width, "little")
            if content[signature:].startswith(expected):
                return signature + len(expected)
        return 0
