"""Where the members of an artifact lie when it runs, as text that a person can read.

A mounted AppImage lies in a directory that changes with every start, so its run-time paths begin with ``$APPDIR``, as those of an AppDir do.
Members of what unpacks or mounts itself elsewhere lie where its format says (``/tmp/_MEIxxxxxx``, ``/snap/NAME/current``, ``$HOME/.shiv/…``); a whole
root file system has plain absolute paths; those of any other tree begin with ``$ROOT``.
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


_APP_RUN = "AppRun"
_PLACEHOLDERS = {"~/": "$HOME/", "{": "${"}
"""How places are written that a shell's user knows as variables: a home directory, and what Nuitka's starter puts in braces."""
_SEPARATORS = frozenset(":;\0\n")


def mount_of(artifact: Artifact) -> Mount:
    """The mount of an artifact by its layout."""
    layout = artifact.layout
    if layout.file_system_root:
        return Mount("")
    place = _absolute(layout.members_at or "")
    if place:
        return Mount(place)
    is_bundle = artifact.format.startswith("app") or posixpath.basename(layout.launcher or "") == _APP_RUN
    return Mount("$APPDIR" if is_bundle else "$ROOT")


def _absolute(place: str) -> str:
    """A place as the beginning of run-time paths: absolute, or behind a variable; "" where it is neither, or would break a search path in two."""
    for beginning, variable in _PLACEHOLDERS.items():
        if place.startswith(beginning):
            place = variable + place[len(beginning) :]
    if not place.startswith(("/", "$")) or set(place) & _SEPARATORS:
        return ""
    normal = posixpath.normpath(place)
    return "/" + normal.lstrip("/") if normal.startswith("/") else normal
