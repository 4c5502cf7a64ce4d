"""Reads an ELF file in few, contiguous ranges: the head, PT_DYNAMIC, the hash table, the tables beside it, and the section headers at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias, TypeVar

from inspector.formats.elf import dynamic as tags
from inspector.formats.elf.appimage_offset import appimage_offset
from inspector.formats.elf.architecture import EM_MIPS
from inspector.formats.elf.dynamic import MOST_ENTRIES, TABLE_ADDRESSES, DynamicSection, decode_dynamic
from inspector.formats.elf.elf_file import ElfFile
from inspector.formats.elf.hash_tables import gnu_hash_symbol_count, sysv_hash_symbol_count
from inspector.formats.elf.identification import Layout, decode_header
from inspector.formats.elf.loader_refusals import loader_refusals
from inspector.formats.elf.notes import find_notes, read_notes
from inspector.formats.elf.ranges import FileRanges
from inspector.formats.elf.sections import SHT_DYNSYM, SectionTable, read_sections
from inspector.formats.elf.segments import (
    PT_DYNAMIC,
    PT_LOAD,
    AddressMap,
    Segment,
    read_interpreter,
    read_segments,
    truncated_segments,
)
from inspector.formats.elf.string_table import StringTable
from inspector.formats.elf.symbols import CountedBy, SymbolTable
from inspector.formats.elf.versions import Names, decode_version_definitions, decode_version_needs
from inspector.limits import KIB, MIB, Limits
from inspector.source import Source

_MOST_DEFECTS = 100

_Row = TypeVar("_Row")
_Decoder: TypeAlias = Callable[[bytes, Layout, Names, list[str]], tuple[_Row, ...]]
_LIMITS = Limits()
_VERSION_WINDOWS = (64 * KIB, 4 * MIB)


def read_elf(
    source: Source,
    limits: Limits = _LIMITS,
    *,
    load_symbols: bool = True,
    load_sections: bool = True,
) -> ElfFile:
    """Read one ELF file.

    :param load_symbols: whether the dynamic symbol table is read; without it ``ElfFile.symbols`` cannot be asked.
    :param load_sections: whether the section headers are read; without them sizes go by segments, and notes only by PT_NOTE.
    :raises FormatError: where there is no magic, or the file is shorter than its header.
    :raises UnsupportedFormat: for a class or a byte order that ELF does not define.
    :raises LimitExceeded: where the tables pass ``Limits.elf_tables``.
    """
    return _Reader(source, limits, load_symbols, load_sections).read()


class _Reader:
    def __init__(self, source: Source, limits: Limits, load_symbols: bool, load_sections: bool) -> None:
        self.limits = limits
        self.load_symbols = load_symbols
        self.load_sections = load_sections
        self.ranges = FileRanges(source, limits)
        self.header = decode_header(self.ranges.head)
        self.defects: list[str] = []
        self.segments: tuple[Segment, ...] = ()
        self.map = AddressMap(())
        self.dynamic = DynamicSection()
        self.strings: StringTable | None = None
        self.sections = SectionTable(self.header.layout)
        self.starts: list[int] = []

    def read(self) -> ElfFile:
        header, defects = self.header, self.defects
        self.segments = read_segments(self.ranges, header, defects)
        self.map = AddressMap([segment for segment in self.segments if segment.type == PT_LOAD])
        if self.load_sections:
            self.sections = read_sections(self.ranges, header, defects)
        is_separate_debug = self._is_separate_debug()
        if not is_separate_debug:
            defects += truncated_segments(self.segments, self.ranges.size)
            self._read_dynamic()
        symbols_at, symbol_count, counted_by = self._symbol_count()
        self._load_tables(symbols_at, symbol_count)
        verneed = self._versions(tags.DT_VERNEED, "needed versions", decode_version_needs)
        verdef = self._versions(tags.DT_VERDEF, "version definitions", decode_version_definitions)
        tables = (b"", b"", b"")
        if symbol_count and self.strings is not None:
            tables = self._symbols(self.strings, symbols_at, symbol_count)
        note_ranges = find_notes(self.segments, self.sections, by_section=is_separate_debug)
        return ElfFile(
            header=header,
            size=self.ranges.size,
            segments=self.segments,
            dynamic=self.dynamic,
            interpreter=None if is_separate_debug else read_interpreter(self.ranges, self.segments, defects),
            soname=self._string(tags.DT_SONAME, "soname"),
            needed=self._strings(tags.DT_NEEDED, "needed library"),
            rpath=self._string(tags.DT_RPATH, "rpath"),
            runpath=self._string(tags.DT_RUNPATH, "runpath"),
            auxiliary=self._strings(tags.DT_AUXILIARY, "auxiliary library"),
            filter=self._strings(tags.DT_FILTER, "filtered library"),
            audit=self._strings(tags.DT_AUDIT, "audit library"),
            depaudit=self._strings(tags.DT_DEPAUDIT, "audit library"),
            verneed=verneed,
            verdef=verdef,
            symbols=SymbolTable(
                header.layout, *tables, needs=verneed, definitions=verdef, counted_by=counted_by, limits=self.limits
            ),
            relocations=self.dynamic.relocation_counts(header.layout),
            notes=read_notes(self.ranges, header, note_ranges, defects),
            sections=self.sections,
            is_separate_debug=is_separate_debug,
            dynamic_ranges=tuple(self._dynamic_ranges(symbol_count)),
            official_appimage_offset=appimage_offset(header, self.ranges.read) if self.load_sections else None,
            loader_refusals=loader_refusals(header, self.segments),
            defects=self._unique_defects(),
        )

    def _unique_defects(self) -> tuple[str, ...]:
        unique = list(dict.fromkeys(self.defects))
        if len(unique) > _MOST_DEFECTS:
            unique[_MOST_DEFECTS:] = [f"{len(unique) - _MOST_DEFECTS} more defects"]
        return tuple(unique)

    def _is_separate_debug(self) -> bool:
        code = [
            segment for segment in self.segments if segment.type == PT_LOAD and segment.is_executable and segment.memsz
        ]
        if code and not any(segment.filesz for segment in code):
            return True
        return self.sections.has_code_in_file() is False

    # -- the dynamic section and its strings

    def _read_dynamic(self) -> None:
        segment = next((s for s in reversed(self.segments) if s.type == PT_DYNAMIC and s.filesz), None)
        if segment is None:
            return
        most = MOST_ENTRIES * self.header.layout.dynamic.size
        content = self.ranges.read(segment.offset, min(segment.filesz, most))
        if not content:
            self.defects.append("the dynamic section lies behind the end of the file")
            return
        self.dynamic = decode_dynamic(content, self.header.layout, self.defects)
        offsets = (self._offset(tag) for tag in TABLE_ADDRESSES)
        self.starts = sorted({offset for offset in offsets if offset is not None})
        strings_at = self._offset(tags.DT_STRTAB)
        if strings_at is None:
            self.defects.append("the dynamic string table is missing")
            return
        address, size = self.dynamic.values[tags.DT_STRTAB], self.dynamic.get(tags.DT_STRSZ)
        room = self.map.room(address)
        if size is None or size > room:
            self.defects.append("the dynamic string table runs out of its segment")
            size = room
        self.strings = StringTable(self.ranges, strings_at, size, self.limits)

    def _offset(self, tag: int) -> int | None:
        """The file offset that an address of the dynamic section means; None for no such tag or no byte there."""
        address = self.dynamic.get(tag)
        return None if address is None else self.map.offset(address)

    def _extent(self, tag: int, offset: int) -> int:
        """Bytes from a table to the next one, or to the end of its segment: it cannot be longer."""
        room = self.map.room(self.dynamic.values[tag])
        following = next((start for start in self.starts if start > offset), None)
        return room if following is None else min(room, following - offset)

    def _name(self, index: int) -> str | None:
        return None if self.strings is None else self.strings.at(index)

    def _string(self, tag: int, what: str) -> str | None:
        index = self.dynamic.get(tag)
        if index is None:
            return None
        found = self._name(index)
        if found is None:
            self.defects.append(f"the {what} is not in the string table")
        return found

    def _strings(self, tag: int, what: str) -> tuple[str, ...]:
        found = []
        for index in self.dynamic.repeated.get(tag, ()):
            name = self._name(index)
            if name is None:
                self.defects.append(f"a {what} is not in the string table")
            else:
                found.append(name)
        return tuple(found)

    # -- symbols and versions

    def _symbol_count(self) -> tuple[int, int, CountedBy]:
        """Offset and rows of the dynamic symbol table, and how the rows were counted."""
        if not self.load_symbols:
            return 0, 0, "not read"
        offset = self._offset(tags.DT_SYMTAB)
        if offset is None or self.strings is None:
            if self.dynamic.get(tags.DT_SYMTAB) is not None:
                self.defects.append("the dynamic symbol table is missing")
            return 0, 0, "none"
        size = self.header.layout.symbol.size
        if self.dynamic.values.get(tags.DT_SYMENT, size) != size:
            self.defects.append(f"dynamic symbols of {self.dynamic.values[tags.DT_SYMENT]} bytes instead of {size}")
        count, counted_by = self._count(offset)
        most = min(self.map.room(self.dynamic.values[tags.DT_SYMTAB]), self.ranges.size - offset) // size
        if count > most:
            self.defects.append(f"{count} dynamic symbols do not fit into their segment; {most} were read")
            count = most
        return offset, count, counted_by

    def _count(self, offset: int) -> tuple[int, CountedBy]:
        if self.header.machine == EM_MIPS and (count := self.dynamic.get(tags.DT_MIPS_SYMTABNO)) is not None:
            return count, "DT_MIPS_SYMTABNO"
        hash_at, gnu_hash_at = self._offset(tags.DT_HASH), self._offset(tags.DT_GNU_HASH)
        if hash_at is not None:
            found = sysv_hash_symbol_count(self.ranges, self.header, hash_at)
            if found is not None:
                return found, "DT_HASH"
        if gnu_hash_at is not None:
            self.ranges.load([(gnu_hash_at, min(self._extent(tags.DT_GNU_HASH, gnu_hash_at), MIB))])
            found = gnu_hash_symbol_count(self.ranges, self.header, gnu_hash_at)
            if found is not None:
                return found, "DT_GNU_HASH"
        for section in self.sections:
            if section.type == SHT_DYNSYM and section.offset == offset:
                return section.size // self.header.layout.symbol.size, "section header"
        return self._extent(tags.DT_SYMTAB, offset) // self.header.layout.symbol.size, "next table"

    def _load_tables(self, symbols_at: int, symbol_count: int) -> None:
        """Read the symbols and what belongs to them at once; linkers put these tables side by side."""
        wanted = []
        if symbol_count and self.strings is not None:
            wanted += [
                (symbols_at, symbol_count * self.header.layout.symbol.size),
                (self.strings.offset, self.strings.size),
            ]
            versions_at = self._offset(tags.DT_VERSYM)
            if versions_at is not None:
                wanted.append((versions_at, 2 * symbol_count))
        for tag in (tags.DT_VERNEED, tags.DT_VERDEF):
            offset = self._offset(tag)
            if offset is not None:
                wanted.append((offset, min(self._extent(tag, offset), _VERSION_WINDOWS[0])))
        self.ranges.load(wanted)

    def _versions(self, tag: int, what: str, decode: _Decoder[_Row]) -> tuple[_Row, ...]:
        offset = self._offset(tag)
        if offset is None:
            if self.dynamic.get(tag) is not None:
                self.defects.append(f"the table of {what} is missing")
            return ()
        # The table's length is written nowhere.  It ends where the next one begins, unless an editor has moved things about.
        room = self.map.room(self.dynamic.values[tag])
        near = min(self._extent(tag, offset), _VERSION_WINDOWS[0])
        rows: tuple[_Row, ...] = ()
        found_defects: list[str] = []
        for length in dict.fromkeys((near, min(room, _VERSION_WINDOWS[1]))):
            found_defects = []
            rows = decode(self.ranges.read(offset, length), self.header.layout, self._name, found_defects)
            if not found_defects:
                break
        self.defects += found_defects
        return rows

    def _symbols(self, strings: StringTable, offset: int, count: int) -> tuple[bytes, bytes, bytes]:
        """The bytes of the symbols, of their names and of their versions."""
        versions_at = self._offset(tags.DT_VERSYM)
        versions = b"" if versions_at is None else self.ranges.read(versions_at, 2 * count)
        if versions_at is not None and len(versions) < 2 * count:
            self.defects.append("the table of symbol versions runs out of the file")
        rows = self.ranges.read(offset, count * self.header.layout.symbol.size)
        return rows, self.ranges.read(strings.offset, strings.size), versions

    def _dynamic_ranges(self, symbol_count: int) -> Iterable[tuple[int, int, str]]:
        """The tables that the dynamic section names, for files without section headers."""
        if len(self.sections) or not self.dynamic:
            return
        value = self.dynamic.values
        sized = {
            tags.DT_STRTAB: (tags.DT_STRSZ, "dynamic_linking"),
            tags.DT_RELA: (tags.DT_RELASZ, "relocations"),
            tags.DT_REL: (tags.DT_RELSZ, "relocations"),
            tags.DT_JMPREL: (tags.DT_PLTRELSZ, "relocations"),
            tags.DT_RELR: (tags.DT_RELRSZ, "relocations"),
        }
        unsized = (tags.DT_SYMTAB, tags.DT_HASH, tags.DT_GNU_HASH, tags.DT_VERSYM, tags.DT_VERNEED, tags.DT_VERDEF)
        for tag in (*sized, *unsized):
            offset = self._offset(tag)
            if offset is None:
                continue
            size = self._extent(tag, offset)
            kind = "dynamic_linking"
            if tag in sized:
                size_tag, kind = sized[tag]
                size = min(value.get(size_tag, 0), self.map.room(value[tag]))
            elif tag == tags.DT_SYMTAB and symbol_count:
                size = symbol_count * self.header.layout.symbol.size
            yield offset, size, kind
