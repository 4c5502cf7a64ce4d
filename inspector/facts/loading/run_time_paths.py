"""Where the members of an artifact lie when it runs, as text that a person can read.

A mounted AppImage lies in a directory that changes with every start, so its run-time paths begin with ``$APPDIR``; those of any other tree with
``$ROOT``; a whole root file system has plain absolute paths.
"""

from __future__ import annotations

import posixpath

from msgspec import Struct

from inspector.artifact.artifact import Artifact


class Mount(Struct, frozen=True):
    """The run-time name of the tree's root.

    :ivar root: prefix of every run-time path in the tree, without a trailing slash; "" for a root file system.
    """

    root: str

    def run_time(self, tree_path: str) -> str:
        """The run-time path of a tree path."""
        return f"{self.root}/{tree_path}" if tree_path else self.root

    def tree_path(self, run_time: str) -> str | None:
        """The tree path of a run-time path, or None where it lies outside the tree (or is relative)."""
        path = posixpath.normpath(run_time) if run_time else ""
        if path == self.root:
            return ""
        return path[len(self.root) + 1 :] if path.startswith(f"{self.root}/") else None


def mount_of(artifact: Artifact) -> Mount:
    """The mount of an artifact by its layout."""
    if artifact.layout.file_system_root:
        return Mount("")
    return Mount("$APPDIR" if artifact.layout.launcher is not None or artifact.format.startswith("app") else "$ROOT")
