"""Data blocks and fragments, decoded as far as somebody asks, each as seldom as a small cache allows."""

from __future__ import annotations

from msgspec import Struct

from inspector.errors import FormatError, LimitExceeded
from inspector.formats.squashfs.compression import Decompressor, Stream
from inspector.limits import MIB, Limits
from inspector.source import Source

BLOCK_RAW = 1 << 24  # squashfs_fs.h: SQUASHFS_COMPRESSED_BIT_BLOCK, set where the block is not compressed
BLOCK_LENGTH = BLOCK_RAW - 1

_STEP = 4096  # a prefix is decoded in multiples of this, so that the next few bytes cost nothing
_UNSUSPICIOUS = 64 * MIB  # so much may always be decoded: a small image of repetitive text is no bomb


class DataBlock(Struct, frozen=True):
    """One stored block of a file, or of a fragment.

    :ivar position: in the image; 0 for a sparse block.
    :ivar stored: bytes in the image; 0 for a sparse block, which is all zeros.
    :ivar raw: whether it is stored without compression.
    :ivar size: bytes of the file that it holds.
    """

    position: int
    stored: int
    raw: bool
    size: int


class _Decoded:
    __slots__ = ("complete", "content", "stream")

    def __init__(self, content: bytes, *, complete: bool, stream: Stream | None = None) -> None:
        self.content = content
        self.complete = complete
        self.stream = stream  # goes on where content ends; None where it was given up


class BlockReader:
    """Reads ranges of decoded blocks.

    :param end: bytes of the image; no block may pass it.
    :ivar decoded: bytes that were decoded so far, which ``Limits.decoded_data`` and ``Limits.expansion_ratio`` bound.
    """

    def __init__(self, source: Source, decompressor: Decompressor, block_size: int, end: int, limits: Limits) -> None:
        self._source = source
        self._decompressor = decompressor
        self._block_size = block_size
        self._end = end
        self._budget = limits.decoded_data
        self._ratio_budget = max(limits.expansion_ratio * end, _UNSUSPICIOUS)
        self._cache_size = limits.block_cache
        self._step = max(decompressor.unit, _STEP)
        self._cache: dict[tuple[int, int], _Decoded] = {}  # the most recently used last
        self._cached = 0
        self._open: _Decoded | None = None  # the one that keeps its stream: a decoder may hold megabytes
        self._zeros = 0
        self.decoded = 0

    def charge(self, length: int) -> None:
        """Count decoded bytes.

        :raises LimitExceeded: where all that was read passes decoded_data or expansion_ratio.
        """
        self.decoded += length
        if self.decoded + self._zeros > self._budget:
            raise LimitExceeded(f"more than {self._budget} bytes of data: the decoded_data limit")
        if self.decoded > self._ratio_budget:
            raise LimitExceeded(f"{self.decoded} bytes decoded from an image of {self._end}: the expansion_ratio limit")

    def charge_zeros(self, length: int) -> None:
        """Count bytes that no stored byte stands for, before they are made.

        :raises LimitExceeded: where all that was read passes the decoded_data limit.
        """
        self._zeros += length
        if self.decoded + self._zeros > self._budget:
            raise LimitExceeded(f"more than {self._budget} bytes of data: the decoded_data limit")

    def check(self, position: int, stored: int, *, raw: bool) -> None:
        """Whether a block can be what it says.

        :raises FormatError: where it is longer than the image's blocks, or passes the image's end.
        """
        if stored > self._block_size:
            raise FormatError(
                f"a block of {stored} stored bytes{' (raw)' if raw else ''}; the block size is {self._block_size}",
                position,
            )
        if stored > self._end - position:
            raise FormatError(f"a block of {stored} bytes passes the end of the image at {self._end}", position)

    @property
    def compressor(self) -> str:
        """The compressor's name in the superblock."""
        return self._decompressor.name

    @property
    def end(self) -> int:
        """Bytes of the image."""
        return self._end

    def image_bytes(self, position: int, length: int) -> bytes:
        """``length`` bytes of the image as they are stored, whatever they are.

        :raises FormatError: where the image or its source ends before.
        """
        if length > self._end - position:
            raise FormatError(f"{length} bytes pass the end of the image at {self._end}", position)
        found = self._source.read_at(position, length)
        if len(found) < length:
            raise FormatError(f"{length} bytes are wanted, the source has {len(found)}", position)
        return found

    def stored_bytes(self, position: int, stored: int) -> bytes:
        """A compressed block as it is stored, checked.

        :raises FormatError: where it cannot be what it says.
        """
        self.check(position, stored, raw=False)
        found = self._source.read_at(position, stored)
        if len(found) < stored:
            raise FormatError(f"a block of {stored} bytes, the source has {len(found)}", position)
        return found

    def read(self, position: int, stored: int, *, raw: bool, start: int, end: int) -> bytes:
        """Bytes ``[start, end)`` of a block's content, fewer only where its content ends.

        :raises FormatError: where it cannot be decoded.
        """
        if raw:
            self.check(position, stored, raw=True)
            length = min(end, stored) - start
            found = self._source.read_at(position + start, length)
            if len(found) < length:
                raise FormatError(f"a block of {stored} bytes is cut short by the end of the source", position)
            return found
        key = (position, stored)
        decoded = self._cache.pop(key, None)
        if decoded is not None:
            self._cached -= len(decoded.content)
        if decoded is None or not (decoded.complete or end <= len(decoded.content)):
            decoded = self._decode(position, stored, end, decoded)
        self._keep(key, decoded)
        return decoded.content[start:end]

    @property
    def worth_a_thread(self) -> bool:
        """Whether a block takes so long to decode that it pays to do it ahead on another thread."""
        return self._block_size >= self._decompressor.worth_a_thread

    def decode(self, stored: bytes) -> bytes:
        """The content of a whole block.  Safe to call from several threads; counts nothing."""
        return self._decompressor.decode(stored, self._block_size)

    def _keep(self, key: tuple[int, int], decoded: _Decoded) -> None:
        self._cache[key] = decoded
        self._cached += len(decoded.content)
        while self._cached > self._cache_size and len(self._cache) > 1:
            oldest = next(iter(self._cache))
            dropped = self._cache.pop(oldest)
            self._cached -= len(dropped.content)
            if dropped is self._open:
                self._open = None

    def _decode(self, position: int, stored: int, end: int, known: _Decoded | None) -> _Decoded:
        """A block decoded to ``end`` at least, going on where ``known`` stopped if that is still possible."""
        target = -(-end // self._step) * self._step
        try:
            if known is None or known.stream is None:
                if known is not None or target > self._block_size // 2:
                    decoded = _Decoded(self.decode(self.stored_bytes(position, stored)), complete=True)
                    self.charge(len(decoded.content))
                    return decoded
                stream = self._decompressor.begin(self.stored_bytes(position, stored))
                known = _Decoded(b"", complete=False)
            else:
                stream = known.stream
            self._go_on(known, stream, target)
        except LimitExceeded:
            raise
        except FormatError as error:
            raise FormatError(error.what, position if error.offset is None else error.offset) from None
        return known

    def _go_on(self, decoded: _Decoded, stream: Stream, target: int) -> None:
        """Decode more of a block whose stream is open."""
        if target > self._block_size // 2:
            target = self._block_size + 1
        more = stream.more(target - len(decoded.content))
        self.charge(len(more))
        decoded.content += more
        decoded.complete = stream.ended
        if len(decoded.content) > self._block_size:
            raise FormatError(f"a block decodes to more than {self._block_size} bytes")
        if len(decoded.content) < target and not decoded.complete:
            raise FormatError("a block ends before its stream does")
        decoded.stream = None if decoded.complete else stream
        if self._open is not None and self._open is not decoded:
            self._open.stream = None
        self._open = None if decoded.complete else decoded
