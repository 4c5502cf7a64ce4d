"""Edits DT_RPATH and DT_RUNPATH in place, where the new text fits into the bytes of the old one.

Strings of ``.dynstr`` share bytes: linkers let a string point into the tail of another.  So a byte changes only where nothing else points at it or
runs over it; and where the table already ends some string with the new text, the entry is pointed there, and no string changes.
Entries: gABI chapter 5, "Dynamic Section".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct

from inspector.errors import FormatError
from inspector.formats.elf import dynamic as tags
from inspector.formats.elf.elf_file import ElfFile
from inspector.formats.elf.reader import read_elf
from inspector.formats.elf.segments import PT_DYNAMIC, AddressMap
from inspector.formats.elf.spliced import SplicedFile, patched, read_exactly
from inspector.formats.elf.string_table import text
from inspector.limits import MIB
from inspector.source import BytesSource, Source

_MOST_STRINGS = 64 * MIB
"""Bytes of a string table; LLVM's own is 2 MiB."""

SearchPathKind = Literal["rpath", "runpath"]

_TAGS: dict[SearchPathKind, int] = {"rpath": tags.DT_RPATH, "runpath": tags.DT_RUNPATH}
_OTHER: dict[SearchPathKind, SearchPathKind] = {"rpath": "runpath", "runpath": "rpath"}
_NAMES_IN_STRTAB = frozenset(
    (tags.DT_NEEDED, tags.DT_SONAME, tags.DT_RPATH, tags.DT_RUNPATH, tags.DT_AUXILIARY, tags.DT_FILTER, tags.DT_AUDIT, tags.DT_DEPAUDIT, 0x6FFFFEFA)
)  # fmt: skip
"""… and DT_CONFIG: tags whose value is a place in DT_STRTAB."""
_DT_MIPS_RLD_MAP_REL = 0x70000035
"""Its value counts from its own entry (glibc ``sysdeps/mips/dl-debug.h``)."""


def set_search_path(source: Source | bytes, elf: ElfFile, kind: SearchPathKind, new: str) -> Source | None:
    """The file with another RPATH or RUNPATH, of the same size, read through ``source``; None where that takes more room than there is.

    See ``inspector.slim.making.lief_adapter`` for those.  Where the file has only the other kind, its entry changes its tag, and so the kind.

    :param elf: ``source`` as it was read; its symbols need not be loaded.
    :param new: elements joined by ":"; an element of the old path with bytes that are not UTF-8 is written as ``ElfFile.runpath`` writes it.
    :raises ValueError: where ``new`` is empty (see :func:`remove_search_path`), has a NUL, or cannot be written as UTF-8.
    :raises FormatError: from the source only.
    """
    if not new or "\0" in new:
        raise ValueError("a search path has at least one byte, and no NUL")
    encoded = new.encode()
    source = BytesSource(source) if isinstance(source, bytes) else source
    tables = _tables(source, elf)
    if tables is None:
        return None
    tag = _TAGS[kind] if tables.count(_TAGS[kind]) else _TAGS[_OTHER[kind]]
    if tables.count(tag) != 1:
        return None
    index, old = tables.entry(tag)
    if "\\x" in new:
        known = {text(element): element for element in tables.string(old).split(b":")}
        encoded = b":".join(known.get(element, element.encode()) for element in new.split(":"))
    place = tables.rewrite(index, old, encoded)
    if place is None:
        return None
    tables.write_entry(index, _TAGS[kind], place)
    return _proved(source, tables, {kind: new, **({} if tag == _TAGS[kind] else {_OTHER[kind]: None})})


def remove_search_path(source: Source | bytes, elf: ElfFile, kind: SearchPathKind) -> Source | None:
    """The file without that entry, its text blotted out where nothing shares it; None where it has no such entry, or more than one.

    :raises FormatError: from the source only.
    """
    source = BytesSource(source) if isinstance(source, bytes) else source
    tables = _tables(source, elf)
    if tables is None or tables.count(_TAGS[kind]) != 1:
        return None
    index, old = tables.entry(_TAGS[kind])
    tables.remove_entry(index)
    tables.rewrite(index, old, b"")
    return _proved(source, tables, {kind: None})


class _Tables(Struct, frozen=True):
    """The dynamic section and its strings, as they lie in the file, and as they are to be.

    :ivar entries: tag and value, up to DT_NULL and without it.
    :ivar strings: the string table as it is.
    :ivar new_dynamic: the dynamic section's new bytes; ``new_strings`` those of the strings.
    :ivar others: places in the string table that anything but RPATH and RUNPATH names, or may name.
    """

    elf: ElfFile
    dynamic_at: int
    entries: tuple[tuple[int, int], ...]
    strings_at: int
    strings: bytes
    others: tuple[int, ...]
    new_dynamic: bytearray
    new_strings: bytearray

    def count(self, tag: int) -> int:
        """How many entries have that tag."""
        return sum(found == tag for found, _ in self.entries)

    def entry(self, tag: int) -> tuple[int, int]:
        """Number and value of the only entry with that tag."""
        return next((index, value) for index, (found, value) in enumerate(self.entries) if found == tag)

    def write_entry(self, index: int, tag: int, value: int) -> None:
        """Write one entry."""
        row = self.elf.header.layout.dynamic
        row.pack_into(self.new_dynamic, index * row.size, tag, value)

    def remove_entry(self, index: int) -> None:
        """Move the entries behind one up, and end with one DT_NULL more."""
        size = self.elf.header.layout.dynamic.size
        for number, (tag, value) in enumerate(self.entries[index + 1 :], index):
            self.write_entry(number, tag, value + (size if tag == _DT_MIPS_RLD_MAP_REL else 0))
        self.write_entry(len(self.entries) - 1, 0, 0)

    def string(self, place: int) -> bytes:
        """The string that begins at a place of the table; empty where it has no end."""
        return self.strings[place : max(self.strings.find(0, place), place)]

    def rewrite(self, index: int, old: int, new: bytes) -> int | None:
        """Write ``new`` over the string at ``old``, which entry ``index`` names, as far as nothing shares it, and blot the rest of it out.

        Returns the place of the text, which may be another one that the table has already; None where there is none.
        """
        strings = self.strings
        end = strings.find(0, old)
        if end < 0:
            return None
        begins = strings.rfind(0, 0, old) + 1
        others = [
            *self.others,
            *(value for i, (tag, value) in enumerate(self.entries) if tag in _TAGS.values() and i != index),
        ]
        runs_over = any(begins <= place <= old for place in others)
        room = 0 if runs_over else min([place for place in others if old < place <= end], default=end) - old
        place = old
        if len(new) >= room + (old + room == end):
            place = strings.find(new + b"\0")
            new = b""
            if place < 0 or begins <= place <= end:
                return place if place >= 0 else None
        self.new_strings[old : old + room] = new.ljust(room, b"\0")
        return place


def _tables(source: Source, elf: ElfFile) -> _Tables | None:
    """None for a file whose dynamic section or string table is not where it should be, or is broken."""
    if not elf.symbols.is_loaded:
        try:
            elf = read_elf(source)
        except FormatError:
            return None
    segment = next((s for s in reversed(elf.segments) if s.type == PT_DYNAMIC and s.filesz), None)
    places = AddressMap(elf.loads)
    address, size = elf.dynamic.get(tags.DT_STRTAB), elf.dynamic.get(tags.DT_STRSZ)
    if segment is None or not elf.dynamic or address is None or size is None or elf.is_separate_debug:
        return None
    if elf.symbols.counted_by in {"none", "not read"} and elf.dynamic.get(tags.DT_SYMTAB) is not None:
        return None  # symbols that nobody has counted may share the strings' bytes
    row = elf.header.layout.dynamic
    if segment.offset + elf.dynamic.size > source.size or elf.dynamic.size % row.size:
        return None
    dynamic = read_exactly(source, segment.offset, elf.dynamic.size)
    listed = list(row.iter_unpack(dynamic))
    strings_at = places.offset(address)
    if not listed or listed[-1][0] or strings_at is None or size > min(places.room(address), _MOST_STRINGS):
        return None
    if segment.offset < strings_at + size and strings_at < segment.offset + len(dynamic):
        return None
    entries = tuple((int(tag), int(value)) for tag, value in listed[:-1])
    strings = read_exactly(source, strings_at, size)
    others = tuple(_other_places(source, elf, entries, strings, places))
    return _Tables(elf, segment.offset, entries, strings_at, strings, others, bytearray(dynamic), bytearray(strings))


def _other_places(
    source: Source, elf: ElfFile, entries: Iterable[tuple[int, int]], strings: bytes, places: AddressMap
) -> Iterator[int]:
    search_paths = set(_TAGS.values())
    values = [value for tag, value in entries if tag in search_paths]
    for tag, value in entries:
        if tag in _NAMES_IN_STRTAB and tag not in search_paths:
            yield value
    symbols_at = places.offset(elf.dynamic.get(tags.DT_SYMTAB) or 0)
    if symbols_at is not None:
        layout = elf.header.layout
        rows = source.read_at(symbols_at, elf.symbols.count * layout.symbol.size)
        yield from layout.numbers(rows, 4)[:: layout.symbol.size // 4]  # st_name is the first word in both classes
    names = {need.library for need in elf.verneed} | {need.version for need in elf.verneed}
    for definition in elf.verdef:
        names |= {definition.name, *definition.parents}
    for value in values:
        end = strings.find(0, value)
        begins = strings.rfind(0, 0, value) + 1
        for name in names:  # wherever a version's name could lie in these bytes, it is taken to lie there
            encoded = name.encode("utf-8", "surrogateescape")
            if encoded and begins <= end - len(encoded) and strings[:end].endswith(encoded):
                yield end - len(encoded)


def _proved(source: Source, tables: _Tables, changed: dict[SearchPathKind, str | None]) -> SplicedFile | None:
    """The new file, if loaders see nothing in it but what was asked for; outside of the two tables it is the old one."""
    old = tables.elf
    edits = [(tables.dynamic_at, bytes(tables.new_dynamic)), (tables.strings_at, bytes(tables.new_strings))]
    edited = patched(source, sorted(edits))
    try:
        new = read_elf(edited)
        if not same_dynamic_view(old, new):
            return None
    except FormatError:
        return None
    wanted = {"rpath": old.rpath, "runpath": old.runpath} | changed
    return edited if (new.rpath, new.runpath) == (wanted["rpath"], wanted["runpath"]) else None


def same_dynamic_view(old: ElfFile, new: ElfFile) -> bool:
    """Whether loaders see the same in two files, RPATH and RUNPATH aside.

    :raises LimitExceeded: where the symbols' names pass ``Limits.elf_tables``.
    """
    fields = (
        "needed", "soname", "auxiliary", "filter", "audit", "depaudit", "verneed", "verdef", "relocations", "interpreter", "flags", "flags_1",
        "loader_refusals", "gnu_stack", "relro", "type", "arch", "build_id",
    )  # fmt: skip
    if any(getattr(old, field) != getattr(new, field) for field in fields):
        return False
    if old.symbols.count != new.symbols.count or not set(new.defects) <= set(old.defects):
        return False
    before, after = old.symbols, new.symbols
    return list(before.imported()) == list(after.imported()) and list(before.exported()) == list(after.exported())
