"""ELF files in memory with constants and symbols: what the scan for static components reads.  Written with struct only."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

PROGBITS, SYMTAB, STRTAB, NOBITS, DYNSYM = 1, 2, 3, 8, 11
WRITE, ALLOC, EXECINSTR = 1, 2, 4
BASE = 0x400000


class MadeSymbol(NamedTuple):
    """One row of a symbol table.  kind: 1 object, 2 function; binding: 0 local, 1 global, 2 weak."""

    name: str
    defined: bool = True
    kind: int = 2
    binding: int = 1


class MadeSection(NamedTuple):
    """One section with its content."""

    content: bytes
    flags: int = ALLOC
    type: int = PROGBITS


def constants_elf(
    constants: bytes = b"",
    *,
    symbols: Sequence[MadeSymbol] = (),
    sections: Mapping[str, MadeSection] | None = None,
    bits: Literal[32, 64] = 64,
    endian: Literal["little", "big"] = "little",
    section_headers: bool = True,
    code: bytes = b"\xc3" * 32,
) -> bytes:
    """A program of type ET_EXEC: code in one segment, constants in a second that is not executed, ``.data`` in a third.

    :param section_headers: False as after ``sstrip``.
    :param code: none stands for a file without executable section and segment.
    """
    order, wide = ("<" if endian == "little" else ">"), bits == 64
    header_size, row_size, section_size = (64, 56, 64) if wide else (52, 32, 40)
    names = b"\0"
    rows = [bytes(24 if wide else 16)]
    for symbol in symbols:
        info, section = symbol.binding << 4 | symbol.kind, int(symbol.defined)
        value = BASE + 0x100 if symbol.defined else 0
        at = len(names)
        names += symbol.name.encode() + b"\0"
        rows.append(
            struct.pack(f"{order}IBBHQQ", at, info, 0, section, value, 8)
            if wide
            else struct.pack(f"{order}IIIBBH", at, value, 8, info, 0, section)
        )
    made = {
        **({".text": MadeSection(code, ALLOC | EXECINSTR)} if code else {}),
        ".rodata": MadeSection(constants or b"\0"),
        **(sections or {}),
        ".symtab": MadeSection(b"".join(rows), 0, SYMTAB),
        ".strtab": MadeSection(names, 0, STRTAB),
    }
    section_names = b"\0" + b"".join(name.encode() + b"\0" for name in made) + b".shstrtab\0"
    made[".shstrtab"] = MadeSection(section_names, 0, STRTAB)
    loads = [name for name, section in made.items() if section.flags & ALLOC]
    body = bytearray(header_size + row_size * len(loads))
    offsets = {}
    for name, section in made.items():
        body += bytes(-len(body) % 16)
        offsets[name] = len(body)
        body += section.content
    body += bytes(-len(body) % 16)
    at, word = len(body), "Q" if wide else "I"
    for number, name in enumerate(loads):
        section, offset = made[name], offsets[name]
        flags = 4 | (section.flags & EXECINSTR) // 4 | (section.flags & WRITE) * 2
        size = len(section.content)
        if wide:
            row = struct.pack(f"{order}IIQQQQQQ", 1, flags, offset, BASE + offset, BASE + offset, size, size, 16)
        else:
            row = struct.pack(f"{order}IIIIIIII", 1, offset, BASE + offset, BASE + offset, size, size, flags, 16)
        body[header_size + row_size * number : header_size + row_size * (number + 1)] = row
    if section_headers:
        body += bytes(section_size)
        for name, section in made.items():
            link = list(made).index(".strtab") + 1 if section.type == SYMTAB else 0
            numbers = (
                section.flags,
                BASE + offsets[name] if section.flags & ALLOC else 0,
                offsets[name],
                len(section.content),
            )
            row = (section_names.index(b"\0" + name.encode() + b"\0") + 1, section.type)
            entry = (24 if wide else 16) if section.type == SYMTAB else 0
            body += struct.pack(f"{order}II4{word}II2{word}", *row, *numbers, link, 1, 8, entry)
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if endian == "little" else 2, 1]) + bytes(9)
    count = len(made) + 1 if section_headers else 0
    machine = {(64, "little"): 62, (32, "little"): 3, (64, "big"): 22, (32, "big"): 20}[bits, endian]
    header = struct.pack(
        f"{order}HHI{word}{word}{word}IHHHHHH", 2, machine, 1, BASE, header_size, at if section_headers else 0, 0,
        header_size, row_size, len(loads), section_size, count, count - 1 if count else 0,
    )  # fmt: skip
    body[: len(ident) + len(header)] = ident + header
    return bytes(body)
