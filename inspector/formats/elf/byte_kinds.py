"""What the bytes of an ELF file are for, adding up to its size.

By sections where there are any, else by segments and the tables that the dynamic section names.  Where several claim a byte, headers go before
sections, sections before dynamic tables, and these before segments; of two sections the one that begins first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from inspector.formats.elf import sections as sht
from inspector.formats.elf.architecture import EM_ARM, EM_X86_64
from inspector.formats.elf.identification import Header
from inspector.formats.elf.sections import SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, Section, SectionTable
from inspector.formats.elf.segments import PT_DYNAMIC, PT_GNU_EH_FRAME, PT_INTERP, PT_LOAD, PT_NOTE, PT_TLS, Segment

KINDS = (
    "code", "read_only_data", "data", "dynamic_linking", "relocations", "unwind", "notes", "debug", "symbols", "other", "headers", "dead", "payload",
)  # fmt: skip
"""``dead``: in no segment, section or header table, between others.  ``payload``: behind the end of the image.  ``other``: padding inside
of segments, comments and the like."""

_SHT_RELR, _SHT_SYMTAB_SHNDX, _SHT_UNWIND = 19, 18, 0x70000001
_DYNAMIC_TYPES = frozenset(
    (
        sht.SHT_HASH,
        sht.SHT_DYNAMIC,
        sht.SHT_DYNSYM,
        sht.SHT_STRTAB,
        0x6FFFFFF6,
        0x6FFFFFF7,
        0x6FFFFFFD,
        0x6FFFFFFE,
        0x6FFFFFFF,
        0x7000002B,
    )
)
"""… and GNU_HASH, GNU_LIBLIST, GNU_verdef, GNU_verneed, GNU_versym, MIPS_XHASH."""
_RELOCATION_TYPES = frozenset((sht.SHT_RELA, sht.SHT_REL, _SHT_RELR, 0x40000014, 0x60000001, 0x60000002, 0x6FFFFF00))
"""… and CREL, ANDROID_REL, ANDROID_RELA, ANDROID_RELR."""
_DEBUG_PREFIXES = (".debug", ".zdebug", ".gnu_debug", ".stab", ".gnu.lto_", ".gnu.debuglto_", ".gdb_index", ".line")
_UNWIND_PREFIXES = (".eh_frame", ".gcc_except_table", ".ARM.ex", ".sframe")


class Claim(NamedTuple):
    """A range of the file and what it is for; a lower rank goes before a higher one."""

    start: int
    end: int
    rank: int
    kind: str


def count_kinds(size: int, image_end: int, claims: Iterable[Claim]) -> dict[str, int]:
    """Bytes by kind, each byte once, all of ``size``: what nobody claims is dead, and payload behind ``image_end``."""
    totals = dict.fromkeys(KINDS, 0)
    pending = sorted(
        Claim(max(c.start, 0), min(c.end, size), c.rank, c.kind) for c in claims if c.start < min(c.end, size)
    )
    active: list[tuple[int, int, int, str]] = []  # rank, start, end, kind
    position = following = 0
    while following < len(pending) or active:
        if not active:
            start = pending[following].start
            if start > position:
                totals["dead"] += start - position
                position = start
        while following < len(pending) and pending[following].start <= position:
            claim = pending[following]
            heappush(active, (claim.rank, claim.start, claim.end, claim.kind))
            following += 1
        if active[0][2] <= position:
            heappop(active)
            continue
        stop = active[0][2]
        if following < len(pending):
            stop = min(stop, pending[following].start)
        totals[active[0][3]] += stop - position
        position = stop
    totals["dead"] += max(0, image_end - position)  # a file that was cut short: what should follow is not there
    totals["payload"] = size - max(position, image_end)
    return totals


def header_claims(header: Header, segment_count: int, section_count: int) -> Iterator[Claim]:
    """The ELF header and the two header tables."""
    yield Claim(0, header.size, 0, "headers")
    if header.phoff:
        yield Claim(header.phoff, header.phoff + segment_count * header.phentsize, 0, "headers")
    if header.shoff:
        yield Claim(header.shoff, header.shoff + section_count * header.shentsize, 0, "headers")


def section_claims(table: SectionTable, machine: int) -> Iterator[Claim]:
    """The sections that have bytes in the file."""
    for index, section in enumerate(table):
        if section.occupies_file:
            kind = (
                "headers"
                if index == table.names_index and not section.flags & SHF_ALLOC
                else _section_kind(section, machine)
            )
            yield Claim(section.offset, section.offset + section.size, 1, kind)


def _section_kind(section: Section, machine: int) -> str:
    kind, flags = section.type, section.flags
    if kind in _RELOCATION_TYPES:
        return "relocations"
    if kind == sht.SHT_NOTE:
        return "notes"
    if section.name.startswith(_UNWIND_PREFIXES) or (kind == _SHT_UNWIND and machine in {EM_ARM, EM_X86_64}):
        return "unwind"
    if not flags & SHF_ALLOC:
        if kind in {sht.SHT_SYMTAB, sht.SHT_STRTAB, _SHT_SYMTAB_SHNDX}:
            return "symbols"
        return "debug" if section.name.startswith(_DEBUG_PREFIXES) else "other"
    if kind in _DYNAMIC_TYPES or section.name == ".interp":
        return "dynamic_linking"
    if flags & SHF_EXECINSTR:
        return "code"
    return "data" if flags & SHF_WRITE else "read_only_data"


def segment_claims(segments: Sequence[Segment]) -> Iterator[Claim]:
    """The segments; only where there are no sections do the kinds of PT_LOAD say more than "other"."""
    special = {PT_NOTE: "notes", PT_GNU_EH_FRAME: "unwind", PT_INTERP: "dynamic_linking", PT_DYNAMIC: "dynamic_linking"}
    for segment in segments:
        if segment.filesz and segment.type in special:
            yield Claim(segment.offset, segment.end, 2, special[segment.type])
        elif segment.filesz and segment.type in {PT_LOAD, PT_TLS}:
            kind = "code" if segment.is_executable else "data" if segment.is_writable else "read_only_data"
            yield Claim(segment.offset, segment.end, 3, kind)
        elif segment.filesz:
            yield Claim(segment.offset, segment.end, 4, "other")
