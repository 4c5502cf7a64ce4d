"""A member that is one zlib stream (RFC 1950), as a Source that can be read at any offset without being decoded whole.

Content is decoded in blocks; the latest blocks of all members of a container are kept together, and a copy of the decoder's state every few
blocks, so
that a read far inside never starts from the beginning again.  A read of the first bytes decodes no more than those.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from inspector.errors import FormatError, LimitExceeded
from inspector.formats.decoded_blocks import DecodedBlocks
from inspector.formats.inflate import INFLATE_ERRORS, copyable_inflate_decoder, inflate_decoder
from inspector.limits import KIB, MIB, Limits
from inspector.source import Source

if TYPE_CHECKING:
    from zlib import _Decompress as InflateDecoder

_BLOCK = MIB
_WHOLE = -1  # the number of the block that is all of a member
_STATE_EVERY = 8  # blocks; a state takes 40 KiB (zlib.h, inflateInit2: a window of 32 KiB and about 7 KiB beside it)
_AT_ONCE = 8 * MIB  # a member of no more is decoded whole by its first read behind the head
_WORTH_PARTING = 3 * MIB  # bytes of a member of which something may not be kept
_HEAD = 8 * KIB
_START = 64  # bytes that whoever measures a stream keeps: what tells an ELF file, and the header of a .pyc file
_INPUT = 256 * KIB
_numbers = itertools.count()
_UNSUSPICIOUS = 64 * MIB  # so much may always be decoded, whatever the ratio: long runs of one byte are no bomb yet


def check_ratio(stored: int, size: int, limits: Limits) -> None:
    """Refuse what decodes to much more than it is.

    :raises LimitExceeded: where ``size`` passes ``decoded_data``, or 64 MiB and ``expansion_ratio`` times ``stored``.
    """
    if size > limits.decoded_data:
        raise LimitExceeded(f"{size} decoded bytes are more than the decoded_data limit")
    if size > max(_UNSUSPICIOUS, limits.expansion_ratio * stored):
        raise LimitExceeded(f"{stored} bytes claim to decode to {size}, which is more than the expansion_ratio limit")


class ZlibMember:
    """The content of the zlib stream at ``[offset, offset + stored)`` of a source.

    :ivar size: decoded bytes, as the container states them; a stream that gives another number is damaged.
    :ivar is_in_part: whether it was decoded, and something of it let go of.
    :param start: its first bytes, where somebody has decoded them already.
    :raises LimitExceeded: from the constructor, where the sizes are those of a bomb (:func:`check_ratio`).
    """

    __slots__ = (
        "_blocks",
        "_current",
        "_is_damaged",
        "_number",
        "_offset",
        "_source",
        "_start",
        "_states",
        "_stored",
        "is_in_part",
        "size",
    )

    def __init__(
        self,
        source: Source,
        offset: int,
        stored: int,
        size: int,
        blocks: DecodedBlocks,
        limits: Limits,
        *,
        start: bytes = b"",
    ) -> None:
        check_ratio(stored, size, limits)
        self.size = size
        self._start = start
        self.is_in_part = False
        self._is_damaged = False
        self._source = source
        self._offset = offset
        self._stored = stored
        self._blocks = blocks
        self._number = next(_numbers)
        self._current: tuple[int, InflateDecoder, int] | None = (
            None  # block index, decoder before it, stored bytes given to it
        )
        self._states: dict[
            int, tuple[InflateDecoder, int]
        ] = {}  # block index: decoder before it, stored bytes given to it so far

    def read_at(self, offset: int, length: int) -> bytes:
        """See :class:`inspector.source.Source`.

        :raises FormatError: where the stream is damaged, or shorter or longer than its size.
        """
        length = min(length, self.size - offset)
        if offset < 0 or length <= 0:
            return b""
        if offset + length <= len(self._start):
            return self._start[offset : offset + length]
        whole = self._blocks.get(self._number, _WHOLE)
        if whole is not None:
            return whole[offset : offset + length]
        if offset + length <= _HEAD and self._blocks.get(self._number, 0) is None:
            return self._head(offset + length)[offset:]
        if self.size <= _AT_ONCE and not self.is_in_part and self._decodes():
            return self.read_at(offset, length)
        first, last = offset // _BLOCK, (offset + length - 1) // _BLOCK
        if self.is_in_part and any(self._blocks.get(self._number, index) is None for index in range(first, last + 1)):
            self.is_in_part = False  # somebody reads all of it
            if self._decodes():
                return self.read_at(offset, length)
        if first == last:
            return self._block(first)[offset - first * _BLOCK : offset + length - first * _BLOCK]
        parts = [self._block(index) for index in range(first, last + 1)]
        whole = b"".join(parts)
        return whole[offset - first * _BLOCK : offset + length - first * _BLOCK]

    @property
    def is_decoded(self) -> bool:
        """Whether the content is at hand, or what of it was worth keeping."""
        return self.is_in_part or self._blocks.get(self._number, _WHOLE) is not None

    def decode(self, hardly_read: Callable[[bytes], Sequence[tuple[int, int]]] | None = None) -> None:
        """Decode everything at once, so that the next reads find it: one step outside of Python's lock, in which no other thread is waited for.

        :param hardly_read: says of the first bytes which ranges need not be kept, ``(first, last + 1)`` byte of each.  Blocks in one are let go of,
            which spares touching so much memory; who reads them after all has everything decoded again, and kept.
        :raises FormatError: as :meth:`read_at` does.
        """
        if self.is_decoded:
            return
        decoder = inflate_decoder()
        if hardly_read is None or self.size < _WORTH_PARTING:
            content, position = self._next(decoder, 0, self.size, self._stored)
            self._check_end(decoder, position)
            self._blocks.put(self._number, _WHOLE, content)
            return
        first, position = self._next(decoder, 0, _BLOCK)
        dropped = _blocks_within(hardly_read(first), self.size)
        kept = {0: first}
        for number in range(1, -(-self.size // _BLOCK)):
            content, position = self._next(decoder, position, min(_BLOCK, self.size - number * _BLOCK))
            if number not in dropped:
                kept[number] = content
        self._check_end(decoder, position)
        for number, content in kept.items():
            self._blocks.put(self._number, number, content)
        self.is_in_part = True

    def let_go(self, hardly_read: Sequence[tuple[int, int]]) -> None:
        """Keep no blocks of these ranges either, ``(first, last + 1)`` byte of each, where not everything was kept."""
        for number in _blocks_within(hardly_read, self.size) if self.is_in_part else ():
            self._blocks.remove(self._number, number)

    def _decodes(self) -> bool:
        """Decode everything, if it is whole and undamaged; what is not is read as far as it goes, and not tried again by every read."""
        if self._is_damaged:
            return False
        try:
            self.decode()
        except FormatError:
            self._is_damaged = True
            return False
        return self.is_decoded

    def _head(self, length: int) -> bytes:
        decoder = inflate_decoder()
        position, content = 0, b""
        while len(content) < length and not decoder.eof and position < self._stored:
            chunk = self._source.read_at(self._offset + position, min(_HEAD, self._stored - position))
            if not chunk:
                break
            position += len(chunk)
            content += _decoded(decoder, chunk, length - len(content))
        if len(content) < length:
            raise FormatError(f"the zlib stream gives fewer than its {self.size} bytes", self._offset)
        if length == self.size:
            self._check_end(decoder, position)
        return content

    def _block(self, wanted: int) -> bytes:
        found = self._blocks.get(self._number, wanted)
        if found is not None:
            return found
        index, decoder, position = self._begin(wanted)
        content = b""
        for number in range(index, wanted + 1):
            if number and number % _STATE_EVERY == 0 and number not in self._states:
                self._states[number] = (decoder.copy(), position)
            content, position = self._next(decoder, position, min(_BLOCK, self.size - number * _BLOCK))
            self._blocks.put(self._number, number, content)
        if (wanted + 1) * _BLOCK >= self.size:
            self._check_end(decoder, position)
        else:
            self._current = (wanted + 1, decoder, position)
        return content

    def _begin(self, wanted: int) -> tuple[int, InflateDecoder, int]:
        """The nearest block in front of a wanted one from which decoding can go on: the one behind the last that was decoded, or a kept state."""
        current, self._current = self._current, None  # whoever takes it moves it on
        index = max((number for number in self._states if number <= wanted), default=0)
        if current is not None and index <= current[0] <= wanted:
            return current
        if index in self._states:
            state, position = self._states[index]
            return index, state.copy(), position
        return 0, copyable_inflate_decoder(), 0

    def _next(self, decoder: InflateDecoder, position: int, length: int, at_once: int = _INPUT) -> tuple[bytes, int]:
        parts: list[bytes] = []
        missing = length
        while missing:
            chunk = decoder.unconsumed_tail
            if not chunk:
                chunk = self._source.read_at(self._offset + position, min(at_once, self._stored - position))
                position += len(chunk)
            decoded = _decoded(decoder, chunk, missing)
            if not decoded and (decoder.eof or not chunk):
                raise FormatError(f"the zlib stream gives fewer than its {self.size} bytes", self._offset)
            parts.append(decoded)
            missing -= len(decoded)
        return b"".join(parts), position

    def _check_end(self, decoder: InflateDecoder, position: int) -> None:
        """That nothing follows: bytes behind the size would be hidden from everybody."""
        while not decoder.eof:
            chunk = decoder.unconsumed_tail
            if not chunk:
                chunk = self._source.read_at(self._offset + position, min(_INPUT, self._stored - position))
                position += len(chunk)
            decoded = _decoded(decoder, chunk, 1)
            if decoded:
                raise FormatError(f"the zlib stream goes on behind its {self.size} bytes", self._offset)
            if not chunk and not decoder.eof:
                raise FormatError("the zlib stream is cut off", self._offset)


def _blocks_within(ranges: Sequence[tuple[int, int]], size: int) -> set[int]:
    """Numbers of the whole blocks in ranges; the first block, which tells what the file is, is in none."""
    return {block for start, end in ranges for block in range(max(1, -(-start // _BLOCK)), min(end, size) // _BLOCK)}


def _decoded(decoder: InflateDecoder, chunk: bytes, most: int) -> bytes:
    try:
        return decoder.decompress(chunk, most)
    except INFLATE_ERRORS as error:
        raise FormatError(f"zlib: {error}") from None


def decoded_size(source: Source, offset: int, stored: int, most: int) -> tuple[int, bytes]:
    """How many bytes a zlib stream gives, and the first of them; nothing else is kept.

    :raises FormatError: where it is damaged or cut off.
    :raises LimitExceeded: where it gives more than ``most``.
    """
    decoder = inflate_decoder()
    position = size = 0
    start = b""
    while not decoder.eof:
        chunk = decoder.unconsumed_tail
        if not chunk:
            chunk = source.read_at(offset + position, min(_INPUT, stored - position))
            position += len(chunk)
        decoded = _decoded(decoder, chunk, _BLOCK)
        if not size:
            start = decoded[:_START]
        size += len(decoded)
        if size > most:
            raise LimitExceeded(f"{stored} bytes decode to more than {most}", offset)
        if not chunk and not decoded and not decoder.eof:
            raise FormatError("the zlib stream is cut off", offset)
    return size, start
