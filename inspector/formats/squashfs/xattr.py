"""Extended attributes."""

from __future__ import annotations

import struct

from inspector.errors import FormatError, LimitExceeded
from inspector.formats.squashfs.metadata import MetadataReader, MetadataTable
from inspector.formats.squashfs.superblock import METADATA_SIZE

# squashfs_fs.h: SQUASHFS_XATTR_USER, _TRUSTED, _SECURITY; the bit SQUASHFS_XATTR_VALUE_OOL says that the value is a reference
_PREFIXES = {0: b"user.", 1: b"trusted.", 2: b"security."}
_OUT_OF_LINE = 0x100
_LONGEST = 65_536  # linux/limits.h: XATTR_SIZE_MAX for a value, XATTR_LIST_MAX for all names of a file

_TABLE = struct.Struct("<QII")  # position of the attributes, count of ids, unused; the array of the ids' blocks follows
_ID = struct.Struct("<QII")  # reference to the first attribute, count, bytes of all
_KEY = struct.Struct("<HH")
_VALUE_LENGTH = struct.Struct("<I")
_REFERENCE = struct.Struct("<Q")


class XattrTable:
    """The extended attributes of an image, decoded when it is made.

    :param position: of the xattr table, in the image.
    :raises FormatError: where it is damaged.
    """

    def __init__(self, reader: MetadataReader, position: int) -> None:
        self.start, self._count, _ = _TABLE.unpack(reader.raw(position, _TABLE.size))
        self._ids, first = reader.lookup_table("xattr id", position + _TABLE.size, self._count, _ID.size)
        self.end = position + _TABLE.size + 8 * -(-self._count * _ID.size // METADATA_SIZE)
        if self.start > first:
            raise FormatError(f"the xattrs at {self.start} are not before their ids at {first}", position)
        self._table: MetadataTable = reader.table("xattr", self.start, first)

    def attributes(self, index: int) -> dict[bytes, bytes]:
        """The attributes of one index by name, such as ``b"security.capability"``.

        :raises FormatError: where the index is unknown or what it leads to is damaged.
        """
        if index >= self._count:
            raise FormatError(f"xattr index {index} of {self._count}")
        reference, count, _ = _ID.unpack_from(self._ids, index * _ID.size)
        content = self._table.content
        at = self._table.locate(reference >> 16, reference & 0xFFFF)
        attributes: dict[bytes, bytes] = {}
        names = values = 0
        try:
            for _ in range(count):
                kind, length = _KEY.unpack_from(content, at)
                at += _KEY.size
                prefix = _PREFIXES.get(kind & 0xFF)
                if prefix is None or kind & ~(0xFF | _OUT_OF_LINE):
                    raise FormatError(f"an xattr of the unknown type {kind:#x}")
                name = prefix + _take(content, at, length)
                value, after = self._value(at + length, out_of_line=bool(kind & _OUT_OF_LINE))
                at = after
                names += len(name) + 1
                values += len(value)
                if names > _LONGEST or values > 16 * _LONGEST:
                    raise LimitExceeded(
                        f"xattr index {index}: {names} bytes of names and {values} bytes of values are more than Linux lists"
                    )
                attributes[name] = value
        except struct.error:
            raise FormatError("an xattr is cut short by the end of the xattr table") from None
        return attributes

    def _value(self, at: int, *, out_of_line: bool) -> tuple[bytes, int]:
        """The value at ``at`` of the table, and where the next attribute starts."""
        content = self._table.content
        (length,) = _VALUE_LENGTH.unpack_from(content, at)
        at += _VALUE_LENGTH.size
        after = at + length
        if out_of_line:
            (reference,) = _REFERENCE.unpack_from(content, at)
            at = self._table.locate(reference >> 16, reference & 0xFFFF)
            (length,) = _VALUE_LENGTH.unpack_from(content, at)
            at += _VALUE_LENGTH.size
        if length > _LONGEST:
            raise LimitExceeded(f"an xattr value of {length} bytes; Linux has at most {_LONGEST}")
        return _take(content, at, length), after


def _take(content: bytes, at: int, length: int) -> bytes:
    taken = content[at : at + length]
    if len(taken) < length:
        raise FormatError("an xattr is cut short by the end of the xattr table")
    return taken
