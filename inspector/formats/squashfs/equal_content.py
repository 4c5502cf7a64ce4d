"""Which files have equal contents, found before anything is written and proved by comparison.

Only files of one size are looked at, first their beginnings, then a digest of all of it, then every byte.  Files of one image whose writer looked
for equal files itself need no reading: their contents differ where their blocks do.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from hashlib import blake2b

from inspector.errors import FormatError
from inspector.formats.squashfs.inode import Inode
from inspector.formats.squashfs.write_plan import StoredContent

_HEAD = 4096  # bytes that tell most files of one size apart
_CHUNK = 1 << 20


def share_equal_contents(contents: Iterable[StoredContent]) -> None:
    """Set ``same_as`` of each content that is equal to another one, whose own stays None.

    :raises FormatError: where a file cannot be read, with its path.
    """
    for group in _groups(contents, lambda content: content.size):
        if _are_known_to_differ(group):
            continue
        for alike in _groups(group, _head):
            for twins in _groups(alike, _digest):
                _share(twins)


def read_all(content: StoredContent, start: int, length: int) -> bytes:
    """Bytes ``[start, start + length)`` of a content, all of them.

    :raises FormatError: where they cannot be read or are not there any more, with the file's path.
    """
    try:
        found = content.source.read_at(start, length)
    except FormatError as error:
        raise type(error)(f"{content.path[:200]!r}: {error.what}", error.offset) from None
    if len(found) != length:
        raise FormatError(f"{content.path[:200]!r} has {content.size} bytes no longer: it ends at {start + len(found)}")
    return found


def _groups(
    contents: Iterable[StoredContent], key: Callable[[StoredContent], Hashable]
) -> Iterator[list[StoredContent]]:
    """Those that share a key with another one, in their order."""
    found: dict[Hashable, list[StoredContent]] = {}
    for content in contents:
        found.setdefault(key(content), []).append(content)
    return (group for group in found.values() if len(group) > 1)


def _are_known_to_differ(group: list[StoredContent]) -> bool:
    """Whether all are of one image that stores equal files once."""
    first = group[0].source
    if not isinstance(first, Inode) or not first.container.deduplicated:
        return False
    return all(isinstance(c.source, Inode) and c.source.container is first.container for c in group)


def _head(content: StoredContent) -> bytes:
    return read_all(content, 0, min(_HEAD, content.size))


def _digest(content: StoredContent) -> bytes:
    if content.size <= _HEAD:
        return b""  # the beginnings were all there is
    digest = blake2b(digest_size=32)
    for start in range(0, content.size, _CHUNK):
        digest.update(read_all(content, start, min(_CHUNK, content.size - start)))
    return digest.digest()


def _share(twins: list[StoredContent]) -> None:
    # One of an image in front, as its blocks may be there to copy
    first, *others = sorted(twins, key=lambda content: not isinstance(content.source, Inode))
    for twin in others:
        if _equal(first, twin):
            twin.same_as = first


def _equal(one: StoredContent, other: StoredContent) -> bool:
    for start in range(0, one.size, _CHUNK):
        length = min(_CHUNK, one.size - start)
        if read_all(one, start, length) != read_all(other, start, length):
            return False
    return True
