"""ELF files as the dynamic loader sees them: program headers and ``PT_DYNAMIC`` first, section headers only for sizes and names.

The specifications: System V gABI (chapters 4 and 5), its GNU extensions as glibc's ``elf.h`` and ``elf/dl-load.c`` read them, the
psABI of each architecture where one is named.  Bytes only; nothing here runs, maps or loads a file.

Reading::

    looks_like_elf(head: bytes) -> bool                   the first four bytes are the magic
    read_elf(source: Source, limits: Limits = Limits(), *,
             load_symbols: bool = True, load_sections: bool = True) -> ElfFile
    official_appimage_offset(source: Source) -> int | None    where the AppImage runtimes look for their payload

``read_elf`` raises ``FormatError`` only where nothing can be read: no magic, shorter than its header, an unknown class or byte order,
or ``LimitExceeded`` past ``Limits.elf_tables`` (which the methods of ``SymbolTable`` raise too); an ``OSError`` of the source passes.
Everything else that is wrong is a sentence in ``ElfFile.defects``, and the rest is read all the same.
``ElfFile.loader_refusals`` holds what glibc's ld.so would say on loading it, first message first, whatever we could read.

:class:`ElfFile` (frozen)::

    bits 32 | 64 · endian "little" | "big" · type "EXEC" | "DYN" | "REL" | "CORE" | "NONE" | "0xN" · machine int · arch str (``uname -m``
    style, "unknown-N" otherwise) · osabi int · abi_version int · e_flags int · entry int · size int
    interpreter, soname, rpath, runpath: str | None · needed, auxiliary, filter, audit, depaudit: tuple[str, ...]
    flags, flags_1: int, and of them is_pie, bind_now, nodeflib, noopen, origin, symbolic, static_tls, textrel … : bool
    has_dynamic, has_relr, is_static, is_static_pie, is_shared_library, is_program, is_separate_debug: bool
    segments: tuple[Segment, ...] · loads: tuple[Segment, ...] · tls: Segment | None · largest_page_size: int
    verneed: tuple[VersionNeed, ...] · verdef: tuple[VersionDefinition, ...] · symbols: SymbolTable · relocations: RelocationCounts
    notes: Notes (build_id, abi_tag, x86_isa_needed, x86_isa_used, x86_64_level, features, dlopen, package, go_build_id) · build_id: str | None
    header: Header (all numbers as written) · dynamic: DynamicSection (values by tag) · without_symbols() -> ElfFile
    gnu_stack "executable" | "not executable" | "absent" · stack_is_executable bool · relro "none" | "partial" | "full"
    sections: SectionTable · section(name) -> Section | None · byte_kinds() -> dict[str, int] · image_end int
    official_appimage_offset: int | None
    defects: tuple[str, ...] · loader_refusals: tuple[str, ...]

Rows: ``VersionNeed(library, version, index, weak, hash)``, ``VersionDefinition(name, index, is_base, weak, parents)``,
``Symbol(name, version, library, weak, binding, kind, default)``, ``Segment``, ``Section``.

:class:`SymbolTable`: ``count``, ``len()``, ``imported()`` and ``exported()`` (iterators of ``Symbol``), ``names_with_version(index) -> list[str]``,
``exported_versions() -> set[tuple[str, str | None]]``, ``exported_names() -> set[str]``, ``undefined_names() -> set[str]`` (weak ones left out).
With ``load_symbols=False`` the table is not read and asking it raises ``ValueError``; ``ElfFile.without_symbols()`` gives the memory back.

``byte_kinds()``: code, read_only_data, data, dynamic_linking, relocations, unwind, notes, debug, symbols, other, headers, dead, payload;
always all of them, adding up to the file's size (``byte_kinds.KINDS``).  ``patchelf`` leaves a payload of a single byte behind.

Text: bytes that are not UTF-8 are written ``\\xNN``, as in the paths of a tree.

Memory: an ``ElfFile`` keeps the raw tables (dynsym, dynstr, versym; section headers and their names): 24 bytes a symbol plus its name on 64 bit, and
no Python object per symbol or section until one is asked for.  It keeps no reference to its source and can
be pickled.
"""

from __future__ import annotations

from inspector.formats.elf.appimage_offset import official_appimage_offset
from inspector.formats.elf.architecture import architecture_name, default_stack_is_executable, page_sizes
from inspector.formats.elf.dynamic import RelocationCounts
from inspector.formats.elf.elf_file import ElfFile
from inspector.formats.elf.identification import looks_like_elf
from inspector.formats.elf.notes import AbiTag, DlopenNote, Note, Notes
from inspector.formats.elf.reader import read_elf
from inspector.formats.elf.sections import Section
from inspector.formats.elf.segments import Segment
from inspector.formats.elf.symbols import Symbol, SymbolTable
from inspector.formats.elf.versions import VersionDefinition, VersionNeed

__all__ = [
    "AbiTag",
    "DlopenNote",
    "ElfFile",
    "Note",
    "Notes",
    "RelocationCounts",
    "Section",
    "Segment",
    "Symbol",
    "SymbolTable",
    "VersionDefinition",
    "VersionNeed",
    "architecture_name",
    "default_stack_is_executable",
    "looks_like_elf",
    "official_appimage_offset",
    "page_sizes",
    "read_elf",
]
