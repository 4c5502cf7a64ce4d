"""What a writer is told about one name of the tree that it is to write."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from msgspec import Struct, field

from inspector.formats.squashfs.inode import InodeKind
from inspector.source import Source


class ImageEntry(Struct, frozen=True):
    """One name of an image.  Entries come in any order; every directory on the way to one must have an entry of its own, the root may be left out.

    :ivar path: from the root, "/" between the names, none in front; ``b""`` is the root.
    :ivar mode: permission bits with setuid, setgid and sticky (07777).
    :ivar mtime: seconds since 1970; the format holds 0 to 2**32 - 1, what lies outside becomes the nearest of these.
    :ivar content: a regular file's bytes; None for an empty file.  Where it is an :class:`~inspector.formats.squashfs.inode.Inode` of an image with
        the same compressor and block size, its stored blocks can be copied without decoding them.
    :ivar target: where a symbolic link points.
    :ivar device: major and minor number of a device.
    :ivar xattrs: extended attributes by name, such as ``b"security.capability"``.
    :ivar link_group: entries with equal groups are names of one inode (hard links); None where it has this name only.  The first of them in the
        order of the image tells the inode's other fields.
    """

    path: bytes
    kind: InodeKind
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    content: Source | None = None
    target: bytes = b""
    device: tuple[int, int] = (0, 0)
    xattrs: Mapping[bytes, bytes] = field(default_factory=dict)
    link_group: Hashable | None = None
