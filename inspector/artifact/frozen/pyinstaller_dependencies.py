"""Members that a PyInstaller program takes from another program of its multipackage bundle when it starts.

Such a member is written ``program:member``.  Where the bootloaders of 5.13 and 6.22 were seen to look for it, in this order: a file in the contents
directory of the other program's folder, then the archive ``program.pkg``, then the program itself; paths are relative to the program's own directory.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from msgspec import Struct

from inspector.artifact.frozen.pyinstaller_starter import contents_folder
from inspector.artifact.names import text_of
from inspector.artifact.tree import Node
from inspector.formats.pyinstaller import Entry, PyInstallerArchive, read_archive
from inspector.limits import Limits
from inspector.source import Source

Beside = Callable[[str], Node | None]
_MOST_PROGRAMS = 32  # that one program takes members from; more are not looked for
_EXTRACTED_FILES = frozenset("bxZ")


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
    """

    def __init__(self, archive: PyInstallerArchive, beside: Beside | None, limits: Limits) -> None:
        self.found: dict[str, None] = {}
        self._folder = contents_folder(archive)
        self._beside = beside
        self._limits = limits
        self._archives: dict[str, tuple[PyInstallerArchive, dict[bytes, Entry]] | None] = {}

    def member(self, name: bytes) -> Dependency | None:
        """The member of a dependency's name, or None where it is not there.

        :raises FormatError: where the other program's archive is damaged.
        """
        program, separator, member = name.partition(b":")
        if not separator or self._beside is None:
            return None
        path = text_of(program)
        file = self._beside(posixpath.join(posixpath.dirname(path), self._folder, text_of(member)))
        if file is not None:
            self.found[path] = None
            return Dependency(path, "", file.size, file.mode, lambda: file)
        opened = self._archive(path)
        entry = opened[1].get(member) if opened is not None else None
        if opened is None or entry is None or entry.kind not in _EXTRACTED_FILES:
            return None
        self.found[path] = None
        return Dependency(path, entry.kind, entry.size, None, opened[0].opener(entry))

    def _archive(self, path: str) -> tuple[PyInstallerArchive, dict[bytes, Entry]] | None:
        if path not in self._archives:
            if len(self._archives) >= _MOST_PROGRAMS or self._beside is None:
                return None
            self._archives[path] = None  # also while it is read, should that fail
            file = self._beside(f"{path}.pkg") or self._beside(path)
            archive = read_archive(file, self._limits) if file is not None else None
            if archive is not None:
                self._archives[path] = archive, {entry.name: entry for entry in archive.entries}
        return self._archives[path]
