"""The tree of a commit: dirtree objects name files and directories, dirmeta objects a directory's mode (ostree-core.h)."""

from __future__ import annotations

import stat

from msgspec import Struct, field

from inspector.errors import FormatError, LimitExceeded
from inspector.formats.archive_entry import ArchiveEntry
from inspector.formats.gvariant import Value
from inspector.formats.ostree.objects import (
    COMMIT,
    COMMIT_TYPE,
    DIRMETA,
    DIRMETA_TYPE,
    DIRTREE,
    DIRTREE_TYPE,
    ObjectStore,
)
from inspector.limits import Limits
from inspector.source import BytesSource


class CommitTree(Struct):
    """What :func:`read_commit` found.

    :ivar entries: (entry, stored bytes), each directory before its content; the root's path is b"".
    :ivar damages: members that cannot be read.
    :ivar created: seconds since 1970.
    """

    subject: str
    created: int
    entries: list[tuple[ArchiveEntry, int]] = field(default_factory=list)
    damages: list[tuple[bytes, FormatError]] = field(default_factory=list)


def read_commit(store: ObjectStore, checksum: bytes, limits: Limits) -> CommitTree:
    """Walk a commit from its root.

    :raises FormatError: where the commit or its root cannot be read.
    :raises LimitExceeded: where there are more names than ``Limits.inodes``.
    """
    commit = Value(COMMIT_TYPE, BytesSource(store.metadata(COMMIT, checksum)))
    found = CommitTree(commit[3].text(), commit[5].integer("big"))
    pending = [(b"", commit[6].content(), commit[7].content(), 0)]
    numbers: dict[bytes, int] = {}
    while pending:
        path, tree, meta, depth = pending.pop()
        try:
            listing = Value(DIRTREE_TYPE, BytesSource(store.metadata(DIRTREE, tree)))
            found.entries.append((_directory(store, path, meta), 0))
            files = [
                (_joined(path, name.raw_text()), key.content()) for name, key in (tuple(file) for file in listing[0])
            ]
            below = [
                (_joined(path, name.raw_text()), key.content(), meta_key.content(), depth + 1)
                for name, key, meta_key in (tuple(directory) for directory in listing[1])
            ]
            if depth >= limits.path_depth and below:
                raise LimitExceeded(f"directories deeper than {limits.path_depth}: the path_depth limit")
        except FormatError as error:
            if not path:
                raise
            found.damages.append((path, error))
            continue
        if len(found.entries) + len(files) + len(pending) + len(below) > limits.inodes:
            raise LimitExceeded(f"more than {limits.inodes} names: the inodes limit")
        for name, key in files:
            try:
                file = store.file(key)
            except FormatError as error:
                found.damages.append((name, error))
                continue
            entry = ArchiveEntry(name, file.mode, file.uid, file.gid, 0)
            entry.inode = numbers.setdefault(key, len(numbers) + 1)  # a checkout links equal objects to one another
            if stat.S_ISREG(file.mode):
                entry.content, entry.size = file.content, file.content.size if file.content is not None else 0
            else:
                entry.target = file.target
            found.entries.append((entry, file.stored_size))
        pending += below[::-1]
    return found


def _joined(path: bytes, name: bytes) -> bytes:
    # A name with a slash would be one path more than one name; OSTree refuses it too (ostree_validate_structureof_dirtree)
    if b"/" in name or name in (b"", b".", b".."):
        raise FormatError(f"{name[:80]!r} is no file name")
    return path + b"/" + name if path else name


def _directory(store: ObjectStore, path: bytes, checksum: bytes) -> ArchiveEntry:
    meta = Value(DIRMETA_TYPE, BytesSource(store.metadata(DIRMETA, checksum)))
    mode = meta[2].integer("big")
    if not stat.S_ISDIR(mode):
        raise FormatError("a dirmeta object has no directory's mode")
    return ArchiveEntry(path, mode, meta[0].integer("big"), meta[1].integer("big"), 0)
