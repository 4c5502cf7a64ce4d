"""From the entries of a container's codec to the nodes of a Tree."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

from inspector.artifact.names import safe_name, text_of
from inspector.artifact.tree import KIND_BY_FILE_TYPE, Kind, Node, Tree
from inspector.errors import FormatError, LimitExceeded
from inspector.model import Problem

if TYPE_CHECKING:
    from inspector.formats.iso9660 import Iso9660Image, IsoEntry
    from inspector.formats.squashfs import SquashfsImage

_DUPLICATES_CHECKED = (
    0x40  # squashfs superblock flag: the writer looked for equal files (squashfs-tools-ng, doc/format.adoc)
)


def problem_of(path: str, error: FormatError) -> Problem:
    """A member's error as a Problem of the Result."""
    return Problem(
        kind="limit-exceeded" if isinstance(error, LimitExceeded) else "corrupt-member",
        subject=path,
        message=str(error),
    )


def squashfs_tree(image: SquashfsImage, problems: list[Problem]) -> Tree:
    """All nodes of a squashfs image; members that cannot be read are left out and become problems.

    :raises FormatError: where nothing can be walked at all.
    """
    kinds = {kind.value: kind for kind in Kind}
    nodes: list[Node] = []
    append = nodes.append
    file, symlink = Kind.FILE, Kind.SYMLINK

    def on_error(path: bytes, error: FormatError) -> None:
        problems.append(problem_of(text_of(path), error))

    # To its end first: a file's share of a fragment is known only when all files of the image are
    for path, inode in list(image.walk(on_error)):
        kind = kinds[inode.kind.value]
        node = Node(path.decode("utf-8", "backslashreplace"), kind, inode.mode)
        node.inode = inode.number
        node.mtime = inode.mtime
        node.uid = inode.uid
        node.gid = inode.gid
        if kind is file:
            node.size = inode.size
            node.stored_size = inode.stored_size
            node.content_key = inode.content_key
            node.read_group = inode.fragment_index
            node.content = inode
        elif kind is symlink:
            node.target = text_of(inode.target)
        append(node)

    def read_order(files: Sequence[Node]) -> Iterator[Node]:
        return image.read_order(files, attrgetter("content"))

    return _tree(nodes, problems, read_order, deduplicated=bool(image.superblock.flags & _DUPLICATES_CHECKED))


def iso9660_tree(image: Iso9660Image, problems: list[Problem]) -> tuple[Tree, list[IsoEntry]]:
    """All nodes of an ISO 9660 volume and the entries that they come from; what cannot be read is left out and becomes a problem."""
    nodes: list[Node] = []
    entries: list[IsoEntry] = []
    texts: dict[tuple[bytes, ...], str] = {(): ""}
    try:
        for entry in image.walk():
            if entry.path:
                parent = texts[entry.path[:-1]]
                name, why = safe_name(entry.path[-1])
                path = f"{parent}/{name}" if parent else name
                texts[entry.path] = path
                if why is not None:
                    problems.append(Problem(kind="unsafe-name", subject=path, message=why))
            entries.append(entry)
            nodes.append(_iso9660_node(image, entry, texts[entry.path]))
    except FormatError as error:
        if not nodes:
            raise
        problems.append(problem_of("", error))
    for damage in image.damages:
        subject = "/".join(safe_name(name)[0] for name in damage.path)
        problems.append(problem_of(subject, damage.error))
    places = {node.path: entry.record.location for node, entry in zip(nodes, entries, strict=True)}

    def read_order(files: Sequence[Node]) -> Iterator[Node]:
        return iter(sorted(files, key=lambda node: places[node.path]))

    return _tree(nodes, problems, read_order), entries


def _iso9660_node(image: Iso9660Image, entry: IsoEntry, path: str) -> Node:
    kind = KIND_BY_FILE_TYPE.get(stat.S_IFMT(entry.mode), Kind.FILE)
    is_file = kind is Kind.FILE
    return Node(
        path,
        kind,
        stat.S_IMODE(entry.mode),
        size=entry.size,
        stored_size=entry.stored_size,
        target=None if entry.target is None else text_of(entry.target),
        inode=entry.inode,
        mtime=entry.modified,
        uid=entry.uid,
        gid=entry.gid,
        content_key=entry.content_key,
        opener=partial(image.open, entry) if is_file else None,
    )


def _tree(
    nodes: list[Node],
    problems: list[Problem],
    read_order: Callable[[Sequence[Node]], Iterator[Node]],
    *,
    deduplicated: bool = False,
) -> Tree:
    tree = Tree(nodes, read_order=read_order, deduplicated=deduplicated)
    if len(tree) == len(nodes):
        return tree
    # Two entries of one name, or names that differ in bytes only: the first one stays, as it is the one that a lookup finds
    first: dict[str, Node] = {}
    for node in nodes:
        if first.setdefault(node.path, node) is not node:
            message = "another entry is written the same way as text; this one was left out"
            problems.append(Problem(kind="name-collision", subject=node.path, message=message))
    return Tree(first.values(), read_order=read_order, deduplicated=deduplicated)
