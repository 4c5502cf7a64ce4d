"""The undo file: a ``.tar.zst`` with ``undo.json``, which says how the original is put together, and behind it what the slimmed artifact lacks.

For one file (an AppImage) that is ``pieces``: bytes that go between ranges of the slimmed file, so that the original comes back byte for byte.  For a
directory it is ``original/PATH``: every file that was removed or changed.  ``tar --zstd -tf`` lists it.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

import msgspec
from msgspec import Struct

from inspector.errors import UsageError
from inspector.formats.zstandard import zstandard
from inspector.source import Source

UNDO_SCHEMA = "inspector/undo/1"
MANIFEST = "undo.json"
PIECES = "pieces"
_LEVEL = 10
_LARGEST_MANIFEST = 1 << 30  # bytes; a tree of two million members, the limit of inodes, has some 300 MB
_STEP = 1 << 20


class UndoSide(Struct, frozen=True, kw_only=True):
    """The original, or what was made of it.

    :ivar digest: as of :func:`inspector.slim.planning.target_digest.target_digest`.
    :ivar size: bytes of the file, or of all files of a directory.
    :ivar mode: permission bits; ``mtime`` seconds since 1970.
    """

    name: str
    format: str
    digest: str
    size: int
    mode: int = 0o755
    mtime: int = 0


class Piece(Struct, frozen=True, array_like=True):
    """The next bytes of the original file: of the slimmed one, from ``offset`` on; or, where that is None, the next of ``pieces``."""

    length: int
    offset: int | None = None


class UndoMember(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One name of an original directory.

    :ivar kind: a value of :class:`inspector.artifact.tree.Kind`.
    :ivar sha256: of a regular file's content.
    :ivar stored: whether the content is in the undo file; else it is that of the same path of the slimmed artifact.
    :ivar link: a number that names of one file (hard links) have in common.
    :ivar raw_path: the path's bytes in hexadecimal where the text does not tell them, ``raw_target`` those of a link's target.
    """

    path: str
    kind: str
    mode: int
    mtime: int | None = None
    size: int = 0
    sha256: str | None = None
    stored: bool = False
    target: str | None = None
    link: int | None = None
    raw_path: str | None = None
    raw_target: str | None = None
    device: tuple[int, int] | None = None


class UndoManifest(Struct, frozen=True, kw_only=True):
    """What ``undo.json`` says.

    :ivar pieces: of a single file, in its order; ``members`` of a directory, by path.
    """

    schema: Literal["inspector/undo/1"] = "inspector/undo/1"
    tool: str
    original: UndoSide
    slimmed: UndoSide
    pieces: tuple[Piece, ...] = ()
    members: tuple[UndoMember, ...] = ()


class UndoWriter:
    """Appends members to an undo file."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive

    def write_manifest(self, manifest: UndoManifest) -> None:
        """The first member."""
        content = msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
        self._archive.addfile(_member(MANIFEST, len(content)), io.BytesIO(content))

    def write(self, name: str, size: int, content: io.RawIOBase) -> None:
        """A member of ``size`` bytes.

        :raises OSError: where the content ends before, or the medium fails.
        """
        self._archive.addfile(_member(name, size), io.BufferedReader(content, _STEP))


class UndoReader:
    """Reads an undo file from its beginning to its end.

    :ivar manifest: what ``undo.json`` says.
    """

    def __init__(self, archive: tarfile.TarFile, shown: str) -> None:
        self._archive = archive
        self._shown = shown
        first = archive.next()
        if first is None or first.name != MANIFEST or not first.isreg() or first.size > _LARGEST_MANIFEST:
            raise not_an_undo_file(shown, f"it does not begin with {MANIFEST}")
        stream = archive.extractfile(first)
        content = b"" if stream is None else stream.read()
        try:
            self.manifest = msgspec.json.decode(content, type=UndoManifest)
        except (msgspec.DecodeError, RecursionError) as error:
            raise not_an_undo_file(shown, f"{MANIFEST} is not a document of {UNDO_SCHEMA}: {error}") from error

    def next(self, name: str, size: int) -> IO[bytes]:
        """The next member, which must be this one.

        :raises UsageError: where it is another one.
        """
        found = self._archive.next()
        if found is None or (found.name, found.size) != (name, size) or not found.isreg():
            raise not_an_undo_file(self._shown, f"{name[:200]} of {size} bytes does not follow")
        stream = self._archive.extractfile(found)
        if stream is None:
            raise not_an_undo_file(self._shown, f"{name[:200]} cannot be read")
        return stream


@contextmanager
def writing_undo_file(path: Path) -> Iterator[UndoWriter]:
    """An undo file in the making, at a path where nothing is.

    :raises OSError: where the medium fails or is full.
    """
    with (
        path.open("xb") as file,
        zstandard().ZstdFile(file, "w", level=_LEVEL) as stream,
        tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT, errors="surrogateescape") as archive,
    ):
        yield UndoWriter(archive)


@contextmanager
def reading_undo_file(path: str) -> Iterator[UndoReader]:
    """An undo file to be read.

    :raises UsageError: where it cannot be read, is none, or is damaged.
    """
    zstd = zstandard()
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - closed below; what fails behind this line is no failure to open it
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{path} cannot be read: {why}", "name the file that --undo-file made") from error
    try:
        with (
            file,
            zstd.ZstdFile(file, "r") as stream,
            tarfile.open(fileobj=stream, mode="r|", errors="surrogateescape") as archive,
        ):
            yield UndoReader(archive, path)
    except (zstd.ZstdError, tarfile.TarError, EOFError) as error:
        raise not_an_undo_file(path, f"it is damaged, or something else: {error}") from error


def not_an_undo_file(path: str, why: str) -> UsageError:
    """An error that says so."""
    return UsageError(
        f"{path} is no undo file: {why}", "give the file that --undo-file named when the artifact was slimmed"
    )


class SourceStream(io.RawIOBase):
    """Ranges of sources, one behind the other, as a stream."""

    def __init__(self, ranges: Iterator[tuple[Source, int, int]]) -> None:
        super().__init__()
        self._ranges = ranges
        self._current: tuple[Source, int, int] | None = None

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill a buffer as far as the current range goes; 0 at the end.

        :raises FormatError: where a source cannot be decoded.
        :raises OSError: where a source ends before its range does.
        """
        while self._current is None or not self._current[2]:
            self._current = next(self._ranges, None)
            if self._current is None:
                return 0
        source, offset, left = self._current
        content = source.read_at(offset, min(left, len(buffer)))
        if not content:
            raise OSError("the input became shorter while it was read")
        buffer[: len(content)] = content
        self._current = (source, offset + len(content), left - len(content))
        return len(content)


def _member(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    return info
