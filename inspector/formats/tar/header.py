"""One header block of a tar archive."""

from __future__ import annotations

import stat

from msgspec import Struct

from inspector.errors import FormatError

BLOCK = 512

_CHECKSUM = slice(148, 156)
_TYPES = {
    b"0": stat.S_IFREG, b"\0": stat.S_IFREG, b"7": stat.S_IFREG, b"1": stat.S_IFREG, b"S": stat.S_IFREG,
    b"2": stat.S_IFLNK, b"3": stat.S_IFCHR, b"4": stat.S_IFBLK, b"5": stat.S_IFDIR, b"D": stat.S_IFDIR, b"6": stat.S_IFIFO,
}  # fmt: skip
"""File types by typeflag (POSIX.1-2017, pax, "ustar Interchange Format"; "D" and "S" are GNU's); every other one is read as a regular file."""


class TarHeader(Struct):
    """The fields of a header block, not yet amended by pax records.

    :ivar type: the typeflag.
    :ivar block: the 512 bytes, for what only some types have.
    """

    name: bytes
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    type: bytes
    link: bytes
    block: bytes

    @property
    def file_type(self) -> int:
        """The file type bits of a mode."""
        if self.type in b"\0" and self.name.endswith(b"/"):  # before POSIX a slash alone made a directory
            return stat.S_IFDIR
        return _TYPES.get(self.type, stat.S_IFREG)

    @property
    def is_hard_link(self) -> bool:
        """Whether it is another name of an earlier member."""
        return self.type == b"1"


def has_checksum(block: bytes) -> bool:
    """Whether a block is whole and its checksum field is the sum of its bytes, the field counted as spaces; signed sums of old writers too."""
    if len(block) != BLOCK:
        return False
    field = block[_CHECKSUM].split(b"\0", 1)[0].strip()
    if not field or not all(48 <= digit < 56 for digit in field):
        return False
    written = int(field, 8)
    total = sum(block) - sum(block[_CHECKSUM]) + 8 * 0x20
    if written == total:
        return True
    counted = block[: _CHECKSUM.start] + block[_CHECKSUM.stop :]
    return written == total - 256 * sum(byte > 127 for byte in counted)


def number(field: bytes, position: int) -> int:
    """A numeric field: octal digits, or GNU's base-256 where the highest bit is set.

    :raises FormatError: where it is neither.
    """
    if field[0] in (0x80, 0xFF):
        value = int.from_bytes(field[1:], "big")
        return value - (1 << (8 * (len(field) - 1))) if field[0] == 0xFF else value
    digits = field.split(b"\0", 1)[0].strip()
    if not digits:
        return 0
    if not all(48 <= digit < 56 for digit in digits):
        raise FormatError("a number of a tar header is not octal", position)
    return int(digits, 8)


def parse_header(block: bytes, position: int) -> TarHeader:
    """The header in a block.

    :param position: of the block, for messages.
    :raises FormatError: where its checksum or a number is wrong.
    """
    if not has_checksum(block):
        raise FormatError("a tar header's checksum does not fit", position)
    name = block[:100].split(b"\0", 1)[0]
    if block[257:263] == b"ustar\0":  # GNU's magic is "ustar  \0"; it has times where POSIX has the prefix
        prefix = block[345:500].split(b"\0", 1)[0]
        if prefix:
            name = prefix + b"/" + name
    return TarHeader(
        name=name,
        mode=number(block[100:108], position) & 0o7777,
        uid=number(block[108:116], position),
        gid=number(block[116:124], position),
        size=number(block[124:136], position),
        mtime=number(block[136:148], position),
        type=block[156:157],
        link=block[157:257].split(b"\0", 1)[0],
        block=block,
    )
