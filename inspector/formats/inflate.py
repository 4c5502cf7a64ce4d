"""Deflate streams (RFC 1951), with or without the frames of zlib (RFC 1950) and gzip (RFC 1952), decoded by zlib-ng where it is installed, which
takes less than half of zlib's time, else by the standard library.

Only decoding: what is written is compressed by the standard library, so that it does not depend on what is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import zlib as _zlib
else:
    try:
        from zlib_ng import zlib_ng as _zlib
    except ImportError:
        import zlib as _zlib

__all__ = ["InflateError", "inflate_decoder"]

InflateError = _zlib.error
inflate_decoder = _zlib.decompressobj
