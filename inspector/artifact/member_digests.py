"""SHA-1 and SHA-256 of an artifact's files, for documents that name files by their digests (SPDX 2.3, 8.4, asks for SHA-1)."""

from __future__ import annotations

from collections.abc import Hashable
from hashlib import sha1, sha256

from msgspec import Struct

from inspector.artifact.tree import Node, Tree
from inspector.errors import FormatError
from inspector.model import Problem

_STEP = 1 << 20


class MemberDigest(Struct, frozen=True):
    """Both digests, hexadecimal."""

    sha1: str
    sha256: str


def member_digests(tree: Tree, problems: list[Problem]) -> dict[str, MemberDigest]:
    """Digests of every regular file by tree path; the whole content is read once, equal content that the container proves is hashed once.

    :param problems: files that cannot be read to their end are added here, and have no digest.
    """
    found: dict[str, MemberDigest] = {}
    by_content: dict[Hashable, MemberDigest] = {}
    for node in tree.files_in_read_order():
        known = by_content.get(node.content_key) if node.content_key is not None else None
        if known is None:
            try:
                known = _digest(node)
            except (FormatError, OSError) as error:
                problems.append(Problem(kind="unreadable-member", subject=node.path, message=str(error)))
                continue
            if node.content_key is not None:
                by_content[node.content_key] = known
        found[node.path] = known
    return found


def _digest(node: Node) -> MemberDigest:
    # SHA-1 names files here and protects nothing.
    first, second = sha1(usedforsecurity=False), sha256()
    for offset in range(0, node.size, _STEP):
        piece = node.read_at(offset, min(_STEP, node.size - offset))
        first.update(piece)
        second.update(piece)
    return MemberDigest(first.hexdigest(), second.hexdigest())
