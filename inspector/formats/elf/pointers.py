"""Pointers in an ELF file's data, as they are once it is loaded at its own addresses: what stands there, or what a relocation puts there.

gABI chapter 5, "Relocation": REL, RELA and RELR (DT_RELR).  Relative relocations of x86-64, i386, AArch64 and ARM, and those to a symbol that the
file
defines itself; pointers that only another file can fill are left out.
"""

from __future__ import annotations

import struct
from array import array

from inspector.formats.elf import ElfFile
from inspector.formats.elf.dynamic import DT_REL, DT_RELA, DT_RELASZ, DT_RELR, DT_RELRSZ, DT_RELSZ, DT_SYMTAB
from inspector.formats.elf.segments import AddressMap
from inspector.limits import MIB
from inspector.source import Source

_RELATIVE = {
    62: 8,
    3: 8,
    183: 1027,
    40: 23,
}  # e_machine: R_X86_64_, R_386_, R_AARCH64_, R_ARM_RELATIVE (processor supplements)
_ABSOLUTE = {62: 1, 3: 1, 183: 257, 40: 2}  # R_X86_64_64, R_386_32, R_AARCH64_ABS64, R_ARM_ABS32
_MOST_TABLE = 64 * MIB  # bytes of relocations that are read
_LONGEST_TEXT = 256


class Pointers:
    """The pointers of one file.

    :ivar bits: 32 or 64, the size of one.
    """

    def __init__(self, source: Source, elf: ElfFile) -> None:
        self.bits = elf.bits
        self.size = elf.bits // 8
        self._source = source
        self._elf = elf
        self._order = "<" if elf.endian == "little" else ">"
        self.map = AddressMap(elf.loads)
        self._relocated: dict[int, int] | None = None

    def relocated(self) -> dict[int, int]:
        """By address, what relocations put there; read once."""
        if self._relocated is None:
            self._relocated = {}
            machine = self._elf.machine
            if machine in _RELATIVE:
                self._read_table(DT_RELA, DT_RELASZ, machine, with_addend=True)
                self._read_table(DT_REL, DT_RELSZ, machine, with_addend=False)
                self._read_relr()
        return self._relocated

    def words(self, offset: int, length: int) -> array[int]:
        """The words of the file at an offset that is a multiple of their size."""
        raw = self._source.read_at(offset, length)
        found = array("Q" if self.bits == 64 else "I")
        found.frombytes(raw[: len(raw) // self.size * self.size])
        if (self._order == ">") == (struct.pack("=H", 1) == struct.pack("<H", 1)):
            found.byteswap()
        return found

    def at(self, address: int) -> int | None:
        """The pointer at an address; None outside of the file."""
        known = self.relocated().get(address)
        if known is not None:
            return known
        offset = self.map.offset(address)
        if offset is None:
            return None
        raw = self._source.read_at(offset, self.size)
        return int.from_bytes(raw, self._elf.endian) if len(raw) == self.size else None

    def integer(self, address: int) -> int | None:
        """The signed number of 32 bits at an address."""
        offset = self.map.offset(address)
        raw = b"" if offset is None else self._source.read_at(offset, 4)
        return int(struct.unpack(self._order + "i", raw)[0]) if len(raw) == 4 else None

    def text(self, address: int) -> bytes | None:
        """The text at an address, up to its zero byte; None where there is none within 256 bytes."""
        offset = self.map.offset(address)
        if offset is None:
            return None
        raw = self._source.read_at(offset, _LONGEST_TEXT)
        end = raw.find(b"\0")
        return raw[:end] if end >= 0 else None

    def content(self, address: int, length: int) -> tuple[int, bytes] | None:
        """The file offset of an address, and the first bytes there; None where ``length`` bytes are not in the file."""
        offset = self.map.offset(address)
        if offset is None or self.map.room(address) < length or offset + length > self._source.size:
            return None
        return offset, self._source.read_at(offset, 1)

    def _table(self, place: int, size: int) -> bytes:
        address, length = self._elf.dynamic.get(place), self._elf.dynamic.get(size)
        offset = None if address is None else self.map.offset(address)
        return b"" if offset is None or not length or length > _MOST_TABLE else self._source.read_at(offset, length)

    def _read_table(self, place: int, size: int, machine: int, *, with_addend: bool) -> None:
        word = "Q" if self.bits == 64 else "I"
        row = struct.Struct(self._order + word * 2 + (word if with_addend else ""))
        table = self._table(place, size)
        symbol_shift, kind_mask = (32, 0xFFFFFFFF) if self.bits == 64 else (8, 0xFF)
        found = self.relocated()
        mask = (1 << self.bits) - 1
        symbols = self._elf.dynamic.get(DT_SYMTAB)
        for address, info, *addend in row.iter_unpack(table[: len(table) // row.size * row.size]):
            kind = info & kind_mask
            if kind == _RELATIVE[machine]:
                value = addend[0] if with_addend else self._raw(address)
            elif kind == _ABSOLUTE[machine] and symbols is not None:
                own = self._symbol(symbols, info >> symbol_shift)
                if own is None:
                    continue
                value = own + (addend[0] if with_addend else self._raw(address))
            else:
                continue
            found[address] = value & mask

    def _read_relr(self) -> None:
        table = self._table(DT_RELR, DT_RELRSZ)
        found = self.relocated()
        where = 0
        for (entry,) in struct.iter_unpack(
            self._order + ("Q" if self.bits == 64 else "I"), table[: len(table) // self.size * self.size]
        ):
            if not entry & 1:
                found[entry] = self._raw(entry)
                where = entry + self.size
                continue
            for bit in range(self.bits - 1):
                if entry >> (bit + 1) & 1:
                    address = where + bit * self.size
                    found[address] = self._raw(address)
            where += (self.bits - 1) * self.size

    def _raw(self, address: int) -> int:
        offset = self.map.offset(address)
        return 0 if offset is None else int.from_bytes(self._source.read_at(offset, self.size), self._elf.endian)

    def _symbol(self, table: int, index: int) -> int | None:
        """The value of a dynamic symbol that is defined here."""
        layout = self._elf.header.layout.symbol
        offset = self.map.offset(table + index * layout.size)
        raw = b"" if offset is None else self._source.read_at(offset, layout.size)
        if len(raw) < layout.size:
            return None
        fields = layout.unpack(raw)
        section, value = (fields[3], fields[4]) if self.bits == 64 else (fields[5], fields[1])
        return int(value) if section else None
