"""What slim took away, kept so that the original comes back (:mod:`inspector.slim.undoing.unslim`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from inspector import __version__
from inspector.artifact import open_artifact
from inspector.artifact.artifact import Artifact
from inspector.artifact.names import text_of
from inspector.artifact.tree import Node
from inspector.limits import MIB, Limits
from inspector.progress import SILENT, Progress
from inspector.slim.making.planned_tree import PlannedTree
from inspector.slim.planning.target_digest import target_digest
from inspector.slim.rebuilding.common_ranges import original_pieces
from inspector.slim.rebuilding.image_entries import Original, originals_of_directory
from inspector.slim.rebuilding.output import PendingOutput, writing_to
from inspector.slim.undoing.undo_file import (
    PIECES,
    SourceStream,
    UndoManifest,
    UndoMember,
    UndoSide,
    writing_undo_file,
)
from inspector.source import Source

_STEP = 1 << 20
_LATEST = 1 << 35
"""Seconds from 1970; a file system holds no time beyond it (ext4: 34 bits)."""


class UndoOutcome(Struct, frozen=True):
    """What was written.

    :ivar size: bytes of the undo file.
    :ivar is_exact: whether the original will come back byte for byte; else as a tree of equal files.
    """

    path: Path
    size: int
    is_exact: bool


def write_undo(
    artifact: Artifact,
    planned: PlannedTree,
    slimmed: Path,
    undo_file: str | os.PathLike[str],
    *,
    final_name: str | None = None,
    force: bool = False,
    limits: Limits | None = None,
    progress: Progress = SILENT,
) -> UndoOutcome:
    """Write what :func:`inspector.slim.undoing.unslim.unslim` needs to make the original of the slimmed artifact.

    :param artifact: the original, open.
    :param slimmed: what was made of it; its name may be a temporary one.
    :param final_name: the name that it gets.
    :raises UsageError: where the undo file cannot be written.
    :raises FormatError: where a member of the original cannot be read.
    """
    pending = PendingOutput(undo_file, inputs=[artifact.path, slimmed], force=force)
    with open_artifact(slimmed, limits or Limits()) as made, pending as path, writing_to(undo_file):
        progress.stage("Writing the undo file", artifact.size // MIB)
        name = final_name or slimmed.name
        if artifact.source is None:
            _write_members(artifact, planned, made, path, name, progress)
        else:
            _write_pieces(artifact, made, path, name, progress)
        final = pending.commit()
    return UndoOutcome(final, final.stat().st_size, artifact.source is not None)


def _write_pieces(artifact: Artifact, made: Artifact, path: Path, name: str, progress: Progress) -> None:
    source = artifact.source
    if source is None:
        return
    pieces = original_pieces(artifact, made)
    own: list[tuple[Source, int, int]] = []
    position = 0
    for piece in pieces:
        if piece.offset is None:
            own.append((source, position, piece.length))
        position += piece.length
    manifest = UndoManifest(
        tool=f"bundle-inspect {__version__}", original=_side(artifact), slimmed=_side(made, name), pieces=pieces
    )
    with writing_undo_file(path) as undo:
        undo.write_manifest(manifest)
        undo.write(PIECES, sum(length for _, _, length in own), SourceStream(_announced(iter(own), progress)))


def _announced(ranges: Iterator[tuple[Source, int, int]], progress: Progress) -> Iterator[tuple[Source, int, int]]:
    rest = 0
    for found in ranges:
        yield found
        steps, rest = divmod(rest + found[2], MIB)
        if steps:
            progress.advance(steps)


def _write_members(
    artifact: Artifact, planned: PlannedTree, made: Artifact, path: Path, name: str, progress: Progress
) -> None:
    originals = originals_of_directory(artifact.path)
    names_of: dict[int, int] = {}
    for node in artifact.tree.files():
        if node.inode is not None:
            names_of[node.inode] = names_of.get(node.inode, 0) + 1
    members = []
    stored: list[Node] = []
    digests: dict[int, str] = {}
    for node in sorted(artifact.tree, key=lambda node: node.path):
        is_stored = node.is_file and not _is_kept(node, planned, made)
        linked = node.is_file and node.inode is not None and names_of[node.inode] > 1
        if linked and node.inode is not None and node.inode in digests:
            is_stored = False  # the first name brings the content
        members.append(_member(node, originals.get(node.path), digests, is_stored=is_stored, linked=linked))
        if is_stored:
            stored.append(node)
    manifest = UndoManifest(
        tool=f"bundle-inspect {__version__}",
        original=_side(artifact),
        slimmed=_side(made, name),
        members=tuple(members),
    )
    with writing_undo_file(path) as undo:
        undo.write_manifest(manifest)
        for node in stored:
            undo.write(
                stored_name(node.path), node.size, SourceStream(_announced(iter([(node, 0, node.size)]), progress))
            )


def _is_kept(node: Node, planned: PlannedTree, made: Artifact) -> bool:
    """Whether the slimmed artifact has the content under the same path."""
    entry, there = planned.get(node.path), made.tree.get(node.path)
    return entry is not None and entry.is_unchanged and there is not None and there.is_file and there.size == node.size


def _member(
    node: Node, original: Original | None, digests: dict[int, str], *, is_stored: bool, linked: bool
) -> UndoMember:
    digest = None
    if node.is_file:
        digest = digests.get(node.inode) if node.inode is not None else None
        digest = digest or sha256_of(node)
        if node.inode is not None:
            digests[node.inode] = digest
    return UndoMember(
        path=node.path,
        kind=node.kind.value,
        mode=node.mode,
        mtime=node.mtime,
        size=node.size,
        sha256=digest,
        stored=is_stored,
        target=node.target,
        link=node.inode if linked else None,
        raw_path=None if original is None else original.path.hex(),
        raw_target=None if original is None or not original.target else original.target.hex(),
        device=None if original is None or original.device == (0, 0) else original.device,
    )


def _side(artifact: Artifact, name: str | None = None) -> UndoSide:
    status = Path(artifact.path).stat()
    return UndoSide(
        name=text_of(os.fsencode(name or Path(os.path.realpath(artifact.path)).name)),
        format=artifact.format,
        digest=target_digest(artifact),
        size=artifact.size,
        mode=status.st_mode & 0o7777,
        mtime=int(status.st_mtime),
    )


def sha256_of(source: Source) -> str:
    """Of all of its bytes, in hexadecimal digits."""
    digest = sha256()
    for offset in range(0, source.size, _STEP):
        content = source.read_at(offset, min(_STEP, source.size - offset))
        digest.update(content)
    return digest.hexdigest()


def stored_name(path: str) -> str:
    """The name in the undo file of a member's content."""
    return f"original/{path}"
