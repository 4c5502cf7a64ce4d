"""An OSTree repository as a directory: ``objects/xx/….file``, ``….filez``, ``….dirtree`` and so on (ostree, "Anatomy of an OSTree repository").

Content is stored in one of two ways.  In ``archive`` mode (``archive-z2``) a ``.filez`` holds a header with owner and mode, and the bytes deflated.
In the bare modes a ``.file`` is the file itself; ``bare-user`` keeps owner and mode in the extended attribute ``user.ostreemeta``.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable

from msgspec import Struct

from inspector.errors import FormatError, UnsupportedFormat
from inspector.formats.compressed_stream import DecodedStream, Spool, decode_stream
from inspector.formats.gvariant import Value
from inspector.formats.ostree.objects import DIRMETA_TYPE, EXTENSIONS, FileObject
from inspector.limits import Limits
from inspector.source import BytesSource, SliceSource, Source

_HEADER_TYPE = (
    "(tuuuusa(ayay))"  # ostree-core.c, zlib_file_header_new: size, uid, gid, mode, rdev, target, extended attributes
)
_LONGEST_HEADER = 1 << 20
_LONGEST_METADATA = 10 << 20  # ostree-core.h: OSTREE_MAX_METADATA_SIZE
MODES = ("archive-z2", "archive", "bare", "bare-user", "bare-user-only")


class StoredFile(Struct, frozen=True):
    """A file of a repository's directory.

    :ivar target: of a symbolic link, as the file system has it.
    :ivar meta: the content of ``user.ostreemeta``; None where it has none or nobody can tell.
    """

    mode: int
    uid: int
    gid: int
    content: Source
    target: bytes | None
    meta: bytes | None


class Repository:
    """The objects of a repository; an :class:`~inspector.formats.ostree.objects.ObjectStore`.

    :param mode: of its configuration, one of :data:`MODES`.
    :param lookup: gives the file of a path below the repository's directory, None where there is none.
    """

    def __init__(self, mode: str, lookup: Callable[[str], StoredFile | None], limits: Limits) -> None:
        if mode not in MODES:
            raise UnsupportedFormat(f"the repository's mode {mode[:40]!r} is not known")
        self._mode = mode
        self._lookup = lookup
        self._limits = limits
        self._spool = Spool(limits.small_file)

    def metadata(self, kind: int, checksum: bytes) -> bytes:
        """See :class:`~inspector.formats.ostree.objects.ObjectStore`."""
        found = self._object(checksum, EXTENSIONS[kind])
        content = found.content.read_at(0, min(found.content.size, _LONGEST_METADATA))
        if hashlib.sha256(content).digest() != checksum:
            raise FormatError(f"the {EXTENSIONS[kind]} object {checksum.hex()} has another checksum")
        return content

    def file(self, checksum: bytes) -> FileObject:
        """See :class:`~inspector.formats.ostree.objects.ObjectStore`."""
        if self._mode.startswith("archive"):
            return self._archived(self._object(checksum, "filez").content)
        found = self._object(checksum, "file")
        size = found.content.size
        if self._mode != "bare-user":
            content = None if found.target is not None else found.content
            return FileObject(found.mode, found.uid, found.gid, content, found.target or b"", size)
        if found.meta is None:
            raise FormatError(f"the file object {checksum.hex()} has no attribute user.ostreemeta")
        meta = Value(DIRMETA_TYPE, BytesSource(found.meta))
        uid, gid, mode = (meta[index].integer("big") for index in range(3))
        if stat.S_ISLNK(mode):
            return FileObject(
                mode, uid, gid, None, found.content.read_at(0, self._limits.symlink_length).rstrip(b"\0"), size
            )
        return FileObject(mode, uid, gid, found.content, b"", size)

    def _object(self, checksum: bytes, extension: str) -> StoredFile:
        name = checksum.hex()
        found = self._lookup(f"objects/{name[:2]}/{name[2:]}.{extension}")
        if found is None:
            raise FormatError(f"the {extension} object {name} is not there")
        return found

    def _archived(self, source: Source) -> FileObject:
        length = int.from_bytes(source.read_at(0, 4), "big")  # and four bytes that fill up to eight
        if not 0 < length <= min(_LONGEST_HEADER, source.size):
            raise FormatError("the header of a file object is longer than the object")
        header = Value(_HEADER_TYPE, BytesSource(source.read_at(8, length)))
        size, uid, gid, mode = (header[index].integer("big") for index in range(4))
        if stat.S_ISLNK(mode):
            return FileObject(mode, uid, gid, None, header[5].raw_text(), source.size)
        packed = SliceSource(source, 8 + length)
        content = DeflatedContent(packed, size, self._spool, self._limits)
        return FileObject(mode, uid, gid, content, b"", source.size)


class DeflatedContent:
    """The content of a ``.filez``: decoded into the repository's spool when it is first read, a :class:`inspector.source.Source`.

    :ivar size: as the object's header states it.
    """

    def __init__(self, packed: Source, size: int, spool: Spool, limits: Limits) -> None:
        self.size = size
        self._packed = packed
        self._spool = spool
        self._limits = limits
        self._stream: DecodedStream | None = None

    def read_at(self, offset: int, length: int) -> bytes:
        """See :class:`inspector.source.Source`.

        :raises FormatError: where the object is damaged, or its size is another one than its header states.
        """
        if not self.size:
            return b""
        if self._stream is None:
            stream = decode_stream(self._packed, self._limits, "deflate", self._spool)
            if stream.damage is not None:
                raise stream.damage
            if stream.size != self.size:
                raise FormatError(f"a file object has {stream.size} bytes, and its header states {self.size}")
            self._stream = stream
        return self._stream.read_at(offset, length)
