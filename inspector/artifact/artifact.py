"""An opened artifact: what it is, what lies around its files, and the files."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Self

from msgspec import Struct, field

from inspector.artifact.tree import Tree
from inspector.model import Problem
from inspector.result import EnvelopeInfo
from inspector.source import Source

if TYPE_CHECKING:
    from inspector.formats.squashfs import SquashfsImage


class StartRefusal(Struct, frozen=True):
    """Why the format's own starter does not start the application, on whatever system.

    :ivar message: what it prints; where it is not certain, what is not known, one clause.
    :ivar subject: what is not there, as the artifact names it.
    :ivar certain: False where the starter may find what the reader cannot look at.
    """

    message: str
    subject: str
    certain: bool = True


class RuntimeLayout(Struct, frozen=True):
    """How the members lie when the artifact runs, which only its format knows.

    :ivar launcher: path in the tree of what is started first ("AppRun"), or None where nothing is.
    :ivar bundle_root: tree path of the directory that the launcher calls its own (APPDIR); "" for the tree's root.
    :ivar file_system_root: True where the tree is a whole root file system, so that absolute paths stay inside it.
    :ivar search_path: directories (tree paths) that the format itself puts on LD_LIBRARY_PATH.
    :ivar environment: what the format's own starter sets, values with tree paths written ``{root}/usr/lib``.
    :ivar roots: tree paths of the programs, libraries and modules that the format itself starts or loads, beside the launcher.
    :ivar members_at: where the members lie when they run, an absolute path or a place behind a variable ("/tmp/_MEIxxxxxx", "~/.shiv/…"),
        with which run-time paths are written, or words; None: where the artifact lies.
    :ivar refusal: why the format's own starter ends before the application runs; None where nothing is known to stop it.
    """

    launcher: str | None = None
    bundle_root: str = ""
    file_system_root: bool = False
    search_path: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    roots: tuple[str, ...] = ()
    members_at: str | None = None
    refusal: StartRefusal | None = None


class Artifact(Struct):
    """What :func:`inspector.artifact.open_artifact` returns.  Close it, or use it as a context manager.

    :ivar path: as the user wrote it.
    :ivar format: a format name of the Result ("appimage-2", "appimage-1", "appdir", "directory", "elf", …).
    :ivar arch: machine name as ``uname -m`` prints it, of the container itself; None where the container has none.
    :ivar size: bytes of the file, or of all regular files of a directory.
    :ivar source: the file itself; None for a directory.
    :ivar problems: members that could not be read; grows while the artifact is read.
    :ivar byte_map: of a single file, bytes by purpose: headers, entries, padding, appended, unexplained.
    :ivar image: the SquashFS image that the tree lies in, for whoever writes one anew; None for other containers.
    :ivar archives: tree paths of members that may be artifacts of their own, by their first bytes; noted while the files are read.
    :ivar on_close: gives back what is not the ``source``: the descriptors of a directory.
    """

    path: str
    format: str
    arch: str | None
    size: int
    tree: Tree
    layout: RuntimeLayout = field(default_factory=RuntimeLayout)
    envelope: EnvelopeInfo | None = None
    source: Source | None = None
    problems: list[Problem] = field(default_factory=list)
    byte_map: dict[str, int] = field(default_factory=dict)
    archives: list[str] = field(default_factory=list)
    image: SquashfsImage | None = None
    on_close: Callable[[], None] | None = None

    def close(self) -> None:
        """Give the file back; nodes cannot be read afterwards."""
        if self.on_close is not None:
            self.on_close()
        close = getattr(self.source, "close", None)
        if close is not None:
            close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
