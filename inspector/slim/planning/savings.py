"""What a plan saves: raw bytes by name, stored bytes only where the last name of some content goes."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable

from inspector.artifact.tree import Node, Tree
from inspector.formats.pyc import cached_path, split_cached_path
from inspector.model import ByteCount

_OWN_SHARE = (7, 8)
"""Of the bytes that a file's share of a fragment says, what really becomes free where a near copy of the file stays in it: the compressor had written
the second one as references to the first.  Measured on the corpus's Flask and pandas applications, whose images hold three levels of bytecode."""


class Savings:
    """Bytes of one tree's files.

    Names that share their content in the container (hard links, equal blocks) cost its stored bytes once, so the bytes are free only where all
    names go; the first of the actions that take them saves them.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._names: dict[Hashable, list[str]] = {}
        raw = stored = 0
        for node in tree.files():
            raw += node.size
            key = _content_of(node)
            if key is None:
                stored += node.stored_size
                continue
            names = self._names.setdefault(key, [])
            if not names:
                stored += node.stored_size
            names.append(node.path)
        self.total = ByteCount(raw=raw, stored=stored)

    def of_removed(self, paths: Iterable[str], removed: Collection[str]) -> ByteCount:
        """Of an action that removes ``paths``, in a plan that removes all of ``removed``."""
        raw = stored = 0
        for path in paths:
            node = self._tree.get(path)
            if node is None or not node.is_file:
                continue
            raw += node.size
            stored += self.stored(node, removed)
        return ByteCount(raw=raw, stored=stored)

    def stored(self, node: Node, removed: Collection[str] = ()) -> int:
        """Stored bytes of a file, 0 where another name keeps them or counts them.

        :param removed: all paths that go; a file that is among them counts where no other name stays.
        """
        key = _content_of(node)
        if key is None:
            return node.stored_size
        names = self._names[key]
        if names[0] != node.path or (removed and not all(name in removed for name in names)):
            return 0
        if removed and self._leaves_a_near_copy(node, removed):
            return node.stored_size * _OWN_SHARE[0] // _OWN_SHARE[1]
        return node.stored_size

    def _leaves_a_near_copy(self, node: Node, removed: Collection[str]) -> bool:
        """Whether bytecode of another level of the same module stays in the same compressed unit."""
        name = split_cached_path(node.path) if node.read_group is not None and node.name.endswith(".pyc") else None
        if name is None:
            return False
        for level in ("", "1", "2"):
            other = self._tree.get(cached_path(name.source, name.tag, level))
            if other is not None and other.path not in removed and other.read_group == node.read_group:
                return True
        return False


def _content_of(node: Node) -> Hashable | None:
    """A key that is equal for names which share their content in the container; None where nothing is known of the content."""
    return node.content_key if node.content_key is not None else node.inode
