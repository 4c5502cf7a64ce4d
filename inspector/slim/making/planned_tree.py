"""The tree that slim intends to write: the input's nodes, those that are gone left out, those that change with their new content.

It is built from a plan and never written to; what is written from it (a directory, an image) is compared with it afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from inspector.artifact.nesting import SEPARATOR
from inspector.artifact.tree import Kind, Node, Tree
from inspector.source import Source


class PlannedEntry(Struct, frozen=True):
    """One name of the output.

    :ivar node: the input's node, or None for a file that the input does not have (compiled bytecode).
    :ivar content: new content of a regular file; None: the node's own, byte for byte.
    :ivar target: where a symbolic link points.
    :ivar link_to: path of an entry whose file this one shares (a hard link made by slim), or None.
    :ivar mtime: seconds since 1970.
    """

    path: str
    kind: Kind
    mode: int
    size: int
    uid: int = 0
    gid: int = 0
    mtime: int | None = None
    node: Node | None = None
    content: Source | None = None
    target: str | None = None
    link_to: str | None = None

    def source(self) -> Source | None:
        """The bytes of a regular file."""
        if self.kind is not Kind.FILE:
            return None
        return self.content if self.content is not None else self.node

    @property
    def is_unchanged(self) -> bool:
        """Whether the input's stored form of the content can be copied."""
        return self.node is not None and self.content is None


class PlannedTree:
    """All entries of the output by path; directories before their members in iteration."""

    def __init__(self, entries: Mapping[str, PlannedEntry]) -> None:
        self.entries = dict(sorted(entries.items()))

    def __iter__(self) -> Iterator[PlannedEntry]:
        return iter(self.entries.values())

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, path: object) -> bool:
        return path in self.entries

    def get(self, path: str) -> PlannedEntry | None:
        """The entry of exactly this path."""
        return self.entries.get(path)


def entry_of(node: Node) -> PlannedEntry:
    """A node as it stands."""
    return PlannedEntry(
        path=node.path,
        kind=node.kind,
        mode=node.mode,
        size=node.size,
        uid=node.uid,
        gid=node.gid,
        mtime=node.mtime,
        node=node,
        target=node.target,
    )


def unchanged_tree(tree: Tree) -> PlannedTree:
    """The input's tree as it stands, the root directory included where the container knows it."""
    return PlannedTree({node.path: entry_of(node) for node in tree if SEPARATOR not in node.path})
