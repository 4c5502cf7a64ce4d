"""PyInstaller's CArchive: members behind the bootloader, a table of contents, a cookie (:mod:`inspector.formats.pyinstaller.cookie`).

An entry of the table: lengths and offsets as four big-endian words of 32 bits, a flag, a type code, a name that zeros fill up to a multiple of 16.
Members with the flag are zlib streams.  Observed in archives of PyInstaller 4 to 6.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from msgspec import Struct, field

from inspector.errors import FormatError, LimitExceeded
from inspector.formats.decoded_blocks import DecodedBlocks
from inspector.formats.pyinstaller.cookie import Cookie, find_cookie
from inspector.formats.zlib_member import ZlibMember, check_ratio
from inspector.limits import Limits
from inspector.source import SliceSource, Source

_ENTRY = struct.Struct("!IIIIBc")
_NAME_UNIT = 16
_EXTRACTED = frozenset("bxZn")
_CODE = frozenset("msM")


class Entry(Struct, frozen=True):
    """One row of the table of contents.

    :ivar name: as written, without the zeros.
    :ivar offset: of the stored bytes, from the archive's start.
    :ivar kind: the type code: "b" binary, "x" data, "Z" zip, "n" symbolic link, "z" PYZ, "m" and "M" module, "s" script, "d" dependency in another
        program, "o" option, "l" splash screen.
    """

    name: bytes
    offset: int
    stored: int
    size: int
    compressed: bool
    kind: str

    @property
    def is_extracted(self) -> bool:
        """Whether the program writes it into its directory when it starts."""
        return self.kind in _EXTRACTED

    @property
    def is_code(self) -> bool:
        """Whether it is a marshalled code object without the header of a .pyc file."""
        return self.kind in _CODE

    def encode(self) -> bytes:
        """The row as the table has it."""
        length = -(-(_ENTRY.size + len(self.name) + 1) // _NAME_UNIT) * _NAME_UNIT
        row = _ENTRY.pack(length, self.offset, self.stored, self.size, self.compressed, self.kind.encode("latin-1"))
        return row + self.name.ljust(length - _ENTRY.size, b"\0")


class PyInstallerArchive(Struct):
    """An archive whose table was read.

    :ivar source: the file that the archive lies in.
    :ivar entries: all rows in the table's order, options and dependencies among them.
    """

    source: Source
    cookie: Cookie
    entries: tuple[Entry, ...]
    limits: Limits
    _blocks: DecodedBlocks = field(default_factory=DecodedBlocks)

    @property
    def options(self) -> tuple[str, ...]:
        """What the program was told when it was built ("pyi-contents-directory _internal")."""
        return tuple(entry.name.decode("utf-8", "backslashreplace") for entry in self.entries if entry.kind == "o")

    @property
    def splash(self) -> Entry | None:
        """The splash screen's resources, or None."""
        return next((entry for entry in self.entries if entry.kind == "l"), None)

    @property
    def dependencies(self) -> tuple[str, ...]:
        """Members of other programs that this one needs, as "path:name" (multipackage bundles)."""
        return tuple(entry.name.decode("utf-8", "backslashreplace") for entry in self.entries if entry.kind == "d")

    def open(self, entry: Entry) -> Source:
        """An entry's content.

        :raises LimitExceeded: where its sizes are those of a bomb.
        """
        start = self.cookie.start + entry.offset
        if entry.compressed:
            return ZlibMember(self.source, start, entry.stored, entry.size, self._blocks, self.limits)
        return SliceSource(self.source, start, entry.stored)

    def opener(self, entry: Entry) -> Callable[[], Source]:
        """What opens an entry when it is first read."""
        return lambda: self.open(entry)

    @property
    def table_range(self) -> tuple[int, int]:
        """First and last + 1 byte of the table of contents in the file."""
        start = self.cookie.start + self.cookie.table[0]
        return start, start + self.cookie.table[1]

    def entry_range(self, entry: Entry) -> tuple[int, int]:
        """First and last + 1 byte of an entry's stored bytes in the file."""
        start = self.cookie.start + entry.offset
        return start, start + entry.stored


def read_archive(source: Source, limits: Limits) -> PyInstallerArchive | None:
    """The archive of a program, or None where it has none.

    :raises FormatError: where it has one that is damaged, or whose entries together are a bomb.
    """
    cookie = find_cookie(source)
    return None if cookie is None else archive_of(source, cookie, limits)


def archive_of(source: Source, cookie: Cookie, limits: Limits) -> PyInstallerArchive:
    """The archive that a cookie belongs to.

    :raises FormatError: where its table of contents is damaged, or its entries together are a bomb.
    """
    offset, length = cookie.table
    if length > limits.decoded_metadata:
        raise LimitExceeded(f"the table of contents has {length} bytes, more than the decoded_metadata limit")
    entries = _entries(source.read_at(cookie.start + offset, length), cookie, limits)
    stored = sum(entry.stored for entry in entries)
    check_ratio(min(stored, cookie.end - cookie.start), sum(entry.size for entry in entries), limits)
    return PyInstallerArchive(source, cookie, entries, limits)


def _entries(table: bytes, cookie: Cookie, limits: Limits) -> tuple[Entry, ...]:
    place = cookie.start + cookie.table[0]
    end_of_data = cookie.end - cookie.size - cookie.start
    entries: list[Entry] = []
    position = 0
    while position < len(table):
        if len(table) - position < _ENTRY.size:
            raise FormatError("the table of contents ends within an entry", place + position)
        length, offset, stored, size, flag, kind = _ENTRY.unpack_from(table, position)
        if length <= _ENTRY.size or length > len(table) - position:
            raise FormatError(f"an entry of the table of contents claims {length} bytes", place + position)
        name = table[position + _ENTRY.size : position + length].split(b"\0", 1)[0]
        if offset + stored > end_of_data:
            shown = name.decode("utf-8", "backslashreplace")
            raise FormatError(f"the entry {shown} lies outside the archive", place + position)
        if len(name) > limits.path_length:
            raise LimitExceeded("an entry's name is longer than the path_length limit", place + position)
        if len(entries) >= limits.inodes:
            raise LimitExceeded("the table of contents has more entries than the inodes limit", place + position)
        if not flag and size != stored:
            shown = name.decode("utf-8", "backslashreplace")
            raise FormatError(f"the entry {shown} is stored as it is and has two sizes", place + position)
        entries.append(Entry(name, offset, stored, size, bool(flag), kind.decode("latin-1")))
        position += length
    if not entries:
        raise FormatError("the table of contents is empty", place)
    return tuple(entries)
