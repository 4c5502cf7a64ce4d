"""What a reader of one artifact format is, and what it decides by."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from inspector.artifact.artifact import Artifact
from inspector.artifact.tree import Node, Tree
from inspector.artifact.zip_ending import archive_at_end
from inspector.errors import FormatError, LimitExceeded
from inspector.formats.elf import ElfFile, looks_like_elf, read_elf
from inspector.limits import Limits
from inspector.source import Source

if TYPE_CHECKING:
    from inspector.formats.zip import ZipArchive

_HEAD = 4096


class Beside(Protocol):
    """The files beside a program; names are paths relative to its directory."""

    def __call__(self, name: str) -> Node | None:
        """A regular file, or None where there is none that may be read."""
        ...

    def is_known(self, name: str) -> bool:
        """Whether it is known what lies there: of places that are not looked at nobody knows whether a program would find a file."""
        ...


class Candidate:
    """A regular file that some reader may know.

    :ivar path: as the user wrote it; of a member of another artifact its tree path.
    :ivar head: its first 4096 bytes.
    :ivar beside: gives another file by its path relative to this one's directory, or None; None where nobody knows what lies beside it.
    :param elf: the file's ELF headers, where somebody read them already.
    """

    def __init__(
        self,
        path: str,
        source: Source,
        limits: Limits,
        *,
        elf: ElfFile | None = None,
        beside: Beside | None = None,
    ) -> None:
        self.path = path
        self.source = source
        self.limits = limits
        self.beside = beside
        self.head = source.read_at(0, _HEAD)
        self.is_elf = looks_like_elf(self.head)
        self._elf = elf
        self._elf_error: FormatError | None = None
        self._zip: ZipArchive | FormatError | None = None

    @property
    def elf(self) -> ElfFile | None:
        """The ELF headers, sections included, without symbols; None for other files and for headers that cannot be read."""
        if self._elf is None and self._elf_error is None and self.is_elf:
            try:
                self._elf = read_elf(self.source, self.limits, load_symbols=False)
            except FormatError as error:
                self._elf_error = error
        return self._elf

    @property
    def elf_error(self) -> FormatError | None:
        """Why :attr:`elf` is None though the file begins like one."""
        return self._elf_error if self.elf is None else None

    @property
    def zip(self) -> ZipArchive | FormatError:
        """The ZIP archive that the file is, behind a prefix or not, or why there is none."""
        if self._zip is None:
            self._zip = archive_at_end(self.source, self.head, self.limits)
        return self._zip

    @property
    def magic(self) -> bytes:
        """Bytes 8 to 10, in which AppImages and their relatives say what they are (AppImageSpec, "Image format")."""
        return self.head[8:11] if self.is_elf else b""


class Reader(Struct, frozen=True):
    """One artifact format: what it is called, how it is told, how it is opened.

    :ivar format: the format's name in the Result; "" for a format that is recognised and not readable.
    :ivar title: its name in a sentence.
    :ivar limitations: what this reader cannot do, one sentence each; the documentation's table is made from them.
    :ivar recognises: decides by a few bytes; the first reader in the table that says yes opens the file.
    :ivar open: gives the artifact; raises ``NothingInspected``, or ``FormatError`` where the file as a whole cannot be read.
    :ivar audited_as: of a format whose payload is not read, the format as which its file is opened all the same ("elf"); "" where ``open`` refuses.
    :ivar nests: whether a member of another artifact is opened in place where it is of this format; not what is mostly data there.
    """

    format: str
    title: str
    limitations: tuple[str, ...]
    recognises: Callable[[Candidate], bool]
    open: Callable[[Candidate], Artifact]
    nests: bool = True
    audited_as: str = ""


class MemberReader(Struct, frozen=True):
    """How the file that makes a directory one of a format is opened where that directory is a part of another artifact.

    :ivar recognises: decides by a few bytes.
    :ivar open: gives what is inside the file, and nothing else: the file, and what lies beside it, are members of the other artifact already.
    """

    recognises: Callable[[Candidate], bool]
    open: Callable[[Candidate], Artifact]


class DirectoryReader(Struct, frozen=True):
    """One format that lies as a directory, told by the names in it.

    :ivar recognises: decides by the listed tree, without reading more than a small file of it.
    :ivar open: gives the artifact, made of the listed directory: the same with another format and layout, or with another tree.  It takes over
        ``problems`` and ``on_close``, or leaves closing to its caller where it raises.
    :ivar member: for a format whose files keep members of their own, how those are found in an AppDir, an image, a package.
    """

    format: str
    title: str
    limitations: tuple[str, ...]
    recognises: Callable[[Tree], bool]
    open: Callable[[Artifact, Limits], Artifact]
    member: MemberReader | None = None


def why_unreadable(error: FormatError) -> str:
    """A codec's error as the end of a sentence."""
    return f"a limit was reached: {error}" if isinstance(error, LimitExceeded) else str(error)
