"""The extended attributes of an image: each different set once, long values that come again by reference."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from inspector.errors import FormatError
from inspector.formats.squashfs.metadata_writer import MetadataWriter, lookup_table

# squashfs_fs.h: SQUASHFS_XATTR_USER, _TRUSTED, _SECURITY, SQUASHFS_XATTR_VALUE_OOL
_PREFIXES = ((0, b"user."), (1, b"trusted."), (2, b"security."))
_OUT_OF_LINE = 0x100
_LONGEST_NAME = 255  # linux/limits.h: XATTR_NAME_MAX, with the prefix
_LONGEST_VALUE = 65_536  # linux/limits.h: XATTR_SIZE_MAX
_WORTH_A_REFERENCE = 16  # bytes of a value from which an 8-byte reference saves something

_TABLE = struct.Struct("<QII")
_ID = struct.Struct("<QII")
_KEY = struct.Struct("<HH")
_WORD = struct.Struct("<I")
_REFERENCE = struct.Struct("<Q")


class XattrWriter:
    """Collects sets of attributes and writes the xattr table.

    :param budget: the most bytes that all sets may have.
    """

    def __init__(self, compress: Callable[[bytes], bytes], budget: int) -> None:
        self._compress = compress
        self._attributes = MetadataWriter(compress, budget)
        self._sets: dict[tuple[tuple[bytes, bytes], ...], int] = {}
        self._ids: list[bytes] = []
        self._values: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def index(self, attributes: Mapping[bytes, bytes]) -> int | None:
        """The index of a set of attributes; None for an empty one.

        :raises FormatError: where a name or a value cannot be stored.
        """
        if not attributes:
            return None
        key = tuple(sorted(attributes.items()))
        found = self._sets.get(key)
        if found is None:
            found = self._sets[key] = len(self._ids)
            self._ids.append(self._write_set(key))
        return found

    def table(self, start: int) -> tuple[bytes, int]:
        """The whole table, to be put at ``start`` of the image; its bytes, and the position that the superblock names."""
        attributes = self._attributes.finish()
        blocks, positions = lookup_table(b"".join(self._ids), start + len(attributes), self._compress)
        header = _TABLE.pack(start, len(self._ids), 0) + struct.pack(f"<{len(positions)}Q", *positions)
        return attributes + blocks + header, start + len(attributes) + len(blocks)

    def _write_set(self, attributes: tuple[tuple[bytes, bytes], ...]) -> bytes:
        """Write the attributes; the record of their id."""
        block, offset = self._attributes.position
        before = self._attributes.length
        for name, value in attributes:
            self._write_attribute(name, value)
        return _ID.pack(block << 16 | offset, len(attributes), self._attributes.length - before)

    def _write_attribute(self, name: bytes, value: bytes) -> None:
        number, suffix = _number_and_suffix(name)
        if len(value) > _LONGEST_VALUE:
            raise FormatError(f"extended attribute {name!r} has {len(value)} bytes; Linux has at most {_LONGEST_VALUE}")
        known = self._values.get(value)
        if known is not None:
            record = _KEY.pack(number | _OUT_OF_LINE, len(suffix)) + suffix
            self._attributes.write(record + _WORD.pack(_REFERENCE.size) + _REFERENCE.pack(known))
            return
        self._attributes.write(_KEY.pack(number, len(suffix)) + suffix)
        if len(value) >= _WORTH_A_REFERENCE:
            block, offset = self._attributes.position
            self._values[value] = block << 16 | offset
        self._attributes.write(_WORD.pack(len(value)) + value)


def _number_and_suffix(name: bytes) -> tuple[int, bytes]:
    """A name as the format has it: the number of its prefix, and what follows."""
    for number, prefix in _PREFIXES:
        if name.startswith(prefix) and len(prefix) < len(name) <= _LONGEST_NAME and b"\0" not in name:
            return number, name[len(prefix) :]
    raise FormatError(f"an extended attribute {name[:300]!r}; images hold user, trusted and security attributes")
