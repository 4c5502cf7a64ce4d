"""A SquashFS image: its tree, and everything about it that is not in a single inode."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar, cast, overload

from inspector.errors import FormatError, LimitExceeded
from inspector.formats.squashfs.compression import decompressor, parse_options
from inspector.formats.squashfs.content import FRAGMENT_SIZE, ContentReader, FragmentTable
from inspector.formats.squashfs.data import BlockReader
from inspector.formats.squashfs.directory import Entry, listing
from inspector.formats.squashfs.inode import KINDS, Inode, InodeKind
from inspector.formats.squashfs.inode_table import InodeParser
from inspector.formats.squashfs.layout import TableRange, index_size, merge_ranges
from inspector.formats.squashfs.metadata import MetadataReader
from inspector.formats.squashfs.superblock import (
    FLAG_COMPRESSOR_OPTIONS,
    FLAG_DEDUPLICATED,
    FLAG_NO_XATTRS,
    SUPERBLOCK_SIZE,
    read_superblock,
)
from inspector.formats.squashfs.xattr import XattrTable
from inspector.limits import Limits
from inspector.source import Source

# Asked of every inode of an image: a member of an Enum costs ten times as much by way of its class.
_DIRECTORY, _FILE = InodeKind.DIRECTORY, InodeKind.FILE
_ID_SIZE = 4
_EXPORT_SIZE = 8

Item = TypeVar("Item")
ErrorHandler = Callable[[bytes, FormatError], None]


class SquashfsImage:
    """A SquashFS 4.0 image.  Everything that is needed to list it is read and decoded when it is made; file data when it is asked for.

    :param source: the image; what follows its ``bytes_used`` is not looked at.
    :param limits: how much it may cost; the counts run as long as the object lives.
    :ivar superblock: the checked :class:`~inspector.formats.squashfs.superblock.Superblock`.
    :ivar compressor_options: what the image says about how it was compressed, by name; numbers as stored.
    :ivar root: the root directory's inode.
    :ivar fragments: the fragments by index.
    :raises UnsupportedFormat: where another version or byte order, a vendor's variant or a missing decompressor stands in the way.
    :raises FormatError: where it is no image, or its superblock, inode, directory or id table is damaged.
    :raises LimitExceeded: where its metadata is larger than ``Limits.decoded_metadata``.
    """

    def __init__(self, source: Source, limits: Limits | None = None) -> None:
        self._limits = limits = limits or Limits()
        self.superblock = superblock = read_superblock(source)
        codec = decompressor(superblock.compressor, limits)
        self._metadata = metadata = MetadataReader(source, codec, superblock.bytes_used, limits.decoded_metadata)
        self._options_end = SUPERBLOCK_SIZE
        self.compressor_options = self._read_options()
        ids, self._id_start = metadata.lookup_table("id", superblock.id_table, superblock.id_count, _ID_SIZE)
        self._inode_table = metadata.table("inode", superblock.inode_table, superblock.directory_table)
        self._directory_end = self._find_directory_end()
        self._directory_table = metadata.table("directory", superblock.directory_table, self._directory_end)
        self.fragments = FragmentTable(superblock.fragment_count, self._load_fragments)
        self._blocks = BlockReader(source, codec, superblock.block_size, superblock.bytes_used, limits)
        self._content = ContentReader(
            self._blocks,
            superblock.block_size,
            self.fragments,
            self._find_all_inodes,
            deduplicated=bool(superblock.flags & FLAG_DEDUPLICATED),
        )
        self._parser = InodeParser(
            self._inode_table.content,
            struct.unpack(f"<{superblock.id_count}I", ids),
            superblock.inode_count,
            superblock.fragment_count,
            limits.symlink_length,
            self._content,
        )
        self._inodes: dict[tuple[int, int], Inode | FormatError] = {}
        self._numbers: set[int] = set()
        self._listed = 0
        self._all_inodes_known = False
        self._xattr_table: XattrTable | None = None
        self.root = self._inode(superblock.root_reference >> 16, superblock.root_reference & 0xFFFF)
        if self.root.kind is not _DIRECTORY:
            raise FormatError(f"the root is a {self.root.kind.value}, not a directory", 32)

    @property
    def decoded_bytes(self) -> int:
        """How many bytes of file data were decoded so far."""
        return self._blocks.decoded

    def walk(self, on_error: ErrorHandler | None = None) -> Iterator[tuple[bytes, Inode]]:
        """Path and inode of everything in the image: the root first as ``b""``, each directory before what is in it, names bytewise ascending.

        Hard links come under each of their names with the same Inode object.

        :param on_error: told of the path and the error of each member that cannot be read; the walk then goes on with the next.
        :raises FormatError: of the first such member where ``on_error`` is None.
        :raises LimitExceeded: where there are more names than ``Limits.inodes``, or all paths together are longer than ``Limits.decoded_metadata``.
        """
        limits = self._limits
        longest, member = limits.path_length, self._member
        yield b"", self.root
        seen = {self.root.number}
        names = path_bytes = 0
        stack = [(b"", self._entries(self.root))]
        while stack:
            prefix, entries = stack[-1]
            try:
                entry = next(entries, None)
            except FormatError as error:
                if on_error is None:
                    raise
                on_error(prefix[:-1], error)
                entry = None  # what is left of a broken listing cannot be found
            if entry is None:
                stack.pop()
                continue
            path = prefix + entry[0]
            names += 1
            path_bytes += len(path)
            if names > limits.inodes:
                raise LimitExceeded(f"more than {limits.inodes} names: the inodes limit")
            if path_bytes > limits.decoded_metadata:
                raise LimitExceeded(f"paths of more than {limits.decoded_metadata} bytes: the decoded_metadata limit")
            try:
                inode = member(entry)
                if len(path) > longest:
                    raise LimitExceeded(f"a path of {len(path)} bytes: the path_length limit")
                is_directory = inode.kind is _DIRECTORY
                if is_directory:
                    self._check_directory(inode, len(stack), seen)
            except FormatError as error:
                if on_error is None:
                    raise
                on_error(path, error)
                continue
            yield path, inode
            if is_directory:
                stack.append((path + b"/", self._entries(inode)))
        self._all_inodes_known = True

    def list_directory(self, directory: Inode) -> Iterator[tuple[bytes, Inode]]:
        """Name and inode of each entry of one directory, bytewise ascending; nothing for what is no directory.

        :raises FormatError: where the listing or an inode in it is damaged.
        """
        for entry in self._entries(directory):
            yield entry[0], self._member(entry)

    def lookup(self, path: bytes) -> Inode | None:
        """The inode of a path from the root, "/" between the names; None where there is none.  Links are not followed, "." and ".." are no names.

        :raises FormatError: where a directory on the way is damaged.
        """
        inode = self.root
        for name in path.split(b"/"):
            if not name:
                continue
            for entry in self._entries(inode):
                if entry[0] >= name:
                    break
            else:
                return None
            if entry[0] != name:
                return None
            inode = self._member(entry)
        return inode

    def xattrs(self, inode: Inode) -> dict[bytes, bytes]:
        """The extended attributes of an inode by name, such as ``b"security.capability"``; {} where it has none.

        :raises FormatError: where they are damaged.
        :raises LimitExceeded: where they are larger than Linux allows.
        """
        superblock = self.superblock
        # Images exist that say "no-xattrs" and yet fill the inodes' field with anything
        if inode.xattr_index is None or superblock.xattr_table is None or superblock.flags & FLAG_NO_XATTRS:
            return {}
        return self._xattrs(superblock.xattr_table).attributes(inode.xattr_index)

    @overload
    def read_order(self, items: Iterable[Inode]) -> Iterator[Inode]: ...
    @overload
    def read_order(self, items: Iterable[Item], inode_of: Callable[[Item], Inode]) -> Iterator[Item]: ...
    def read_order(self, items: Iterable[Item], inode_of: Callable[[Item], Inode] | None = None) -> Iterator[Item]:
        """The regular files among ``items`` in the order in which their content lies in the image, those that share a fragment together.

        While this is iterated, each fragment is decoded once, and the next ones ahead on threads of their own, as soon as the
        content of one was asked for.

        :param inode_of: the inode of an item; None where the items are inodes.
        :raises FormatError: where the fragment table cannot be read.
        """
        key = self._content.position_key
        found = [
            (inode, item)
            for item in items
            if (inode := cast("Inode", item) if inode_of is None else inode_of(item)).kind is _FILE
        ]
        found.sort(key=lambda pair: key(pair[0]))
        sweep = self._content.start_sweep([inode for inode, _ in found])
        try:
            for _, item in found:
                yield item
        finally:
            self._content.end_sweep(sweep)

    def table_ranges(self) -> tuple[TableRange, ...]:
        """Where the superblock and the tables lie, in the order of the image; what is left of ``[0, bytes_used)`` is the data area.

        :raises FormatError: where a table cannot be found.
        """
        superblock = self.superblock
        ranges = [
            TableRange("superblock", 0, SUPERBLOCK_SIZE),
            TableRange("inode", superblock.inode_table, superblock.directory_table),
            TableRange("directory", superblock.directory_table, self._directory_end),
            TableRange("id", self._id_start, superblock.id_table + index_size(superblock.id_count, _ID_SIZE)),
        ]
        if self._options_end > SUPERBLOCK_SIZE:
            ranges.append(TableRange("compressor options", SUPERBLOCK_SIZE, self._options_end))
        for name, position, count, record_size in self._optional_tables():
            start = self._first_position(position) if count else position
            ranges.append(TableRange(name, start, position + index_size(count, record_size)))
        if superblock.xattr_table is not None:
            table = self._xattrs(superblock.xattr_table)
            ranges.append(TableRange("xattr", table.start, table.end))
        return tuple(sorted(ranges, key=lambda found: (found.start, found.end)))

    def data_ranges(self, inodes: Iterable[Inode]) -> list[tuple[int, int]]:
        """Byte ranges ``[start, end)`` of the image that hold the content of these files, sorted and merged; shared fragments as a whole.

        :raises FormatError: where the fragment table cannot be read.
        """
        ranges = []
        fragments = set()
        for inode in inodes:
            if (length := inode.own_stored_size) > 0:
                ranges.append((inode.data_start, inode.data_start + length))
            if inode.fragment_index is not None:
                fragments.add(inode.fragment_index)
        for index in fragments:
            fragment = self.fragments[index]
            ranges.append((fragment.position, fragment.position + fragment.stored))
        return merge_ranges(ranges)

    def _inode(self, block: int, offset: int) -> Inode:
        """The inode of a reference: the same object, or the same error, each time."""
        found = self._inodes.get((block, offset))
        if found is None:
            try:
                found = self._new_inode(block, offset)
            except FormatError as error:
                found = error
            self._inodes[block, offset] = found
        if isinstance(found, FormatError):
            raise type(found)(found.what, found.offset)
        return found

    def _new_inode(self, block: int, offset: int) -> Inode:
        inode = self._parser.parse(self._inode_table.locate(block, offset))
        if inode.number in self._numbers:  # Linux would show one of them under both names
            raise FormatError(f"two inodes have the number {inode.number}")
        self._listed += inode.listing[2]
        if self._listed > len(self._directory_table.content):
            raise FormatError(f"the listing of directory inode {inode.number} overlaps with another one")
        self._numbers.add(inode.number)
        self._content.note_tail(inode)
        return inode

    def _entries(self, directory: Inode) -> Iterator[Entry]:
        block, offset, length = directory.listing
        if not length:
            return iter(())
        return listing(self._directory_table.content, self._directory_table.locate(block, offset), length)

    def _member(self, entry: Entry) -> Inode:
        name, block, offset, kind = entry
        inode = self._inode(block, offset)
        if inode.kind is not KINDS[kind]:
            raise FormatError(
                f"directory entry {name[:64]!r} says type {kind}, its inode {inode.number} is a {inode.kind.value}"
            )
        return inode

    def _check_directory(self, inode: Inode, depth: int, seen: set[int]) -> None:
        """Whether a directory may be where the walk found it."""
        if inode.number in seen:
            raise FormatError(f"directory inode {inode.number} is linked twice, or contains itself")
        seen.add(inode.number)
        if depth >= self._limits.path_depth:
            raise LimitExceeded(f"directories {depth + 1} deep: the path_depth limit")
        self._entries(inode)  # so that a listing that is nowhere is this member's error

    def _find_all_inodes(self) -> None:
        """Parse every inode that can be reached, for facts that need them all."""
        if not self._all_inodes_known:
            self._all_inodes_known = True
            try:
                for _ in self.walk(lambda path, error: None):  # noqa: ARG005 - whoever walks for the names is told
                    pass
            except LimitExceeded:
                pass  # likewise

    def _read_options(self) -> dict[str, int]:
        if not self.superblock.flags & FLAG_COMPRESSOR_OPTIONS:
            return {}
        content, self._options_end = self._metadata.block(SUPERBLOCK_SIZE)
        return parse_options(self.superblock.compressor, content)

    def _optional_tables(self) -> Iterator[tuple[str, int, int, int]]:
        """Name, position of the array of blocks, number and size of records of the tables that this image has."""
        superblock = self.superblock
        if superblock.fragment_table is not None:
            yield "fragment", superblock.fragment_table, superblock.fragment_count, FRAGMENT_SIZE
        if superblock.export_table is not None:
            yield "export", superblock.export_table, superblock.inode_count, _EXPORT_SIZE

    def _find_directory_end(self) -> int:
        """Where the directory table ends: no field says it, so where the first block of the table behind it starts."""
        ends = [self._id_start]
        ends.extend(self._first_position(position) for _, position, count, _ in self._optional_tables() if count)
        if self.superblock.xattr_table is not None:
            ends.append(self._first_position(self.superblock.xattr_table))
        end = min(ends)
        if end < self.superblock.directory_table:
            raise FormatError(
                f"a table starts at {end}, before the directory table at {self.superblock.directory_table}"
            )
        return end

    def _first_position(self, index_position: int) -> int:
        """The first number of an array of positions; the xattr table starts with such a number too."""
        first: int = struct.unpack("<Q", self._metadata.raw(index_position, 8))[0]
        return first

    def _load_fragments(self) -> bytes:
        position = self.superblock.fragment_table
        if position is None:  # the superblock was checked to have a table where it counts fragments
            return b""
        return self._metadata.lookup_table("fragment", position, self.superblock.fragment_count, FRAGMENT_SIZE)[0]

    def _xattrs(self, position: int) -> XattrTable:
        if self._xattr_table is None:
            self._xattr_table = XattrTable(self._metadata, position)
        return self._xattr_table
