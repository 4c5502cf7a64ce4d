"""What stripping must leave as it was, looked at in the finished file: both files are read afresh; how the new one was made counts for nothing.

I1  Memory image: every PT_LOAD maps the same bytes to the same addresses, but for the words of the ELF header that place the section headers,
    and ``p_offset`` in the program headers.
I2  Program headers: the same number, order, types, flags, addresses, sizes and alignments, and the same bytes in each of them.
I3  Congruence: what moved, moved by a multiple of the largest of its ``p_align`` and the architecture's largest page size.
I4  Dynamic view: the dynamic section, all names and versions in it, symbols, relocations, notes, interpreter and loader's refusals are equal.
I5  Payload: the bytes behind the image are the same, and still the last ones.
I6  Sections: what is loaded keeps number, name and bytes; what is neither debug information nor about symbols stays.
I7  The file is smaller.

The eighth, which files are not touched at all, is :mod:`inspector.formats.elf.strip_refusals`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import islice

from inspector.formats.elf.elf_file import ElfFile
from inspector.formats.elf.reader import read_elf
from inspector.formats.elf.sections import SHF_ALLOC, SHT_NULL, SHT_REL, SHT_RELA, SHT_STRTAB, SHT_SYMTAB, Section
from inspector.formats.elf.segments import PT_LOAD
from inspector.formats.elf.spliced import is_same_range
from inspector.formats.elf.strip_layout import may_move_program_headers
from inspector.formats.elf.strip_sections import SHT_GROUP, SHT_SYMTAB_SHNDX
from inspector.limits import Limits
from inspector.source import Source

_ABOUT_SYMBOLS = frozenset((SHT_REL, SHT_RELA, SHT_GROUP, SHT_SYMTAB_SHNDX, 0x40000014, 0x6FFF4C03))
_DEBUG_NAMES = (".debug", ".zdebug", ".gnu_debug", ".stab", ".gnu.lto_", ".gnu.debuglto_", ".gdb_index", ".line")
_LIMITS = Limits()


def broken_invariant(old_source: Source, new_source: Source, *, page: int, keep_symtab: bool = False) -> str | None:
    """The first invariant that does not hold, as a clause; None where all do.

    :param page: the architecture's largest page size, in bytes.
    :param keep_symtab: whether ``.symtab`` must be there as before.
    :raises FormatError: where one of the files cannot be read.
    """
    old, new = read_elf(old_source, _LIMITS), read_elf(new_source, _LIMITS)
    if new.size >= old.size:
        return "I7: the result is not smaller"
    comparison = _Comparison(old_source, old, new_source, new, page, keep_symtab)
    checks: tuple[Callable[[], str | None], ...] = (
        comparison.program_headers, comparison.memory_image, comparison.dynamic_view, comparison.payload, comparison.sections,
    )  # fmt: skip
    return next((broken for check in checks if (broken := check()) is not None), None)


class _Comparison:
    def __init__(
        self, old_source: Source, old: ElfFile, new_source: Source, new: ElfFile, page: int, keep_symtab: bool
    ) -> None:
        self.old_bytes, self.new_bytes = old_source, new_source
        self.old, self.new = old, new
        self.old_sections, self.new_sections = list(old.sections), list(new.sections)
        self.page = page
        self.keep_symtab = keep_symtab
        self.loads = sorted(zip(old.loads, new.loads, strict=False), key=lambda pair: pair[0].offset)
        self.masked = self._masked_ranges()

    def _masked_ranges(self) -> list[tuple[int, int]]:
        """Ranges of the old file whose bytes may differ: e_shoff, e_shnum and e_shstrndx, each p_offset, and e_phoff of a library; in order."""
        header, word = self.old.header, self.old.header.layout.word_size
        shoff_at = 40 if word == 8 else 32  # gABI, Elf64_Ehdr and Elf32_Ehdr; e_phoff is the word before
        shnum_at = header.size - 4
        ranges = [(shoff_at, shoff_at + word), (shnum_at, shnum_at + 4)]
        if may_move_program_headers(self.old):
            ranges.append((shoff_at - word, shoff_at))
        for number in range(len(self.old.segments)):
            at = header.phoff + number * header.phentsize + (8 if word == 8 else 4)
            ranges.append((at, at + word))
        return sorted(ranges)

    def _is_same(self, old_start: int, new_start: int, length: int) -> bool:
        """Whether a range has the same bytes in both files, masked ones aside."""
        position, end = old_start, old_start + length
        shift = old_start - new_start
        first = max(bisect_right(self.masked, (position, 0)) - 1, 0)
        for start, stop in islice(self.masked, first, None):
            if start >= end:
                break
            if stop <= position:
                continue
            if start > position and self._differ(position, start, shift):
                return False
            position = min(stop, end)
        return position >= end or not self._differ(position, end, shift)

    def _differ(self, start: int, end: int, shift: int) -> bool:
        return not is_same_range(self.old_bytes, start, self.new_bytes, start - shift, end - start)

    def program_headers(self) -> str | None:
        """I2 and I3."""
        old, new = self.old.segments, self.new.segments
        if len(old) != len(new) or not self._is_where_the_program_headers_are():
            return "I2: the program header table is another one"
        for number, (before, after) in enumerate(zip(old, new, strict=True)):
            if before._replace(offset=0) != after._replace(offset=0):
                return f"I2: program header {number} says something else"
            if after.filesz and after.end > self.new.size:
                return f"I2: segment {number} runs out of the file"
            if (
                before.filesz
                and before.type != PT_LOAD
                and not self._is_same(before.offset, after.offset, before.filesz)
            ):
                return f"I2: segment {number} holds other bytes"
            if before.type == PT_LOAD and (before.offset - after.offset) % max(before.align, self.page):
                return f"I3: segment {number} lost its congruence"
        return None

    def _is_where_the_program_headers_are(self) -> bool:
        """Whether the table lies where it lay, or, in a library, moved with the segments that hold it."""
        moved = self.old.header.phoff - self.new.header.phoff
        if not moved:
            return True
        start, end = self.old.header.phoff, self.old.header.phoff + len(self.old.segments) * self.old.header.phentsize
        holding = [pair for pair in self.loads if pair[0].offset < end and start < pair[0].end]
        return (
            may_move_program_headers(self.old)
            and self.old.header.size <= self.new.header.phoff
            and all(before.offset - after.offset == moved for before, after in holding)
        )

    def memory_image(self) -> str | None:
        """I1, by address: the segments in the order of the loader, later ones over earlier ones.  And the header that no segment need hold."""
        old_header, new_header = self.old.header, self.new.header
        if not self._is_same(0, 0, old_header.size) or old_header.ident != new_header.ident:
            return "I1: the ELF header says something else"
        if not self._is_same(old_header.phoff, new_header.phoff, len(self.old.segments) * old_header.phentsize):
            return "I1: the program headers differ in more than their offsets"
        for before, after in zip(self.old.loads, self.new.loads, strict=True):
            if before.vaddr != after.vaddr or not self._is_same(before.offset, after.offset, before.filesz):
                return f"I1: the memory at 0x{before.vaddr:x} holds other bytes"
            mapped_from = after.offset - after.offset % 4096
            if before.memsz and before.vaddr % 4096 and mapped_from >= self.new.size and mapped_from < self.old.size:
                return f"I1: the page at 0x{before.vaddr:x} lies behind the end of the file"
        return None

    def dynamic_view(self) -> str | None:
        """I4."""
        old, new = self.old, self.new
        for name in (
            "dynamic", "needed", "soname", "rpath", "runpath", "auxiliary", "filter", "audit", "depaudit", "verneed", "verdef", "relocations",
            "interpreter", "loader_refusals", "is_separate_debug", "type", "arch", "gnu_stack", "relro", "build_id",
        ):  # fmt: skip
            if getattr(old, name) != getattr(new, name):
                return f"I4: {name} differs"
        if old.symbols.count != new.symbols.count:
            return "I4: the number of dynamic symbols differs"
        if old.notes != new.notes:
            return "I4: the notes differ"
        if not set(new.defects) <= set(old.defects):
            return f"I4: {next(defect for defect in new.defects if defect not in old.defects)}"
        return None

    def payload(self) -> str | None:
        """I5."""
        length = self.old.size - self.old.image_end
        if self.new.size - self.new.image_end != length or self._differ(
            self.old.image_end, self.old.size, self.old.size - self.new.size
        ):
            return "I5: the bytes behind the image differ"
        return None

    def sections(self) -> str | None:
        """I6."""
        return self._loaded_sections() or self._other_sections()

    def _loaded_sections(self) -> str | None:
        old, new = self.old_sections, self.new_sections
        for number, section in enumerate(new):
            if section.flags & SHF_ALLOC and (number >= len(old) or not _says_the_same(old[number], section)):
                return f"I6: section {number} changed"
        for number, section in enumerate(old):
            if not section.flags & SHF_ALLOC or section.type == SHT_NULL:
                continue
            after = new[number] if number < len(new) else None
            if after is None or not after.flags & SHF_ALLOC:
                return f"I6: section {section.name} is missing"
            is_compared = not section.occupies_file or self._is_where_its_segment_is(section, after)
            if not is_compared and not self._is_same(section.offset, after.offset, section.size):
                return f"I6: section {section.name} holds other bytes"
            if section.link < len(old) and old[section.link].flags & SHF_ALLOC and after.link != section.link:
                return f"I6: section {section.name} links to another section"
        return None

    def _is_where_its_segment_is(self, before: Section, after: Section) -> bool:
        """Whether a section lies in a PT_LOAD and moved as that did: then its bytes were compared with the memory image."""
        index = bisect_right(self.loads, before.offset, key=lambda pair: pair[0].offset) - 1
        if index < 0:
            return False
        load, moved = self.loads[index]
        return before.offset + before.size <= load.end and before.offset - after.offset == load.offset - moved.offset

    def _other_sections(self) -> str | None:
        """Sections that are not loaded: those that have to stay are all there, in their order."""
        names = (self.old.sections.names_index, self.new.sections.names_index)
        left = iter([s for n, s in enumerate(self.new_sections) if not s.flags & SHF_ALLOC and n != names[1]])
        may_go = self._may_go()
        for number, section in enumerate(self.old_sections):
            stays = not section.flags & SHF_ALLOC and section.type != SHT_NULL and number not in (names[0], *may_go)
            if stays and not any(self._is_equal(section, after) for after in left):
                return f"I6: section {section.name} is missing"
        return None

    def _may_go(self) -> frozenset[int]:
        """The numbers of debug sections, of the symbol table unless it is to be kept, and of what belongs to one of these."""
        sections = self.old_sections
        gone = {
            number
            for number, section in enumerate(sections)
            if section.name.startswith(_DEBUG_NAMES) or (section.type == SHT_SYMTAB and not self.keep_symtab)
        }
        linking: dict[int, list[int]] = {}
        for number, section in enumerate(sections):
            linking.setdefault(section.link, []).append(number)
            if section.type in _ABOUT_SYMBOLS and (section.link in gone or (section.info and section.info in gone)):
                gone.add(number)
        strings = [number for number, section in enumerate(sections) if section.type == SHT_STRTAB]
        gone.update(number for number in strings if number in linking and gone.issuperset(linking[number]))
        return frozenset(gone)

    def _is_equal(self, before: Section, after: Section) -> bool:
        if (before.name, before.type, before.size, before.flags) != (after.name, after.type, after.size, after.flags):
            return False
        return not before.occupies_file or is_same_range(
            self.old_bytes, before.offset, self.new_bytes, after.offset, before.size
        )


def _says_the_same(before: Section, after: Section) -> bool:
    """Whether two headers differ in nothing but offset, link and info."""
    return before[:4] == after[:4] and before.size == after.size and before[8:] == after[8:]
