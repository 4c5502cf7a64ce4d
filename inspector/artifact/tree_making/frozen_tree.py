"""The tree of a frozen program: members by names that nobody may trust, modules of Python in an archive, the starter itself."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Sequence

from inspector.artifact.names import safe_name, text_of
from inspector.artifact.tree import Kind, Node, Tree
from inspector.errors import LimitExceeded
from inspector.limits import Limits
from inspector.model import Problem
from inspector.source import FileSource, Source


class FrozenTree:
    """A tree that grows member by member.

    :ivar problems: members that were left out, and names that had to be respelled.
    """

    def __init__(self, limits: Limits, problems: list[Problem]) -> None:
        self.problems = problems
        self._limits = limits
        self._nodes: dict[str, Node] = {"": Node("", Kind.DIRECTORY, 0o755)}

    def __contains__(self, path: str) -> bool:
        return path in self._nodes

    def get(self, path: str) -> Node | None:
        """The node of exactly this path."""
        return self._nodes.get(path)

    def take(self, tree: Tree) -> None:
        """Every node of another tree, as it is."""
        self._nodes.update((node.path, node) for node in tree)

    def path_of(self, name: bytes) -> str:
        """A member's name as a tree path that cannot leave the tree; a name that had to be respelled is a problem."""
        parts = name.lstrip(b"/").split(b"/")
        if len(parts) > self._limits.path_depth:
            raise LimitExceeded("a member's name has more parts than the path_depth limit")
        kept = [safe_name(part) for part in parts if part not in (b"", b".")]
        path = "/".join(part for part, _ in kept) or "\\x"
        why = next((reason for _, reason in kept if reason is not None), None)
        if name.startswith(b"/"):
            why = "the name is absolute"
        if why is not None:
            self.problems.append(Problem(kind="unsafe-name", subject=path, message=why))
        return path

    def free_path(self, path: str) -> str:
        """The path, or one like it that no member has."""
        while path in self._nodes:
            path += "~"
        return path

    def add_file(
        self,
        path: str,
        size: int,
        stored: int,
        opener: Callable[[], Source] | None = None,
        *,
        mode: int = 0o644,
        content: Source | None = None,
    ) -> Node | None:
        """A regular file; None where another member has its path."""
        return self._add(Node(path, Kind.FILE, mode, size, stored, opener=opener, content=content))

    def add_link(self, path: str, target: bytes) -> Node | None:
        """A symbolic link."""
        return self._add(Node(path, Kind.SYMLINK, 0o777, target=text_of(target)))

    def add_directory(self, path: str) -> None:
        """A directory and those above it; what is below ``NAME!/`` lies in a file, which is its directory."""
        todo = []
        while path and path not in self._nodes:
            if not (path.endswith("!") and path[:-1] in self._nodes):
                todo.append(path)
            path = posixpath.dirname(path)
        for directory in reversed(todo):
            self._nodes[directory] = Node(directory, Kind.DIRECTORY, 0o755)

    def tree(self, read_order: Callable[[Sequence[Node]], Iterator[Node]] | None = None) -> Tree:
        """All nodes."""
        return Tree(self._nodes.values(), read_order=read_order)

    def _add(self, node: Node) -> Node | None:
        if len(self._nodes) >= self._limits.inodes:
            raise LimitExceeded("there are more members than the inodes limit")
        if node.path in self._nodes:
            message = "another member has this name; this one was left out"
            self.problems.append(Problem(kind="name-collision", subject=node.path, message=message))
            return None
        self.add_directory(posixpath.dirname(node.path))
        self._nodes[node.path] = node
        return node


def mode_of(source: Source) -> int:
    """The mode of the file that a program is: of the file on the disk, or of the member of an outer artifact."""
    if isinstance(source, FileSource):
        return source.path.stat().st_mode & 0o7777
    return source.mode if isinstance(source, Node) else 0o755


class BlankedSource:
    """A source with zeros in the range ``[start, end)``: a program without what is linked into it."""

    def __init__(self, source: Source, start: int, end: int) -> None:
        self.size = source.size
        self._source = source
        self._start = start
        self._end = end

    def read_at(self, offset: int, length: int) -> bytes:
        """See :class:`inspector.source.Source`."""
        content = self._source.read_at(offset, length)
        start, end = max(self._start - offset, 0), min(self._end - offset, len(content))
        return content if start >= end else content[:start] + bytes(end - start) + content[end:]
