"""What a codec of an archive (tar, cpio, OSTree …) says about one name in it."""

from __future__ import annotations

from msgspec import Struct

from inspector.source import Source


class ArchiveEntry(Struct):
    """One member as its archive describes it; nothing is made safe or consistent here.

    :ivar path: as written, "./" and leading slashes included.
    :ivar mode: file type and permission bits, as ``st_mode`` (inode(7)).
    :ivar size: bytes of a regular file's content; 0 otherwise.
    :ivar target: where a symbolic link points.
    :ivar hard_link: the path of the member that this is another name of, as written; None for every other member.
    :ivar inode: equal for the names of one file; None where the archive knows no inodes.
    :ivar content: a regular file's bytes; None for a hard link and for everything that is no regular file.
    :ivar start: where the member's header begins in the archive, decoded.
    :ivar data_start: where its data begin.
    :ivar end: behind its data and their padding.
    """

    path: bytes
    mode: int
    uid: int = 0
    gid: int = 0
    mtime: int | None = None
    size: int = 0
    target: bytes = b""
    hard_link: bytes | None = None
    inode: int | None = None
    content: Source | None = None
    start: int = 0
    data_start: int = 0
    end: int = 0
