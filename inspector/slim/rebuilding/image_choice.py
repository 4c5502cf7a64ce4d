"""How a new squashfs image is written: like the old one, or as ``--recompress`` says."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec.structs import replace

from inspector.artifact.artifact import Artifact
from inspector.errors import UsageError
from inspector.formats.squashfs import SquashfsImage
from inspector.formats.squashfs.compressor import LEVELS, WRITABLE
from inspector.formats.squashfs.image_settings import ImageSettings


def chosen_settings(old: ImageSettings, recompress: str | None) -> ImageSettings:
    """The old settings, or those with the compressor and the level that are asked for.

    :param recompress: "zstd", or "zstd:22" with a level.
    :raises UsageError: where it names no compressor, or no level of one.
    """
    if recompress is None:
        return old
    name, colon, level = recompress.partition(":")
    if name not in WRITABLE:
        raise UsageError(
            f"--recompress {recompress}: {name!r} is no compressor that can be written",
            f"there are {', '.join(WRITABLE)}; with a level: zstd:22",
        )
    levels = LEVELS[name]
    if colon and (not level.isdecimal() or len(level) > 3 or int(level) not in levels):
        raise UsageError(
            f"--recompress {recompress}: {level!r} is no level of {name}",
            f"{name} has the levels {levels[0]} to {levels[-1]}",
        )
    return replace(old, compressor=name, level=int(level) if colon else None, dictionary_size=None)


def image_time(image: SquashfsImage | None) -> int:
    """SOURCE_DATE_EPOCH (reproducible-builds.org), else the old image's time, so that a rebuild has the same bytes whenever it is made."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if given.isdecimal() and int(given) < 1 << 32:
        return int(given)
    return image.superblock.mkfs_time if image is not None else 0


def permissions(artifact: Artifact, *, executable: bool = True) -> int:
    """The input's permission bits; where it is a program, executable for whoever may read it."""
    mode = 0o755 if artifact.source is None else Path(artifact.path).stat().st_mode & 0o777
    return mode | (mode & 0o444) >> 2 if executable else mode
