"""The compression methods of ZIP that are read: deflate, bzip2, LZMA and zstd (APPNOTE 4.4.5, 5.8)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from inspector.errors import FormatError, LimitExceeded, UnsupportedFormat
from inspector.formats.inflate import INFLATE_ERRORS, copyable_inflate_decoder
from inspector.formats.zstandard import zstandard
from inspector.limits import Limits
from inspector.source import Source

if TYPE_CHECKING:
    from zlib import _Decompress as InflateDecoder

STORED, DEFLATE, BZIP2, LZMA, ZSTD = 0, 8, 12, 14, 93
_NAMES = {
    1: "shrink", 2: "reduce", 3: "reduce", 4: "reduce", 5: "reduce", 6: "implode", 9: "deflate64", 95: "xz", 96: "JPEG", 97: "WavPack",
    98: "PPMd", 99: "AES encryption",
}  # fmt: skip
_INPUT = 64 * 1024
_LZMA_HEADER = struct.Struct(
    "<2sHBL"
)  # 5.8.8: version, size of the properties, then lc/lp/pb and the dictionary's size
_ZSTD_WINDOW_LOG = 27  # zstd(1): the largest window that is decoded without --long=N


class Decoder(Protocol):
    """One stream of compressed bytes, decoded from its start on."""

    @property
    def ended(self) -> bool:
        """Whether the stream's own end was reached."""
        ...

    def decode(self, most: int) -> bytes:
        """The next bytes, at most so many; nothing where the stream ended or its bytes did.

        :raises FormatError: where they cannot be decoded.
        """
        ...

    def copy(self) -> Decoder | None:
        """A decoder that goes on from here on its own, or None where the method allows none."""
        ...


class _BlockDecoder(Protocol):
    """What the decoders of bz2, lzma and zstd have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Deflate:
    """Raw deflate (RFC 1951)."""

    def __init__(self, stored: Source, position: int = 0, decoder: InflateDecoder | None = None) -> None:
        self._stored = stored
        self._position = position
        self._decoder = decoder or copyable_inflate_decoder(-15)

    @property
    def ended(self) -> bool:
        return self._decoder.eof

    def decode(self, most: int) -> bytes:
        while not self._decoder.eof:
            data = self._stored.read_at(self._position, _INPUT)
            try:
                content = self._decoder.decompress(data, most)
            except INFLATE_ERRORS as error:
                raise FormatError(f"the compressed data are damaged: {error}", self._position) from None
            self._position += len(data) - len(self._decoder.unconsumed_tail)
            if content or not data:
                return content
        return b""

    def copy(self) -> _Deflate:
        return _Deflate(self._stored, self._position, self._decoder.copy())


class _Stream:
    """bz2, lzma and zstd, whose decoders keep the input that they do not need yet and cannot be copied."""

    def __init__(
        self, stored: Source, position: int, decoder: _BlockDecoder, errors: tuple[type[Exception], ...]
    ) -> None:
        self._stored = stored
        self._position = position
        self._decoder = decoder
        self._errors = errors

    @property
    def ended(self) -> bool:
        return self._decoder.eof

    def decode(self, most: int) -> bytes:
        while not self._decoder.eof:
            data = self._stored.read_at(self._position, _INPUT) if self._decoder.needs_input else b""
            try:
                content = self._decoder.decompress(data, most)
            except self._errors as error:
                raise FormatError(f"the compressed data are damaged: {error}", self._position) from None
            self._position += len(data)
            if content or (not data and self._decoder.needs_input):
                return content
        return b""

    def copy(self) -> None:
        return None


def new_decoder(method: int, stored: Source, limits: Limits) -> Decoder:
    """A decoder at the start of a member's data.

    :raises UnsupportedFormat: for a method that is not read.
    :raises LimitExceeded: where it asks for more memory than ``Limits.xz_memory``.
    """
    maker: Callable[[Source, Limits], Decoder] | None = _MAKERS.get(method)
    if maker is None:
        raise UnsupportedFormat(f"it is compressed with {_NAMES.get(method, f'method {method}')}, which is not decoded")
    return maker(stored, limits)


def _bzip2(stored: Source, _: Limits) -> Decoder:
    import bz2

    return _Stream(stored, 0, bz2.BZ2Decompressor(), (OSError, ValueError))


def _lzma(stored: Source, limits: Limits) -> Decoder:
    import lzma

    header = stored.read_at(0, _LZMA_HEADER.size)
    if len(header) < _LZMA_HEADER.size:
        raise FormatError("the LZMA header is cut off", 0)
    _, size, packed, dictionary = _LZMA_HEADER.unpack(header)
    if size != 5 or packed >= 9 * 5 * 5:
        raise FormatError("the LZMA properties cannot be", 0)
    if dictionary > limits.xz_memory:
        raise LimitExceeded(f"an LZMA dictionary of {dictionary} bytes passes the xz_memory limit", 0)
    chain = [
        {
            "id": lzma.FILTER_LZMA1,
            "dict_size": max(dictionary, 4096),
            "lc": packed % 9,
            "lp": packed // 9 % 5,
            "pb": packed // 45,
        }
    ]
    try:
        decoder = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=chain)
    except (lzma.LZMAError, ValueError) as error:
        raise FormatError(f"the LZMA properties cannot be: {error}", 0) from None
    return _Stream(stored, _LZMA_HEADER.size, decoder, (lzma.LZMAError, EOFError))


def _zstd(stored: Source, _: Limits) -> Decoder:
    zstd = zstandard()
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
    return _Stream(stored, 0, zstd.ZstdDecompressor(options=options), (zstd.ZstdError,))


_MAKERS: dict[int, Callable[[Source, Limits], Decoder]] = {
    DEFLATE: lambda stored, _: _Deflate(stored),
    BZIP2: _bzip2,
    LZMA: _lzma,
    ZSTD: _zstd,
}
