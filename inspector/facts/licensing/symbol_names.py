"""Which functions of the fingerprint catalogue an ELF file defines, by its dynamic symbols and, where it was not stripped, by ``.symtab``.

The names are searched in the string tables as they lie; a row is decoded only where its name is one of the catalogue's.
"""

from __future__ import annotations

from collections.abc import Sequence

from inspector.facts.licensing.fingerprints import Catalogue
from inspector.formats.elf import ElfFile
from inspector.formats.elf.identification import Layout
from inspector.formats.elf.sections import SHT_DYNSYM, SHT_STRTAB, SHT_SYMTAB, Section
from inspector.limits import Limits
from inspector.source import Source

_FUNCTION, _INDIRECT_FUNCTION = 2, 10  # STT_FUNC, STT_GNU_IFUNC
_WEAK = 2  # STB_WEAK: templates and inline functions, which every user of a header defines
_MOST_NAMES = 64  # of the catalogue's names that are looked up in one file
_LONGEST_NAME = 256  # bytes of a name that is kept


class SymbolRows:
    """One symbol table where it lies: rows and names are read when they are wanted."""

    __slots__ = ("_layout", "_limit", "_names", "_rows", "_source")

    def __init__(
        self, source: Source, layout: Layout, rows: tuple[int, int], names: tuple[int, int], limits: Limits
    ) -> None:
        self._source = source
        self._layout = layout
        self._rows = rows
        self._names = names
        self._limit = limits.elf_tables

    def names(self) -> bytes:
        """The string table (its first byte is NUL); nothing of a table beyond ``Limits.elf_tables``."""
        offset, size = self._names
        return self._source.read_at(offset, size) if size <= self._limit else b""

    def defined_at(self, starts: Sequence[int]) -> set[int]:
        """Those of the offsets into the names at which the name of a function stands that is defined here."""
        offset, size = self._rows
        if size > self._limit:
            return set()
        rows = self._source.read_at(offset, size)
        layout = self._layout
        row_size = layout.symbol.size
        wanted = set(starts)
        found: set[int] = set()
        # st_name is the first word of a row in both classes.
        for row, start in enumerate(layout.numbers(rows[: len(rows) // row_size * row_size], 4)[:: row_size // 4]):
            if start in wanted:
                fields = layout.symbol.unpack_from(rows, row * row_size)
                info, section = (fields[1], fields[3]) if layout.bits == 64 else (fields[3], fields[5])
                if section and info & 15 in (_FUNCTION, _INDIRECT_FUNCTION) and info >> 4 != _WEAK:
                    found.add(start)
        return found


def symbol_tables(source: Source, elf: ElfFile, sections: Sequence[Section], limits: Limits) -> list[SymbolRows]:
    """The file's symbol tables by its section headers; none where it has no section headers."""
    tables = []
    for section in sections:
        if section.type not in (SHT_SYMTAB, SHT_DYNSYM) or not 0 < section.link < len(sections):
            continue
        names = sections[section.link]
        if names.type == SHT_STRTAB:
            rows, strings = (section.offset, section.size), (names.offset, names.size)
            tables.append(SymbolRows(source, elf.header.layout, rows, strings, limits))
    return tables[:_MOST_TABLES]


_MOST_TABLES = 4


class SymbolNames:
    """The catalogue's functions in the symbol tables of one file."""

    def __init__(self, tables: Sequence[SymbolRows], catalogue: Catalogue) -> None:
        self._tables = tables
        self._catalogue = catalogue

    def defined(self) -> dict[bytes, None]:
        """Names of functions that the file defines, in the order of their tables.

        :raises FormatError: where the content cannot be decoded.
        """
        found: dict[bytes, None] = {}
        for table in self._tables:
            names = table.names()
            starts = {at + 1 for _, at, _ in self._catalogue.find_symbols(names)}
            if starts:
                for start in sorted(table.defined_at(sorted(starts)[:_MOST_NAMES])):
                    end = names.find(b"\0", start, start + _LONGEST_NAME)
                    found[names[start : end if end >= 0 else start + _LONGEST_NAME]] = None
        return found
