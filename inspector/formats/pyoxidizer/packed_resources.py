"""Python packed resources, versions 1 to 3 (PyOxidizer, "Python Packed Resources", oxidized_importer_packed_resources.rst).

A header, an index of blob sections, an index of resources, and the sections one behind the other, each with what one field of all resources holds,
in the
resources' order.  All numbers are little-endian.  In the sections of package resources and distribution files, each content follows its name.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from msgspec import Struct, field

from inspector.errors import FormatError, LimitExceeded
from inspector.limits import MIB, Limits
from inspector.patterns import lazy_pattern
from inspector.source import Source

_MAGIC = lazy_pattern(rb"pyembed[\x01-\x03]")
_HEADER = struct.Struct("<7sBBIII")
_CHUNK = MIB
_FLAVOR, _NAME, _PACKAGE, _NAMESPACE = 0x02, 0x03, 0x04, 0x05
_DEPENDENCIES = 0x0E
_ENTRY_START, _ENTRY_END, _INDEX_END = 0x01, 0xFF, 0x00
_IN_MEMORY: dict[int, tuple[str, str]] = {
    # field: struct code of its length, what it is
    0x06: ("I", "source"), 0x07: ("I", "bytecode"), 0x08: ("I", "bytecode-1"), 0x09: ("I", "bytecode-2"),
    0x0A: ("I", "extension"), 0x0D: ("Q", "shared-library"), 0x1D: ("Q", "file"),
}  # fmt: skip
_NAMED: dict[int, tuple[str, str]] = {0x0B: ("Q", "package-resource"), 0x0C: ("Q", "distribution-file")}
_PATHS: dict[int, str] = {
    0x0F: "source", 0x10: "bytecode", 0x11: "bytecode-1", 0x12: "bytecode-2", 0x13: "extension", 0x1E: "file",
}  # fmt: skip
_NAMED_PATHS: dict[int, str] = {0x14: "package-resource", 0x15: "distribution-file"}
_FLAGS: dict[int, str] = {
    _PACKAGE: "package", _NAMESPACE: "namespace", 0x16: "module", 0x17: "built-in", 0x18: "frozen", 0x19: "extension",
    0x1A: "shared-library", 0x1B: "file", 0x1C: "executable",
}  # fmt: skip
_FLAVORS: dict[int, str] = {1: "module", 2: "built-in", 3: "frozen", 4: "extension", 5: "shared-library"}
"""Version 1: the values of the Rust enumeration ResourceFlavor (python-packed-resources, src/data.rs)."""
_LAST_FIELD = {1: 0x15, 2: 0x1A, 3: 0x1E}
_NO_PADDING, _NULL_PADDING = 1, 2


class Blob(Struct, frozen=True):
    """Bytes or a path of a resource.

    :ivar kind: "source", "bytecode", "bytecode-1", "bytecode-2", "extension", "shared-library", "package-resource", "distribution-file", "file".
    :ivar name: of a package resource or a distribution file, else "".
    :ivar offset: in the source, -1 where ``path`` says where the bytes are.
    :ivar path: relative to the program, of what lies beside it.
    """

    kind: str
    name: str
    offset: int
    size: int
    path: str | None = None


class PackedResource(Struct):
    """One resource.

    :ivar flags: "module", "package", "namespace", "built-in", "frozen", "extension", "shared-library", "file", "executable".
    :ivar dependencies: names of shared libraries that it needs.
    """

    name: str = ""
    flags: set[str] = field(default_factory=set)
    blobs: list[Blob] = field(default_factory=list)
    dependencies: list[str] = field(default_factory=list)


class PackedResources(Struct, frozen=True):
    """All resources.

    :ivar start: of the magic in the source; ``end`` is behind the last section.
    """

    version: int
    start: int
    end: int
    resources: tuple[PackedResource, ...]


def find_packed_resources(source: Source, limits: Limits) -> PackedResources | None:
    """The first place of a file that reads as packed resources from end to end; None where there is none.

    :raises FormatError: where a place begins with a header that fits the file, and what follows is damaged.
    :raises LimitExceeded: where its indexes are too large.
    """
    damaged: FormatError | None = None
    position = 0
    while position < source.size:
        chunk = source.read_at(position, min(_CHUNK + _HEADER.size, source.size - position))
        for match in _MAGIC.finditer(chunk, 0, min(_CHUNK + 7, len(chunk))):
            try:
                return read_packed_resources(source, position + match.start(), limits)
            except LimitExceeded:
                raise
            except FormatError as error:
                if _fits(chunk[match.start() :], source.size - position - match.start()):
                    damaged = damaged or error
        position += _CHUNK
    if damaged is not None:
        raise damaged
    return None


def _fits(head: bytes, room: int) -> bool:
    """Whether a header's numbers can be meant: the program's own code has the magic too, with anything behind it."""
    if len(head) < _HEADER.size:
        return False
    _, _, sections, blob_index, resources, resource_index = _HEADER.unpack_from(head)
    fits = _HEADER.size + blob_index + resource_index <= room
    return bool(sections and resources and fits and sections * 4 <= blob_index and resources * 4 <= resource_index)


def read_packed_resources(source: Source, start: int, limits: Limits) -> PackedResources:
    """The packed resources at a place.

    :raises FormatError: where they do not follow the specification.
    :raises LimitExceeded: where an index passes ``decoded_metadata``, or there are more resources than ``inodes``.
    """
    header = source.read_at(start, _HEADER.size)
    if len(header) < _HEADER.size or _MAGIC.match(header) is None:
        raise FormatError("the packed resources do not begin as such", start)
    _, version, section_count, blob_length, count, resource_length = _HEADER.unpack(header)
    if blob_length + resource_length > source.size - start - _HEADER.size:
        raise FormatError("the indexes of the packed resources are longer than the file", start)
    if blob_length + resource_length > limits.decoded_metadata:
        raise LimitExceeded("the indexes of the packed resources pass the decoded_metadata limit", start)
    if count > limits.inodes:
        raise LimitExceeded("there are more packed resources than the inodes limit", start)
    place = start + _HEADER.size
    sections = _sections(_Cursor(source.read_at(place, blob_length), place), section_count)
    place += blob_length
    index = _Cursor(source.read_at(place, resource_length), place)
    place += resource_length
    blobs: dict[int, _Section] = {}
    for kind, length, padding in sections:
        if length > source.size - place:
            raise FormatError(f"the blob section of field {kind:#x} is longer than the file", place)
        blobs[kind] = _Section(source, place, place + length, padding)
        place += length
    resources = _resources(index, blobs, version, limits)
    if len(resources) != count:
        raise FormatError(f"the index holds {len(resources)} resources, the header says {count}", start)
    return PackedResources(version, start, place, tuple(resources))


class _Cursor:
    """An index that is read from its start to its end."""

    def __init__(self, content: bytes, place: int) -> None:
        self._content = content
        self._place = place
        self._at = 0

    def number(self, code: str) -> int:
        """The next number; ``code`` as in :mod:`struct`."""
        size = struct.calcsize("<" + code)
        if self._at + size > len(self._content):
            raise self.error("it ends within an entry")
        (value,) = struct.unpack_from("<" + code, self._content, self._at)
        self._at += size
        return int(value)

    def error(self, what: str) -> FormatError:
        """What is wrong, with the place."""
        return FormatError(f"an index of the packed resources is damaged: {what}", self._place + self._at)

    def check_end(self) -> None:
        """That nothing follows."""
        if self._at != len(self._content):
            raise self.error("bytes follow its end")


class _Section(Struct):
    """A blob section, and how much of it is taken."""

    source: Source
    at: int
    end: int
    padding: int

    def take(self, size: int) -> int:
        """Where the next ``size`` bytes lie."""
        offset = self.at
        self.at += size + (self.padding == _NULL_PADDING)
        if offset + size > self.end:
            raise FormatError("a packed resource claims more bytes than its blob section has", offset)
        return offset

    def text(self, size: int) -> str:
        """The next bytes as text."""
        return self.source.read_at(self.take(size), size).decode("utf-8", "backslashreplace")


def _sections(index: _Cursor, count: int) -> list[tuple[int, int, int]]:
    """Field, length and padding of each blob section."""
    found = []
    while (code := index.number("B")) != _INDEX_END:
        if code != _ENTRY_START:
            raise index.error(f"the byte {code:#x} starts no blob section")
        kind = length = None
        padding = _NO_PADDING
        while (code := index.number("B")) != _ENTRY_END:
            if code == 0x02:
                kind = index.number("B")
            elif code == 0x03:
                length = index.number("Q")
            elif code == 0x04:
                padding = index.number("B")
            else:
                raise index.error(f"the field {code:#x} of a blob section is not known")
        if kind is None or length is None or padding not in (_NO_PADDING, _NULL_PADDING):
            raise index.error("a blob section has no field or no length")
        found.append((kind, length, padding))
    index.check_end()
    if len(found) != count:
        raise index.error(f"it holds {len(found)} blob sections, the header says {count}")
    return found


def _resources(index: _Cursor, blobs: dict[int, _Section], version: int, limits: Limits) -> list[PackedResource]:
    def section(kind: int) -> _Section:
        found = blobs.get(kind)
        if found is None:
            raise index.error(f"a resource has the field {kind:#x}, which has no blob section")
        return found

    found: list[PackedResource] = []
    left = limits.inodes
    while (code := index.number("B")) != _INDEX_END:
        if code != _ENTRY_START:
            raise index.error(f"the byte {code:#x} starts no resource")
        resource = PackedResource()
        while (code := index.number("B")) != _ENTRY_END:
            if code > _LAST_FIELD[version]:
                raise index.error(f"the field {code:#x} is not one of version {version}")
            left -= _read_field(index, section, resource, code)
            if left < 0:
                raise LimitExceeded("the packed resources hold more files than the inodes limit")
        found.append(resource)
    index.check_end()
    return found


def _read_field(index: _Cursor, section: Callable[[int], _Section], resource: PackedResource, code: int) -> int:
    """Read one field of a resource; gives how many members it adds, at least 1."""
    before = len(resource.blobs) + len(resource.dependencies)
    if code == _NAME:
        resource.name = section(code).text(index.number("H"))
    elif code == _FLAVOR:
        flavor = index.number("B")
        if flavor in _FLAVORS:
            resource.flags.add(_FLAVORS[flavor])
    elif code in _FLAGS:
        resource.flags.add(_FLAGS[code])
    elif code in _IN_MEMORY:
        number, kind = _IN_MEMORY[code]
        size = index.number(number)
        resource.blobs.append(Blob(kind, "", section(code).take(size), size))
    elif code in _NAMED:
        number, kind = _NAMED[code]
        for _ in range(index.number("I")):
            name_size, size = index.number("H"), index.number(number)
            name = section(code).text(name_size)
            resource.blobs.append(Blob(kind, name, section(code).take(size), size))
    elif code == _DEPENDENCIES:
        resource.dependencies += [section(code).text(index.number("H")) for _ in range(index.number("H"))]
    elif code in _PATHS:
        resource.blobs.append(Blob(_PATHS[code], "", -1, 0, section(code).text(index.number("I"))))
    elif code in _NAMED_PATHS:
        for _ in range(index.number("I")):
            name_size, path_size = index.number("H"), index.number("I")
            name = section(code).text(name_size)
            resource.blobs.append(Blob(_NAMED_PATHS[code], name, -1, 0, section(code).text(path_size)))
    else:
        raise index.error(f"the field {code:#x} is not known")
    return max(len(resource.blobs) + len(resource.dependencies) - before, 1)
