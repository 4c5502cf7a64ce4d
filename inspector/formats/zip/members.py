"""A compressed member of a ZIP archive as a Source that can be read at any offset.

A member is decoded in chunks that all members of an archive keep in one cache of ``Limits.block_cache`` bytes.  Of deflate, the state of the
decoder is copied every two megabytes, so that a read far back decodes no more than that; the other methods have no such copies and begin anew, which
the limits on decoded bytes bound.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict

from inspector.errors import FormatError, LimitExceeded
from inspector.formats.zip.decoders import Decoder, new_decoder
from inspector.limits import MIB, Limits
from inspector.source import Source

_CHUNK = 128 * 1024
_SEEK_POINT = 16 * _CHUNK  # two megabytes
_UNSUSPICIOUS = 64 * MIB  # so much may always be decoded: a small archive of repetitive text is no bomb
_OPEN_DECODERS = 4  # each may hold megabytes


class MemberCache:
    """What the members of one archive share: decoded chunks, open decoders, and the account of decoded bytes.

    :ivar decoded: bytes that were decoded so far, which ``Limits.decoded_data`` and ``Limits.expansion_ratio`` bound.
    """

    def __init__(self, archive_size: int, limits: Limits) -> None:
        self.decoded = 0
        self.limits = limits
        self._archive_size = archive_size
        self._ratio_budget = max(limits.expansion_ratio * archive_size, _UNSUSPICIOUS)
        self._chunks: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._cached = 0
        self._open: OrderedDict[int, DecodedMember] = OrderedDict()

    def charge(self, length: int) -> None:
        """Count decoded bytes.

        :raises LimitExceeded: where they pass decoded_data or expansion_ratio.
        """
        self.decoded += length
        if self.decoded > self.limits.decoded_data:
            raise LimitExceeded(f"more than {self.limits.decoded_data} bytes of data: the decoded_data limit")
        if self.decoded > self._ratio_budget:
            raise LimitExceeded(
                f"{self.decoded} bytes decoded from a ZIP archive of {self._archive_size}: the expansion_ratio limit"
            )

    def chunk(self, key: tuple[int, int]) -> bytes | None:
        """A decoded chunk, if it is still there."""
        found = self._chunks.get(key)
        if found is not None:
            self._chunks.move_to_end(key)
        return found

    def keep(self, key: tuple[int, int], chunk: bytes) -> None:
        """Keep a decoded chunk, and forget those that were not asked for longest."""
        self._cached += len(chunk) - len(self._chunks.pop(key, b""))
        self._chunks[key] = chunk
        while self._cached > self.limits.block_cache and len(self._chunks) > 1:
            self._cached -= len(self._chunks.popitem(last=False)[1])

    def opened(self, member: DecodedMember) -> None:
        """Note that a member holds a decoder; the one that was not used longest gives its own back."""
        self._open[id(member)] = member
        self._open.move_to_end(id(member))
        if len(self._open) > _OPEN_DECODERS:
            next(iter(self._open.values())).give_up()

    def closed(self, member: DecodedMember) -> None:
        """Note that it holds none any more."""
        self._open.pop(id(member), None)


class DecodedMember:
    """The content of one compressed member.

    :param stored: its compressed bytes.
    :param crc: CRC-32 of the content, compared as soon as all of it was decoded once.
    :param number: tells it from other members of the cache.
    """

    __slots__ = (
        "_cache",
        "_crc",
        "_decoder",
        "_method",
        "_number",
        "_points",
        "_position",
        "_stored",
        "_summed",
        "_summed_to",
        "size",
    )

    def __init__(self, stored: Source, method: int, size: int, crc: int, number: int, cache: MemberCache) -> None:
        self.size = size
        self._stored = stored
        self._method = method
        self._crc = crc
        self._number = number
        self._cache = cache
        self._points: list[tuple[int, Decoder]] = []  # decoders at multiples of _SEEK_POINT, ascending
        self._decoder: Decoder | None = None
        self._position = 0  # of the decoder, in decoded bytes
        self._summed = self._summed_to = 0

    def read_at(self, offset: int, length: int) -> bytes:
        """See :class:`inspector.source.Source`.

        :raises FormatError: where the data are damaged, shorter or longer than the member, or do not have its CRC-32.
        """
        length = min(length, self.size - offset)
        if offset < 0 or length <= 0:
            return b""
        first, last = offset // _CHUNK, (offset + length - 1) // _CHUNK
        content = (
            self._chunk(first)
            if first == last
            else b"".join([self._chunk(number) for number in range(first, last + 1)])
        )
        start = offset - first * _CHUNK
        return content[start : start + length]

    def give_up(self) -> None:
        """Forget the decoder; the next read begins at the last seek point before it."""
        self._decoder = None
        self._cache.closed(self)

    def _chunk(self, number: int) -> bytes:
        found = self._cache.chunk((self._number, number))
        if found is not None:
            return found
        wanted = number * _CHUNK
        decoder = self._decoder_before(wanted)
        try:
            while True:
                start = self._position
                chunk = self._decode(decoder, min(_CHUNK, self.size - start))
                self._position += len(chunk)
                self._check(start, chunk, decoder)
                self._cache.keep((self._number, start // _CHUNK), chunk)
                if start == wanted:
                    break
        except BaseException:
            self.give_up()
            raise
        if self._position >= self.size:
            self.give_up()
        else:
            self._decoder = decoder
            self._cache.opened(self)
        return chunk

    def _decoder_before(self, wanted: int) -> Decoder:
        """A decoder that stands at ``wanted`` or before it."""
        position, point = next(((at, kept) for at, kept in reversed(self._points) if at <= wanted), (0, None))
        if self._decoder is not None and position <= self._position <= wanted:
            return self._decoder
        decoder = point.copy() if point is not None else None
        self._position = position if decoder is not None else 0
        return decoder or new_decoder(self._method, self._stored, self._cache.limits)

    def _decode(self, decoder: Decoder, wanted: int) -> bytes:
        parts: list[bytes] = []
        done = 0
        while done < wanted:
            part = decoder.decode(wanted - done)
            if not part:
                raise FormatError(f"the data end after {self._position + done} of {self.size} bytes")
            self._cache.charge(len(part))
            parts.append(part)
            done += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _check(self, start: int, chunk: bytes, decoder: Decoder) -> None:
        """Sum up what was decoded, compare the sum at the end, and keep a seek point."""
        if start == self._summed_to:
            self._summed = zlib.crc32(chunk, self._summed)
            self._summed_to += len(chunk)
            if self._summed_to == self.size and self._summed != self._crc:
                self._summed = self._summed_to = 0  # the last chunk is refused every time
                raise FormatError("the content does not have the CRC-32 that the archive states")
        if self._position == self.size:
            if decoder.decode(1):
                raise FormatError(f"there are more data than the {self.size} bytes that the archive states")
        elif self._position % _SEEK_POINT == 0 and (not self._points or self._points[-1][0] < self._position):
            copied = decoder.copy()
            if copied is not None:
                self._points.append((self._position, copied))
