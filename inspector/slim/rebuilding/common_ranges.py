"""Which bytes of an AppImage are in another one that was made of it, and where: what an undo file need not hold.

A rebuild copies stored blocks as they are, so the files' block runs and the fragments are found again as a whole; the runtimes are compared page by
page.  What is found is proved by comparing bytes, whatever the two images say about themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from inspector.artifact.artifact import Artifact
from inspector.formats.squashfs import Inode
from inspector.slim.undoing.undo_file import Piece
from inspector.source import Source

_PAGE = 4096
_STEP = 1 << 20


def original_pieces(original: Artifact, slimmed: Artifact) -> tuple[Piece, ...]:
    """How the original file is put together from ranges of the slimmed one and bytes of its own.

    :raises OSError: where one of them cannot be read.
    """
    old, new = original.source, slimmed.source
    if old is None or new is None:
        return ()
    pieces: list[Piece] = []
    position = 0
    for start, length, place in sorted(_common(original, slimmed, old, new)):
        if start < position:
            continue
        _append(pieces, Piece(start - position))
        _append(pieces, Piece(length, place))
        position = start + length
    _append(pieces, Piece(old.size - position))
    return tuple(pieces)


def _append(pieces: list[Piece], piece: Piece) -> None:
    """Add a piece, or let the last one go on."""
    if not piece.length:
        return
    last = pieces[-1] if pieces else None
    if last is not None and (
        (last.offset is None and piece.offset is None)
        or (last.offset is not None and last.offset + last.length == piece.offset)
    ):
        pieces[-1] = Piece(last.length + piece.length, last.offset)
    else:
        pieces.append(piece)


def _common(original: Artifact, slimmed: Artifact, old: Source, new: Source) -> Iterator[tuple[int, int, int]]:
    """Start and length in the old file, and start in the new one."""
    end = min(_image_start(original), _image_start(slimmed))
    for start in range(0, end, _PAGE):
        length = min(_PAGE, end - start)
        if old.read_at(start, length) == new.read_at(start, length):
            yield start, length, start
    by_length: dict[int, list[int]] = {}
    for start, length in _units(slimmed):
        by_length.setdefault(length, []).append(start)
    known: dict[tuple[int, bytes], int] = {}
    hashed: set[int] = set()
    for start, length in _units(original):
        if length not in by_length:
            continue
        if length not in hashed:
            hashed.add(length)
            for place in by_length[length]:
                known.setdefault((length, _digest(new, place, length)), place)
        found = known.get((length, _digest(old, start, length)))
        if found is not None:
            yield start, length, found


def _image_start(artifact: Artifact) -> int:
    envelope = artifact.envelope
    return 0 if envelope is None or envelope.offset is None else envelope.offset


def _units(artifact: Artifact) -> list[tuple[int, int]]:
    """Start and length in the file of each file's blocks, which lie together, and of each fragment."""
    image, base = artifact.image, _image_start(artifact)
    size = 0 if artifact.source is None else artifact.source.size
    if image is None:
        return []
    found: set[tuple[int, int]] = set()
    for node in artifact.tree.files():
        inode = node.content
        if isinstance(inode, Inode):
            found.add((base + inode.data_start, inode.own_stored_size))
    for index in range(image.superblock.fragment_count):
        fragment = image.fragments[index]
        found.add((base + fragment.position, fragment.stored))
    units: list[tuple[int, int]] = []
    for start, length in sorted(found):
        is_free = not units or start >= sum(
            units[-1]
        )  # so that no byte is hashed twice, however files share their blocks
        if length and is_free and start + length <= size:
            units.append((start, length))
    return units


def _digest(source: Source, start: int, length: int) -> bytes:
    digest = blake2b(digest_size=32)
    for offset in range(start, start + length, _STEP):
        digest.update(source.read_at(offset, min(_STEP, start + length - offset)))
    return digest.digest()
