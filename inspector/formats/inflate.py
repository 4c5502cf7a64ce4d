"""Deflate streams (RFC 1951), with or without the frame of zlib (RFC 1950) or gzip (RFC 1952).

ISA-L decodes where it is installed: in less than half of zlib's time, and outside of Python's lock, so that two processors work (zlib-ng is as fast
and keeps the lock).  It takes a few damaged streams that zlib refuses, those with incomplete code lengths; a wrong checksum it refuses as well.

Only decoding: what is written is compressed by the standard library, so that it does not depend on what is installed.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zlib import _Decompress as InflateDecoder

__all__ = ["INFLATE_ERRORS", "copyable_inflate_decoder", "inflate_decoder"]

_isal: Any
try:
    from isal import isal_zlib as _isal
except ImportError:
    _isal = None

INFLATE_ERRORS: tuple[type[Exception], ...] = (zlib.error,) if _isal is None else (zlib.error, _isal.error)

# zlib.h, inflateInit2: a zlib stream, and one without a frame. Of gzip's header ISA-L checks less than zlib.
_FRAMES_OF_ISAL = (15, -15)

copyable_inflate_decoder = zlib.decompressobj
"""A decoder whose state can be copied."""


def inflate_decoder(window_bits: int = 15) -> InflateDecoder:
    """A decoder with the interface of ``zlib.decompressobj``, but for ``copy``; it raises one of :data:`INFLATE_ERRORS`.

    :param window_bits: as for ``zlib.decompressobj``.
    """
    if _isal is not None and window_bits in _FRAMES_OF_ISAL:
        decoder: InflateDecoder = _isal.decompressobj(window_bits)
        return decoder
    return zlib.decompressobj(window_bits)
