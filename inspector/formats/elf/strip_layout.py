"""Where the parts of a file lie when what is between them goes.

What the loader maps is never cut: ranges of the file that belong together (a segment, and everything that overlaps or touches it) make a block,
and a block moves as a whole, towards the start, by a multiple of its modulus: the largest of its segments' ``p_align`` and of the architecture's
largest page size.  So offset and address stay as congruent as they were, for every loader and every kernel's page size.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from msgspec import Struct

from inspector.formats.elf.architecture import architecture_name, page_sizes
from inspector.formats.elf.elf_file import ElfFile
from inspector.formats.elf.identification import Header
from inspector.formats.elf.segments import PT_LOAD, Segment
from inspector.formats.elf.strip_refusals import StripRefused
from inspector.formats.elf.strip_sections import SectionRow

_UNKNOWN_ARCHITECTURE_PAGE = 65_536
_SMALLEST_PAGE = 4096


class Block(NamedTuple):
    """A range of the file that moves as a whole; offsets in bytes.

    :ivar modulus: what the distance that it moves is a multiple of.
    :ivar new_start: where it lies afterwards.
    """

    start: int
    end: int
    modulus: int
    new_start: int

    @property
    def shift(self) -> int:
        """Bytes that it moves towards the start."""
        return self.start - self.new_start

    @property
    def new_end(self) -> int:
        """The offset behind its last byte, afterwards."""
        return self.end - self.shift


class Arrangement(Struct, frozen=True):
    """The blocks in the order of the file, and what follows from them.

    :ivar solid: those with bytes; a segment without any may lie anywhere, also in the middle of a section.
    :ivar end: where the last block ends afterwards; sections that are not loaded, names and section headers follow.
    """

    blocks: tuple[Block, ...]
    solid: tuple[Block, ...]
    end: int

    def block_of(self, offset: int) -> Block | None:
        """The block that ``offset`` lies in, or at whose end it is, the former preferred."""
        index = bisect_right(self.blocks, offset, key=lambda block: block.start) - 1
        if index < 0:
            return None
        block = self.blocks[index]
        return block if offset <= block.end else None

    def holds(self, start: int, end: int) -> bool:
        """Whether a range lies in one block, and so moves with it.

        :raises StripRefused: where it lies half in a block.
        """
        index = bisect_right(self.solid, start, key=lambda block: block.start) - 1
        if index >= 0 and end <= self.solid[index].end:
            return True
        if (index >= 0 and start < self.solid[index].end) or (
            index + 1 < len(self.solid) and self.solid[index + 1].start < end
        ):
            raise StripRefused("a section that is not loaded overlaps what is")
        return False


def largest_page_size(header: Header) -> int:
    """The largest page that a kernel of the file's architecture may have (see ``architecture.page_sizes``), in bytes; 64 KiB for unknown ones."""
    name = architecture_name(header)
    return _UNKNOWN_ARCHITECTURE_PAGE if name.startswith("unknown") else page_sizes(name)[-1]


def may_move_program_headers(elf: ElfFile) -> bool:
    """Whether the program headers may move with the segment that they lie in: not in programs.

    Before Linux 5.18 the kernel told a program where its program headers are by ``e_phoff`` and the first segment alone.  Loaders look for those of a
    library in the segment that holds them.  A program without an interpreter that does not call itself one has neither name nor needs.
    """
    return elf.type == "DYN" and not elf.is_program and elf.interpreter is None and bool(elf.soname or elf.needed)


def arrange(
    header: Header, segments: Sequence[Segment], rows: Sequence[SectionRow], page: int, *, move_program_headers: bool
) -> Arrangement:
    """Close the gaps between what the loader maps.

    :param page: a page size in bytes; see :func:`largest_page_size`.
    :param move_program_headers: see :func:`may_move_program_headers`; else the block with them stays where it is.
    """
    ranges: list[tuple[int, int, int]] = [(0, header.size, 1)]
    ranges.append((header.phoff, header.phoff + header.phnum * header.phentsize, header.layout.word_size))
    for segment in segments:
        if segment.type == PT_LOAD:
            ranges.append((segment.offset, segment.end, max(segment.align, page)))
        elif segment.filesz:
            ranges.append((segment.offset, segment.end, _power_of_two(segment.align)))
    ranges += [(row.offset, row.end, row.align or 1) for row in rows if row.is_loaded and row.occupies_file]
    ranges += _on_one_page([segment for segment in segments if segment.type == PT_LOAD], page)
    blocks, cursor = [], 0
    for start, end, modulus in _joined(ranges):
        stays = start <= header.phoff < end and not move_program_headers
        new_start = start if stays else cursor + (start - cursor) % modulus
        blocks.append(Block(start, end, modulus, new_start))
        if end > start:
            cursor = new_start + end - start
    solid = tuple(block for block in blocks if block.end > block.start)
    return Arrangement(tuple(blocks), solid, max(cursor, _end_of_mapped_pages(segments, blocks)))


def _power_of_two(align: int) -> int:
    if align & (align - 1):
        raise StripRefused("a segment's alignment is no power of two")
    return align or 1


def _joined(ranges: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Ranges that overlap or touch as one, with the largest modulus of theirs."""
    joined: list[tuple[int, int, int]] = []
    for start, end, modulus in sorted(ranges):
        if joined and start <= joined[-1][1]:
            first, last, largest = joined[-1]
            joined[-1] = (first, max(last, end), max(largest, modulus))
        else:
            joined.append((start, end, modulus))
    return joined


def _on_one_page(loads: list[Segment], page: int) -> list[tuple[int, int, int]]:
    """Neighbours that share a page of memory and the page of the file behind it: mapping the second one maps the end of the first one again."""
    loads = sorted(loads, key=lambda load: load.vaddr)
    found = []
    for before, after in pairwise(loads):
        last = before.vaddr + max(before.filesz, 1) - 1
        if before.vaddr - before.offset == after.vaddr - after.offset and last // page >= after.vaddr // page:
            found.append((min(before.offset, after.offset), max(before.end, after.end), 1))
    return found


def _end_of_mapped_pages(segments: Sequence[Segment], blocks: Sequence[Block]) -> int:
    """How long the file must be for segments without bytes in it: the page that such a one begins in is mapped from the file all the same."""
    starts = {block.start: block for block in blocks}
    needed = 0
    for segment in segments:
        if (
            segment.type == PT_LOAD
            and not segment.filesz
            and segment.vaddr % _SMALLEST_PAGE
            and segment.offset in starts
        ):
            new_offset = starts[segment.offset].new_start
            needed = max(needed, new_offset - new_offset % _SMALLEST_PAGE + 1)
    return needed
