"""A tar archive from its first block to its last."""

from __future__ import annotations

import stat
from collections.abc import Sequence

from msgspec import Struct, field

from inspector.errors import FormatError, LimitExceeded
from inspector.formats.archive_entry import ArchiveEntry
from inspector.formats.tar.header import BLOCK, TarHeader, has_checksum, parse_header
from inspector.formats.tar.pax_records import decimal, parse_records
from inspector.formats.tar.sparse import Regions, old_regions, pax_regions, sparse_content
from inspector.limits import MIB, Limits
from inspector.source import SliceSource, Source

_LARGEST_EXTENSION = 4 * MIB  # of one long name or pax header
_ZERO_BLOCK = bytes(BLOCK)

Records = list[tuple[bytes, bytes]]


class TarArchive(Struct):
    """What :func:`read_tar` found.

    :ivar entries: in the order of the archive.
    :ivar end: where the archive ends, or where reading stopped.
    :ivar damages: (path, error): the path is b"" for what ended the reading.
    """

    entries: list[ArchiveEntry] = field(default_factory=list)
    end: int = 0
    damages: list[tuple[bytes, FormatError]] = field(default_factory=list)


def looks_like_tar(head: bytes) -> bool:
    """Whether the first 512 bytes are a tar header with a right checksum and a name."""
    block = head[:BLOCK]
    return len(block) == BLOCK and block[0] != 0 and has_checksum(block)


def read_tar(source: Source, limits: Limits) -> TarArchive:
    """List an archive; contents are read when asked for.

    A broken header ends the reading, as nothing says where the next one is; what was found stays.

    :raises FormatError: where the very first header is broken.
    :raises LimitExceeded: where there are more members than ``Limits.inodes``, or their contents together pass ``Limits.decoded_data``.
    """
    reader = _Reader(source, limits)
    try:
        reader.run()
    except LimitExceeded:
        raise
    except FormatError as error:
        if not reader.archive.entries:
            raise
        reader.archive.damages.append((b"", error))
    reader.archive.end = min(reader.position, source.size)
    return reader.archive


class _Reader:
    def __init__(self, source: Source, limits: Limits) -> None:
        self.archive = TarArchive()
        self.position = 0
        self._source = source
        self._limits = limits
        self._global: Records = []
        self._contents = 0
        self._extensions = 0

    def run(self) -> None:
        local: Records = []
        long_name: bytes | None = None
        long_link: bytes | None = None
        start: int | None = None
        while True:
            position = self.position
            block = self._block()
            if not block or block == _ZERO_BLOCK:
                if block and self._source.read_at(self.position, BLOCK) == _ZERO_BLOCK:
                    self.position += BLOCK
                if start is not None:
                    raise FormatError("the archive ends behind an extended header", position)
                return
            header = parse_header(block, position)
            if header.size < 0:
                raise FormatError("a tar member has a negative size", position)
            start = position if start is None else start
            if header.type in (b"x", b"X"):
                local += parse_records(self._extension(header), position)
            elif header.type == b"g":
                self._global = self._merged(parse_records(self._extension(header), position))
                start = None
            elif header.type == b"L":
                long_name = self._extension(header).split(b"\0", 1)[0]
            elif header.type == b"K":
                long_link = self._extension(header).split(b"\0", 1)[0]
            elif header.type in (b"V", b"N"):  # a volume's label, names of an old multi-volume archive
                self._skip(header.size, position)
                start = None
            else:
                header.name = header.name if long_name is None else long_name
                header.link = header.link if long_link is None else long_link
                self._member(header, self._global + local if self._global or local else local, start)
                local, long_name, long_link, start = [], None, None, None

    def _merged(self, records: Records) -> Records:
        """Global records: later ones replace earlier ones of the same key."""
        return list(dict([*self._global, *records]).items())

    def _block(self) -> bytes:
        """The next block.

        :raises FormatError: where the archive is cut off inside it.
        """
        block = self._source.read_at(self.position, BLOCK)
        if 0 < len(block) < BLOCK:
            if not block.strip(b"\0"):
                self.position += len(block)
                return b""
            raise FormatError("the archive is cut off inside a header", self.position)
        self.position += len(block)
        return block

    def _extension(self, header: TarHeader) -> bytes:
        position = self.position
        self._extensions += header.size
        if header.size > _LARGEST_EXTENSION:
            raise LimitExceeded(f"an extended header of {header.size} bytes", position)
        if self._extensions > self._limits.decoded_metadata:
            raise LimitExceeded("extended headers: the decoded_metadata limit", position)
        content = self._source.read_at(position, header.size)
        self._skip(header.size, position)
        return content

    def _skip(self, size: int, position: int) -> None:
        if self.position + size > self._source.size:
            raise FormatError(
                f"the archive is cut off: a member needs {size} bytes, and {self._source.size - self.position} are left",
                position,
            )
        self.position += -(-size // BLOCK) * BLOCK

    def _member(self, header: TarHeader, records: Records, start: int) -> None:
        position = self.position
        values = dict(records)
        self._amend(header, values, position)
        if len(header.name) > self._limits.path_length:
            self.archive.damages.append(
                (
                    header.name[:80] + b"...",
                    LimitExceeded(f"a path of {len(header.name)} bytes: the path_length limit", start),
                )
            )
            return self._skip(self._data_size(header), position)
        if len(self.archive.entries) >= self._limits.inodes:
            raise LimitExceeded(f"more than {self._limits.inodes} members: the inodes limit")
        entry = ArchiveEntry(
            header.name,
            header.file_type | header.mode,
            header.uid,
            header.gid,
            header.mtime,
            start=start,
            data_start=position,
        )
        regions: tuple[Regions, int] | None = None
        damage: FormatError | None = None
        if header.type == b"S":
            regions = old_regions(header, self._block, position)
            entry.data_start = self.position
        data_size = self._data_size(header)
        if header.is_hard_link:
            entry.hard_link = header.link
        elif stat.S_ISLNK(entry.mode):
            entry.target = header.link
        elif stat.S_ISREG(entry.mode):
            available = max(min(data_size, self._source.size - entry.data_start), 0)
            data: Source = SliceSource(self._source, entry.data_start, available)
            entry.size, entry.content = available, data
            try:
                self._give_content(entry, data, regions, records)
            except FormatError as error:
                damage = error
        self.archive.entries.append(entry)
        try:
            self._skip(data_size, position)
        except FormatError:
            self.position = self._source.size
            self.archive.damages.append(
                (entry.path, FormatError("the archive is cut off inside this member", entry.data_start))
            )
        if damage is not None:
            if isinstance(damage, LimitExceeded):
                raise damage
            self.archive.damages.append((entry.path, damage))
            entry.content, entry.size = SliceSource(self._source, 0, 0), 0
        entry.end = min(self.position, self._source.size)
        return None

    def _give_content(
        self, entry: ArchiveEntry, data: Source, old: tuple[Regions, int] | None, records: Sequence[tuple[bytes, bytes]]
    ) -> None:
        """Put the sparse content in, where it is sparse, and count."""
        found = pax_regions(records, data, entry.data_start) if old is None and records else None
        if old is not None:
            entry.content = sparse_content(data, 0, *old)
        elif found is not None:
            entry.content = sparse_content(data, found[2], found[0], found[1])
        if entry.content is not None and entry.content is not data:
            entry.size = entry.content.size
        self._contents += entry.size
        if self._contents > self._limits.decoded_data:
            raise LimitExceeded(f"the members have more than {self._limits.decoded_data} bytes: the decoded_data limit")

    def _data_size(self, header: TarHeader) -> int:
        """Bytes that follow the header."""
        if header.type in b"23456":
            return 0
        if header.is_hard_link and header.size:
            # POSIX lets a link carry the file's data, and writers exist that state the size and write nothing; the next block tells
            following = self._source.read_at(self.position, BLOCK)
            return 0 if has_checksum(following) or following == _ZERO_BLOCK else header.size
        return header.size

    @staticmethod
    def _amend(header: TarHeader, values: dict[bytes, bytes], position: int) -> None:
        """Put pax records in the place of the fields that they replace."""
        if not values:
            return
        for key in (b"path", b"GNU.sparse.name"):
            if values.get(key):
                header.name = values[key]
        if b"linkpath" in values:
            header.link = values[b"linkpath"]
        if b"size" in values:
            header.size = decimal(values[b"size"], position)
            if header.size < 0:
                raise FormatError("a tar member has a negative size", position)
        if b"mtime" in values:
            header.mtime = decimal(values[b"mtime"], position)
        if b"uid" in values:
            header.uid = decimal(values[b"uid"], position)
        if b"gid" in values:
            header.gid = decimal(values[b"gid"], position)
