"""ELF files in memory with segments, gaps and sections, of both classes and byte orders: what strip works on.  Written with struct only."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Literal

EM_X86_64, EM_AARCH64, EM_S390, EM_ARM, EM_386 = 62, 183, 22, 40, 3
PT_LOAD, PT_DYNAMIC, PT_NOTE, PT_PHDR, PT_GNU_STACK = 1, 2, 4, 6, 0x6474E551
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_INFO_LINK = 1, 2, 4, 0x40
PROGBITS, SYMTAB, STRTAB, RELA, DYNAMIC, NOTE, NOBITS = 1, 2, 3, 4, 6, 7, 8


@dataclass(frozen=True)
class Load:
    """One PT_LOAD behind the first, which holds the headers.

    :ivar size: bytes in the file.
    :ivar bss: bytes that are in memory only.
    :ivar unused_before: bytes of the file before it that nothing owns, as patchelf leaves them.
    """

    size: int = 100
    flags: int = 5
    bss: int = 0
    unused_before: int = 0


@dataclass
class SectionedElf:
    """What the file says.

    :ivar align: ``p_align`` of every PT_LOAD.
    :ivar symbols: entries of ``.symtab``; None: no such section.
    :ivar debug: bytes of ``.debug_info``.
    :ivar between: bytes of a debug section that lies between the first and the second segment.
    :ivar kept: name to content of sections that are not loaded and are no debug information.
    :ivar payload: what follows everything else.
    """

    bits: Literal[32, 64] = 64
    endian: Literal["little", "big"] = "little"
    machine: int = EM_X86_64
    type: int = 3
    align: int = 0x1000
    loads: tuple[Load, ...] = (Load(), Load(64, 6, 40))
    soname: str = "libsectioned.so.1"
    runpath: str = "/opt/build/lib"
    build_id: bytes = bytes(range(20))
    symbols: int | None = 20
    debug: int = 5000
    between: int = 0
    kept: dict[str, bytes] = field(default_factory=lambda: {".comment": b"GCC: (made by hand)\0"})
    payload: bytes = b""
    ident: bytes = b"\0\0\0"

    def build(self) -> bytes:
        """The file's bytes."""
        self._prefix = "<" if self.endian == "little" else ">"
        word = "Q" if self.bits == 64 else "I"
        header_size, self._row, section_size = (64, 56, 64) if self.bits == 64 else (52, 32, 40)
        self._rows: list[tuple[str, int, int, int, int, int, int, int, int, int]] = []
        self._headers: list[tuple[int, int, int, int, int, int, int]] = []
        count = 5 + len(self.loads)
        content = bytearray(header_size + self._row * count)
        self._headers.append((PT_PHDR, 4, header_size, header_size, self._row * count, self._row * count, 8))
        note = self._pack("III", 4, len(self.build_id), 3) + b"GNU\0" + self.build_id
        note += bytes(-len(note) % 4)
        at = self._put(content, ".note.gnu.build-id", NOTE, SHF_ALLOC, note, 4)
        self._headers.append((PT_NOTE, 4, at, at, len(note), len(note), 4))
        strings = b"\0" + self.soname.encode() + b"\0" + self.runpath.encode() + b"\0"
        strings_at = self._put(content, ".dynstr", STRTAB, SHF_ALLOC, strings, 1)
        dynamic = [(5, strings_at), (10, len(strings)), (14, 1), (29, 2 + len(self.soname)), (0, 0)]
        entries = b"".join(self._pack(2 * word, *entry) for entry in dynamic)
        at = self._put(content, ".dynamic", DYNAMIC, SHF_ALLOC | SHF_WRITE, entries, 8, link=2)
        self._headers.append((PT_DYNAMIC, 6, at, at, len(entries), len(entries), 8))
        self._headers.append((PT_LOAD, 6, 0, 0, len(content), len(content), self.align))
        if self.between:
            self._put(content, ".debug_abbrev", PROGBITS, 0, b"\xaa" * self.between, 1)
        address = len(content)
        for number, load in enumerate(self.loads):
            content += b"\xdd" * load.unused_before
            address = self._put_load(content, number, load, max(address, len(content)))
        self._headers.append((PT_GNU_STACK, 6, 0, 0, 0, 0, 16))
        self._put_unloaded(content)
        names = self._names()
        names_at = len(content)
        content += names[0] + bytes(-(names_at + len(names[0])) % 8)
        table_at = len(content)
        content += bytes(section_size)
        rows = [*self._rows, (".shstrtab", STRTAB, 0, 0, names_at, len(names[0]), 0, 0, 1, 0)]
        for name, kind, flags, *rest in rows:
            content += self._pack("II" + 4 * word + "II" + 2 * word, names[1][name], kind, flags, *rest)
        content[:header_size] = b"\x7fELF" + bytes(
            (1 + (self.bits == 64), 1 + (self.endian == "big"), 1, 0)
        ) + self.ident.ljust(8, b"\0") + self._pack(
            "HHI" + 3 * word + "IHHHHHH", self.type, self.machine, 1, 0x100, header_size, table_at, 0, header_size, self._row,
            len(self._headers), section_size, len(rows) + 1, len(rows),
        )  # fmt: skip
        content[header_size : header_size + self._row * count] = b"".join(map(self._program_header, self._headers))
        return bytes(content) + self.payload

    def _pack(self, layout: str, *values: int) -> bytes:
        return struct.pack(self._prefix + layout, *values)

    def _put(
        self, content: bytearray, name: str, kind: int, flags: int, data: bytes, align: int, link: int = 0, info: int = 0, entry: int = 0
    ) -> int:  # fmt: skip
        content += bytes(-len(content) % align)
        at = len(content)
        self._rows.append((name, kind, flags, at if flags & SHF_ALLOC else 0, at, len(data), link, info, align, entry))
        content += data
        return at

    def _put_load(self, content: bytearray, number: int, load: Load, address: int) -> int:
        """Put one segment at the next address on a page of its own, and return the address behind it."""
        address += -address % self.align + len(content) % self.align
        at = len(content)
        data = bytes((number * 37 + i * 11) % 256 for i in range(load.size))
        flags = SHF_ALLOC | (SHF_WRITE if load.flags & 2 else 0) | (SHF_EXECINSTR if load.flags & 1 else 0)
        if data:
            self._rows.append((f".part{number}", PROGBITS, flags, address, at, len(data), 0, 0, 1, 0))
        content += data
        if load.bss:
            self._rows.append((f".bss{number}", NOBITS, flags, address + load.size, len(content), load.bss, 0, 0, 1, 0))
        memory = load.size + load.bss
        self._headers.append((PT_LOAD, load.flags, at, address, load.size, memory, self.align))
        return address + memory

    def _put_unloaded(self, content: bytearray) -> None:
        for name, data in self.kept.items():
            self._put(content, name, PROGBITS, 0, data, 1)
        if self.debug:
            self._put(content, ".debug_info", PROGBITS, 0, b"\xcc" * self.debug, 1)
        if self.symbols is not None:
            names = b"\0" + b"".join(b"symbol_%d\0" % number for number in range(self.symbols))
            row = "IBBHQQ" if self.bits == 64 else "IIIBBH"
            rows = [(0,) * 6] + [
                (1, 0x12, 0, 1, 0x100, 1) if self.bits == 64 else (1, 0x100, 1, 0x12, 0, 1) for _ in range(self.symbols)
            ]
            table = b"".join(self._pack(row, *values) for values in rows)
            number = len(self._rows) + 1
            self._put(content, ".symtab", SYMTAB, 0, table, 8, link=number + 1, info=1, entry=len(table) // len(rows))
            self._put(content, ".strtab", STRTAB, 0, names, 1)

    def _names(self) -> tuple[bytes, dict[str, int]]:
        table, places = bytearray(b"\0"), {}
        for name in [*(row[0] for row in self._rows), ".shstrtab"]:
            places[name] = len(table)
            table += name.encode() + b"\0"
        return bytes(table), places

    def _program_header(self, row: tuple[int, int, int, int, int, int, int]) -> bytes:
        kind, flags, offset, address, file_size, memory, align = row
        if self.bits == 64:
            return self._pack("IIQQQQQQ", kind, flags, offset, address, address, file_size, memory, align)
        return self._pack("IIIIIIII", kind, offset, address, address, file_size, memory, flags, align)


@dataclass(frozen=True)
class Mapped:
    """What a kernel maps of a file, read with struct only.

    :ivar segments: every program header without its offset.
    :ivar memory: address and bytes of each PT_LOAD; the words that place sections and segments in the file are zeros.
    :ivar offsets: ``p_offset`` of each PT_LOAD.
    """

    segments: tuple[tuple[int, ...], ...]
    memory: tuple[tuple[int, bytes], ...]
    offsets: tuple[int, ...]


def mapped(content: bytes) -> Mapped:
    """The memory that a complete ELF file describes."""
    prefix, wide = "<>"[content[5] == 2], content[4] == 2
    word, size = ("Q", 8) if wide else ("I", 4)
    header_at = struct.unpack_from(prefix + word, content, 32 if wide else 28)[0]
    row_size, count = struct.unpack_from(prefix + "HH", content, 54 if wide else 42)
    masked = bytearray(content)
    shoff_at, end = (40, 64) if wide else (32, 52)
    masked[shoff_at : shoff_at + size] = bytes(size)
    masked[end - 4 : end] = bytes(4)
    rows = []
    for number in range(count):
        at = header_at + number * row_size
        values = struct.unpack_from(prefix + ("IIQQQQQQ" if wide else "IIIIIIII"), content, at)
        kind, flags, offset, address, physical, file_size, memory, align = (
            values if wide else (values[0], values[6], *values[1:6], values[7])
        )
        rows.append((kind, flags, offset, address, physical, file_size, memory, align))
        masked[at + (8 if wide else 4) : at + (8 if wide else 4) + size] = bytes(size)
    loads = [row for row in rows if row[0] == PT_LOAD]
    return Mapped(
        tuple((*row[:2], *row[3:]) for row in rows),
        tuple((row[3], bytes(masked[row[2] : row[2] + row[5]])) for row in loads),
        tuple(row[2] for row in loads),
    )
