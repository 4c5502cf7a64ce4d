"""From the entries of archives to the nodes of a Tree, as extraction into an empty directory would leave them.

An archive is a list of orders, one behind the other, and its names are what an attacker likes: later members replace earlier ones, hard links
name other members, parents may be symbolic links.  Orders are followed as GNU tar and the container runtimes follow them, inside the tree: a parent
that is a link is followed, the last name never is, and what would leave the tree becomes a problem.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable

from msgspec.structs import replace

from inspector.artifact.names import safe_name, text_of
from inspector.artifact.tree import KIND_BY_FILE_TYPE, Kind, Node, Tree
from inspector.artifact.tree_making.container_tree import problem_of
from inspector.errors import FormatError, LimitExceeded
from inspector.formats.archive_entry import ArchiveEntry
from inspector.limits import Limits
from inspector.model import Problem

_LINK_HOPS = 40  # Linux: MAXSYMLINKS, include/linux/namei.h


class ArchiveTree:
    """A tree that grows member by member.

    :param problems: is told of members that are left out, and why.
    :param root_file_system: whether absolute links stay inside the tree.
    """

    def __init__(self, problems: list[Problem], limits: Limits, *, root_file_system: bool = False) -> None:
        self.problems = problems
        self._limits = limits
        self._root_file_system = root_file_system
        self._nodes: dict[str, Node] = {"": Node("", Kind.DIRECTORY, 0o755, inode=0)}
        self._below: dict[str, dict[str, None]] = {"": {}}
        self._real: dict[str, str | None] = {}
        self._inodes = 0
        self._inodes_of: dict[tuple[int, int], int] = {}
        self._archive = 0

    def begin_archive(self) -> None:
        """Inode numbers of entries to come are those of another archive."""
        self._archive += 1

    def add(self, entry: ArchiveEntry, stored_size: int) -> None:
        """Add a member, or put it in the place of an earlier one.

        :param stored_size: bytes that it occupies in the container.
        """
        path = self.place_of(entry.path)
        if path is None:
            return
        if entry.hard_link is not None:
            self._add_link(path, entry)
            return
        node = self._node(path, entry, stored_size)
        old = self._nodes.get(path)
        if old is not None:
            if old.kind is Kind.DIRECTORY and node.kind is Kind.DIRECTORY:
                self._nodes[path] = node
                return
            if not path:
                self._problem("unsafe-name", path, "a member takes the place of the tree's root; it was left out")
                return
            self.remove(path)
        self._insert(node)

    def tree(self) -> Tree:
        """All nodes, in the order in which their archives hold them."""
        return Tree(self._nodes.values())

    def get(self, path: str) -> Node | None:
        """The node of a tree path, links not followed."""
        return self._nodes.get(path)

    def remove(self, path: str) -> None:
        """Take a node away, and everything below it."""
        self.clear(path)
        node = self._nodes.pop(path, None)
        if node is not None:
            if node.kind is Kind.SYMLINK:
                self._real.clear()
            parent, _, name = path.rpartition("/")
            self._below.get(parent, {}).pop(name, None)

    def clear(self, path: str) -> None:
        """Take everything below a directory away."""
        pending = [f"{path}/{name}" if path else name for name in self._below.get(path, ())]
        if not pending:
            return
        self._below[path] = {}
        self._real.clear()
        while pending:
            gone = pending.pop()
            self._nodes.pop(gone, None)
            pending += [f"{gone}/{name}" for name in self._below.pop(gone, ())]

    def place_of(self, written: bytes, *, missing_parents: bool = True) -> str | None:
        """The tree path that a member's name means, its parents' links followed; None where it lies outside of the tree, which becomes a problem.

        :param missing_parents: whether directories that no member names are made.
        """
        parts = [part for part in written.split(b"/") if part not in (b"", b".")]
        if len(parts) > self._limits.path_depth or len(written) > self._limits.path_length:
            self._problem(
                "limit-exceeded",
                text_of(written[:80]) + "…",
                "its path is longer or deeper than the limits allow; it was left out",
            )
            return None
        path = ""
        for index, part in enumerate(parts):
            name, why = safe_name(part)
            if why is not None:
                self._problem("unsafe-name", text_of(written), why)
            if index:
                real = self._real_directory(path, make=missing_parents)
                if real is None:
                    if missing_parents:
                        self._problem(
                            "unsafe-name",
                            text_of(written),
                            f"{path} is no directory of the tree; the member was left out",
                        )
                    return None
                path = real
            path = f"{path}/{name}" if path else name
        if len(path) > self._limits.path_length:
            self._problem(
                "limit-exceeded", path[:80] + "…", "its path is longer than the limits allow; it was left out"
            )
            return None
        return path

    def _real_directory(self, path: str, *, make: bool) -> str | None:
        """The directory that a path leads to; made where nothing is there."""
        node = self._nodes.get(path)
        if node is None:
            if not make:
                return None
            self._insert(Node(path, Kind.DIRECTORY, 0o755))
            return path
        if node.kind is Kind.DIRECTORY:
            return path
        if node.kind is not Kind.SYMLINK:
            return None
        if path not in self._real:
            self._real[path] = self._followed(path)
        return self._real[path]

    def _followed(self, path: str) -> str | None:
        done: list[str] = []
        todo = path.split("/")[::-1]
        hops = 0
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                if not done and not self._root_file_system:
                    return None
                done = done[:-1]  # the parent of a system's root is the root
                continue
            done.append(part)
            node = self._nodes.get("/".join(done))
            if node is None:
                return None
            if node.kind is Kind.DIRECTORY:
                continue
            hops += 1
            if node.kind is not Kind.SYMLINK or node.target is None or hops > _LINK_HOPS:
                return None
            done.pop()
            if node.target.startswith("/"):
                if not self._root_file_system:
                    return None
                done = []
            todo += node.target.split("/")[::-1]
        return "/".join(done)

    def _insert(self, node: Node) -> None:
        if node.inode is None:
            self._inodes += 1
            node.inode = self._inodes
        if len(self._nodes) >= self._limits.inodes:
            raise LimitExceeded(f"more than {self._limits.inodes} names: the inodes limit")
        parent, _, name = node.path.rpartition("/")
        self._below.setdefault(parent, {})[name] = None
        self._nodes[node.path] = node

    def _node(self, path: str, entry: ArchiveEntry, stored_size: int) -> Node:
        kind = KIND_BY_FILE_TYPE.get(stat.S_IFMT(entry.mode), Kind.FILE)
        node = Node(path, kind, stat.S_IMODE(entry.mode), mtime=entry.mtime, uid=entry.uid, gid=entry.gid)
        if entry.inode is not None and kind is not Kind.DIRECTORY:
            self._inodes += 1
            node.inode = self._inodes_of.setdefault((self._archive, entry.inode), self._inodes)
        if kind is Kind.FILE:
            node.size, node.stored_size, node.content = entry.size, stored_size, entry.content
        elif kind is Kind.SYMLINK:
            node.target = text_of(entry.target)
        return node

    def _add_link(self, path: str, entry: ArchiveEntry) -> None:
        target = self.place_of(entry.hard_link or b"", missing_parents=False)
        node = None if target is None else self._nodes.get(target)
        if node is None or node.kind is Kind.DIRECTORY:
            written = text_of(entry.hard_link or b"")
            self._problem(
                "broken-link", path, f"is a hard link to {written}, which is no file of the archive; it was left out"
            )
            return
        if target == path:
            return
        if path in self._nodes:
            self.remove(path)
            if target not in self._nodes:  # it lay below what it replaces
                self._problem("broken-link", path, "is a hard link into what it replaces; it was left out")
                return
        self._insert(replace(node, path=path))

    def _problem(self, kind: str, subject: str, message: str) -> None:
        self.problems.append(Problem(kind=kind, subject=subject, message=message))


def note_damages(damages: Iterable[tuple[bytes, FormatError]], problems: list[Problem]) -> None:
    """Put a codec's damages among the problems of the artifact."""
    for path, error in damages:
        parts = [part for part in path.split(b"/") if part not in (b"", b".")]
        problems.append(problem_of("/".join(safe_name(part)[0] for part in parts), error))
