"""PYZ, PyInstaller's archive of Python modules: names, places and sizes; code stays unread.

``PYZ\\0``, the magic of the Python's .pyc files, a big-endian offset of the table, and a table in marshal format: a list of (name, (kind, position,
length)), in PyInstaller 3 and older a dictionary.  Each module is one zlib stream of a marshalled code object.  Observed in archives of
PyInstaller 4 to 6.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from inspector.errors import FormatError, LimitExceeded
from inspector.formats.marshal_names import read_values
from inspector.limits import Limits
from inspector.source import Source

MAGIC = b"PYZ\0"
_HEADER = struct.Struct("!4s4si")
_KINDS: dict[int, Literal["module", "package", "data", "namespace"]] = {
    0: "module",
    1: "package",
    2: "data",
    3: "namespace",
}


class ArchivedModule(Struct, frozen=True):
    """One module.

    :ivar name: its full name ("json.decoder"); of data a path.
    :ivar offset: of its zlib stream, from the archive's start.
    :ivar stored: bytes of that stream; 0 for a namespace package, which has no code.
    """

    name: str
    kind: Literal["module", "package", "data", "namespace"]
    offset: int
    stored: int

    @property
    def path(self) -> str:
        """Where a directory of modules would have it ("json/__init__.pyc"); of a namespace package its directory."""
        path = self.name.replace(".", "/") if self.kind != "data" else self.name
        return path + {"module": ".pyc", "package": "/__init__.pyc"}.get(self.kind, "")


class ModuleArchive(Struct, frozen=True):
    """A PYZ.

    :ivar pyc_magic: the four bytes that the Python's .pyc files begin with.
    :ivar table: (first, last + 1) byte of the table.
    """

    pyc_magic: bytes
    table: tuple[int, int]
    modules: tuple[ArchivedModule, ...]


def read_module_archive(source: Source, limits: Limits) -> ModuleArchive:
    """The table of a PYZ.

    :raises FormatError: where it is none, or its table is damaged.
    """
    header = source.read_at(0, _HEADER.size)
    if len(header) < _HEADER.size or not header.startswith(MAGIC):
        raise FormatError("the archive of modules does not begin as one", 0)
    _, pyc_magic, table = _HEADER.unpack(header)
    if not _HEADER.size <= table < source.size:
        raise FormatError(f"the table of modules should begin at byte {table} of {source.size}", 8)
    if source.size - table > limits.small_file:
        raise LimitExceeded("the table of modules is larger than the small_file limit", table)
    rows = read_values(source.read_at(table, source.size - table))
    modules = tuple(_modules(rows, table))
    if len(modules) > limits.inodes:
        raise LimitExceeded("the archive has more modules than the inodes limit", table)
    return ModuleArchive(pyc_magic, (table, source.size), modules)


def _modules(rows: object, end: int) -> Iterator[ArchivedModule]:
    if isinstance(rows, dict):
        pairs: list[object] = list(rows.items())
    elif isinstance(rows, tuple):
        pairs = list(rows)
    else:
        raise FormatError("the table of modules is neither a list nor a dictionary")
    for pair in pairs:
        if not (isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[1], tuple) and len(pair[1]) == 3):
            raise FormatError("a row of the table of modules is no name with a place")
        name, (kind, offset, stored) = pair
        if isinstance(name, bytes):
            name = name.decode("utf-8", "backslashreplace")
        if not (
            isinstance(name, str) and isinstance(kind, int) and isinstance(offset, int) and isinstance(stored, int)
        ):
            raise FormatError("a row of the table of modules has no name or no numbers")
        if kind not in _KINDS:
            raise FormatError(f"the module {name} is of the unknown kind {kind}")
        if stored < 0 or offset < 0 or (stored and (offset < _HEADER.size or offset + stored > end)):
            raise FormatError(f"the module {name} lies outside the archive")
        yield ArchivedModule(name, _KINDS[kind], offset, stored)
