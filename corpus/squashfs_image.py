"""AppImages made the way appimagetool makes them: a runtime, and behind it the squashfs image of an AppDir."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from corpus.appimage_runtime import Runtime, write_appimage
from corpus.programs import run
from corpus.store import scratch_directory

BLOCK_SIZE = 128 * 1024
"""appimagetool's block size, in bytes."""


def squash(tree: Path, image: Path, compressor: str, block_size: int = BLOCK_SIZE, options: Sequence[str] = ()) -> None:
    """Write the squashfs 4.0 image of ``tree``, reproducibly: owner root, no extended attributes, no time of its own.

    ``compressor`` is gzip, xz, zstd, lz4 or lzo; ``block_size`` in bytes; ``options`` are mksquashfs's own.
    """
    fixed = ["-noappend", "-no-progress", "-quiet", "-all-root", "-no-xattrs", "-mkfs-time", "0"]
    # SOURCE_DATE_EPOCH beside -mkfs-time is an error to mksquashfs.
    run(
        [
            "env",
            "-u",
            "SOURCE_DATE_EPOCH",
            "mksquashfs",
            tree,
            image,
            "-comp",
            compressor,
            "-b",
            str(block_size),
            *fixed,
            *options,
        ]
    )


def pack(
    tree: Path,
    destination: Path,
    runtime: Runtime,
    compressor: str,
    block_size: int = BLOCK_SIZE,
    options: Sequence[str] = (),
) -> None:
    """Write the AppImage of an AppDir."""
    with scratch_directory() as scratch:
        image = scratch / "payload.squashfs"
        squash(tree, image, compressor, block_size, options)
        write_appimage(destination, runtime, image)
