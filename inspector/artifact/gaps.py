"""Which bytes of a file serve what: a map that adds up to the file's size, so that nothing hides between the parts."""

from __future__ import annotations

from collections.abc import Iterable

from inspector.source import Source

_CHUNK = 1 << 20
_SECTOR = 2048  # zeros are counted in pieces of this size, so that a note in a field of zeros does not make all of it unexplained


def byte_map(
    source: Source,
    *,
    headers: Iterable[tuple[int, int]],
    entries: Iterable[tuple[int, int]],
    end: int,
    padding_end: int,
) -> dict[str, int]:
    """Bytes by purpose; the values add up to ``source.size``.

    :param headers: (first, last + 1) bytes of the runtime and of the container's descriptors.
    :param entries: those of members' data and of the metadata that describes them; where a header begins at the same byte, it counts.
    :param end: where the container ends by its own account; what lies before it and belongs to nothing is "padding" where it is zeros,
        else "unexplained".
    :param padding_end: zeros from ``end`` to here are "padding" too; everything behind it is "appended".
    """
    size = source.size
    end, padding_end = min(end, size), min(max(padding_end, end), size)
    counts = {"headers": 0, "entries": 0, "padding": 0, "appended": size - padding_end, "unexplained": 0}
    position = 0
    ranges = sorted([(start, 0, stop) for start, stop in headers] + [(start, 1, stop) for start, stop in entries])
    for start, purpose, stop in [*ranges, (end, 0, end)]:
        start, stop = min(start, end), min(stop, end)
        if start > position:
            _count_gap(source, position, start, counts)
        if stop > max(start, position):
            counts[("headers", "entries")[purpose]] += stop - max(start, position)
            position = stop
        position = max(position, start)
    tail = zero_bytes(source, end, padding_end)
    counts["padding"] += tail
    counts["appended"] += padding_end - end - tail
    return counts


def ranges_between(entries: Iterable[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """What lies between members' data from ``start`` to ``end``: their names, sizes, marks.  A range may be empty."""
    found = []
    position = start
    for first, last in sorted(entries):
        found.append((position, first))
        position = max(position, last)
    return [*found, (position, end)]


def zero_bytes(source: Source, start: int, end: int) -> int:
    """How many bytes from ``start`` on are zero, at most up to ``end``."""
    position = start
    while position < end:
        chunk = source.read_at(position, min(_CHUNK, end - position))
        rest = chunk.lstrip(b"\0")
        position += len(chunk) - len(rest)
        if rest or not chunk:
            break
    return position - start


def _count_gap(source: Source, start: int, end: int, counts: dict[str, int]) -> None:
    while start < end:
        stop = min((start // _SECTOR + _CHUNK // _SECTOR) * _SECTOR, end)
        chunk = source.read_at(start, stop - start)
        if not chunk.strip(b"\0"):  # the usual case
            counts["padding"] += stop - start
        else:
            for offset in range(0, len(chunk), _SECTOR):
                piece = chunk[offset : offset + _SECTOR]
                counts["unexplained" if piece.strip(b"\0") else "padding"] += len(piece)
            counts["unexplained"] += stop - start - len(chunk)
        start = stop
