"""The sections of a file that is to be stripped: which go, which stay, and the table that is written for those that stay.

The numbers of sections that are loaded never change, because dynamic symbols, which lie in memory, carry them (``st_shndx``): where a section
before the last such one goes, its header becomes SHT_NULL.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from inspector.formats.elf.identification import Header
from inspector.formats.elf.sections import SHF_ALLOC, SHT_NOBITS, SHT_NULL, SHT_REL, SHT_RELA, SHT_STRTAB, SHT_SYMTAB
from inspector.formats.elf.spliced import read_exactly
from inspector.formats.elf.strip_refusals import StripRefused
from inspector.limits import MIB
from inspector.source import Source

SHT_GROUP, SHT_SYMTAB_SHNDX = 17, 18
_SHT_CREL, _SHT_LLVM_ADDRSIG = 0x40000014, 0x6FFF4C03
SHF_INFO_LINK = 0x40

_ABOUT_SYMBOLS = frozenset((SHT_REL, SHT_RELA, _SHT_CREL, SHT_GROUP, SHT_SYMTAB_SHNDX, _SHT_LLVM_ADDRSIG))
"""Types that mean nothing without the symbol table that they link to."""
DEBUG_PREFIXES = (
    b".debug",
    b".zdebug",
    b".gnu_debug",
    b".stab",
    b".gnu.lto_",
    b".gnu.debuglto_",
    b".gdb_index",
    b".line",
)
DEBUG_LINK = b".gnu_debuglink"
"""Names the separate file with the debug information; stays, being for those who have it."""

_LONGEST_NAME = 4096
_MOST_NAME_BYTES = 16 * MIB


class SectionRow(NamedTuple):
    """One section header with its raw name; ``offset`` and ``size`` in bytes."""

    name: bytes
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
    def is_loaded(self) -> bool:
        """SHF_ALLOC."""
        return bool(self.flags & SHF_ALLOC)

    @property
    def occupies_file(self) -> bool:
        """Whether it has bytes in the file."""
        return self.type not in {SHT_NULL, SHT_NOBITS} and self.size > 0

    @property
    def end(self) -> int:
        """The file offset behind its last byte."""
        return self.offset + self.size if self.occupies_file else self.offset


def read_rows(source: Source, header: Header) -> list[SectionRow]:
    """All section headers, each checked to lie in the file.

    :raises StripRefused: where one runs out of the file, has no name, or has an alignment that is no power of two.
    :raises FormatError: from the source only.
    """
    row = header.layout.section_header
    raw = list(row.iter_unpack(read_exactly(source, header.shoff, header.shnum * row.size)))
    names = raw[header.shstrndx]
    if names[1] != SHT_STRTAB:
        raise StripRefused("the sections' names are no string table")
    if names[4] + names[5] > source.size:
        raise StripRefused("the sections' names run out of the file")
    if names[5] > _MOST_NAME_BYTES:
        raise StripRefused("the sections' names are too long")
    texts = read_exactly(source, names[4], names[5])
    rows, name_bytes = [], 0
    for fields in raw:
        start = fields[0]
        end = texts.find(0, start, start + _LONGEST_NAME)
        if end < 0:
            raise StripRefused("a section's name has no end")
        name_bytes += end - start
        if name_bytes > _MOST_NAME_BYTES:
            raise StripRefused("the sections' names are too long")
        section = SectionRow(texts[start:end], *fields[1:])
        if section.occupies_file and section.end > source.size:
            raise StripRefused("a section runs out of the file")
        if section.align & (section.align - 1):
            raise StripRefused("a section's alignment is no power of two")
        rows.append(section)
    return rows


def dropped_sections(rows: Sequence[SectionRow], names_index: int, *, keep_symtab: bool) -> frozenset[int]:
    """The numbers of the sections that go: debug information, the symbol table, and what only they use.

    Everything that is loaded stays, and so do comments, notes and sections of a purpose that we do not know.
    """
    dropped = {
        index
        for index, row in enumerate(rows)
        if not row.is_loaded
        and row.type != SHT_NULL
        and row.name != DEBUG_LINK
        and (row.name.startswith(DEBUG_PREFIXES) or (row.type == SHT_SYMTAB and not keep_symtab))
    }
    for index, row in enumerate(rows):
        if row.type in _ABOUT_SYMBOLS and not row.is_loaded and (row.link in dropped or _target(row) in dropped):
            dropped.add(index)
    linked_from: dict[int, set[bool]] = {}
    for index, row in enumerate(rows):
        linked_from.setdefault(row.link, set()).add(index in dropped)
    for index, row in enumerate(rows):
        if row.type == SHT_STRTAB and not row.is_loaded and linked_from.get(index) == {True}:
            dropped.add(index)
    return frozenset(dropped - {0, names_index})


def _target(row: SectionRow) -> int | None:
    """The section that relocations are for."""
    return row.info if row.type in {SHT_REL, SHT_RELA, _SHT_CREL} and row.info else None


def new_numbers(rows: Sequence[SectionRow], dropped: Collection[int], *, keep_symtab: bool) -> list[int | None]:
    """For each number of the new table the old number, None where SHT_NULL holds the place of a section that went."""
    kept = [index for index in range(len(rows)) if index not in dropped]
    fixed = kept[-1] if keep_symtab else max((index for index in kept if rows[index].is_loaded), default=0)
    behind = [index for index in kept if index > fixed and rows[index].type != SHT_NULL]
    return [index if index not in dropped else None for index in range(fixed + 1)] + behind


def name_table(names: Sequence[bytes]) -> tuple[bytes, list[int]]:
    """A string table and the place of each name in it; a name that ends another one shares its bytes."""
    order = sorted(set(names), key=lambda name: name[::-1], reverse=True)
    table, places = bytearray(b"\0"), {b"": 0}
    previous, previous_at = b"", 0
    for name in order:
        if not name:
            continue
        if not previous.endswith(name):
            previous, previous_at = name, len(table)
            table += name + b"\0"
        places[name] = previous_at + len(previous) - len(name)
    return bytes(table), [places[name] for name in names]
