"""Files beside the one that is opened, for formats whose programs take members from others when they start.

A name is an attacker's: it leads to regular files in the program's own directory, below it, or in a directory beside that one, and nowhere else,
whatever links there are.
"""

from __future__ import annotations

import os
import posixpath
import stat

from inspector.artifact.directory import DirectoryFiles, ListedFile
from inspector.artifact.tree import Kind, Node, Tree

_UP = "../"


class FilesBeside:
    """The files beside a program on the disk; its own place is that of the file, where the path is a link to it.

    :param path: of the program.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = path
        self._files: DirectoryFiles | None = None

    def __call__(self, name: str) -> Node | None:
        """A regular file by its path relative to the program's directory, or None where there is none that may be read."""
        found = self._place(name)
        if found is None:
            return None
        try:
            status = os.stat(found)  # noqa: PTH116
            if not stat.S_ISREG(status.st_mode):
                return None
            if self._files is None:
                self._files = DirectoryFiles(os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        except (OSError, ValueError):
            return None
        content = ListedFile(self._files, found.lstrip(b"/"), status.st_dev, status.st_ino, status.st_size)
        path = posixpath.normpath(name)
        return Node(path, Kind.FILE, stat.S_IMODE(status.st_mode), status.st_size, content=content)

    def is_known(self, name: str) -> bool:
        """Whether a path leads to a place that is looked at."""
        found = self._place(name)
        if found is None:
            return False
        try:
            os.stat(found)  # noqa: PTH116
        except (FileNotFoundError, NotADirectoryError):
            return True
        except (OSError, ValueError):
            return False
        return os.access(found, os.R_OK)

    def _place(self, name: str) -> bytes | None:
        """The real path of a name, or None where it leads out of the directories that are looked at."""
        relative = posixpath.normpath(name)
        if relative.removeprefix(_UP).startswith((_UP, "/")) or "\0" in name:
            return None
        try:
            directory = os.path.dirname(os.path.realpath(self._path))  # noqa: PTH120 -- bytes or text, as the user wrote it
            top = os.fsencode(os.path.dirname(directory) if relative.startswith(_UP) else directory)  # noqa: PTH120
            found = os.path.realpath(os.path.join(os.fsencode(directory), os.fsencode(relative)))  # noqa: PTH118
            return found if os.path.commonpath((top, found)) == top else None
        except (OSError, ValueError):
            return None

    def close(self) -> None:
        """Give the descriptors back."""
        if self._files is not None:
            self._files.close()


class MembersBeside:
    """The members of an artifact beside one of them.

    :param path: tree path of that one.
    """

    def __init__(self, tree: Tree, path: str) -> None:
        self._tree = tree
        self._directory = posixpath.dirname(path)

    def __call__(self, name: str) -> Node | None:
        """A regular file of the artifact, links followed."""
        node = self._tree.resolve(posixpath.join(self._directory, name))
        return node if node is not None and node.is_file else None

    def is_known(self, name: str) -> bool:
        """Whether a path stays in the artifact, on whatever links it goes."""
        path = posixpath.normpath(posixpath.join(self._directory, name))
        if path == ".." or path.startswith((_UP, "/")):
            return False
        while path:
            node = self._tree.get(path)
            if node is not None and node.kind is Kind.SYMLINK and self._tree.resolve(path) is None:
                return False
            path = posixpath.dirname(path)
        return True
