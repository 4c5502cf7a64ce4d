"""The bundle's files as a script sees them: by run-time paths, read and never executed."""

from __future__ import annotations

import fnmatch
import posixpath
from typing import Literal

from inspector.artifact.tree import Kind, Node, Tree
from inspector.errors import FormatError
from inspector.facts.loading.run_time_paths import Mount

MOST_SCRIPT = 256 << 10
"""Bytes of a script or a settings file that are read; behind that lie the payloads of self-extracting scripts."""
_MOST_MATCHES = 256
_LONGEST_PATH = 4096  # PATH_MAX, include/uapi/linux/limits.h
_MOST_LOOKED_AT = 1_000_000
"""Names that patterns are compared with, all scripts of a bundle together."""


def read_text(node: Node) -> str:
    """A file's first :data:`MOST_SCRIPT` bytes as text; nothing where it cannot be read."""
    try:
        return node.read_at(0, min(node.size, MOST_SCRIPT)).decode("utf-8", "replace")
    except (FormatError, OSError):
        return ""


class ShellFiles:
    """A tree under its mount."""

    def __init__(self, tree: Tree, mount: Mount) -> None:
        self._tree = tree
        self._mount = mount
        self._left = _MOST_LOOKED_AT

    def node(self, path: str) -> Node | None:
        """What a run-time path leads to, links followed, or None where it is not in the bundle."""
        if len(path) > _LONGEST_PATH:
            return None
        tree_path = self._mount.tree_path(path)
        return None if tree_path is None else self._tree.resolve(tree_path)

    def real_path(self, path: str) -> str:
        """The run-time path with all links followed; the normalised path where it leads nowhere that is known."""
        node = self.node(path)
        return posixpath.normpath(path) if node is None else self._mount.run_time(node.path)

    def kind(self, path: str) -> Literal["file", "directory", "other", "absent", "unknown"]:
        """What lies at a run-time path; "unknown" outside the bundle."""
        if len(path) > _LONGEST_PATH or self._mount.tree_path(path) is None:
            return "unknown"
        node = self.node(path)
        if node is None:
            return "absent"
        if node.kind is Kind.FILE:
            return "file"
        return "directory" if node.kind is Kind.DIRECTORY or not node.path else "other"

    def matching(self, pattern: str) -> list[str]:
        """The run-time paths that a pattern leads to (wildcards in its last part only), sorted as the shell sorts them."""
        directory, name = posixpath.split(pattern)
        tree_path = self._mount.tree_path(directory) if len(pattern) <= _LONGEST_PATH and self._left > 0 else None
        parent = self._tree.resolve(tree_path) if tree_path else None
        if tree_path is None or (parent is None and tree_path):
            return []
        children = self._tree.children(parent.path if parent is not None else "")
        self._left -= len(children)
        names = sorted(
            child.name
            for child in children
            if fnmatch.fnmatchcase(child.name, name) and (name.startswith(".") or not child.name.startswith("."))
        )
        return [f"{directory}/{found}" for found in names[:_MOST_MATCHES]]

    def below(self, directory: str, name: str) -> list[str]:
        """The run-time paths of everything below a directory whose name fits a pattern, as ``find -name`` lists it; sorted."""
        tree_path = self._mount.tree_path(directory)
        if tree_path is None or self._left <= 0:
            return []
        self._left -= len(self._tree)
        prefix = f"{tree_path}/" if tree_path else ""
        found = [
            node.path
            for node in self._tree
            if node.path.startswith(prefix) and node.path and fnmatch.fnmatchcase(node.name, name)
        ]
        return [self._mount.run_time(path) for path in sorted(found)[:_MOST_MATCHES]]

    def text(self, path: str) -> str | None:
        """The text of a file of the bundle, or None where there is none."""
        node = self.node(path)
        return read_text(node) if node is not None and node.kind is Kind.FILE else None
