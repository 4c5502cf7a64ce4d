"""The compressors of SquashFS as encoders: bytes of a block in, the stream that the kernel's and our decoder read out.

What a block becomes depends on the block and the settings alone, never on what was compressed before or on which thread; so an image has the same
bytes however many threads made it.  It does depend on the libraries: another zlib, liblzma, libzstd or liblz4 may compress the same block otherwise.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from msgspec import Struct

from inspector.errors import UnsupportedFormat
from inspector.formats.squashfs.superblock import COMPRESSORS
from inspector.formats.zstandard import zstandard

_NUMBERS = {name: number for number, name in COMPRESSORS.items()}

# What mksquashfs takes where nothing is said (squashfs-tools, gzip_wrapper.h, zstd_wrapper.h); liblzma's preset for xz
_DEFAULT_LEVELS = {"gzip": 9, "xz": 6, "zstd": 15}
LEVELS = {"gzip": range(1, 10), "xz": range(10), "zstd": range(1, 23), "lz4": range(3, 13)}
"""The levels of each compressor that can be written."""
_GZIP_WINDOW = 15
_LZ4_VERSION, _LZ4_HC = 1, 1  # lz4_wrapper.h: LZ4_LEGACY, LZ4_HC
_SMALLEST_DICTIONARY = 8192  # xz_wrapper.c: no smaller than a metadata block

WRITABLE = ("gzip", "xz", "zstd", "lz4")
"""Names of the compressors that can be written; lz4 needs the extra ``bundle-inspect[lz4]``."""


class Compressor(Struct, frozen=True):
    """One compressor with its settings.

    :ivar name: its name in the superblock; ``number`` is its number there.
    :ivar level: what it was set to; None for lz4 without "high compression".
    :ivar dictionary_size: bytes, of xz; else 0.
    :ivar options: the compressor options to store behind the superblock; b"" where they are those that every reader assumes.
    :ivar compress: one whole block; safe to call from several threads at once.
    """

    name: str
    number: int
    level: int | None
    dictionary_size: int
    options: bytes
    compress: Callable[[bytes], bytes]


def compressor(name: str, level: int | None, block_size: int, dictionary_size: int | None = None) -> Compressor:
    """The encoder for a compressor's name.

    :param level: gzip 1 to 9 (None: 9), xz 0 to 9 (None: 6), zstd 1 to 22 (None: 15), lz4 3 to 12 (None: the fast mode).
    :param dictionary_size: of xz, in bytes, 8192 up to the block size, a power of two or the sum of two powers that follow each other; None: the
        block size.
    :raises UnsupportedFormat: where there is no such compressor, level or dictionary, or its library is not installed; for people.
    """
    if name not in WRITABLE:
        raise UnsupportedFormat(f"images cannot be compressed with {name}; possible are {', '.join(WRITABLE)}")
    if level is None:
        level = _DEFAULT_LEVELS.get(name)
    elif level not in LEVELS[name]:
        raise UnsupportedFormat(f"{name} has no level {level}; possible are {LEVELS[name][0]} to {LEVELS[name][-1]}")
    if dictionary_size is not None and name != "xz":
        raise UnsupportedFormat(f"{name} has no dictionary size; only xz has")
    if name == "xz":
        return _xz(level, block_size, dictionary_size)
    return {"gzip": _gzip, "zstd": _zstd, "lz4": _lz4}[name](level)


def _gzip(level: int | None) -> Compressor:
    import zlib

    level = level or _DEFAULT_LEVELS["gzip"]
    options = b"" if level == _DEFAULT_LEVELS["gzip"] else struct.pack("<IHH", level, _GZIP_WINDOW, 0)
    compress = zlib.compress
    return Compressor("gzip", _NUMBERS["gzip"], level, 0, options, lambda block: compress(block, level))


def _xz(level: int | None, block_size: int, dictionary_size: int | None) -> Compressor:
    import lzma

    default = max(block_size, _SMALLEST_DICTIONARY)
    dictionary = default if dictionary_size is None else dictionary_size
    lowest = dictionary & -dictionary
    # linux/fs/squashfs/xz_wrapper.c, squashfs_xz_comp_opts: 2^n or 2^n + 2^(n+1)
    if not _SMALLEST_DICTIONARY <= dictionary <= default or dictionary not in (lowest, 3 * lowest):
        raise UnsupportedFormat(
            f"xz has no dictionary of {dictionary} bytes; possible are {_SMALLEST_DICTIONARY} to {default}, a power of two or one and a half of it"
        )
    filters = [
        {"id": lzma.FILTER_LZMA2, "preset": _DEFAULT_LEVELS["xz"] if level is None else level, "dict_size": dictionary}
    ]

    def compress(block: bytes) -> bytes:
        # The kernel's decoder knows CRC-32 and no other check
        return lzma.compress(block, lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=filters)

    options = b"" if dictionary == default else struct.pack("<II", dictionary, 0)
    return Compressor("xz", _NUMBERS["xz"], level, dictionary, options, compress)


def _zstd(level: int | None) -> Compressor:
    zstd = zstandard()
    level = level or _DEFAULT_LEVELS["zstd"]
    options = b"" if level == _DEFAULT_LEVELS["zstd"] else struct.pack("<I", level)
    compress = zstd.compress

    # A context of its own for each block: libzstd 1.5 salts the hashes of a context that is used again, so its choices may depend on what came
    # before. It costs 0.2 ms a block, which only the fastest levels show.  The whole block at once makes a frame that states its size and needs no
    # larger window.
    return Compressor("zstd", _NUMBERS["zstd"], level, 0, options, lambda block: compress(block, level))


def _lz4(level: int | None) -> Compressor:
    try:
        import lz4.block
    except ImportError:
        raise UnsupportedFormat("to compress with lz4, the extra bundle-inspect[lz4] is needed") from None
    options = struct.pack("<II", _LZ4_VERSION, 0 if level is None else _LZ4_HC)  # lz4's are always stored
    settings = {"mode": "default"} if level is None else {"mode": "high_compression", "compression": level}

    def compress(block: bytes) -> bytes:
        packed: bytes = lz4.block.compress(block, store_size=False, **settings)
        return packed

    return Compressor("lz4", _NUMBERS["lz4"], level, 0, options, compress)
