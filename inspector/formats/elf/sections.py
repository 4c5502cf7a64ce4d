"""Section headers, decoded when asked for.  The loader never reads them; sizes and names come from here.

gABI chapter 4, "Section Header" and "Special Sections".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from inspector.formats.elf.identification import SHN_XINDEX, Header, Layout
from inspector.formats.elf.ranges import FileRanges
from inspector.formats.elf.string_table import text

SHT_NULL, SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_RELA, SHT_HASH, SHT_DYNAMIC, SHT_NOTE, SHT_NOBITS, SHT_REL, SHT_DYNSYM = (
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11,
)  # fmt: skip
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR = 1, 2, 4

_NAMES_BEFORE = 4096
"""Linkers write the sections' names right before their headers; so much is read with them at once."""
MOST_SECTIONS = 131_072
LONGEST_NAME = 255
"""Bytes of a section's name that are kept."""


class Section(NamedTuple):
    """One section header; ``offset`` and ``size`` in bytes of the file (of memory for SHT_NOBITS)."""

    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entry_size: int

    @property
    def occupies_file(self) -> bool:
        """Whether it has bytes in the file."""
        return self.type not in {SHT_NULL, SHT_NOBITS} and self.size > 0


class SectionTable:
    """The section headers over their raw bytes; iterating decodes them.

    :ivar names_index: the number of the section with the names, or None.
    """

    __slots__ = ("_count", "_layout", "_names", "_rows", "_stride", "names_index")

    def __init__(
        self, layout: Layout, rows: bytes = b"", stride: int = 0, names: bytes = b"", names_index: int | None = None
    ) -> None:
        self._layout = layout
        self._rows = rows
        self._stride = stride
        self._names = names
        self._count = len(rows) // stride if stride else 0
        self.names_index = names_index

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Section:
        if not 0 <= index < self._count:
            raise IndexError(index)
        name, *rest = self._layout.section_header.unpack_from(self._rows, index * self._stride)
        return Section(self._name(name), *rest)

    def __iter__(self) -> Iterator[Section]:
        for index in range(self._count):
            yield self[index]

    def has_code_in_file(self) -> bool | None:
        """Whether any executable section has bytes in the file; None where there is no executable section."""
        answer = None
        row = self._layout.section_header
        for index in range(self._count):
            _, kind, flags, *_ = row.unpack_from(self._rows, index * self._stride)
            if flags & SHF_EXECINSTR and flags & SHF_ALLOC:
                if kind != SHT_NOBITS:
                    return True
                answer = False
        return answer

    @property
    def image_end(self) -> int:
        """The file offset behind the section that ends last; 0 without sections."""
        row, rows, last = self._layout.section_header, self._rows, 0
        for index in range(self._count):
            _, kind, _, _, offset, size, *_ = row.unpack_from(rows, index * self._stride)
            if size and kind not in {SHT_NULL, SHT_NOBITS} and offset + size > last:
                last = offset + size
        return last

    def find(self, name: str) -> Section | None:
        """The first section of a name (its first :data:`LONGEST_NAME` bytes), or None."""
        return next((section for section in self if section.name == name), None)

    def _name(self, offset: int) -> str:
        piece = self._names[offset : offset + LONGEST_NAME]
        end = piece.find(0)
        return text(piece if end < 0 else piece[:end])


def read_sections(ranges: FileRanges, header: Header, defects: list[str]) -> SectionTable:
    """The section header table with extended numbering; empty where there is none, and what is broken goes to ``defects``."""
    layout = header.layout
    row, stride = layout.section_header, header.shentsize
    none = SectionTable(layout)
    if not header.shoff:
        return none
    if stride < row.size:
        if header.shnum:
            defects.append(f"section headers of {stride} bytes instead of {row.size}")
        return none
    if header.shoff >= ranges.size:
        defects.append(f"the section header table at byte {header.shoff} lies behind the end of the file")
        return none
    before = min(_NAMES_BEFORE, header.shoff)
    ranges.load([(header.shoff - before, before + max(header.shnum, 1) * stride)])
    count, names_index = _numbering(ranges, header)
    if count > MOST_SECTIONS:
        defects.append(f"{count} section headers; only {MOST_SECTIONS} were read")
        count = MOST_SECTIONS
    available = (ranges.size - header.shoff) // stride
    rows = ranges.read(header.shoff, min(count, available) * stride)
    if len(rows) < count * stride:
        defects.append(f"the file ends inside the table of {count} section headers")
        count = len(rows) // stride
    names = b""
    if 0 < names_index < count:
        fields = row.unpack_from(rows, names_index * stride)
        if fields[1] != SHT_NOBITS:
            names = ranges.read(fields[4], fields[5])
    elif count:
        defects.append("the sections have no names")
    return SectionTable(layout, rows, stride, names, names_index if names else None)


def _numbering(ranges: FileRanges, header: Header) -> tuple[int, int]:
    """How many sections there are and which one has the names; where the header cannot count so far, section 0 says it."""
    count, names_index = header.shnum, header.shstrndx
    row = header.layout.section_header
    if not count or names_index == SHN_XINDEX:
        first = ranges.read(header.shoff, row.size)
        if len(first) < row.size:
            return 0, 0
        fields = row.unpack(first)
        count = count or fields[5]
        if names_index == SHN_XINDEX:
            names_index = fields[6]
    return count, names_index
