"""The one shape that every artifact opens into: a tree of files that can be read at random and was never unpacked.

Readers build a :class:`Tree` of :class:`Node`; facts read it.  A path is text without a leading slash, "/" between names, "" for the root; bytes of a
name that are not UTF-8 are written ``\\xNN``.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from enum import Enum

from msgspec import Struct

from inspector.errors import LimitExceeded
from inspector.limits import Limits
from inspector.source import Source


class Kind(Enum):
    """What a node is; the values are those of the Result."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    CHARACTER_DEVICE = "character-device"
    BLOCK_DEVICE = "block-device"
    FIFO = "fifo"
    SOCKET = "socket"


KIND_BY_FILE_TYPE = {
    stat.S_IFREG: Kind.FILE,
    stat.S_IFDIR: Kind.DIRECTORY,
    stat.S_IFLNK: Kind.SYMLINK,
    stat.S_IFCHR: Kind.CHARACTER_DEVICE,
    stat.S_IFBLK: Kind.BLOCK_DEVICE,
    stat.S_IFIFO: Kind.FIFO,
    stat.S_IFSOCK: Kind.SOCKET,
}
"""By the file type bits of a mode (inode(7))."""


class Node(Struct, eq=False):
    """One name in the tree.  A regular file is a :class:`inspector.source.Source`.

    :ivar path: the path in the tree.
    :ivar mode: permission bits with setuid, setgid and sticky (07777), without the file type.
    :ivar size: bytes of a regular file's content; 0 otherwise.
    :ivar stored_size: bytes that it occupies in the container, its share of a common fragment included, before deduplication.
    :ivar target: where a symbolic link points, as written.
    :ivar inode: equal for hard links of one file within a tree, else unique; None where the container knows no inodes.
    :ivar content_key: equal keys prove equal content without reading (the block list inside an image); None where nothing is known.
    :ivar opener: gives a regular file's bytes; called once, at the first read.
    :ivar content: a regular file's bytes once they are open; a container whose members are Sources sets it and no ``opener``.
    :ivar read_group: files with one group lie in one compressed unit (a squashfs fragment); read them together.
    """

    path: str
    kind: Kind
    mode: int = 0o644
    size: int = 0
    stored_size: int = 0
    target: str | None = None
    inode: int | None = None
    mtime: int | None = None
    uid: int = 0
    gid: int = 0
    content_key: Hashable | None = None
    read_group: int | None = None
    opener: Callable[[], Source] | None = None
    content: Source | None = None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return self.kind is Kind.FILE

    @property
    def is_executable(self) -> bool:
        """Whether anybody may execute it."""
        return self.kind is Kind.FILE and bool(self.mode & 0o111)

    def read_at(self, offset: int, length: int) -> bytes:
        """See :class:`inspector.source.Source`; nothing for what is not a regular file.

        :raises FormatError: where the content cannot be decoded.
        """
        if self.content is None:
            if self.opener is None:
                return b""
            self.content = self.opener()
        return self.content.read_at(offset, length)

    def read(self, offset: int = 0, length: int | None = None, *, limits: Limits | None = None) -> bytes:
        """The content from ``offset`` on, all of it or ``length`` bytes.

        :raises LimitExceeded: where that is more than ``Limits.small_file``.
        """
        wanted = max(self.size - offset, 0) if length is None else min(length, max(self.size - offset, 0))
        if wanted > (limits or Limits()).small_file:
            raise LimitExceeded(f"{self.path}: {wanted} bytes are more than the small_file limit")
        return self.read_at(offset, wanted)


class Tree:
    """All nodes of an artifact by path.

    :param nodes: in any order; directories that no node names are not invented.
    :param read_order: how the container's bytes are best read, or None for the order of the nodes.
    :param deduplicated: whether the container's writer stored equal files once, so that different content keys prove different content.
    """

    def __init__(
        self,
        nodes: Iterable[Node],
        *,
        read_order: Callable[[Sequence[Node]], Iterator[Node]] | None = None,
        deduplicated: bool = False,
    ) -> None:
        self.deduplicated = deduplicated
        self._nodes = {node.path: node for node in nodes}
        self._files: list[Node] | None = None
        self._read_order = read_order
        self._children: dict[str, list[Node]] | None = None

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes.values())

    def __contains__(self, path: object) -> bool:
        return path in self._nodes

    def get(self, path: str) -> Node | None:
        """The node of exactly this path, links not followed."""
        return self._nodes.get(path)

    def files(self) -> Iterator[Node]:
        """The regular files."""
        if self._files is None:
            kind = Kind.FILE
            self._files = [node for node in self._nodes.values() if node.kind is kind]
        return iter(self._files)

    def files_in_read_order(self, chosen: Iterable[Node] | None = None) -> Iterator[Node]:
        """The regular files, those that share a compressed unit together, so that a reader decodes each unit once.

        :param chosen: some of the tree's regular files; all of them by default.
        """
        files = list(self.files() if chosen is None else chosen)
        return iter(files) if self._read_order is None else self._read_order(files)

    def children(self, path: str) -> list[Node]:
        """The nodes directly in a directory."""
        if self._children is None:
            self._children = {}
            for node in self._nodes.values():
                if node.path:
                    self._children.setdefault(node.path.rpartition("/")[0], []).append(node)
        return self._children.get(path, [])

    def resolve(self, path: str, *, root: str | None = None) -> Node | None:
        """The node that a path leads to when links are followed, or None where it leads nowhere or out of the tree.

        :param path: relative to the tree's root; ".", ".." and double slashes are allowed.
        :param root: where an absolute link's "/" is inside the tree (a root file system: ""); None: absolute links leave the tree.
        """
        hops = 0
        done: list[str] = []
        todo = path.split("/")[::-1]
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                if not done:
                    return None
                done.pop()
                continue
            done.append(part)
            node = self._nodes.get("/".join(done))
            if node is None:
                return None
            if node.kind is not Kind.SYMLINK:
                continue
            hops += 1
            if hops > _LINK_HOPS or node.target is None:
                return None
            if node.target.startswith("/"):
                if root is None:
                    return None
                done = [part for part in root.split("/") if part]
            else:
                done.pop()
            todo.extend(node.target.split("/")[::-1])
        return self._nodes.get("/".join(done))


_LINK_HOPS = 40  # Linux: MAXSYMLINKS, include/linux/namei.h
