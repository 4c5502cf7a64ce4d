"""The compressors of SquashFS as decoders that can never return more than the caller allows.

gzip is a zlib stream, xz an .xz stream, lzma the old .lzma ("alone") stream, zstd one frame, lz4 one block without a frame.  Every output is capped
while it is made: a declared size is never believed.  (``zstandard.decompress(max_output_size=…)`` ignores its cap where a frame declares a size, so
it is not used.)

Bytes behind the end of a stream are ignored, as the kernel ignores them; a stream that does not reach its end is an error, as it is for the kernel.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Protocol

from inspector.errors import FormatError, LimitExceeded, UnsupportedFormat
from inspector.formats.inflate import INFLATE_ERRORS, inflate_decoder
from inspector.formats.squashfs.superblock import LARGEST_BLOCK
from inspector.formats.zstandard import zstandard
from inspector.limits import Limits

# RFC 8878, 3.1.1.1.2: decoders should accept windows up to 8 MiB.  A SquashFS block has at most 1 MiB, so more is a trap for memory.
_ZSTD_WINDOW_LOG = 23
ZSTD_UNIT = 128 * 1024
"""RFC 8878, 3.1.1.2.4: Block_Maximum_Size.  libzstd gives nothing before such a block is decoded, so a shorter prefix saves nothing."""


class Stream(Protocol):
    """One compressed block, decoded from its start as far as somebody wants it."""

    @property
    def ended(self) -> bool:
        """Whether the stream's end was reached."""
        ...

    def more(self, length: int) -> bytes:
        """The next ``length`` bytes; fewer only where the input or the stream ends.

        :raises FormatError: where the bytes are no such stream.
        """
        ...


class _InflateStream:
    def __init__(self, stored: bytes) -> None:
        self._decoder = inflate_decoder()
        self._rest = stored

    @property
    def ended(self) -> bool:
        return self._decoder.eof

    def more(self, length: int) -> bytes:
        try:
            decoded = self._decoder.decompress(self._rest, length)
        except INFLATE_ERRORS as error:
            raise FormatError(f"zlib: {error}") from None
        self._rest = self._decoder.unconsumed_tail
        return decoded


class _BufferingDecoder(Protocol):
    """What the decoders of lzma and zstd have in common: they keep the input that they have not used yet."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _BufferingStream:
    def __init__(self, decoder: _BufferingDecoder, stored: bytes, error: type[Exception], name: str) -> None:
        self._decoder = decoder
        self._rest = stored
        self._error = error
        self._name = name

    @property
    def ended(self) -> bool:
        return self._decoder.eof

    def more(self, length: int) -> bytes:
        rest, self._rest = self._rest, b""
        if self._decoder.eof or (not rest and self._decoder.needs_input):
            return b""
        try:
            return self._decoder.decompress(rest, length)
        except self._error as error:
            if "emory usage limit" in str(error):  # lzma has one class for everything that can go wrong
                raise LimitExceeded(f"{self._name}: the stream asks for more memory than the xz_memory limit") from None
            raise FormatError(f"{self._name}: {error}") from None


class Decompressor:
    """Decodes blocks of one compressor.

    :ivar name: the compressor's name in the superblock.
    :ivar unit: how many bytes are decoded at least, whatever is asked for; a prefix saves work only where it is shorter than that.
    :ivar worth_a_thread: bytes of a block from which its decoding takes long enough to pay for another thread.
    """

    unit = 1
    worth_a_thread = 64 * 1024

    def __init__(self, name: str, begin: Callable[[bytes], Stream]) -> None:
        self.name = name
        self.begin = begin

    def decode(self, stored: bytes, limit: int) -> bytes:
        """The whole block.  Safe to call from several threads at once.

        :param limit: the most bytes that it may decode to.
        :raises FormatError: where it decodes to more, does not reach its end, or is no such stream.
        """
        stream = self.begin(stored)
        decoded = stream.more(limit + 1)  # one more, so that the stream's end is seen and an excess too
        if len(decoded) > limit:
            raise FormatError(f"{self.name}: a block decodes to more than {limit} bytes")
        if not stream.ended:
            raise FormatError(f"{self.name}: a block ends before its stream does")
        return decoded


class _ZstdDecompressor(Decompressor):
    unit = ZSTD_UNIT
    worth_a_thread = (
        256 * 1024
    )  # measured: a sweep of 128 KiB blocks was 7 % slower with threads, one of 1 MiB blocks a third faster


class _WholeStream:
    """A block that was decoded at once, given out in parts."""

    def __init__(self, content: bytes) -> None:
        self._rest = content

    @property
    def ended(self) -> bool:
        return not self._rest

    def more(self, length: int) -> bytes:
        part, self._rest = self._rest[:length], self._rest[length:]
        return part


class _Lz4Decompressor(Decompressor):
    unit = LARGEST_BLOCK  # this library does not decode a block in parts
    worth_a_thread = LARGEST_BLOCK

    def __init__(self) -> None:
        try:
            import lz4.block
        except ImportError:
            raise UnsupportedFormat(
                "the image is compressed with lz4, which needs the extra bundle-inspect[lz4]", 20
            ) from None
        self._decompress = lz4.block.decompress
        self._error = lz4.block.LZ4BlockError
        super().__init__("lz4", self._begin)

    def _begin(self, stored: bytes) -> Stream:
        return _WholeStream(self.decode(stored, LARGEST_BLOCK))

    def decode(self, stored: bytes, limit: int) -> bytes:
        try:
            decoded: bytes = self._decompress(stored, uncompressed_size=limit)
        except (self._error, ValueError, OverflowError) as error:
            raise FormatError(f"lz4: {error}") from None
        return decoded


def decompressor(name: str, limits: Limits) -> Decompressor:
    """The decoder for a compressor's name in the superblock.

    :raises UnsupportedFormat: where there is none: lzo, and lz4 without its library.
    """
    if name == "gzip":
        return Decompressor(name, _InflateStream)
    if name in ("xz", "lzma"):
        import lzma

        container = lzma.FORMAT_XZ if name == "xz" else lzma.FORMAT_ALONE

        def begin_lzma(stored: bytes) -> Stream:
            return _BufferingStream(lzma.LZMADecompressor(container, limits.xz_memory), stored, lzma.LZMAError, name)

        return Decompressor(name, begin_lzma)
    if name == "zstd":
        return _zstd_decompressor()
    if name == "lz4":
        return _Lz4Decompressor()
    raise UnsupportedFormat(f"the image is compressed with {name}, which this reader does not decode", 20)


def _zstd_decompressor() -> Decompressor:
    zstd = zstandard()
    options = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}

    def begin_zstd(stored: bytes) -> Stream:
        return _BufferingStream(zstd.ZstdDecompressor(options=options), stored, zstd.ZstdError, "zstd")

    return _ZstdDecompressor("zstd", begin_zstd)


# squashfs-tools, *_wrapper.h: the structures behind the superblock, by compressor
_OPTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "gzip": ("<IHH", ("compression-level", "window-size", "strategies")),
    "lzo": ("<II", ("algorithm", "compression-level")),
    "xz": ("<II", ("dictionary-size", "filters")),
    "lz4": ("<II", ("version", "flags")),
    "zstd": ("<I", ("compression-level",)),
}


def parse_options(compressor: str, raw: bytes) -> dict[str, int]:
    """The options that the image was made with, by name; they inform, no decoder needs them.

    :param raw: content of the options' metadata block.
    :raises FormatError: where it is shorter than the compressor's structure.
    """
    if compressor not in _OPTIONS:
        return {}
    layout, names = _OPTIONS[compressor]
    if len(raw) < struct.calcsize(layout):
        raise FormatError(f"{len(raw)} bytes of compressor options are too few for {compressor}", 96)
    return dict(zip(names, struct.unpack_from(layout, raw), strict=True))
