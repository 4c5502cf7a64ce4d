"""The one place that uses LIEF: edits for which an ELF file must grow.  What comes out is proved like our own edits, or not used.

LIEF runs in a process of its own, with a time limit: on hostile files its parser has crashed and hung before, and importing it costs more than
an audit.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path

from inspector.errors import FormatError
from inspector.formats.elf import ElfFile, Segment, read_elf
from inspector.formats.elf import dynamic as tags
from inspector.formats.elf.architecture import architecture_name, page_sizes
from inspector.formats.elf.runpath import SearchPathKind, same_dynamic_view, set_search_path
from inspector.formats.elf.segments import PT_DYNAMIC, PT_PHDR, AddressMap
from inspector.formats.elf.strip_layout import may_move_program_headers
from inspector.limits import MIB
from inspector.source import BytesSource, Source

_SECONDS = 120
_LARGEST_FILE = 512 * MIB
"""Bytes; LIEF holds several copies of a file."""
_UNTOUCHED_TABLES = (
    "android_rela", "dt_hash", "fini_array", "init_array", "interpreter", "jmprel", "notes", "preinit_array", "rela", "relr", "static_symtab",
    "sym_versym",
)  # fmt: skip
"""Settings of ``lief.ELF.Builder.config_t``: what is not made anew.  Strings are, and so is what names them by their place."""

_REWRITTEN_TAGS = frozenset((
    tags.DT_STRTAB, tags.DT_STRSZ, tags.DT_SYMTAB, tags.DT_VERNEED, tags.DT_VERDEF, tags.DT_NEEDED, tags.DT_SONAME, tags.DT_RPATH, tags.DT_RUNPATH,
    tags.DT_AUXILIARY, tags.DT_FILTER, tags.DT_AUDIT, tags.DT_DEPAUDIT,
))  # fmt: skip
"""Entries whose values may differ: places of strings, and of the tables that LIEF writes anew; what these say is compared by itself."""


def write_search_path(source: Source | bytes, elf: ElfFile, kind: SearchPathKind, new: str) -> Source | None:
    """The file with another RPATH or RUNPATH: in place where it fits, else grown by LIEF; None where neither can be proved right.

    Parameters as for :func:`inspector.formats.elf.runpath.set_search_path`.  A file that has none is given one.

    :raises ValueError: for an empty text or one with a NUL.
    :raises FormatError: from the source only.
    """
    source = BytesSource(source) if isinstance(source, bytes) else source
    edited = set_search_path(source, elf, kind, new)
    if edited is not None:
        return edited
    if (
        source.size > _LARGEST_FILE or not elf.has_dynamic or "\\x" in new
    ):  # LIEF takes text, and no byte that is not UTF-8
        return None
    content = source.read_at(0, source.size)
    if content[elf.image_end :].strip(b"\0"):
        return None  # what lies behind the image may be found by its place
    grown = _grown(content, kind, new)
    if grown is None:
        return None
    try:
        before = read_elf(BytesSource(content))
        grown = _restored(content, before, grown)
        after = read_elf(BytesSource(grown))
        return BytesSource(grown) if _is_right(content, before, grown, after, kind, new) else None
    except FormatError:
        return None


def _grown(content: bytes, kind: SearchPathKind, new: str) -> bytes | None:
    """What LIEF makes of it, unproved; None where it fails."""
    command = [sys.executable, "-m", __name__, kind, new]
    try:
        done = subprocess.run(  # noqa: S603 - our own module, and arguments without a shell
            command, input=content, capture_output=True, timeout=_SECONDS, check=False
        )
    except (subprocess.TimeoutExpired, OSError):
        return None
    return done.stdout if done.returncode == 0 and done.stdout else None


def _edit(content: bytes, kind: str, new: str) -> bytes | None:
    """The edit itself, in the process of its own."""
    import lief

    lief.logging.disable()
    binary = lief.ELF.parse(content)
    if binary is None:
        return None
    places = lief.ELF.Binary.PHDR_RELOC  # never PIE_SHIFT, which moves all code by a page
    if not binary.relocate_phdr_table(places.SEGMENT_GAP) and not binary.relocate_phdr_table(places.FILE_END):
        return None
    kinds = lief.ELF.DynamicEntry.TAG
    for unwanted in (kinds.RPATH, kinds.RUNPATH):
        while binary.has(unwanted):
            binary.remove(unwanted)
    binary.add(lief.ELF.DynamicEntryRunPath(new) if kind == "runpath" else lief.ELF.DynamicEntryRpath(new))
    config = lief.ELF.Builder.config_t()
    for table in _UNTOUCHED_TABLES:
        if hasattr(config, table):
            setattr(config, table, False)
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory) / "edited"
        binary.write(str(output), config)
        return output.read_bytes()


# -- the proof


def _is_right(old_bytes: bytes, old: ElfFile, new_bytes: bytes, new: ElfFile, kind: SearchPathKind, text: str) -> bool:
    """Whether nothing but the search path is different for a loader: the view of the dynamic section, and the memory that the old file describes."""
    if (new.rpath, new.runpath) != ((text, None) if kind == "rpath" else (None, text)):
        return False
    if not same_dynamic_view(old, new) or not _is_same_dynamic_section(old, new):
        return False
    if _symbol_rows(old_bytes, old) != _symbol_rows(new_bytes, new) or new.tls != (
        new.tls and old.tls and old.tls._replace(offset=new.tls.offset)
    ):
        return False
    if not may_move_program_headers(old) and not _finds_program_headers(new):
        return False
    page = page_sizes(architecture_name(old.header))[-1]
    if any(_is_less_congruent(load, old, page) for load in new.loads):
        return False
    rewritten = sorted(_rewritten_memory(old))
    memory = sorted((load.vaddr, load.vaddr + load.filesz, load.offset) for load in new.loads if load.filesz)
    return all(
        _memory(new_bytes, memory, start, end) == old_bytes[offset : offset + end - start]
        for load in old.loads
        for start, end, offset in _without(load, rewritten)
    )


def _finds_program_headers(elf: ElfFile) -> bool:
    """Whether a kernel before Linux 5.18 finds a program's headers: it adds ``e_phoff`` to the address of the first segment's file offset 0."""
    phoff, first = elf.header.phoff, elf.loads[0]
    return any(
        load.offset <= phoff < load.end and load.vaddr - load.offset == first.vaddr - first.offset for load in elf.loads
    )


def _is_same_dynamic_section(old: ElfFile, new: ElfFile) -> bool:
    """Whether all entries but the strings', and the places of tables that name strings, have the values that they had."""
    before, after = ({t: v for t, v in elf.dynamic.values.items() if t not in _REWRITTEN_TAGS} for elf in (old, new))
    return before == after


def _symbol_rows(content: bytes, elf: ElfFile) -> list[tuple[bytes, bytes]]:
    """Name and row of each dynamic symbol in the table's order: hash tables and relocations go by their numbers."""
    places, layout = AddressMap(elf.loads), elf.header.layout
    symbols_at, strings_at = (places.offset(elf.dynamic.get(tag) or 0) for tag in (tags.DT_SYMTAB, tags.DT_STRTAB))
    if symbols_at is None or strings_at is None:
        return []
    size = layout.symbol.size
    strings = content[strings_at : strings_at + (elf.dynamic.get(tags.DT_STRSZ) or 0)]
    table = content[symbols_at : symbols_at + elf.symbols.count * size]
    rows = (table[at : at + size] for at in range(0, len(table), size))
    names = layout.numbers(table, 4)[:: size // 4]  # st_name is the first word in both classes
    return [(strings[name : strings.find(0, name)], row[4:]) for name, row in zip(names, rows, strict=True)]


def _restored(old_bytes: bytes, old: ElfFile, new_bytes: bytes) -> bytes:
    """The new file with the old one's memory wherever nothing had to change: LIEF writes some hash tables anew."""
    new = read_elf(BytesSource(new_bytes))
    rewritten = sorted(_rewritten_memory(old))
    loads = sorted((load for load in new.loads if load.filesz), key=lambda load: load.vaddr)
    output = bytearray(new_bytes)
    for load in old.loads:
        for start, end, offset in _without(load, rewritten):
            for target in loads:
                first, last = max(start, target.vaddr), min(end, target.vaddr + target.filesz)
                if first < last and target.end <= len(output):
                    at, size = first - target.vaddr + target.offset, last - first
                    output[at : at + size] = old_bytes[first - start + offset : first - start + offset + size]
    return bytes(output)


def _is_less_congruent(load: Segment, old: ElfFile, page: int) -> bool:
    """Whether it can be mapped on fewer page sizes than the old file's segments, or by fewer versions of glibc."""
    return load.largest_page_size < min(old.largest_page_size, page) or (
        load.align > 1
        and (load.vaddr - load.offset) % load.align != 0
        and all((other.vaddr - other.offset) % (other.align or 1) == 0 for other in old.loads)
    )


def _rewritten_memory(old: ElfFile) -> Iterator[tuple[int, int]]:
    """Addresses whose bytes may differ: the header, the program headers, the dynamic section, its strings, and the tables that name them."""
    header, layout, dynamic = old.header, old.header.layout, old.dynamic
    for load in old.loads:
        if load.offset == 0:
            yield load.vaddr, load.vaddr + header.size
            yield load.vaddr + header.phoff, load.vaddr + header.phoff + header.phnum * header.phentsize
    yield from ((s.vaddr, s.vaddr + s.memsz) for s in old.segments if s.type in {PT_DYNAMIC, PT_PHDR})
    sizes = {tags.DT_STRTAB: dynamic.get(tags.DT_STRSZ) or 0, tags.DT_SYMTAB: old.symbols.count * layout.symbol.size}
    libraries = {need.library for need in old.verneed}
    sizes[tags.DT_VERNEED] = len(libraries) * layout.verneed.size + len(old.verneed) * layout.vernaux.size
    sizes[tags.DT_VERDEF] = sum(layout.verdef.size + (1 + len(d.parents)) * layout.verdaux.size for d in old.verdef)
    for tag, size in sizes.items():
        address = dynamic.get(tag)
        if address is not None:
            yield address, address + size


def _without(load: Segment, holes: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """Address, end and file offset of the parts of a segment outside of ``holes``, which are in order."""
    position, end = load.vaddr, load.vaddr + load.filesz
    for start, stop in holes:
        if stop <= position or start >= end:
            continue
        if start > position:
            yield position, start, position - load.vaddr + load.offset
        position = max(position, stop)
    if position < end:
        yield position, end, position - load.vaddr + load.offset


def _memory(content: bytes, memory: Sequence[tuple[int, int, int]], start: int, end: int) -> bytes:
    """The bytes that a file maps to ``[start, end)``; fewer where it maps nothing."""
    parts = []
    while start < end:
        index = bisect_right(memory, start, key=lambda row: row[0]) - 1
        if index < 0 or start >= memory[index][1]:
            break
        vaddr, stop, offset = memory[index]
        stop = min(stop, end)
        parts.append(content[offset + start - vaddr : offset + stop - vaddr])
        start = stop
    return b"".join(parts)


if __name__ == "__main__":
    result = _edit(sys.stdin.buffer.read(), sys.argv[1], sys.argv[2])
    if result is None:
        sys.exit(1)
    sys.stdout.buffer.write(result)
