"""An ISO 9660 volume with Rock Ridge and zisofs as a tree of entries that are read on demand."""

from __future__ import annotations

import stat
from collections.abc import Hashable, Iterable, Iterator
from contextlib import suppress

from msgspec import Struct

from inspector.errors import FormatError, LimitExceeded, UnsupportedFormat
from inspector.formats.iso9660.directory_record import DirectoryRecord, read_first_record, read_records
from inspector.formats.iso9660.volume import SECTOR, Volume, blocks_of, read_volume
from inspector.formats.iso9660.zisofs import ZisofsFile
from inspector.limits import Limits
from inspector.source import SliceSource, Source


class IsoEntry(Struct):
    """One name of the volume.

    :ivar path: names from the root on as the volume writes them, the root's own is empty.  Names may be hostile: ``..``, "/" inside.
    :ivar mode: ``st_mode`` with the file type; made up (0o755, 0o644) on a volume without Rock Ridge.
    :ivar size: bytes of a regular file's content, uncompressed; 0 otherwise.
    :ivar stored_size: bytes of its sections.
    :ivar target: of a symbolic link, as written.
    :ivar inode: equal for names of one file.
    :ivar modified: seconds since 1970, or None.
    :ivar content_key: equal keys prove equal content; None for what is not a regular file, and for empty files.
    """

    path: tuple[bytes, ...]
    mode: int
    size: int
    stored_size: int
    target: bytes | None
    inode: int
    modified: int | None
    uid: int
    gid: int
    content_key: Hashable | None
    record: DirectoryRecord


class Damage(Struct, frozen=True):
    """A part of the volume that could not be read.

    :ivar path: names of the directory or entry concerned.
    """

    path: tuple[bytes, ...]
    error: FormatError


class Iso9660Image:
    """A volume, opened: the descriptors and the root are checked, nothing else is read yet.

    :param source: the volume; its first 32 KiB are the system area and may hold anything.
    :ivar volume: what the primary volume descriptor says.
    :ivar rock_ridge: whether names and modes are those of Rock Ridge.
    :ivar damages: what :meth:`walk` passed over; complete when it has ended.
    :raises FormatError: where the descriptor or the root directory's first record is damaged.
    :raises UnsupportedFormat: where blocks are not 2048 bytes large.
    """

    def __init__(self, source: Source, *, limits: Limits | None = None) -> None:
        self._source = source
        self._limits = limits or Limits()
        self.volume: Volume = read_volume(source)
        self._root = read_first_record(source, self.volume.root_location)
        self._skip = self._root.use.skip
        self.rock_ridge = self._skip is not None
        self.damages: list[Damage] = []
        self._promised: set[Hashable] = set()  # the contents that were opened
        self._promised_bytes = 0

    def walk(self) -> Iterator[IsoEntry]:
        """All entries, a directory before what lies in it, the root first.

        A damaged entry is left out and recorded in :attr:`damages`, and so are the rest of a directory whose records are damaged, and
        directories that contain themselves.

        :raises LimitExceeded: where the volume has more entries, or more bytes of directories, than the limits allow.
        """
        self.damages = []
        root = self._entry((), self._root, directory=True)
        yield root
        todo = [(root, self.volume.root_location, self.volume.root_length)]
        seen = {self.volume.root_location}
        entries = directory_bytes = 0
        while todo:
            parent, location, length = todo.pop()
            directory_bytes += min(length, max(self._source.size - location * SECTOR, 0))
            if directory_bytes > self._limits.decoded_metadata:
                raise LimitExceeded("the directories are larger than the decoded_metadata limit", location * SECTOR)
            below = []
            for entry in self._directory(parent, location, length):
                entries += 1
                if entries > self._limits.inodes:
                    raise LimitExceeded("the volume has more entries than the inodes limit", entry.record.offset)
                if stat.S_ISDIR(entry.mode):
                    if entry.record.location in seen:
                        self._damaged(
                            entry.path, FormatError("a directory that was reached before", entry.record.offset)
                        )
                        continue
                    seen.add(entry.record.location)
                    below.append((entry, entry.record.location, entry.record.stored_size))
                yield entry
            todo += reversed(below)

    def open(self, entry: IsoEntry) -> Source:
        """A regular file's content.

        :raises FormatError: where its sections leave the volume or its compression header is wrong.
        :raises UnsupportedFormat: where it is stored in a way that this reader does not know.
        :raises LimitExceeded: where it and what was opened before, each content counted once, pass the limits of decoded data.
        """
        use = entry.record.use
        if use.sparse or use.compression is not None:
            kind = "a Rock Ridge sparse file" if use.sparse else f"compressed by {use.compression!r}"
            raise UnsupportedFormat(f"{kind}; only zisofs version 1 is readable", entry.record.offset)
        if entry.content_key is not None and entry.content_key not in self._promised:
            total = self._promised_bytes + entry.size
            if total > min(self._limits.decoded_data, self._source.size * self._limits.expansion_ratio):
                raise LimitExceeded(
                    f"with this file of {entry.size} bytes the files pass the expansion_ratio or decoded_data limit",
                    entry.record.offset,
                )
            self._promised.add(entry.content_key)
            self._promised_bytes = total
        stored = _Sections(self._source, entry.record.extents)
        if use.zisofs is None:
            return stored
        size, block_log, _ = use.zisofs
        return ZisofsFile(stored, size, block_log)

    def data_ranges(self, entries: Iterable[IsoEntry]) -> list[tuple[int, int]]:
        """(first, last + 1) bytes of the source that the files' sections occupy, filled up to whole blocks; in order, merged."""
        sections = {
            (location * SECTOR, (location + blocks_of(length)) * SECTOR)
            for entry in entries
            if entry.stored_size
            for location, length in entry.record.extents
        }
        return merge_ranges(sections, self._source.size)

    def metadata_ranges(self) -> list[tuple[int, int]]:
        """(first, last + 1) bytes of the source that descriptors, path tables and directories occupy, Joliet's too; in order, merged.

        Directories that :meth:`walk` would pass over are passed over here as well.
        """
        ranges = list(self.volume.ranges)
        for location, length, skip in (
            (self.volume.root_location, self.volume.root_length, self._skip),
            *((location, length, None) for location, length in self.volume.other_roots),
        ):
            ranges += self._directory_ranges(location, length, skip)
        return merge_ranges(ranges, self._source.size)

    def _directory_ranges(self, location: int, length: int, skip: int | None) -> Iterator[tuple[int, int]]:
        todo, seen = [(location, length)], {location}
        budget = self._limits.decoded_metadata
        while todo and len(seen) <= self._limits.inodes:
            location, length = todo.pop()
            length = min(length, max(self._source.size - location * SECTOR, 0))
            budget -= length
            if budget < 0:
                return
            yield location * SECTOR, (location + blocks_of(length)) * SECTOR
            with suppress(FormatError):
                for record in read_records(self._source, location, length, skip):
                    for start, end in record.use.continuations:
                        yield start // SECTOR * SECTOR, blocks_of(end) * SECTOR
                    if record.is_directory and record.location not in seen:
                        seen.add(record.location)
                        todo.append((record.location, record.stored_size))

    def _directory(self, parent: IsoEntry, location: int, length: int) -> Iterator[IsoEntry]:
        if len(parent.path) >= self._limits.path_depth:
            self._damaged(parent.path, LimitExceeded("directories deeper than the path_depth limit", location * SECTOR))
            return
        try:
            for record in read_records(self._source, location, length, self._skip):
                if record.use.relocated:
                    continue
                name = record.use.name if record.use.name is not None else _plain_name(record)
                path = (*parent.path, name)
                if sum(map(len, path)) + len(path) - 1 > self._limits.path_length:
                    self._damaged(parent.path, LimitExceeded("a path longer than the path_length limit", record.offset))
                    continue
                try:
                    if record.error is not None:
                        raise record.error
                    yield self._entry(path, record, directory=record.is_directory)
                except FormatError as error:
                    self._damaged(path, error)
        except FormatError as error:
            self._damaged(parent.path, error)

    def _entry(self, path: tuple[bytes, ...], record: DirectoryRecord, *, directory: bool) -> IsoEntry:
        use = record.use
        if use.child is not None:  # a directory deeper than eight levels lies elsewhere (P1282 4.1.5.1)
            moved = read_first_record(self._source, use.child)
            record = DirectoryRecord(record.offset, record.identifier, True, [(use.child, moved.stored_size)], use)
            directory = True
        mode = use.mode if use.mode is not None else (stat.S_IFDIR | 0o755 if directory else stat.S_IFREG | 0o644)
        if directory:
            mode = stat.S_IFDIR | stat.S_IMODE(mode)
        elif stat.S_ISDIR(mode):  # the record's own flag decides what can be walked
            mode = stat.S_IFREG | stat.S_IMODE(mode)
        is_file = stat.S_ISREG(mode)
        stored = record.stored_size if is_file else 0
        size = use.zisofs[0] if is_file and use.zisofs is not None else stored
        target = use.target if stat.S_ISLNK(mode) else None
        if target is not None and len(target) > self._limits.symlink_length:
            raise LimitExceeded("a symbolic link longer than the symlink_length limit", record.offset)
        return IsoEntry(
            path=path,
            mode=mode,
            size=size,
            stored_size=stored,
            target=target,
            inode=_inode(record, stored),
            modified=use.modified,
            uid=use.uid,
            gid=use.gid,
            content_key=(*record.extents, use.zisofs) if stored else None,
            record=record,
        )

    def _damaged(self, path: tuple[bytes, ...], error: FormatError) -> None:
        self.damages.append(Damage(path, error))


class _Sections:
    """The sections of a file, one behind the other, as a :class:`Source`."""

    def __init__(self, source: Source, extents: list[tuple[int, int]]) -> None:
        self._parts: list[tuple[int, SliceSource]] = []
        self.size = 0
        for location, length in extents:
            start = location * SECTOR
            if length and start + length > source.size:
                raise FormatError(
                    f"file data of {length} bytes of which {max(source.size - start, 0)} are there", start
                )
            self._parts.append((self.size, SliceSource(source, start, length)))
            self.size += length

    def read_at(self, offset: int, length: int) -> bytes:
        """See :class:`Source`."""
        if offset < 0 or length <= 0:
            return b""
        end = min(offset + length, self.size)
        chunks = []
        for start, part in self._parts:
            first, last = max(offset, start), min(end, start + part.size)
            if first < last:
                chunks.append(part.read_at(first - start, last - first))
        return b"".join(chunks)


def merge_ranges(ranges: Iterable[tuple[int, int]], end: int) -> list[tuple[int, int]]:
    """The ranges in order, those that touch made one, cut off at ``end``."""
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(ranges):
        stop = min(stop, end)
        if start >= stop:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        else:
            merged.append((start, stop))
    return merged


def _inode(record: DirectoryRecord, stored: int) -> int:
    """Rock Ridge 1.12 numbers its files; elsewhere a file is where its data lies, and one without data is where its record lies."""
    if record.use.serial:
        return record.use.serial
    # Below zero, so that places never meet serial numbers
    return -(record.location * SECTOR) if stored else -record.offset


def _plain_name(record: DirectoryRecord) -> bytes:
    """The ISO 9660 name as Linux shows it: small letters, no version, no final dot (fs/isofs/dir.c, isofs_name_translate)."""
    name = record.identifier.lower()
    if not record.is_directory:
        name = name.partition(b";")[0].removesuffix(b".")
    return name
