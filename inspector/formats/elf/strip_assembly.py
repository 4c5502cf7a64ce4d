"""The new file, put together: blocks at their new places, then sections that are not loaded, their names, the section headers, and the payload."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from inspector.formats.elf.elf_file import ElfFile
from inspector.formats.elf.sections import SHT_NULL, SHT_REL, SHT_RELA
from inspector.formats.elf.segments import PT_LOAD, Segment
from inspector.formats.elf.spliced import FileRange, Piece, SplicedFile, Zeros, read_exactly
from inspector.formats.elf.string_table import text
from inspector.formats.elf.strip_layout import Arrangement
from inspector.formats.elf.strip_refusals import StripRefused
from inspector.formats.elf.strip_sections import DEBUG_LINK, SHF_INFO_LINK, SectionRow, name_table, new_numbers
from inspector.source import Source

_SHT_PROGBITS = 1
_INFO_IS_A_SECTION = frozenset((SHT_REL, SHT_RELA))
"""Types whose ``sh_info`` is the number of a section without SHF_INFO_LINK too (gABI, "sh_link and sh_info Interpretation")."""
_SMALLEST_PAGE = 4096
_MOST_ALIGNMENT = 4096
"""Of a section that is not loaded, whose alignment means nothing to a loader."""


class Assembly:
    """Where everything goes, and the bytes that are written anew.

    :ivar image_end: of the old file: where the last segment, section or header table ends; what follows is payload.
    :ivar size: of the new file, in bytes.
    :raises StripRefused: where the sections contradict each other.
    """

    def __init__(
        self, source: Source, elf: ElfFile, rows: Sequence[SectionRow], dropped: frozenset[int], arrangement: Arrangement, *,
        keep_symtab: bool, debug_link: bytes | None,
    ) -> None:  # fmt: skip
        self._source = source
        self._header = elf.header
        self._segments = elf.segments
        self._arrangement = arrangement
        self._dropped = dropped
        self._rows = list(rows)
        self._numbers = new_numbers(rows, dropped, keep_symtab=keep_symtab)
        self._rewritten: dict[int, bytes] = {}
        if debug_link is not None:
            self._link_to_debug_file(debug_link)
        self._rename()
        self.image_end = self._end_of_image()
        self._offsets: dict[int, int] = {}
        self._unloaded: list[tuple[int, int, Piece]] = []
        self._table_offset = self._place_unloaded()
        self._table_size = len(self._numbers) * self._header.layout.section_header.size
        self.size = self._table_offset + self._table_size + source.size - self.image_end

    def _link_to_debug_file(self, debug_link: bytes) -> None:
        number = next((i for i, row in enumerate(self._rows) if row.name == DEBUG_LINK and not row.is_loaded), None)
        if number is None:
            number = len(self._rows)
            self._rows.append(SectionRow(DEBUG_LINK, _SHT_PROGBITS, 0, 0, 0, len(debug_link), 0, 0, 4, 0))
            self._numbers.append(number)
        self._rewritten[number] = debug_link

    def _rename(self) -> None:
        """Write the names of those that stay, unless a symbol table that stays shares their string table."""
        names_index = self._header.shstrndx
        names_row = self._rows[names_index]
        if names_row.is_loaded:
            raise StripRefused("the sections' names are loaded")
        kept = [number for number in self._numbers if number is not None]
        if any(self._rows[number].link == names_index for number in kept):
            raise StripRefused("the sections' names are in the table of another section")
        table, places = name_table([self._rows[number].name for number in kept])
        self._rewritten[names_index] = table
        self._name_places = dict(zip(kept, places, strict=True))

    def _end_of_image(self) -> int:
        header = self._header
        ends = [
            header.size,
            header.phoff + header.phnum * header.phentsize,
            header.shoff + header.shnum * header.shentsize,
        ]
        ends += [segment.end for segment in self._segments if segment.filesz]
        ends += [row.end for row in self._rows if row.occupies_file]
        return min(max(ends), self._source.size)

    def _place_unloaded(self) -> int:
        """Give the sections that are not loaded their new offsets, the names last, and return that of the section headers."""
        cursor, names_index = self._arrangement.end, self._header.shstrndx
        unloaded = [
            n for n in self._numbers if n is not None and not self._rows[n].is_loaded and self._rows[n].type != SHT_NULL
        ]
        unloaded.sort(key=lambda n: (n == names_index, n >= self._header.shnum, self._rows[n].offset, n))
        copied = 0
        for number in unloaded:
            row = self._rows[number]
            replaced = self._rewritten.get(number)
            if replaced is None and row.occupies_file and self._arrangement.holds(row.offset, row.end):
                continue
            piece = FileRange(row.offset, row.end) if replaced is None else replaced
            length = row.end - row.offset if replaced is None else len(replaced)
            cursor += -cursor % min(row.align or 1, _MOST_ALIGNMENT)
            self._offsets[number] = cursor
            self._unloaded.append((cursor, cursor + length, piece))
            cursor += length
            copied += length
        if copied > self._source.size + sum(map(len, self._rewritten.values())):
            raise StripRefused("sections that are not loaded overlap each other")
        return cursor + -cursor % self._header.layout.word_size

    # -- the new tables

    def _load_at(self, address: int) -> Segment | None:
        return next((s for s in self._segments if s.type == PT_LOAD and s.vaddr <= address < s.vaddr + s.memsz), None)

    def _moved(self, offset: int, address: int | None, *, in_file: bool) -> int:
        """The new offset of something in a block.

        :param address: of what has no bytes in the file and belongs to the segment that holds its address; its offset may lie anywhere.
        """
        if not in_file and address is not None:
            load = self._load_at(address)
            if load is not None:
                offset, distance = load.offset, offset - load.offset
                block = self._arrangement.block_of(offset)
                return max(offset + distance - (block.shift if block else 0), 0)
        block = self._arrangement.block_of(offset)
        return offset - block.shift if block else min(offset, self._arrangement.end)

    def _program_headers(self) -> bytes:
        header, layout = self._header, self._header.layout
        table = bytearray(read_exactly(self._source, header.phoff, header.phnum * header.phentsize))
        word = layout.word_size
        for number, segment in enumerate(self._segments):
            in_file = bool(segment.filesz) or segment.type == PT_LOAD
            offset = self._moved(segment.offset, segment.vaddr if segment.memsz else None, in_file=in_file)
            at = number * header.phentsize + (8 if layout.bits == 64 else 4)
            table[at : at + word] = offset.to_bytes(word, layout.endian)
        return bytes(table)

    def _elf_header(self) -> bytes:
        header = self._header
        names_index = self._numbers.index(header.shstrndx)
        phoff = self._moved(header.phoff, None, in_file=True)
        return header.ident + header.layout.header.pack(
            header.type, header.machine, header.version, header.entry, phoff, self._table_offset, header.flags, header.ehsize,
            header.phentsize, header.phnum, header.shentsize, len(self._numbers), names_index,
        )  # fmt: skip

    def _section_headers(self) -> bytes:
        pack = self._header.layout.section_header.pack
        new_number = {old: new for new, old in enumerate(self._numbers) if old is not None}
        output = bytearray()
        for number in self._numbers:
            if number is None:
                output += bytes(self._header.layout.section_header.size)
                continue
            row = self._rows[number]
            offset, size = self._offsets.get(number), row.size
            if row.type == SHT_NULL:
                offset = row.offset
            elif offset is None:
                in_file = row.occupies_file or not row.is_loaded
                offset = self._moved(row.offset, row.address, in_file=in_file)
            if number in self._rewritten:
                size = len(self._rewritten[number])
            info = row.info
            if row.flags & SHF_INFO_LINK or row.type in _INFO_IS_A_SECTION:
                info = new_number.get(info, 0)
            link = new_number.get(row.link, 0)
            output += pack(
                self._name_places[number],
                row.type,
                row.flags,
                row.address,
                offset,
                size,
                link,
                info,
                row.align,
                row.entry_size,
            )
        return bytes(output)

    # -- the new bytes

    def content(self) -> SplicedFile:
        """The new file, over the source of the old one."""
        return SplicedFile(self._source, self._pieces())

    def _pieces(self) -> Iterator[Piece]:
        position, previous_end = 0, 0
        for block in self._arrangement.blocks:
            if block.end == block.start:  # a segment without bytes in the file
                continue
            if block.new_start > position:
                length = self._filling(previous_end, block.new_start - position)
                yield FileRange(previous_end, previous_end + length)
                yield Zeros(block.new_start - position - length)
            yield from self._patched(block.start, block.end)
            position, previous_end = block.new_end, block.end
        for offset, stop, piece in self._unloaded:
            yield Zeros(offset - position)
            yield piece
            position = stop
        yield Zeros(self._table_offset - position)
        yield self._section_headers()
        yield FileRange(self.image_end, self._source.size)

    def _patched(self, start: int, end: int) -> Iterator[Piece]:
        """Old bytes with the ELF header and the program headers written anew."""
        for at, new in ((0, self._elf_header()), (self._header.phoff, self._program_headers())):
            if start <= at < end:
                yield FileRange(start, at)
                yield new
                start = at + len(new)
        yield FileRange(start, end)

    def _filling(self, end: int, room: int) -> int:
        """Bytes of what fills the rest of the page behind code that ends at ``end``: linkers write traps there, and the page is mapped as a whole."""
        if not any(s.type == PT_LOAD and s.is_executable and s.filesz and s.end == end for s in self._segments):
            return 0
        following = [row.offset for row in self._rows if row.occupies_file and row.offset >= end]
        following += [block.start for block in self._arrangement.blocks if block.start >= end]
        following += [self._header.shoff] if self._header.shoff >= end else []
        return min([room, -end % _SMALLEST_PAGE, *(start - end for start in following)])

    # -- what went

    def removed(self) -> Iterator[tuple[str, int]]:
        """Name and bytes of the sections that went, in the order of the file."""
        for number in sorted(self._dropped, key=lambda n: (self._rows[n].offset, n)):
            row = self._rows[number]
            if row.occupies_file and not self._arrangement.holds(row.offset, row.end):
                yield text(row.name), row.size

    def dead_ranges(self) -> list[tuple[int, int]]:
        """Ranges before :attr:`image_end` that no segment, section or header table covers."""
        header = self._header
        covered = [(block.start, block.end) for block in self._arrangement.blocks]
        covered += [(row.offset, row.end) for row in self._rows if row.occupies_file]
        covered.append((header.shoff, header.shoff + header.shnum * header.shentsize))
        dead, position = [], 0
        for start, end in sorted(covered):
            if start > position:
                dead.append((position, min(start, self.image_end)))
            position = max(position, end)
        return dead

    def gaps(self) -> int:
        """Bytes between the blocks of the new file."""
        position = gaps = 0
        for block in self._arrangement.blocks:
            if block.end > block.start:
                gaps += block.new_start - position
                position = block.new_end
        return gaps
