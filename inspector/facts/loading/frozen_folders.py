"""PyInstaller's folders anywhere in a tree: their programs set the search path themselves, wherever they lie and whoever starts them.

``base_library.zip`` lies in no other place than the directory that such a program puts on LD_LIBRARY_PATH and loads libpython from (observed with
PyInstaller 5 and 6).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from msgspec import Struct

from inspector.artifact.tree import Tree
from inspector.patterns import lazy_pattern

_BASE_LIBRARY = "base_library.zip"
_PYTHON = lazy_pattern(r"libpython\d\.\d+[a-z]*\.so[\d.]*")
_INTERNAL = "_internal"


class FrozenFolder(Struct, frozen=True):
    """One folder.

    :ivar path: tree path of the directory with the libraries.
    :ivar programs: tree path of the directory with the programs: the same one, or that above it.
    :ivar python: tree path of libpython, or None.
    """

    path: str
    programs: str
    python: str | None


def frozen_folders(tree: Tree) -> tuple[FrozenFolder, ...]:
    """The folders of a tree, by path."""
    found = []
    for node in tree.files():
        if not node.path.endswith(_BASE_LIBRARY) or node.name != _BASE_LIBRARY:  # the first is the quicker question
            continue
        path = posixpath.dirname(node.path)
        names = [child.path for child in tree.children(path) if _PYTHON.fullmatch(child.name)]
        found.append(FrozenFolder(path, _directory_of_programs(tree, path), min(names, default=None)))
    return tuple(sorted(found, key=lambda folder: folder.path))


def _directory_of_programs(tree: Tree, path: str) -> str:
    """The directory above, where the one with the libraries has the usual name, or another one and no programs (option --contents-directory)."""
    named = posixpath.basename(path) == _INTERNAL
    has_programs = any(child.is_executable and ".so" not in child.name for child in tree.children(path))
    return path if has_programs and not named else posixpath.dirname(path)


def searched_by_folders(folders: Iterable[FrozenFolder], started: Iterable[str]) -> tuple[list[str], list[str]]:
    """Directories of folders that are searched before all others, and those that are searched last.

    A program puts its own directory in front; where the launcher starts another one, the directory counts for what lies in it only, and comes last.

    :param started: tree paths of the programs that the launcher starts.
    """
    beside = {posixpath.dirname(program) for program in started}
    first: list[str] = []
    last: list[str] = []
    for folder in folders:
        (first if folder.programs in beside else last).append(folder.path)
    return first, last
