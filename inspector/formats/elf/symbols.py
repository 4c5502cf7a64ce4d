"""Dynamic symbols, decoded when asked for: what a file takes from others and what it gives.

gABI chapter 4, "Symbol Table"; which definitions count as exported follows ``check_match`` and ``do_lookup_x`` of glibc's ``elf/dl-lookup.c``.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from inspector.errors import LimitExceeded
from inspector.formats.elf.identification import Layout
from inspector.formats.elf.string_table import text
from inspector.formats.elf.versions import (
    VER_NDX_GLOBAL,
    VER_NDX_LOCAL,
    VERSION_HIDDEN,
    VERSION_MASK,
    VersionDefinition,
    VersionNeed,
)
from inspector.limits import Limits

CountedBy = Literal["none", "not read", "DT_HASH", "DT_GNU_HASH", "DT_MIPS_SYMTABNO", "section header", "next table"]

_BINDINGS = {0: "local", 1: "global", 2: "weak", 10: "unique"}
_KINDS = {0: "notype", 1: "object", 2: "function", 3: "section", 4: "file", 5: "common", 6: "tls", 10: "ifunc"}
_WEAK = 2
_DEFINITIONS = frozenset(binding << 4 | kind for binding in (1, 2, 10) for kind in (0, 1, 2, 5, 6, 10))
"""st_info of what the loader accepts as a definition."""
_TLS = 6
_SHN_ABS = 0xFFF1


class Symbol(NamedTuple):
    """One dynamic symbol.

    :ivar version: its version, None where it has none; "unknown-N" where the file has no name for its index N.
    :ivar library: the library that the version is needed of; None for what is defined here, except for copies of a library's data.
    :ivar binding: "global", "weak" or "unique" (or a number); ``weak`` is the same for short.
    :ivar kind: "function", "object", "tls", "ifunc", "notype", "common", or a number.
    :ivar default: whether it is defined and a reference without a version finds it (``@@``, or no version at all).
    """

    name: str
    version: str | None
    library: str | None
    weak: bool
    binding: str
    kind: str
    default: bool


class SymbolTable:
    """The dynamic symbol table over its raw bytes.

    :ivar count: rows, the empty first one included.
    :ivar counted_by: where ``count`` comes from, "not read" where it was not wanted.

    Every method raises ``LimitExceeded`` where the names it would build pass ``Limits.elf_tables``, and ``ValueError`` on a table that was not read.
    """

    __slots__ = ("_layout", "_limit", "_rows", "_strings", "_version_names", "_versions", "count", "counted_by")

    def __init__(
        self, layout: Layout, rows: bytes = b"", strings: bytes = b"", versions: bytes = b"", *, counted_by: CountedBy,
        needs: Sequence[VersionNeed] = (), definitions: Sequence[VersionDefinition] = (), limits: Limits | None = None,
    ) -> None:  # fmt: skip
        self._layout = layout
        self.count = len(rows) // layout.symbol.size
        self._rows = rows[: self.count * layout.symbol.size]
        self._strings = strings
        self._versions = versions
        self._limit = (limits or Limits()).elf_tables
        self.counted_by: CountedBy = counted_by
        self._version_names: dict[int, tuple[str, str | None]] = {
            row.index: (row.name, None) for row in definitions if not row.is_base
        }
        self._version_names.update((row.index, (row.version, row.library)) for row in needs)

    def __len__(self) -> int:
        return self.count

    @property
    def is_loaded(self) -> bool:
        """Whether the table was read."""
        return self.counted_by != "not read"

    @property
    def raw_size(self) -> int:
        """Bytes that the table holds in memory."""
        return len(self._rows) + len(self._strings) + len(self._versions)

    def has_name(self, name: str) -> bool:
        """Whether the string table holds a name as a whole or as the end of another: a quick look before any row is decoded."""
        return name.encode("utf-8", "surrogateescape") + b"\0" in self._strings

    def imported(self) -> Iterator[Symbol]:
        """Symbols that another file must define, in the table's order."""
        version_names = self._version_names
        for index, name, info in self._undefined():
            version = self._version(index)
            found: tuple[str | None, str | None] = (None, None)
            if version > VER_NDX_GLOBAL:
                found = version_names.get(version) or (f"unknown-{version}", None)
            yield Symbol(name, *found, info >> 4 == _WEAK, _binding(info), _kind(info), False)

    def exported(self) -> Iterator[Symbol]:
        """Symbols that this file defines for others, in the table's order.

        Bindings and kinds that the loader accepts, with a value other than 0 unless absolute or thread-local, and not of the version "local".
        """
        version_names = self._version_names
        labels = {info: (info >> 4 == _WEAK, _binding(info), _kind(info)) for info in _DEFINITIONS}
        unversioned: tuple[str | None, str | None] = (None, None)
        for name, info, number in self._defined():
            index = number & VERSION_MASK
            version, library = unversioned
            if index > VER_NDX_GLOBAL:
                version, library = version_names.get(index) or (f"unknown-{index}", None)
            weak, binding, kind = labels[info]
            yield Symbol(name, version, library, weak, binding, kind, not number & VERSION_HIDDEN)

    def exported_names(self) -> set[str]:
        """Names that this file defines, versions aside."""
        return {name for name, _, _ in self._defined()}

    def exported_versions(self) -> set[tuple[str, str | None]]:
        """Pairs of name and version (None without one) that this file defines."""
        versions: dict[int, str | None] = {index: version for index, (version, _) in self._version_names.items()}
        versions[VER_NDX_GLOBAL] = None
        exported: set[tuple[str, str | None]] = set()
        for name, _, number in self._defined():
            index = number & VERSION_MASK
            exported.add((name, versions[index] if index in versions else f"unknown-{index}"))  # noqa: SIM401 - the text is seldom needed
        return exported

    def undefined_names(self) -> set[str]:
        """Names that another file must define or the program fails; weak references left out."""
        return {name for _, name, info in self._undefined() if info >> 4 != _WEAK}

    def names_with_version(self, index: int) -> list[str]:
        """Names of the symbols that carry one version (:attr:`VersionNeed.index`), in the table's order; the rows of others are not touched."""
        self._require_loaded()
        found: list[int] = []
        versions = self._versions
        for number in (index & VERSION_MASK, index & VERSION_MASK | VERSION_HIDDEN):
            pattern = self._layout.half.pack(number)
            at = versions.find(pattern)
            while at >= 0:
                if at & 1:
                    at = versions.find(pattern, at + 1)
                    continue
                found.append(at >> 1)
                at = versions.find(pattern, at + 2)
        found.sort()
        size, count, row = self._layout.symbol.size, self.count, self._layout.word
        name = _Names(self._strings, self._limit)
        return [name.at(row.unpack_from(self._rows, number * size)[0]) for number in found if number < count]

    def _require_loaded(self) -> None:
        if not self.is_loaded:
            raise ValueError("the symbols of this ELF file were not read (load_symbols=False)")

    def _version(self, index: int) -> int:
        at = 2 * index
        if at + 2 > len(self._versions):
            return VER_NDX_GLOBAL
        return int(self._layout.half.unpack_from(self._versions, at)[0]) & VERSION_MASK

    def _section_indexes(self) -> list[int]:
        """st_shndx of every row, in the file's byte order: good for comparing with 0."""
        half_words = memoryview(self._rows).cast("H")
        return half_words[3::12].tolist() if self._layout.bits == 64 else half_words[7::8].tolist()

    def _undefined(self) -> Iterator[tuple[int, str, int]]:
        """Row number, name and st_info of what is undefined and not local."""
        self._require_loaded()
        name = _Names(self._strings, self._limit)
        rows, row = self._rows, self._layout.symbol
        info_at = 4 if self._layout.bits == 64 else 12
        word = self._layout.word
        for index, section in enumerate(self._section_indexes()):
            if section or not index:
                continue
            at = index * row.size
            info = rows[at + info_at]
            if info >> 4:
                found = name.at(word.unpack_from(rows, at)[0])
                if found:
                    yield index, found, info

    def _defined(self) -> Iterator[tuple[str, int, int]]:
        """Name, st_info and number in DT_VERSYM of what the loader would find here."""
        self._require_loaded()
        names = _Names(self._strings, self._limit)
        table, find, left = names.table, names.table.find, names.left
        versions: Sequence[int] = self._layout.numbers(self._versions, 2)
        if len(versions) < self.count:
            versions = array("H", versions) + array("H", [VER_NDX_GLOBAL]) * (self.count - len(versions))
        rows: Iterator[tuple[int, ...]] = self._layout.symbol.iter_unpack(self._rows)
        if self._layout.bits == 32:
            rows = ((name, info, other, section, value, size) for name, value, size, info, other, section in rows)
        for (start, info, _, section, value, _), number in zip(rows, versions, strict=False):
            if not section or info not in _DEFINITIONS:
                continue
            if number & VERSION_MASK == VER_NDX_LOCAL or (not value and section != _SHN_ABS and info & 15 != _TLS):
                continue
            end = find("\0", start)
            if end <= start:
                continue
            left -= end - start
            if left < 0:
                raise names.too_long()
            name = table[start:end]
            yield name if name.isascii() else text(self._strings[start:end]), info, number


class _Names:
    """Names out of DT_STRTAB, counted against a limit; "" where there is none.

    The table as text of one character a byte: slices of it are names already, except for the rare ones beyond ASCII.
    """

    __slots__ = ("_strings", "left", "table")

    def __init__(self, strings: bytes, limit: int) -> None:
        self._strings = strings
        self.table = strings.decode("latin-1")
        self.left = limit

    def at(self, start: int) -> str:
        end = self.table.find("\0", start)
        if end <= start:
            return ""
        self.left -= end - start
        if self.left < 0:
            raise self.too_long()
        name = self.table[start:end]
        return name if name.isascii() else text(self._strings[start:end])

    @staticmethod
    def too_long() -> LimitExceeded:
        return LimitExceeded("the symbol names of an ELF file are longer than the elf_tables limit")


def _binding(info: int) -> str:
    return _BINDINGS.get(info >> 4) or str(info >> 4)


def _kind(info: int) -> str:
    return _KINDS.get(info & 15) or str(info & 15)
