"""A directory that is some system's root: links are followed inside of it, and nothing of it is executed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_MOST_LINKS = 40  # of one path, as Linux counts them (path_resolution(7))
_LONGEST_PATH = 4096


class RootDirectory:
    """Paths are absolute inside the root ("/usr/lib/libz.so.1"), whatever the machine's own root has there.

    What is read is what lies there now: a tree that changes meanwhile gives a mixture and no error.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._root = os.path.realpath(root).rstrip("/")
        self._links: dict[str, str | None] = {}

    @property
    def is_own(self) -> bool:
        """Whether it is the root of the running system."""
        return not self._root

    def outside(self, path: str) -> Path:
        """Where a path without links lies on this machine."""
        return Path(f"{self._root}{path}")

    def resolve(self, path: str) -> str | None:
        """The path with all links followed; None where something on the way is missing or the links go in circles."""
        pending = path.split("/")[::-1]
        resolved = ""
        links = 0
        while pending:
            part = pending.pop()
            if part in ("", "."):
                continue
            if part == "..":
                resolved = resolved.rpartition("/")[0]  # the root's parent is the root itself
                continue
            here = f"{resolved}/{part}"
            target = self._target(here)
            if target is None:
                return None
            if not target:
                resolved = here
                continue
            links += 1
            if links > _MOST_LINKS or len(target) > _LONGEST_PATH:
                return None
            if target.startswith("/"):
                resolved = ""
            pending += target.split("/")[::-1]
        return resolved or "/"

    def _target(self, path: str) -> str | None:
        """Where a link points, "" for what is no link, None where nothing is."""
        if path not in self._links:
            self._links[path] = self._look(f"{self._root}{path}")
        return self._links[path]

    @staticmethod
    def _look(path: str) -> str | None:
        try:
            return os.readlink(path)  # noqa: PTH115 - ten thousands of times, and a text is wanted
        except FileNotFoundError:
            return None
        except OSError:  # EINVAL: there, and no link; ENOTDIR, ENAMETOOLONG, EACCES: not to be had
            return "" if os.path.lexists(path) else None

    def regular_file(self, path: str) -> str | None:
        """The resolved path where it is a regular file that may be opened, else None: a pipe or a device would block."""
        real = self.resolve(path)
        if real is None:
            return None
        try:
            status = self.outside(real).lstat()
        except OSError:
            return None
        return real if stat.S_ISREG(status.st_mode) else None

    def read(self, path: str, most: int) -> bytes | None:
        """A regular file's bytes, at most ``most``; None where there is none."""
        real = self.regular_file(path)
        if real is None:
            return None
        try:
            with self.outside(real).open("rb") as stream:
                return stream.read(most)
        except OSError:
            return None

    def text(self, path: str, most: int = 1 << 20) -> str:
        """A small text file, "" where there is none."""
        return (self.read(path, most) or b"").decode("utf-8", "replace")

    def names(self, directory: str) -> list[str]:
        """The names in a directory, sorted; empty where there is none."""
        real = self.resolve(directory)
        if real is None:
            return []
        try:
            return sorted(os.listdir(self.outside(real)))  # noqa: PTH208 - names are wanted, not a Path for each
        except OSError:
            return []
