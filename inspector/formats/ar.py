"""Ar archives, the outermost form of Debian packages and of static libraries (ar(5); deb(5))."""

from __future__ import annotations

from msgspec import Struct

from inspector.errors import FormatError, LimitExceeded
from inspector.limits import Limits
from inspector.source import SliceSource, Source

MAGIC = b"!<arch>\n"
_HEADER = 60
_HEADER_END = b"`\n"


class ArMember(Struct, frozen=True):
    """One member.

    :ivar start: where its header begins.
    :ivar content: its bytes.
    :ivar end: behind its bytes, the newline that makes them even not counted.
    """

    name: bytes
    start: int
    content: SliceSource
    end: int


class ArArchive(Struct, frozen=True):
    """What :func:`read_ar` found.

    :ivar end: where the last member ends.
    :ivar damage: why reading stopped before the end of the source, or None.
    """

    members: tuple[ArMember, ...]
    end: int
    damage: FormatError | None

    def first(self, prefix: bytes) -> ArMember | None:
        """The first member whose name begins so."""
        return next((member for member in self.members if member.name.startswith(prefix)), None)


def read_ar(source: Source, limits: Limits) -> ArArchive:
    """List an archive.  GNU's table of long names is not followed: neither a Debian package nor a symbol table has such a name.

    :raises FormatError: where it is none.
    :raises LimitExceeded: where there are more members than ``Limits.inodes``.
    """
    if source.read_at(0, len(MAGIC)) != MAGIC:
        raise FormatError("no ar archive", 0)
    members: list[ArMember] = []
    position, damage = len(MAGIC), None
    while position < source.size:
        header = source.read_at(position, _HEADER)
        if len(header) < _HEADER or header[58:] != _HEADER_END:
            damage = FormatError("an ar header is cut off or does not end as it must", position)
            break
        digits = header[48:58].strip()
        if not digits.isdigit():
            damage = FormatError("an ar member has no size", position)
            break
        size, start = int(digits), position + _HEADER
        if len(members) >= limits.inodes:
            raise LimitExceeded(f"more than {limits.inodes} members: the inodes limit")
        end = min(start + size, source.size)
        members.append(ArMember(header[:16].rstrip(b" ").rstrip(b"/"), position, SliceSource(source, start, size), end))
        if start + size > source.size:
            damage = FormatError("the archive is cut off inside a member", start)
            position = source.size
            break
        position = start + size + (size & 1)
    return ArArchive(tuple(members), min(position, source.size), damage)
