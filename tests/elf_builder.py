"""Small ELF files in memory: one PT_LOAD over the whole file, a dynamic section, symbols, versions; read by the code under test and by readelf."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

EM_X86_64, EM_AARCH64 = 62, 183
_DT = {
    "NEEDED": 1,
    "HASH": 4,
    "STRTAB": 5,
    "SYMTAB": 6,
    "STRSZ": 10,
    "SYMENT": 11,
    "SONAME": 14,
    "RPATH": 15,
    "TEXTREL": 22,
    "RUNPATH": 29,
}
_DT |= {
    "VERSYM": 0x6FFFFFF0,
    "VERDEF": 0x6FFFFFFC,
    "VERDEFNUM": 0x6FFFFFFD,
    "VERNEED": 0x6FFFFFFE,
    "VERNEEDNUM": 0x6FFFFFFF,
    "FLAGS_1": 0x6FFFFFFB,
}


@dataclass
class TinyElf:
    """What the file says.

    :ivar imports: (symbol, library, version), the version's library being one of ``needed``.
    :ivar exports: (symbol, version or None); the versions become definitions.
    :ivar weak_versions: version names that are asked for weakly.
    """

    soname: str | None = None
    needed: tuple[str, ...] = ()
    rpath: str | None = None
    runpath: str | None = None
    imports: tuple[tuple[str, str, str], ...] = ()
    exports: tuple[tuple[str, str | None], ...] = ()
    interpreter: str | None = None
    machine: int = EM_X86_64
    program: bool = False
    stack_flags: int | None = 6
    textrel: bool = False
    weak_versions: tuple[str, ...] = ()
    padding: int = 0
    align: int = 0x10000
    strings: bytearray = field(default_factory=lambda: bytearray(b"\0"))

    def string(self, text: str) -> int:
        position = len(self.strings)
        self.strings += text.encode() + b"\0"
        return position

    def build(self) -> bytes:
        """The file's bytes, little-endian ELF64."""
        index_of: dict[tuple[str, str], int] = {}
        for _, library, version in self.imports:
            index_of.setdefault((library, version), len(index_of) + 2)
        defined = list(dict.fromkeys(version for _, version in self.exports if version))
        first_defined = len(index_of) + 2
        symbols, versym = [struct.pack("<IBBHQQ", 0, 0, 0, 0, 0, 0)], [0]
        for name, library, version in self.imports:
            symbols.append(struct.pack("<IBBHQQ", self.string(name), 0x12, 0, 0, 0, 0))
            versym.append(index_of[library, version])
        for name, version in self.exports:
            symbols.append(struct.pack("<IBBHQQ", self.string(name), 0x12, 0, 1, 0x100, 1))
            versym.append(first_defined + defined.index(version) if version else 1)
        verneed, need_count = self._verneed(index_of)
        verdef, definition_count = self._verdef(defined, first_defined)
        hash_table = struct.pack(f"<{3 + len(symbols)}I", 1, len(symbols), 0, *([0] * len(symbols)))
        entries = [("NEEDED", self.string(name)) for name in self.needed]
        entries += [
            (tag, self.string(text))
            for tag, text in (("SONAME", self.soname), ("RPATH", self.rpath), ("RUNPATH", self.runpath))
            if text is not None
        ]
        entries += [("TEXTREL", 0)] if self.textrel else []
        entries += [("FLAGS_1", 0x08000000)] if self.program else []
        interpreter = b"" if self.interpreter is None else self.interpreter.encode() + b"\0"
        tables = [
            ("HASH", hash_table),
            ("SYMTAB", b"".join(symbols)),
            ("STRTAB", bytes(self.strings)),
            ("VERSYM", struct.pack(f"<{len(versym)}H", *versym)),
            ("VERNEED", verneed),
            ("VERDEF", verdef),
        ]
        header_count = 2 + (self.stack_flags is not None) + bool(interpreter)
        position = 64 + 56 * header_count
        interpreter_at = position
        position += len(interpreter)
        content = bytearray(interpreter)
        for tag, table in tables:
            if not table:
                continue
            pad = -position % 8
            content += b"\0" * pad + table
            position += pad
            entries.append((tag, position))
            position += len(table)
        entries += [("STRSZ", len(self.strings)), ("SYMENT", 24)]
        entries += [("VERNEEDNUM", need_count)] if need_count else []
        entries += [("VERDEFNUM", definition_count)] if definition_count else []
        pad = -position % 8
        dynamic = b"".join(struct.pack("<QQ", _DT[tag], value) for tag, value in entries) + bytes(16)
        content += b"\0" * pad + dynamic
        dynamic_at = position + pad
        content += bytes(self.padding)
        size = 64 + 56 * header_count + len(content)
        headers = [(1, 5, 0, size, self.align), (2, 6, dynamic_at, len(dynamic), 8)]
        headers += [(0x6474E551, self.stack_flags, 0, 0, 16)] if self.stack_flags is not None else []
        headers += [(3, 4, interpreter_at, len(interpreter), 1)] if interpreter else []
        header = struct.pack(
            "<16sHHIQQQIHHHHHH",
            b"\x7fELF\x02\x01\x01",
            3,
            self.machine,
            1,
            0x100 if self.program else 0,
            64,
            0,
            0,
            64,
            56,
            len(headers),
            64,
            0,
            0,
        )
        table = b"".join(
            struct.pack("<IIQQQQQQ", kind, flags, at, at, at, length, length, align)
            for kind, flags, at, length, align in headers
        )
        return header + table + bytes(content)

    def _verneed(self, index_of: dict[tuple[str, str], int]) -> tuple[bytes, int]:
        libraries: dict[str, list[tuple[str, int]]] = {}
        for (library, version), index in index_of.items():
            libraries.setdefault(library, []).append((version, index))
        output = bytearray()
        for number, (library, versions) in enumerate(libraries.items(), 1):
            last = number == len(libraries)
            following = 0 if last else 16 + 16 * len(versions)
            output += struct.pack("<HHIII", 1, len(versions), self.string(library), 16, following)
            for position, (version, index) in enumerate(versions, 1):
                flags = 2 if version in self.weak_versions else 0
                following = 0 if position == len(versions) else 16
                output += struct.pack("<IHHII", 0, flags, index, self.string(version), following)
        return bytes(output), len(libraries)

    def _verdef(self, defined: list[str], first: int) -> tuple[bytes, int]:
        if not defined:
            return b"", 0
        names = [
            (self.soname or "base", 1, 1),
            *((version, 0, first + number) for number, version in enumerate(defined)),
        ]
        output = bytearray()
        for position, (name, flags, index) in enumerate(names, 1):
            following = 0 if position == len(names) else 28
            output += struct.pack("<HHHHIII", 1, flags, index, 1, 0, 20, following) + struct.pack(
                "<II", self.string(name), 0
            )
        return bytes(output), len(names)
