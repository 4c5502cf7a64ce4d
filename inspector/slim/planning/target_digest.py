"""What a plan was made for, as a digest: a replay against anything else is refused."""

from __future__ import annotations

import hashlib

from inspector.artifact.artifact import Artifact
from inspector.artifact.tree import Kind, Node
from inspector.errors import FormatError, UsageError
from inspector.slim.planning.plan import Plan

_STEP = 1 << 20


def target_digest(artifact: Artifact) -> str:
    """The sha256 of the file; of a directory, that of its manifest: one line a member with kind, mode, size, content and path, by path.

    Times and owners are left out: a copy of the directory is the same input.

    :raises FormatError: where a member of a directory cannot be read.
    :raises OSError: where the medium fails.
    """
    if artifact.source is not None:
        digest = hashlib.sha256()
        for offset in range(0, artifact.source.size, _STEP):
            digest.update(artifact.source.read_at(offset, _STEP))
        return digest.hexdigest()
    manifest = hashlib.sha256()
    contents: dict[int, str] = {}
    for node in sorted(artifact.tree, key=lambda node: node.path):
        content = _content(node, contents)
        manifest.update(f"{node.kind.value} {node.mode:04o} {node.size} {content} {node.path}\n".encode())
    return manifest.hexdigest()


def check_target(plan: Plan, artifact: Artifact) -> None:
    """Refuse to replay a plan on another input than it was made for.

    :raises UsageError: where the digests differ, or the input cannot be read.
    """
    try:
        digest = target_digest(artifact)
    except (FormatError, OSError) as error:
        raise UsageError(f"{artifact.path} cannot be read: {error}") from error
    if digest != plan.target.digest:
        raise UsageError(
            f"the plan was made for another input than {artifact.path}: its digest is {digest[:16]}…, and the plan's is {plan.target.digest[:16]}…",
            f"make a new plan with: inspect slim {artifact.path} --dry-run --plan plan.json",
        )


def _content(node: Node, known: dict[int, str]) -> str:
    """The sha256 of a regular file, the target of a link, "-" for the rest."""
    if node.kind is Kind.SYMLINK:
        return hashlib.sha256((node.target or "").encode("utf-8", "surrogateescape")).hexdigest()
    if node.kind is not Kind.FILE:
        return "-"
    if node.inode is not None and node.inode in known:
        return known[node.inode]
    digest = hashlib.sha256()
    for offset in range(0, node.size, _STEP):
        digest.update(node.read_at(offset, min(_STEP, node.size - offset)))
    if node.inode is not None:
        known[node.inode] = digest.hexdigest()
    return digest.hexdigest()
