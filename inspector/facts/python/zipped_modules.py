"""Members of zip archives that an interpreter imports from (``zipimport``; ``pythonXY.zip``, eggs, the libraries of frozen applications)."""

from __future__ import annotations

import io
import zipfile
import zlib

from msgspec import Struct

from inspector.artifact.tree import Node
from inspector.errors import FormatError
from inspector.limits import MIB

_MOST_MEMBERS = 100_000
_LARGEST_MEMBER = 16 * MIB
_LARGEST_ARCHIVE = 512 * MIB
_BROKEN = (
    zipfile.BadZipFile,
    FormatError,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,  # encrypted members
    NotImplementedError,  # compression methods that zipfile does not know
    zlib.error,
    KeyError,
    MemoryError,
)


class ZippedMember(Struct, frozen=True, eq=False):
    """One file of an archive.

    :ivar archive: the archive's node.
    :ivar name: the member's name in it.
    """

    archive: Node
    name: str

    def read(self) -> bytes:
        """Its content, at most 16 MiB of it; nothing where it cannot be read."""
        try:
            with zipfile.ZipFile(_reader(self.archive)) as archive, archive.open(self.name) as stream:
                return stream.read(_LARGEST_MEMBER)
        except _BROKEN:
            return b""


def zipped_members(node: Node) -> list[ZippedMember]:
    """The files of an archive; none where it is broken or larger than 512 MiB."""
    if node.size > _LARGEST_ARCHIVE:
        return []
    try:
        with zipfile.ZipFile(_reader(node)) as archive:
            names = [info.filename for info in archive.infolist()[:_MOST_MEMBERS] if not info.is_dir()]
    except _BROKEN:
        return []
    return [ZippedMember(node, name) for name in names]


def _reader(node: Node) -> io.BufferedReader:
    return io.BufferedReader(_NodeStream(node), 1 << 16)


class _NodeStream(io.RawIOBase):
    """A node as a stream that :mod:`zipfile` can seek in."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._node = node
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._node.size}[whence]
        if base + offset < 0:
            raise ValueError("negative seek position")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self._node.read_at(self._at, len(buffer))
        buffer[: len(chunk)] = chunk
        self._at += len(chunk)
        return len(chunk)
