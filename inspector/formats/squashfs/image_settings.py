"""How an image was made, as far as it says so: for a new image that is to be like it."""

from __future__ import annotations

from msgspec import Struct

from inspector.formats.squashfs.compressor import LEVELS
from inspector.formats.squashfs.image import SquashfsImage
from inspector.formats.squashfs.superblock import FLAG_ALWAYS_FRAGMENTS, FLAG_EXPORTABLE, FLAG_NO_FRAGMENTS

_SMALLEST_DICTIONARY = 8192  # xz_wrapper.c: no smaller than a metadata block
_LZ4_HC = 1  # squashfs-tools, lz4_wrapper.h
_LZ4_HC_LEVEL = 12  # lz4hc.h: LZ4HC_CLEVEL_MAX, which mksquashfs takes for -Xhc


class ImageSettings(Struct, frozen=True):
    """Settings of :func:`inspector.formats.squashfs.writer.write_image`, under its own names; times, owners and threads are not among them.

    :ivar level: None where the image does not say (xz and lzo never do), says what is no level, or means the default.
    :ivar dictionary_size: of xz, in bytes; None where it is the block size, or one that the writer does not take.
    """

    compressor: str
    level: int | None
    dictionary_size: int | None
    block_size: int
    fragments: bool
    tail_ends: bool
    exportable: bool


def settings_of(image: SquashfsImage) -> ImageSettings:
    """What an image says about how it was made."""
    superblock, options = image.superblock, image.compressor_options
    name = superblock.compressor
    level = options.get("compression-level") if name in ("gzip", "zstd") else None
    if name == "lz4" and options.get("flags", 0) & _LZ4_HC:
        level = _LZ4_HC_LEVEL
    if level is not None and level not in LEVELS[name]:
        level = None
    dictionary_size = options.get("dictionary-size") if name == "xz" else None
    if dictionary_size is not None and not _SMALLEST_DICTIONARY <= dictionary_size < superblock.block_size:
        dictionary_size = None
    return ImageSettings(
        name,
        level,
        dictionary_size,
        superblock.block_size,
        fragments=not superblock.flags & FLAG_NO_FRAGMENTS,
        tail_ends=bool(superblock.flags & FLAG_ALWAYS_FRAGMENTS),
        exportable=bool(superblock.flags & FLAG_EXPORTABLE),
    )
