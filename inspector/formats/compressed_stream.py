"""A compressed stream (gzip, bzip2, xz, lzma, zstd, lz4) as a Source that can be read at any offset.

None of these formats can be entered in the middle in general, so a stream is decoded once, from its start to its end, and kept as a whole: in
memory while it is small, else in a file of the system's temporary directory that has no name and vanishes with the descriptor.  Seek points (a copy
of zlib's state every megabyte) were the other way; they exist for gzip alone, and an audit reads nearly every byte of an archive anyhow, so that one
decoding is the least there can be.  What lies there is the stream; members are never written as files, no name of an archive reaches a file system.

Several streams one behind the other are one, as for each format's own tool.  Formats: RFC 1952 (gzip), RFC 8878 (zstd), "The .xz File Format" 1.2.1,
"LZ4 Frame Format Description" 1.6.
"""

from __future__ import annotations

import bisect
import os
from collections.abc import Callable
from typing import IO, Protocol

from inspector.errors import FormatError, LimitExceeded, UnsupportedFormat
from inspector.formats.inflate import INFLATE_ERRORS, inflate_decoder
from inspector.formats.zstandard import zstandard
from inspector.limits import MIB, Limits
from inspector.source import Source

_MAGICS = (
    (b"\x1f\x8b\x08", "gzip"),  # RFC 1952, 2.3.1: ID1, ID2, CM = deflate
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
)
_SKIPPABLE_ZSTD = tuple(bytes([0x50 + number, 0x2A, 0x4D, 0x18]) for number in range(16))  # RFC 8878, 3.1.2
_INPUT = 256 * 1024
_OUTPUT = 64 * 1024  # small steps: a call that meets damage gives nothing of what it has decoded
_UNSUSPICIOUS = 64 * MIB  # so much may always be decoded: a small archive of repetitive text is no bomb
_XZ_BESIDE_DICTIONARY = 4 * MIB  # xz(1), table of presets: -9 decodes with 65 MiB, 64 of them the dictionary
_ZSTD_WINDOW_LOG = 27  # zstd(1): the largest window that is decoded without --long=N; --ultra -22 makes it


def compression_of(head: bytes) -> str | None:
    """The compression that some first bytes tell: "gzip", "bzip2", "xz", "zstd", "lz4"; None for anything else."""
    if head.startswith(_SKIPPABLE_ZSTD):
        return "zstd"
    return next((name for magic, name in _MAGICS if head.startswith(magic)), None)


class _Decoder(Protocol):
    """What bz2, lzma and zstd have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _GzipDecoder:
    """zlib's decoder with the attributes of the others."""

    def __init__(self, window_bits: int) -> None:
        self._decoder = inflate_decoder(window_bits)
        self._rest = b""

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def needs_input(self) -> bool:
        return not self._rest and not self._full

    _full = False

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        decoded = self._decoder.decompress(self._rest + data if self._rest else data, max_length)
        self._rest = self._decoder.unconsumed_tail
        self._full = len(decoded) == max_length  # zlib may hold more output though it took all input
        return decoded


def _new_decoder(compression: str, limits: Limits) -> tuple[Callable[[], _Decoder], tuple[type[Exception], ...]]:
    """What makes a decoder for one stream, and the errors that it raises."""
    if compression in ("gzip", "deflate"):
        # zlib.h, inflateInit2: 16 + 15 takes a gzip header and checks the trailer, -15 a stream without either
        return lambda: _GzipDecoder(31 if compression == "gzip" else -15), INFLATE_ERRORS
    if compression == "bzip2":
        import bz2

        return bz2.BZ2Decompressor, (OSError, ValueError)
    if compression in ("xz", "lzma"):
        import lzma

        form = lzma.FORMAT_XZ if compression == "xz" else lzma.FORMAT_ALONE
        memory = limits.xz_memory + _XZ_BESIDE_DICTIONARY
        return lambda: lzma.LZMADecompressor(form, memlimit=memory), (lzma.LZMAError,)
    if compression == "zstd":
        zstd = zstandard()
        options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
        return lambda: zstd.ZstdDecompressor(options=options), (zstd.ZstdError,)
    if compression == "lz4":
        try:
            import lz4.frame
        except ImportError:
            raise UnsupportedFormat("it is compressed with lz4, which needs the package lz4") from None
        return lz4.frame.LZ4FrameDecompressor, (RuntimeError, EOFError)
    raise UnsupportedFormat(f"it is compressed with {compression}, which is not decoded")


class Spool:
    """Bytes that are appended and then read at random: in memory up to a size, then in a temporary file without a name.

    :param in_memory: bytes that may stay in memory.
    :ivar size: bytes that were appended so far.
    """

    def __init__(self, in_memory: int) -> None:
        self._memory = bytearray()
        self._most = in_memory
        self._file: IO[bytes] | None = None
        self.size = 0

    def append(self, content: bytes) -> None:
        """Add bytes at the end.

        :raises LimitExceeded: where the temporary file cannot grow.
        """
        self.size += len(content)
        if self._file is None:
            self._memory += content
            if len(self._memory) <= self._most:
                return
            content = bytes(self._memory)
            self._memory = bytearray()
        import tempfile  # few archives are too large for memory

        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="inspector-")  # noqa: SIM115 -- closed with this object
            self._file.write(content)
        except OSError as error:
            raise LimitExceeded(
                f"the decompressed archive does not fit into {tempfile.gettempdir()}: {error.strerror}"
            ) from error

    def seal(self) -> None:
        """Make everything that was appended readable."""
        if self._file is not None:
            import tempfile

            try:
                self._file.flush()
            except OSError as error:
                raise LimitExceeded(
                    f"the decompressed archive does not fit into {tempfile.gettempdir()}: {error.strerror}"
                ) from error

    def read_at(self, offset: int, length: int) -> bytes:
        """See :class:`inspector.source.Source`."""
        length = min(length, self.size - offset)
        if offset < 0 or length <= 0:
            return b""
        if self._file is None:
            return bytes(self._memory[offset : offset + length])
        descriptor = self._file.fileno()
        chunk = os.pread(descriptor, length, offset)
        while len(chunk) < length and (more := os.pread(descriptor, length - len(chunk), offset + len(chunk))):
            chunk += more
        return chunk

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()


class DecodedStream:
    """The decoded content of a compressed stream, a :class:`inspector.source.Source`.

    :ivar compression: "gzip", "bzip2", "xz", "lzma", "zstd", "lz4", or "deflate" for a stream without any header (RFC 1951).
    :ivar size: decoded bytes.
    :ivar stored_end: where the compressed streams end in the source; what lies behind belongs to nobody.
    :ivar damage: why decoding stopped before the stream's end, or None; what came before is there.
    """

    def __init__(self, compression: str, spool: Spool) -> None:
        self.compression = compression
        self.size = 0
        self.stored_end = 0
        self.damage: FormatError | None = None
        self._spool = spool
        self._start = spool.size
        self._raw_points = [0]
        self._stored_points = [0]

    def read_at(self, offset: int, length: int) -> bytes:
        """See :class:`inspector.source.Source`."""
        length = min(length, self.size - offset)
        return self._spool.read_at(self._start + offset, length) if offset >= 0 else b""

    def stored_position(self, offset: int) -> int:
        """About where in the source the decoded byte at ``offset`` is stored: exact at the ends, within a quarter of a megabyte else."""
        index = bisect.bisect_right(self._raw_points, offset) - 1
        if index + 1 >= len(self._raw_points):
            return self._stored_points[-1]
        raw, following = self._raw_points[index], self._raw_points[index + 1]
        stored = self._stored_points[index]
        return stored + (self._stored_points[index + 1] - stored) * (offset - raw) // max(following - raw, 1)

    def stored_between(self, start: int, end: int) -> int:
        """Stored bytes that stand for the decoded range; ranges that follow one another add up to the whole."""
        return self.stored_position(end) - self.stored_position(start)

    def _note(self, stored: int) -> None:
        if self.size > self._raw_points[-1]:
            self._raw_points.append(self.size)
            self._stored_points.append(stored)
        else:
            self._stored_points[-1] = stored if len(self._stored_points) > 1 else 0

    def _decode(self, source: Source, limits: Limits, wanted: int | None) -> None:
        new_decoder, errors = _new_decoder(self.compression, limits)
        decoder = new_decoder()
        most = min(limits.decoded_data, max(limits.expansion_ratio * source.size, _UNSUSPICIOUS))
        position, chunk = 0, b""
        while True:
            if not chunk and decoder.needs_input:
                chunk = source.read_at(position, _INPUT)
                position += len(chunk)
                if not chunk:
                    self.damage = FormatError(f"the {self.compression} stream is cut off", position)
                    break
            try:
                decoded = decoder.decompress(chunk, _OUTPUT)
            except errors as error:
                if "emory usage limit" in str(error):  # lzma has one class for everything that can go wrong
                    raise LimitExceeded("the xz stream asks for more memory than the xz_memory limit") from None
                self.damage = FormatError(f"the {self.compression} stream is damaged: {error}", position - len(chunk))
                break
            chunk = b""
            self._spool.append(decoded)
            self.size += len(decoded)
            if wanted is not None and self.size >= wanted:
                break
            if self.size > most or self._spool.size > limits.decoded_data:
                name = "expansion_ratio" if self._spool.size <= limits.decoded_data else "decoded_data"
                raise LimitExceeded(
                    f"{source.size} bytes decode to more than {min(most, limits.decoded_data)}: the {name} limit"
                )
            if decoder.needs_input and not decoder.eof:
                self._note(position)
            if decoder.eof:
                following = self._following(source, decoder.unused_data or b"", position)  # lz4 gives None for nothing
                if following is None:
                    break
                chunk, position = following
                decoder = new_decoder()
        self._spool.seal()
        if self.damage is not None:
            self.stored_end = position
            self._note(position)

    def _following(self, source: Source, rest: bytes, position: int) -> tuple[bytes, int] | None:
        """The first bytes of the next stream of the same kind, and where the source is read on; None where none follows.

        :param rest: what was read behind the end of the last stream.
        """
        self.stored_end = position - len(rest)
        self._note(self.stored_end)
        if self.compression in ("lzma", "deflate"):  # such a file holds one stream
            return None
        rest += source.read_at(position, 8192)
        end = self.stored_end + len(rest)
        padding = len(rest) - len(rest.lstrip(b"\0")) if self.compression == "xz" else 0
        padding -= padding % 4  # The .xz File Format, 2.2: Stream Padding is a multiple of four bytes
        if compression_of(rest[padding:]) != self.compression:
            return None
        return rest[padding:], end


def decode_stream(
    source: Source,
    limits: Limits,
    compression: str | None = None,
    spool: Spool | None = None,
    most: int | None = None,
) -> DecodedStream:
    """Decode a compressed file from its first byte to the end of its streams.

    :param compression: as :func:`compression_of` names it; None: by the first bytes.
    :param spool: where the decoded bytes are kept, together with those of other streams; None: in one of its own.
    :param most: decoding stops, without an error, once there are so many bytes or a few more.
    :raises UnsupportedFormat: where the compression is unknown or cannot be decoded here.
    :raises LimitExceeded: where it decodes to more than ``decoded_data`` or ``expansion_ratio`` allow, or asks for too much memory.
    :raises FormatError: where not a single byte can be decoded.
    """
    found = compression or compression_of(source.read_at(0, 8))
    if found is None:
        raise UnsupportedFormat("it is compressed in an unknown way", 0)
    stream = DecodedStream(found, spool or Spool(limits.small_file))
    stream._decode(source, limits, most)  # noqa: SLF001 -- of this module
    if not stream.size and stream.damage is not None:
        raise stream.damage
    return stream
