"""The first bytes: the magic, the identification and the ELF header, and how everything behind them is laid out.

gABI chapter 4, "ELF Header" and "ELF Identification".
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable
from struct import Struct
from typing import Literal

import msgspec

from inspector.errors import FormatError, UnsupportedFormat

MAGIC = b"\x7fELF"
IDENTIFICATION_SIZE = 16
ET_NAMES = {0: "NONE", 1: "REL", 2: "EXEC", 3: "DYN", 4: "CORE"}

PN_XNUM = 0xFFFF
"""e_phnum that says: the real number is sh_info of section 0."""
SHN_XINDEX = 0xFFFF
"""e_shstrndx that says: the real index is sh_link of section 0."""


class Layout:
    """The tables' row formats for one class and byte order; four of these exist.

    :ivar header: the ELF header behind ``e_ident``.
    :ivar word_size: bytes of an address, 4 or 8.
    :ivar swapped: whether ``array`` must swap bytes on this machine.
    """

    __slots__ = (
        "bits", "dynamic", "endian", "half", "header", "prefix", "program_header", "relative_word", "section_header", "swapped", "symbol",
        "verdaux", "verdef", "vernaux", "verneed", "word", "word_size",
    )  # fmt: skip

    def __init__(self, bits: Literal[32, 64], endian: Literal["little", "big"]) -> None:
        self.bits: Literal[32, 64] = bits
        self.endian: Literal["little", "big"] = endian
        self.prefix = prefix = "<" if endian == "little" else ">"
        self.word_size = bits // 8
        self.swapped = endian != sys.byteorder
        wide = bits == 64
        self.header = Struct(prefix + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH"))
        self.program_header = Struct(prefix + ("IIQQQQQQ" if wide else "IIIIIIII"))
        self.section_header = Struct(prefix + ("IIQQQQIIQQ" if wide else "IIIIIIIIII"))
        self.dynamic = Struct(prefix + ("QQ" if wide else "II"))
        self.symbol = Struct(prefix + ("IBBHQQ" if wide else "IIIBBH"))
        self.half = Struct(prefix + "H")
        self.word = Struct(prefix + "I")
        self.verneed = Struct(prefix + "HHIII")
        self.vernaux = Struct(prefix + "IHHII")
        self.verdef = Struct(prefix + "HHHHIII")
        self.verdaux = Struct(prefix + "II")

    def __reduce__(self) -> tuple[Callable[[int, str], Layout], tuple[int, str]]:
        return _layout, (self.bits, self.endian)  # a Struct cannot be pickled

    def numbers(self, content: bytes, size: Literal[2, 4, 8]) -> array[int]:
        """``content`` as unsigned numbers of ``size`` bytes each; a rest shorter than one number is left out."""
        numbers = array({2: "H", 4: "I", 8: "Q"}[size])
        numbers.frombytes(content[: len(content) // size * size])
        if self.swapped:
            numbers.byteswap()
        return numbers


_LAYOUTS: dict[tuple[int, int], Layout] = {
    (1, 1): Layout(32, "little"),
    (1, 2): Layout(32, "big"),
    (2, 1): Layout(64, "little"),
    (2, 2): Layout(64, "big"),
}
"""By EI_CLASS and EI_DATA."""


def _layout(bits: int, endian: str) -> Layout:
    return _LAYOUTS[bits // 32, 1 if endian == "little" else 2]


class Header(msgspec.Struct, frozen=True):
    """The ELF header, numbers as written."""

    layout: Layout
    osabi: int
    abi_version: int
    ident: bytes
    type: int
    machine: int
    version: int
    entry: int
    phoff: int
    shoff: int
    flags: int
    ehsize: int
    phentsize: int
    phnum: int
    shentsize: int
    shnum: int
    shstrndx: int

    @property
    def type_name(self) -> str:
        """ "EXEC", "DYN", "REL", "CORE", "NONE", or the number in hexadecimal."""
        return ET_NAMES.get(self.type) or f"0x{self.type:x}"

    @property
    def size(self) -> int:
        """Bytes of the header in the file."""
        return IDENTIFICATION_SIZE + self.layout.header.size


def looks_like_elf(head: bytes) -> bool:
    """Whether a file that begins with ``head`` (four bytes are enough) claims to be ELF."""
    return head[:4] == MAGIC


def decode_header(head: bytes) -> Header:
    """The header out of the file's first 64 bytes or more.

    :raises FormatError: where the magic is missing ("invalid ELF header", says glibc) or the header ends early ("file too short").
    :raises UnsupportedFormat: for a class that is neither 32 nor 64 bit, or a byte order that is neither little nor big.
    """
    if head[:4] != MAGIC:
        raise FormatError("no ELF magic", 0)
    if len(head) < IDENTIFICATION_SIZE:
        raise FormatError("shorter than an ELF identification", len(head))
    layout = _LAYOUTS.get((head[4], head[5]))
    if layout is None:
        what = f"class {head[4]}" if head[4] not in {1, 2} else f"data encoding {head[5]}"
        raise UnsupportedFormat(f"ELF {what} is not defined", 4)
    if len(head) < IDENTIFICATION_SIZE + layout.header.size:
        raise FormatError("shorter than an ELF header", len(head))
    return Header(layout, head[7], head[8], head[:16], *layout.header.unpack_from(head, IDENTIFICATION_SIZE))
