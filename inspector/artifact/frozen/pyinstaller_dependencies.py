"""Members that a PyInstaller program takes from another program of its multipackage bundle when it starts.

Such a member is written ``program:member``.  Where the bootloaders of 5.13 and 6.22 were seen to look for it, in this order: a file in the contents
directory of the other program's folder, then the archive ``program.pkg``, then the program itself; paths are relative to the program's own directory.
They take the members in the order of the table of contents, and end at the first one that is not there, before anything of the application runs.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from msgspec import Struct

from inspector.artifact.artifact import StartRefusal
from inspector.artifact.frozen.pyinstaller_starter import HEAD, contents_folder
from inspector.artifact.names import text_of
from inspector.artifact.reader import Beside
from inspector.errors import FormatError
from inspector.formats.pyinstaller import Entry, PyInstallerArchive, read_archive
from inspector.limits import Limits
from inspector.source import Source

_MOST_PROGRAMS = 32  # that one program takes members from; more are not looked for
_EXTRACTED_FILES = frozenset("bxZ")
_NEWER_WORDS = b"Referenced dependency archive"  # of 6.22; 5.13 has words of its own


class Dependency(Struct, frozen=True):
    """A member of another program.

    :ivar program: the other program's path, as it was found.
    :ivar kind: the type code that it has there; "" of a file of a folder.
    :ivar mode: of a file of a folder, which is copied with it; None where the program's own habit decides.
    """

    program: str
    kind: str
    size: int
    mode: int | None
    opener: Callable[[], Source]


class OtherPrograms:
    """The programs that one takes members from.

    :param beside: gives a file by its path relative to the program's directory; None where nobody knows what lies there.
    :ivar found: paths of those that members were found in, in the order in which they were asked for.
    :ivar refusal: what the bootloader says of the first member that is not there, or which one nobody knows of.
    """

    def __init__(self, archive: PyInstallerArchive, beside: Beside | None, limits: Limits) -> None:
        self.found: dict[str, None] = {}
        self.refusal: StartRefusal | None = None
        self._source = archive.source
        self._folder = contents_folder(archive)
        self._beside = beside
        self._limits = limits
        self._archives: dict[str, tuple[PyInstallerArchive, dict[bytes, Entry]] | None] = {}
        self._unread: dict[str, str] = {}

    def member(self, name: bytes) -> Dependency | None:
        """The member of a dependency's name, or None where it is not there, or cannot be looked for.

        :raises FormatError: where the other program's archive is damaged.
        """
        program, separator, member = name.partition(b":")
        path = text_of(program)
        if not separator or self._beside is None or "\0" in path:
            self._refuse(path, f"nobody knows where {text_of(member) or path} is taken from", certain=False)
            return None
        in_folder = posixpath.join(posixpath.dirname(path), self._folder, text_of(member))
        file = self._beside(in_folder)
        if file is not None:
            self.found[path] = None
            return Dependency(path, "", file.size, file.mode, lambda: file)
        try:
            opened = self._archive(path)
        except FormatError as error:
            self._unread[path] = f"the archive of {path} cannot be read: {error}"
            self._refuse(path, self._unread[path], certain=False)
            raise
        entry = opened[1].get(member) if opened is not None else None
        if opened is None or entry is None or entry.kind not in _EXTRACTED_FILES:
            self._refuse_member(path, text_of(member), in_folder, entry)
            return None
        self.found[path] = None
        return Dependency(path, entry.kind, entry.size, None, opened[0].opener(entry))

    def _archive(self, path: str) -> tuple[PyInstallerArchive, dict[bytes, Entry]] | None:
        if path not in self._archives:
            if self._beside is None:
                return None
            if len(self._archives) >= _MOST_PROGRAMS:
                self._unread[path] = f"members are taken from more than {_MOST_PROGRAMS} programs"
                return None
            self._archives[path] = None  # also while it is read, should that fail
            file = self._beside(f"{path}.pkg") or self._beside(path)
            archive = read_archive(file, self._limits) if file is not None else None
            if archive is not None:
                self._archives[path] = archive, {entry.name: entry for entry in archive.entries}
        return self._archives[path]

    # -- what the bootloader says

    def _refuse_member(self, path: str, member: str, in_folder: str, entry: Entry | None) -> None:
        """Note why a member is not there, in the words of the bootloader."""
        beside = self._beside
        if beside is None or (self.refusal is not None and self.refusal.certain):
            return
        if path in self._unread:
            self._refuse(path, self._unread[path], certain=False)
        elif not all(beside.is_known(name) for name in (in_folder, f"{path}.pkg", path)):
            self._refuse(path, f"nobody knows whether {path}, from which it takes members, lies there", certain=False)
        elif self._archives.get(path) is not None:
            if entry is not None:
                message = f"nobody knows whether it takes {member}, which is no file in {path}"
                self._refuse(path, message, certain=False)
            elif self._has_newer_words():
                self._refuse(path, f"Dependency {member} not found in the referenced dependency archive.")
            else:
                self._refuse(path, f"Failed to extract {member}")
        elif beside(f"{path}.pkg") or beside(path):
            name = f"{path}.pkg" if beside(f"{path}.pkg") else path
            if self._has_newer_words():
                self._refuse(path, f"Failed to open referenced dependency archive …/{name}.")
            else:
                self._refuse(path, f"Failed to open archive …/{name}!")
        elif self._has_newer_words():
            self._refuse(path, f"Referenced dependency archive {path} not found.")
        else:
            self._refuse(path, f"Archive not found: …/{path}")

    def _refuse(self, path: str, message: str, *, certain: bool = True) -> None:
        if self.refusal is None or (certain and not self.refusal.certain):
            self.refusal = StartRefusal(message, path, certain)

    def _has_newer_words(self) -> bool:
        return _NEWER_WORDS in self._source.read_at(0, min(HEAD, self._source.size))
