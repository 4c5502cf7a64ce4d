"""The dynamic symbols of an ELF file as the loader's model looks them up; read when the model asks, because few audits do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from inspector.formats.elf import ElfFile
from inspector.loader.symbol_views import Definition, Reference, wants_of

_FIRST_VERSION = 2  # index of the first version behind the file's own; glibc elf/dl-lookup.c, check_match


class ElfSymbols:
    """An :class:`inspector.loader.symbol_views.ExactSymbolView` over an ELF file.

    Its methods raise LimitExceeded where the file's names pass ``Limits.elf_tables``.
    """

    __slots__ = ("_default", "_definitions", "_elf", "_plain", "_references", "_wants")

    def __init__(self, elf: ElfFile) -> None:
        self._elf = elf
        self._definitions: frozenset[Definition] | None = None
        self._default: frozenset[str] | None = None
        self._plain: frozenset[str] | None = None
        self._references: tuple[Reference, ...] | None = None
        self._wants: tuple[frozenset[Definition], frozenset[str]] | None = None

    def exports(self) -> Mapping[str, frozenset[str | None]]:
        """See :class:`inspector.loader.objects.SymbolView`."""
        versions: dict[str, set[str | None]] = {}
        for name, version in self.definitions():
            versions.setdefault(name, set()).add(version)
        return {name: frozenset(found) for name, found in versions.items()}

    def imports(self) -> Iterator[tuple[str, str | None]]:
        """See :class:`inspector.loader.objects.SymbolView`."""
        return ((reference.name, reference.version) for reference in self.references() if not reference.weak)

    def definitions(self) -> frozenset[Definition]:
        """(name, version) of all that it defines, the version None where it has none."""
        if self._definitions is None:
            self._definitions = frozenset(self._elf.symbols.exported_versions())
        return self._definitions

    def plain_names(self) -> frozenset[str]:
        """Names that a reference without a version finds here."""
        if self._plain is None:
            if not self._elf.verdef and not self._elf.verneed:
                self._plain = frozenset(self._elf.symbols.exported_names())
            else:
                first = {row.name for row in self._elf.verdef if row.index == _FIRST_VERSION}
                self._plain = frozenset(
                    symbol.name
                    for symbol in self._elf.symbols.exported()
                    if symbol.default or symbol.version is None or symbol.version in first
                )
        return self._plain

    def default_names(self) -> frozenset[str]:
        """Names of definitions that are not hidden."""
        if self._default is None:
            exported = self._elf.symbols.exported()
            self._default = frozenset(symbol.name for symbol in exported if symbol.default)
        return self._default

    def references(self) -> tuple[Reference, ...]:
        """What it wants of others, weak references included."""
        if self._references is None:
            self._references = tuple(
                Reference(
                    symbol.name,
                    None if symbol.version is not None and symbol.version.startswith("unknown-") else symbol.version,
                    symbol.library,
                    symbol.weak,
                )
                for symbol in self._elf.symbols.imported()
            )
        return self._references

    def wants(self) -> tuple[frozenset[Definition], frozenset[str]]:
        """Its strong references as sets."""
        if self._wants is None:
            self._wants = wants_of(self.references())
        return self._wants
