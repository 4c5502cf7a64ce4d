"""What an object store gives, whatever holds it."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from inspector.source import Source

# ostree-core.h, OstreeObjectType
FILE, DIRTREE, DIRMETA, COMMIT = 1, 2, 3, 4
EXTENSIONS = {FILE: "file", DIRTREE: "dirtree", DIRMETA: "dirmeta", COMMIT: "commit"}

COMMIT_TYPE = "(a{sv}aya(say)sstayay)"
DIRTREE_TYPE = "(a(say)a(sayay))"
DIRMETA_TYPE = "(uuua(ayay))"


class FileObject(Struct, frozen=True):
    """The content object of a file or a symbolic link.

    :ivar mode: file type and permission bits.
    :ivar content: a regular file's bytes.
    :ivar stored_size: bytes that it occupies in the container.
    """

    mode: int
    uid: int
    gid: int
    content: Source | None
    target: bytes
    stored_size: int


class ObjectStore(Protocol):
    """Objects by type and checksum (32 bytes)."""

    def metadata(self, kind: int, checksum: bytes) -> bytes:
        """A commit, dirtree or dirmeta object.

        :raises FormatError: where it is missing, or its bytes have another checksum.
        """
        ...

    def file(self, checksum: bytes) -> FileObject:
        """A content object.

        :raises FormatError: where it is missing or cannot be read.
        """
        ...
