"""The way back: from what slim wrote and an undo file to the original.

An AppImage comes back byte for byte; of a directory every path, mode, time (in seconds) and content.  Both are proved by sha256.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from inspector.artifact import open_artifact
from inspector.artifact.artifact import Artifact
from inspector.artifact.names import text_of
from inspector.artifact.tree import Kind, Node
from inspector.errors import FormatError, UsageError
from inspector.limits import MIB, Limits
from inspector.progress import SILENT, Progress
from inspector.slim.making.planned_tree import PlannedTree, entry_of
from inspector.slim.planning.target_digest import target_digest
from inspector.slim.proving.unpacked_tree import write_tree
from inspector.slim.rebuilding.image_entries import Original
from inspector.slim.rebuilding.output import PendingOutput, writing_to
from inspector.slim.undoing.undo import sha256_of, stored_name
from inspector.slim.undoing.undo_file import (
    PIECES,
    UndoMember,
    UndoReader,
    not_an_undo_file,
    reading_undo_file,
)
from inspector.source import SliceSource, Source

_STEP = 1 << 20
_LATEST = 1 << 35
"""Seconds from 1970; a file system holds no time beyond it (ext4: 34 bits)."""


class UnslimOutcome(Struct, frozen=True):
    """What was restored.

    :ivar files: regular files of a directory, each proved by its sha256; 1 where the original is one file.
    :ivar is_exact: whether it is the original byte for byte; else a tree of equal files.
    """

    path: Path
    size: int
    files: int
    is_exact: bool


def unslim(
    slimmed: str,
    undo_file: str,
    output: str | None = None,
    *,
    force: bool = False,
    limits: Limits | None = None,
    progress: Progress = SILENT,
) -> UnslimOutcome:
    """Restore the original of a slimmed artifact.

    :param output: where it goes; None: under its old name beside the slimmed one.
    :raises UsageError: where the undo file is none, is damaged or belongs to another artifact, the output cannot be written, or what came out is not
        the original; nothing is left of it then.
    :raises NothingInspected: where the slimmed artifact cannot be opened.
    """
    limits = limits or Limits()
    with open_artifact(slimmed, limits) as made, reading_undo_file(undo_file) as undo:
        manifest = undo.manifest
        progress.stage("Comparing")
        try:
            digest = target_digest(made)
        except FormatError as error:
            raise UsageError(f"{slimmed} cannot be read: {error}", "it may be damaged") from error
        if digest != manifest.slimmed.digest:
            raise UsageError(
                f"{undo_file} does not belong to {slimmed}: it was written for {manifest.slimmed.name}"
                f" with the digest {manifest.slimmed.digest[:16]}…, and this one has {digest[:16]}…",
                "give the very file or directory that slim wrote",
            )
        target = Path(output) if output else _beside(slimmed, manifest.original.name, undo_file)
        pending = PendingOutput(target, inputs=[slimmed, undo_file], force=force)
        with pending as path, writing_to(target):
            progress.stage("Restoring", manifest.original.size // MIB)
            if made.source is not None and not manifest.members:
                _restore_file(made.source, undo, path, undo_file, progress)
                files = 1
            else:
                files = _restore_directory(made, undo, path, undo_file, limits, progress)
            final = pending.commit()
        return UnslimOutcome(final, manifest.original.size, files, not manifest.members)


def _beside(slimmed: str, name: str, undo_file: str) -> Path:
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise not_an_undo_file(undo_file, f"{name!r} is no name of a file")
    return Path(os.path.realpath(slimmed)).with_name(name)


def _restore_file(made: Source, undo: UndoReader, path: Path, shown: str, progress: Progress) -> None:
    manifest = undo.manifest
    if sum(piece.length for piece in manifest.pieces) != manifest.original.size:
        raise not_an_undo_file(shown, "its pieces are not as long as the original")
    own = undo.next(PIECES, sum(piece.length for piece in manifest.pieces if piece.offset is None))
    digest = sha256()
    with path.open("xb") as stream:
        for piece in manifest.pieces:
            for start in range(0, piece.length, _STEP):
                length = min(_STEP, piece.length - start)
                content = own.read(length) if piece.offset is None else made.read_at(piece.offset + start, length)
                if len(content) != length:
                    raise not_an_undo_file(shown, "a piece is cut short")
                digest.update(content)
                stream.write(content)
                progress.advance()
        os.fchmod(stream.fileno(), manifest.original.mode & 0o777)
    time = _time(manifest.original.mtime, shown)
    os.utime(path, (time, time))
    if digest.hexdigest() != manifest.original.digest:
        raise _not_restored(manifest.original.digest, digest.hexdigest())


def _restore_directory(
    made: Artifact, undo: UndoReader, path: Path, shown: str, limits: Limits, progress: Progress
) -> int:
    with tempfile.TemporaryFile(dir=path.parent) as scratch:
        nodes, originals = _original_nodes(made, undo, scratch, shown, limits, progress)
        planned = PlannedTree({node.path: entry_of(node) for node in nodes})
        problems = write_tree(planned, path, exact=True, originals=originals, progress=progress)
    if problems:
        raise UsageError(f"{problems[0].subject} cannot be restored: {problems[0].message}")
    with open_artifact(path, limits) as restored:
        wanted = {member.path: member for member in undo.manifest.members}
        for node in restored.tree.files():
            member = wanted.get(node.path)
            if member is None or member.sha256 != sha256_of(node):
                raise UsageError(f"{node.path} is not what it was: its sha256 differs", "nothing was left behind")
        digest = target_digest(restored)
        if digest != undo.manifest.original.digest:
            raise _not_restored(undo.manifest.original.digest, digest)
        return sum(1 for _ in restored.tree.files())


def _original_nodes(
    made: Artifact, undo: UndoReader, scratch: BinaryIO, shown: str, limits: Limits, progress: Progress
) -> tuple[list[Node], Mapping[str, Original]]:
    """The original's nodes: contents from the slimmed artifact, or from the undo file through ``scratch``."""
    kinds = {kind.value: kind for kind in Kind}
    nodes: list[Node] = []
    originals: dict[str, Original] = {}
    contents: dict[int, Source] = {}
    places: list[tuple[Node, int]] = []
    if len(undo.manifest.members) > limits.inodes:
        raise not_an_undo_file(shown, f"{len(undo.manifest.members)} members pass the inodes limit")
    for member in undo.manifest.members:
        original = _checked_original(member, shown)
        kind = kinds.get(member.kind)
        if kind is None or not 0 <= member.mode <= 0o7777:
            raise not_an_undo_file(shown, f"{member.path[:200]!r} is a {member.kind[:40]} with mode {member.mode:o}")
        node = Node(member.path, kind, member.mode, size=member.size, target=member.target, inode=member.link)
        node.mtime = None if member.mtime is None else _time(member.mtime, shown)
        if original is not None:
            originals[member.path] = original
        if member.stored:
            places.append((node, scratch.tell()))
            _copy(undo, stored_name(member.path), member.size, scratch)
            progress.advance(member.size // MIB)
        elif kind is Kind.FILE and (member.link is None or member.link not in contents):
            node.content = made.tree.get(member.path)
        if kind is Kind.FILE and member.link is not None:
            contents.setdefault(member.link, node)
        nodes.append(node)
    scratch.flush()
    common = _Scratch(scratch)
    for node, start in places:
        node.content = SliceSource(common, start, node.size)
    for node in nodes:
        if node.is_file and node.content is None and node.inode is not None:
            node.content = contents[node.inode]
    return nodes, originals


class _Scratch:
    """A temporary file, written to its end, as a :class:`inspector.source.Source`."""

    def __init__(self, stream: BinaryIO) -> None:
        self._descriptor = stream.fileno()
        self.size = os.fstat(self._descriptor).st_size

    def read_at(self, offset: int, length: int) -> bytes:
        """See :class:`inspector.source.Source`."""
        return os.pread(self._descriptor, length, offset) if offset >= 0 and length > 0 else b""


def _copy(undo: UndoReader, name: str, size: int, scratch: BinaryIO) -> None:
    stream = undo.next(name, size)
    while content := stream.read(_STEP):
        scratch.write(content)


def _checked_original(member: UndoMember, shown: str) -> Original | None:
    """What is beyond a node's text, where a member has it; no path may leave the directory.

    :raises UsageError: for a path that could.
    """
    try:
        raw = member.path.encode() if member.raw_path is None else bytes.fromhex(member.raw_path)
        target = b"" if member.raw_target is None else bytes.fromhex(member.raw_target)
    except ValueError as error:
        raise not_an_undo_file(shown, f"{member.path[:200]!r} has no name: {error}") from error
    parts = raw.split(b"/") if raw else []
    if any(part in (b"", b".", b"..") for part in parts) or b"\0" in raw or text_of(raw) != member.path:
        raise not_an_undo_file(shown, f"{member.path[:200]!r} is no path in a directory")
    if member.raw_path is None and member.device is None and member.raw_target is None:
        return None
    return Original(raw, target, member.device or (0, 0))


def _time(seconds: int, shown: str) -> int:
    if not -_LATEST < seconds < _LATEST:
        raise not_an_undo_file(shown, f"{seconds} is no time")
    return seconds


def _not_restored(wanted: str, found: str) -> UsageError:
    return UsageError(
        f"what came out is not the original: its digest is {found[:16]}… and not {wanted[:16]}…",
        "nothing was left behind; the undo file or the slimmed artifact may be damaged",
    )
