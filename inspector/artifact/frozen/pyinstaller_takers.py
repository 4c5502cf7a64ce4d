"""Which other programs of a multipackage bundle take members from an artifact: those in its own tree, and those near it on the disk.

A program does not know who takes members from it.  Those who do have them in their tables of contents as ``program:member``, with paths relative to
their own directories (:mod:`inspector.artifact.frozen.pyinstaller_dependencies`), so they are looked for where such a path can lead here from: in the
artifact's directory, in that above it, and in the directories in both.
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator

from msgspec import Struct

from inspector.artifact.artifact import Artifact
from inspector.artifact.frozen.pyinstaller_starter import contents_folder, is_bootloader
from inspector.artifact.names import text_of
from inspector.artifact.tree_making.frozen_tree import FrozenTree
from inspector.errors import FormatError
from inspector.formats.elf import looks_like_elf
from inspector.formats.pyinstaller import PyInstallerArchive, read_archive
from inspector.limits import KIB, Limits
from inspector.source import FileSource

_SMALLEST = 16 * KIB  # bytes of a program
_MOST_DIRECTORIES, _MOST_FILES, _MOST_PROGRAMS = 200, 5_000, 64  # near an artifact; further ones are not looked at


class TakenMembers(Struct, frozen=True):
    """What other programs take.

    :ivar members: which program takes a member, by tree path; of a program near the artifact its path relative to the artifact's directory.
    :ivar is_complete: whether everything near the artifact was looked at.
    """

    members: dict[str, str]
    is_complete: bool = True


def taken_members(artifact: Artifact, limits: Limits) -> TakenMembers:
    """The members of an artifact that programs beside it, or in it, take when they start.

    :param artifact: audited already: its members that may be programs with an archive are known.
    """
    found = _Taken(artifact, limits)
    for path in artifact.archives:
        found.look_in_tree(path)
    if artifact.format in ("pyinstaller", "pyinstaller-folder"):
        found.look_nearby()
    return TakenMembers(found.members, found.is_complete)


class _Taken:
    def __init__(self, artifact: Artifact, limits: Limits) -> None:
        self._artifact = artifact
        self._limits = limits
        self._names = FrozenTree(limits, [])
        self._place = os.path.realpath(artifact.path)
        self._is_file = artifact.source is not None
        self.members: dict[str, str] = {}
        self.is_complete = True

    def look_in_tree(self, path: str) -> None:
        """A program in the tree, which may take members of another one in it; in a single file nothing lies beside anything."""
        node = self._artifact.tree.get(path)
        if node is None or (self._is_file and self._artifact.format == "pyinstaller"):
            return
        try:
            if looks_like_elf(node.read_at(0, 4)) and is_bootloader(node):
                archive = read_archive(node, self._limits)
                if archive is not None:
                    self._note(archive, posixpath.join(self._place, posixpath.dirname(path)), path)
        except (FormatError, OSError):
            return  # whoever reads all files says that this one is damaged

    def look_nearby(self) -> None:
        """The programs in the directories near the artifact."""
        here = posixpath.dirname(self._place)
        looked_at = 0
        for path in self._files_near(here):
            try:
                with FileSource(path) as source:
                    if not looks_like_elf(source.read_at(0, 4)) or not is_bootloader(source):
                        continue
                    looked_at += 1
                    if looked_at > _MOST_PROGRAMS:
                        self.is_complete = False
                        return
                    archive = read_archive(source, self._limits)
                    if archive is not None:
                        self._note(archive, posixpath.dirname(path), posixpath.relpath(path, here))
            except (FormatError, OSError):
                continue

    def _files_near(self, here: str) -> Iterator[str]:
        """Files that may be programs; those of the artifact itself left out."""
        above = posixpath.dirname(here)
        directories = dict.fromkeys((here, above) if self._is_file else (here,))
        for directory in tuple(directories):
            for number, entry in enumerate(_entries(directory)):
                if number >= _MOST_DIRECTORIES:
                    self.is_complete = False
                    break
                if entry.is_dir(follow_symlinks=False) and entry.path != self._place:
                    directories.setdefault(entry.path)
        seen = 0
        for directory in directories:
            for entry in _entries(directory):
                seen += 1
                if seen > _MOST_FILES:
                    self.is_complete = False
                    return
                if entry.path != self._place and _is_program(entry):
                    yield entry.path

    def _note(self, archive: PyInstallerArchive, directory: str, taker: str) -> None:
        folder = contents_folder(archive)
        for entry in archive.entries:
            if entry.kind != "d":
                continue
            program, separator, member = entry.name.partition(b":")
            if not separator or b"\0" in entry.name:
                continue
            other = text_of(program)
            in_folder = posixpath.join(posixpath.dirname(other), folder, text_of(member))
            for name in (in_folder, f"{other}.pkg", other):
                path = self._here(posixpath.normpath(posixpath.join(directory, name)), member)
                if path is not None and path in self._artifact.tree:
                    self.members.setdefault(path, taker)
                    break  # what comes first is taken

    def _here(self, place: str, member: bytes) -> str | None:
        """The tree path of a file that a program looks into, or of its member; None where it lies elsewhere."""
        if self._is_file and self._artifact.format == "pyinstaller":
            return self._names.path_of(member) if os.path.realpath(place) == self._place else None
        return place.removeprefix(f"{self._place}/") if place.startswith(f"{self._place}/") else None


def _is_program(entry: os.DirEntry[str]) -> bool:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and bool(status.st_mode & 0o111) and status.st_size >= _SMALLEST


def _entries(directory: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            yield from entries
    except OSError:
        return
