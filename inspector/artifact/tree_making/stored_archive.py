"""An archive inside a file, compressed or not: its bytes decoded, and how many stored bytes stand for each part of them."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from inspector.artifact.gaps import byte_map, zero_bytes
from inspector.artifact.tree_making.container_tree import problem_of
from inspector.errors import FormatError
from inspector.formats.archive_entry import ArchiveEntry
from inspector.formats.compressed_stream import DecodedStream, Spool, compression_of, decode_stream
from inspector.limits import Limits
from inspector.model import Problem
from inspector.source import SliceSource, Source

_HEAD = 4096
_PEEK = 1 << 20  # bzip2 gives nothing before a block of up to 900 kB is there


class StoredArchive(Struct, frozen=True):
    """The range of a file that holds an archive.

    :ivar content: the archive, decoded.
    :ivar stream: the same where it was compressed, else None.
    """

    content: Source
    stream: DecodedStream | None

    @property
    def compression(self) -> str | None:
        """The compression's name, None for an archive that lies there plain."""
        return None if self.stream is None else self.stream.compression

    def stored_size(self, start: int, end: int) -> int:
        """Stored bytes that stand for the decoded range."""
        return end - start if self.stream is None else self.stream.stored_between(start, end)

    def note_damage(self, problems: list[Problem]) -> None:
        """Put what is wrong with the compressed stream among the problems."""
        if self.stream is not None and self.stream.damage is not None:
            problems.append(problem_of("", self.stream.damage))

    def byte_map(
        self, source: Source, entries: Iterable[ArchiveEntry], end: int, end_mark: int | None = None
    ) -> dict[str, int]:
        """Bytes of the whole file by purpose, where the archive is all that the file is made of.

        :param end: where the archive ends, decoded.
        :param end_mark: where the mark at its end begins, where that is not a field of zeros.
        """
        if self.stream is None:
            return byte_map(
                source,
                headers=[
                    *((entry.start, entry.data_start) for entry in entries),
                    (end if end_mark is None else end_mark, end),
                ],
                entries=[(entry.data_start, entry.end) for entry in entries],
                end=end,
                padding_end=source.size,
            )
        stored_end = self.stream.stored_end
        position = self.stream.stored_position
        headers = sum(position(entry.data_start) - position(entry.start) for entry in entries)
        padding = zero_bytes(source, stored_end, source.size)
        return {
            "headers": headers,
            "entries": stored_end - headers,
            "padding": padding,
            "appended": source.size - stored_end - padding,
            "unexplained": 0,
        }


def open_stored(
    source: Source, limits: Limits, compression: str | None = None, *, spool: Spool | None = None
) -> StoredArchive:
    """The archive that a source holds, decoded where its first bytes are those of a compressed stream.

    :param compression: where a name tells what the bytes do not (``.tar.lzma``).
    :param spool: where decoded bytes are kept, together with those of other archives; None: in one of its own.
    :raises FormatError: as :func:`inspector.formats.compressed_stream.decode_stream`.
    """
    found = compression or compression_of(source.read_at(0, 8))
    if found is None:
        return StoredArchive(source, None)
    stream = decode_stream(source, limits, found, spool)
    return StoredArchive(stream, stream)


def decoded_head(source: Source, limits: Limits) -> bytes:
    """The first bytes of a file, decoded where it is compressed; fewer, or none, where that cannot be done."""
    head = source.read_at(0, 8)
    if compression_of(head) is None:
        return source.read_at(0, _HEAD)
    try:
        return decode_stream(SliceSource(source, 0, _PEEK), limits, most=_HEAD).read_at(0, _HEAD)
    except FormatError:
        return b""
