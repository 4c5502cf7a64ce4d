"""Program headers: what is mapped where.  gABI chapter 5, "Program Header"; GNU segment types from glibc's ``elf.h``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from inspector.formats.elf.identification import PN_XNUM, Header
from inspector.formats.elf.ranges import FileRanges
from inspector.formats.elf.string_table import text

PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_PHDR, PT_TLS = 1, 2, 3, 4, 6, 7
PT_GNU_EH_FRAME, PT_GNU_STACK, PT_GNU_RELRO, PT_GNU_PROPERTY = 0x6474E550, 0x6474E551, 0x6474E552, 0x6474E553
PF_X, PF_W, PF_R = 1, 2, 4

_LONGEST_INTERPRETER = 4096  # PATH_MAX, which execve(2) holds it to
MOST_SEGMENTS = 65_535
"""As many as ``e_phnum`` can say; the extension through section 0 is followed up to here."""
LARGEST_PAGE_SIZE = 1 << 30
"""What :attr:`Segment.largest_page_size` says where address and offset agree on every page size."""


class Segment(NamedTuple):
    """One program header; sizes and offsets in bytes, ``offset`` and ``filesz`` of the file, the others of memory."""

    type: int
    flags: int
    offset: int
    vaddr: int
    paddr: int
    filesz: int
    memsz: int
    align: int

    @property
    def is_executable(self) -> bool:
        """Whether PF_X is set."""
        return bool(self.flags & PF_X)

    @property
    def is_writable(self) -> bool:
        """Whether PF_W is set."""
        return bool(self.flags & PF_W)

    @property
    def end(self) -> int:
        """The file offset behind its last byte, whether or not the file is that long."""
        return self.offset + self.filesz

    @property
    def largest_page_size(self) -> int:
        """The largest page size on which it can be mapped: ``(p_vaddr - p_offset) mod page = 0``, the rule of glibc since 2.35 (dl-load.c).

        At most :data:`LARGEST_PAGE_SIZE`.
        """
        difference = self.vaddr - self.offset
        return min(difference & -difference, LARGEST_PAGE_SIZE) if difference else LARGEST_PAGE_SIZE

    def is_mappable_by_old_glibc(self, page_size: int) -> bool:
        """Whether glibc up to 2.34 maps it too: ``p_align`` a multiple of the page size, and address and offset equal modulo ``p_align``."""
        return self.align % page_size == 0 and self.align > 0 and (self.vaddr - self.offset) % self.align == 0


def read_segments(ranges: FileRanges, header: Header, defects: list[str]) -> tuple[Segment, ...]:
    """All program headers that the file has; what is missing or wrong is appended to ``defects``."""
    layout = header.layout
    row = layout.program_header
    count = _count(ranges, header)
    if not count or not header.phoff:
        return ()
    if header.phentsize != row.size:
        defects.append(f"program headers of {header.phentsize} bytes instead of {row.size}")
        if header.phentsize < row.size:
            return ()
    if count > MOST_SEGMENTS:
        defects.append(f"{count} program headers; only {MOST_SEGMENTS} were read")
        count = MOST_SEGMENTS
    stride = header.phentsize
    content = ranges.read(header.phoff, count * stride)
    if len(content) < count * stride:
        defects.append(f"the file ends inside the table of {count} program headers")
        count = len(content) // stride
    rows: Iterable[tuple[int, ...]] = (row.unpack_from(content, index * stride) for index in range(count))
    if layout.bits == 32:  # p_flags lies elsewhere
        rows = ((kind, flags, *places, align) for kind, *places, flags, align in rows)
    return tuple(map(Segment._make, rows))


def read_interpreter(ranges: FileRanges, segments: Sequence[Segment], defects: list[str]) -> str | None:
    """The program of PT_INTERP; of several the kernel takes the first."""
    segment = next((segment for segment in segments if segment.type == PT_INTERP), None)
    if segment is None:
        return None
    content = ranges.read(segment.offset, min(segment.filesz, _LONGEST_INTERPRETER))
    end = content.find(0)
    if end <= 0:
        defects.append("the interpreter has no name or no end")
        return None
    return text(content[:end])


def truncated_segments(segments: Sequence[Segment], size: int) -> list[str]:
    """A sentence for each PT_LOAD that the file, of ``size`` bytes, does not hold to its end."""
    return [
        f"segment {number} ends at byte {segment.end}, {segment.end - size} behind the end of the file"
        for number, segment in enumerate(segments)
        if segment.type == PT_LOAD and segment.filesz and segment.end > size
    ]


def _count(ranges: FileRanges, header: Header) -> int:
    if header.phnum != PN_XNUM or not header.shoff:
        return header.phnum
    row = header.layout.section_header
    first = ranges.read(header.shoff, row.size)
    if len(first) < row.size:
        return header.phnum
    return int(row.unpack(first)[7]) or header.phnum


class AddressMap:
    """From addresses in memory to offsets in the file, by the PT_LOAD segments.

    Segments that are neighbours in memory and in the file alike count as one: patchelf lets a table begin in a segment of its own and
    run on into the next, which is no border for the loader.
    """

    def __init__(self, loads: Sequence[Segment]) -> None:
        self._loads: list[tuple[int, int, int]] = []
        for load in sorted((load for load in loads if load.filesz), key=lambda load: load.vaddr):
            start, offset = load.vaddr, load.offset
            if self._loads:
                first, end, first_offset = self._loads[-1]
                if start == end and offset == first_offset + (end - first):
                    self._loads.pop()
                    start, offset = first, first_offset
            self._loads.append((start, load.vaddr + load.filesz, offset))

    def offset(self, address: int) -> int | None:
        """The file offset of ``address``, or None where no byte of the file lies."""
        for start, end, offset in self._loads:
            if start <= address < end:
                return address - start + offset
        return None

    def room(self, address: int) -> int:
        """Bytes of the file from ``address`` to the end of its segment and its neighbours."""
        for start, end, _ in self._loads:
            if start <= address < end:
                return end - address
        return 0
