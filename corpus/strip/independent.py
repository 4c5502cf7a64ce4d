"""What is different about a file after it was stripped, seen by pyelftools and LIEF and by nothing of ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lief
from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

lief.logging.disable()
_LARGEST_PAGE = {"EM_AARCH64": 65536, "EM_PPC64": 65536, "EM_MIPS": 65536, "EM_LOONGARCH": 65536}


@dataclass(frozen=True, slots=True)
class Image:
    """What one file maps; the words of its headers that place sections and segments are blotted out.

    :ivar loads: address, size in memory, flags, alignment, offset and bytes of each PT_LOAD.
    :ivar others: the other program headers without their offsets, and their bytes.
    :ivar sections: address and size of each section that is loaded from the file, the dynamic symbols' apart: GNU strip numbers sections anew,
        and symbols in memory carry the numbers.
    :ivar page: the largest page size of the architecture, in bytes.
    :ivar payload: the bytes behind the last segment, section and header table.
    """

    loads: tuple[tuple[int, int, int, int, int, bytes], ...]
    others: tuple[tuple[Any, ...], ...]
    sections: tuple[tuple[str, int, int], ...]
    page: int
    payload: bytes

    def memory(self, address: int, size: int) -> bytes | None:
        """The bytes that are mapped to a range of addresses from the file; None where it is not all of them."""
        for vaddr, _, _, _, _, content in self.loads:
            if vaddr <= address and address + size <= vaddr + len(content):
                return content[address - vaddr : address - vaddr + size]
        return None


def image_of(path: Path) -> Image:
    """Read by pyelftools.

    :raises ELFError: where pyelftools cannot read it.
    """
    with path.open("rb") as file:
        elf = ELFFile(file)
        header, word = elf.header, elf.elfclass // 8
        blots = [(40 if word == 8 else 32, word), (header.e_ehsize - 4, 4)]
        start = 8 if word == 8 else 4
        blots += [(header.e_phoff + number * header.e_phentsize + start, word) for number in range(header.e_phnum)]
        ends = [
            header.e_phoff + header.e_phnum * header.e_phentsize,
            header.e_shoff + header.e_shnum * header.e_shentsize,
        ]
        loads, others = [], []
        for segment in elf.iter_segments():
            content = bytearray(segment.data())
            for at, size in blots:
                begin = at - segment["p_offset"]
                if 0 <= begin < len(content):
                    content[begin : begin + size] = bytes(size)
            if content:
                ends.append(segment["p_offset"] + len(content))
            row = (segment["p_vaddr"], segment["p_memsz"], segment["p_flags"], segment["p_align"])
            if segment["p_type"] == "PT_LOAD":
                loads.append((*row, segment["p_offset"], bytes(content)))
            else:
                others.append((segment["p_type"], *row, segment["p_paddr"], bytes(content)))
        sections = []
        for section in elf.iter_sections():
            if section["sh_type"] in {"SHT_NOBITS", "SHT_NULL"}:
                continue
            ends.append(section["sh_offset"] + section["sh_size"])
            if section["sh_flags"] & 2 and section["sh_type"] != "SHT_DYNSYM":  # SHF_ALLOC
                sections.append((section.name, section["sh_addr"], section["sh_size"]))
        file.seek(max(ends))
        page = _LARGEST_PAGE.get(header.e_machine, 4096)
        return Image(tuple(loads), tuple(others), tuple(sections), page, file.read())


def dynamic_view(path: Path) -> tuple[object, ...] | None:
    """Read by LIEF: dynamic entries, libraries, symbols with versions, number of relocations, notes; None where LIEF reads nothing."""
    config = lief.ELF.ParserConfig()
    config.parse_symtab_symbols = False
    config.parse_overlay = False
    binary = lief.ELF.parse(str(path), config)
    if binary is None:
        return None
    return (
        tuple((str(entry.tag), entry.value) for entry in binary.dynamic_entries),
        tuple(binary.libraries),
        tuple(
            (symbol.name, symbol.value, symbol.size, str(symbol.type), str(symbol.binding), str(symbol.symbol_version))
            for symbol in binary.dynamic_symbols
        ),
        sum(1 for _ in binary.dynamic_relocations),
        sum(1 for _ in binary.pltgot_relocations),
        tuple((str(note.type), note.original_type, bytes(note.description)) for note in binary.notes),
        binary.has_interpreter and binary.interpreter,
    )


def damage(before: Path, after: Path) -> tuple[str | None, str | None]:
    """What no loader and no program forgives, and, where there is nothing of it, what is different at all.

    The first: segments that cannot be mapped, sections that are no longer in memory where they were, a payload that is gone.
    The second: any other byte or number that a loader sees.
    """
    try:
        old, new = image_of(before), image_of(after)
    except (ELFError, OSError, ValueError, KeyError) as error:
        return f"unreadable: {error}", None
    harm = _harm(old, new)
    return (harm, None) if harm is not None else (None, _difference(old, new, before, after))


def _harm(old: Image, new: Image) -> str | None:
    if len(old.loads) != len(new.loads):
        return "another number of segments"
    for was, now in zip(old.loads, new.loads, strict=True):
        for page in (max(was[3], old.page), 4096):
            if (was[0] - was[4]) % page == 0 and (now[0] - now[4]) % page:
                return f"address and offset of a segment are no longer congruent modulo {page:,}"
    for name, address, size in old.sections:
        memory = old.memory(address, size)
        if memory is not None and memory != new.memory(address, size):
            return f"{name} is no longer where it was in memory"
    if old.payload.strip(b"\0") and not new.payload.endswith(old.payload):
        return f"{len(old.payload):,} bytes behind the image are gone"
    return None


def _difference(old: Image, new: Image, before: Path, after: Path) -> str | None:
    for was, now in zip(old.loads, new.loads, strict=True):
        if was[:4] != now[:4] or len(was[5]) != len(now[5]):
            return "another address, size or alignment"
        if was[5] != now[5]:
            return "other bytes in memory"
    if old.others != new.others:
        return "other program headers"
    if dynamic_view(before) != dynamic_view(after):
        return "another dynamic view"
    return None
