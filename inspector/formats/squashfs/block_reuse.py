"""Which stored bytes of images that files come from can be copied into a new image as they are.

A file's blocks are copied where its image has the new image's compressor and block size.  A fragment is copied where every byte of its content still
belongs to a file of the new image; else what is left of it is unpacked and packed again, so that no byte of a removed file stays in the image.
Copied ranges keep their order and merge where they touch: a rebuilt image has long runs in common with the old one, which is what zsync lives from.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterable

from msgspec import Struct, field

from inspector.errors import FormatError
from inspector.formats.squashfs.compressor import Compressor
from inspector.formats.squashfs.content import ContentReader
from inspector.formats.squashfs.data import BLOCK_LENGTH
from inspector.formats.squashfs.inode import Inode
from inspector.formats.squashfs.layout import merge_ranges
from inspector.formats.squashfs.write_plan import StoredContent


class ImageReuse(Struct):
    """What is copied from one image.

    :ivar contents: those whose blocks are copied; their tails may still be to be packed.
    :ivar ranges: bytes ``[start, end)`` of the old image, ascending, without overlap.
    :ivar fragments: indexes of the old image's fragments that are copied, by position.
    :ivar loose_tails: contents with a tail that must be packed again, in the order of the old image.
    """

    container: ContentReader
    contents: list[tuple[StoredContent, Inode]] = field(default_factory=list)
    ranges: list[tuple[int, int]] = field(default_factory=list)
    fragments: list[int] = field(default_factory=list)
    loose_tails: list[tuple[StoredContent, Inode]] = field(default_factory=list)


def plan_reuse(
    contents: Iterable[StoredContent], compressor: Compressor, block_size: int, *, whole_fragments: bool
) -> list[ImageReuse]:
    """What can be copied, image by image in the order of their first files.

    :param whole_fragments: whether the new image has fragments.
    :raises FormatError: where an inode's blocks are not within its image, or are longer than a block, with the file's path.
    """
    found: dict[int, ImageReuse] = {}
    for content in contents:
        inode = content.source
        if not isinstance(inode, Inode) or not _fits(inode.container, compressor, block_size):
            continue
        if inode.fragment_index is not None and not whole_fragments:
            continue
        found.setdefault(id(inode.container), ImageReuse(inode.container)).contents.append((content, inode))
    for reuse in found.values():
        _plan_image(reuse)
    return list(found.values())


def _fits(container: ContentReader, compressor: Compressor, block_size: int) -> bool:
    if container.compressor != compressor.name or container.block_size != block_size:
        return False
    # The kernel allocates the dictionary that the options state; a block may need one of a whole block.
    return compressor.name != "xz" or compressor.dictionary_size >= block_size


def _plan_image(reuse: ImageReuse) -> None:
    ranges = []
    tails: dict[int, list[tuple[int, int]]] = {}
    for content, inode in reuse.contents:
        length = _checked_length(content, inode)
        if length:
            ranges.append((inode.data_start, inode.data_start + length))
        if inode.fragment_index is not None:
            end = inode.fragment_offset + inode.tail_size
            tails.setdefault(inode.fragment_index, []).append((inode.fragment_offset, end))
    fragments = reuse.container.fragments
    whole = set()
    for index, parts in tails.items():
        if merge_ranges(parts) == [(0, reuse.container.fragment_length(index))]:
            fragment = fragments[index]
            _check_fragment(reuse.container, index)
            ranges.append((fragment.position, fragment.position + fragment.stored))
            whole.add(index)
    reuse.fragments = sorted(whole, key=lambda index: (fragments[index].position, index))
    reuse.ranges = merge_ranges(ranges)
    reuse.loose_tails = [
        (content, inode)
        for content, inode in reuse.contents
        if inode.fragment_index is not None and inode.fragment_index not in whole
    ]
    reuse.loose_tails.sort(key=lambda pair: reuse.container.position_key(pair[1]))


def _checked_length(content: StoredContent, inode: Inode) -> int:
    """Stored bytes of a file's blocks.

    :raises FormatError: where a block is longer than blocks are, or the blocks pass the image's end.
    """
    block_size = inode.container.block_size
    words: tuple[int, ...] = struct.unpack(f"<{inode.block_count}I", inode.size_words)
    lengths = [word & BLOCK_LENGTH for word in words]
    total = sum(lengths)
    if lengths and max(lengths) > block_size:
        raise FormatError(f"{content.path[:200]!r}: a block of {max(lengths)} bytes; the block size is {block_size}")
    if any(word and not length for word, length in zip(words, lengths, strict=True)):
        raise FormatError(f"{content.path[:200]!r}: a block of no bytes that is not sparse")
    if total > inode.container.end - inode.data_start:
        raise FormatError(f"{content.path[:200]!r}: blocks that pass the end of the image", inode.data_start)
    return total


def _check_fragment(container: ContentReader, index: int) -> None:
    fragment = container.fragments[index]
    if not 0 < fragment.stored <= container.block_size or fragment.stored > container.end - fragment.position:
        raise FormatError(
            f"fragment {index} has {fragment.stored} bytes, or passes the end of the image", fragment.position
        )


class MovedRanges:
    """Where the copied bytes of an image are now."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._shifts: list[int] = []

    def add(self, start: int, moved_to: int) -> None:
        """The bytes from ``start`` on are at ``moved_to`` of the new image; to be called in ascending order."""
        self._starts.append(start)
        self._shifts.append(moved_to - start)

    def new_position(self, position: int) -> int:
        """Of a byte within one of the ranges."""
        return position + self._shifts[bisect_right(self._starts, position) - 1]
