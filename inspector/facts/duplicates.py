"""Files with the same content, found without reading an image's data at all, and elsewhere by reading as little as proves it.

Inside an image equal block lists prove equal content, and the copies cost nothing.  Everywhere else (a directory; an image packed without
deduplication) files of one size are compared by a sample first, and by a hash of the whole only where the samples agree.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from hashlib import blake2b
from typing import Literal

from msgspec import Struct

from inspector.artifact.tree import Node, Tree
from inspector.errors import FormatError
from inspector.model import ByteCount
from inspector.result import DuplicateGroup

_SMALLEST = 1024  # raw bytes; smaller copies cannot matter to a release, and there are thousands of them
_SAMPLE = 4096
_STEP = 1 << 20
_MOST_READ = 256 << 20  # raw bytes of full comparison; the largest files come first, so what is left out is small
_MOST_GROUPS = 100
_MOST_PATHS = 20


class Duplicates(Struct, frozen=True):
    """All groups, the most wasteful first.

    :ivar groups: at most 100.
    :ivar wasted: bytes of all copies but one in each group, of all groups; stored bytes only where the container keeps the copies.
    :ivar shared: tree paths whose stored bytes another path already counts (equal block lists, hard links).
    """

    groups: tuple[DuplicateGroup, ...]
    wasted: ByteCount
    shared: frozenset[str]


def find_duplicates(tree: Tree) -> Duplicates:
    """Groups of regular files with equal content of 1 KiB or more; hard links of one file are one file."""
    by_key: dict[Hashable, list[Node]] = {}
    by_size: dict[int, list[Node]] = {}
    inodes: set[int] = set()
    shared: set[str] = set()
    for node in tree.files():
        if node.inode is not None:
            if node.inode in inodes:
                shared.add(node.path)
                continue
            inodes.add(node.inode)
        if node.content_key is not None:
            same = by_key.setdefault(node.content_key, [])
            same.append(node)
            if len(same) > 1:
                shared.add(node.path)
                continue
        if node.size >= _SMALLEST:
            by_size.setdefault(node.size, []).append(node)
    groups = [
        _group(nodes, "same blocks") for nodes in by_key.values() if len(nodes) > 1 and nodes[0].size >= _SMALLEST
    ]
    if not tree.deduplicated:
        groups += [_group(nodes, "same content") for nodes in _equal_content(by_size)]
    groups.sort(key=lambda group: (-group.wasted, group.paths))
    wasted = ByteCount(raw=sum(group.wasted for group in groups), stored=sum(group.wasted_stored for group in groups))
    return Duplicates(tuple(groups[:_MOST_GROUPS]), wasted, frozenset(shared))


def _group(nodes: list[Node], proof: Literal["same blocks", "same content"]) -> DuplicateGroup:
    paths = sorted(node.path for node in nodes)
    stored = 0 if proof == "same blocks" else sum(sorted(node.stored_size for node in nodes)[:-1])
    return DuplicateGroup(
        paths=tuple(paths[:_MOST_PATHS]),
        count=len(nodes),
        size=nodes[0].size,
        wasted=nodes[0].size * (len(nodes) - 1),
        wasted_stored=stored,
        proof=proof,
    )


def _equal_content(by_size: dict[int, list[Node]]) -> Iterable[list[Node]]:
    budget = _MOST_READ
    for size in sorted((size for size, nodes in by_size.items() if len(nodes) > 1), reverse=True):
        for nodes in _split(_compressed_alike(by_size[size]), _SAMPLE):
            if size <= _SAMPLE:
                yield nodes
                continue
            if size * len(nodes) > budget:
                continue
            budget -= size * len(nodes)
            yield from _split(nodes, size)


def _compressed_alike(nodes: list[Node]) -> list[Node]:
    """Inside an image, equal content has equal stored sizes (block for block), so unequal ones need no reading.

    The share of a fragment is a proportion, and differs from fragment to fragment: small files are kept.
    """
    if any(node.content_key is None or node.read_group is not None for node in nodes):
        return nodes
    by_stored: dict[int, list[Node]] = {}
    for node in nodes:
        by_stored.setdefault(node.stored_size, []).append(node)
    return [node for same in by_stored.values() if len(same) > 1 for node in same]


def _split(nodes: list[Node], length: int) -> list[list[Node]]:
    """Groups of two and more whose first ``length`` bytes are equal."""
    groups: dict[bytes, list[Node]] = {}
    for node in nodes:
        digest = _digest(node, min(length, node.size))
        if digest is not None:
            groups.setdefault(digest, []).append(node)
    return [same for same in groups.values() if len(same) > 1]


def _digest(node: Node, length: int) -> bytes | None:
    """Of a file's first ``length`` bytes; None where it cannot be read (which the sweep has reported)."""
    digest = blake2b(digest_size=16)
    try:
        for offset in range(0, length, _STEP):
            digest.update(node.read_at(offset, min(_STEP, length - offset)))
    except (FormatError, OSError):
        return None
    return digest.digest()
