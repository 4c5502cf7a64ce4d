"""Our own strip: takes debug information and symbol tables out of a linked ELF file of any class, byte order and architecture, and never breaks it.

GNU strip and llvm-strip lay a file out anew from its *sections*; where patchelf has been at work, segments own no section, and the result does
not load.  This one keeps what the *segments* map, byte by byte and at the same addresses, moves only offsets in the file, verifies the result by
reading it afresh (:mod:`inspector.formats.elf.strip_invariants`) and gives the file back untouched where anything is in doubt.

Who strips files asks, in this order:

``strip_refusals.refusal_by_place(name, mode, siblings, xattrs)``
    why a file is not to be stripped for what lies around it: setuid, a checksum beside it, a signature in an extended attribute; or None.
``needs_symtab(elf)``
    whether ``.symtab`` stays, so that only debug information goes.
``strip_elf(source, elf, *, keep_symtab, maximum_page_size, debug_link) -> StripOutcome``
    the new file as a :class:`SplicedFile`, a Source over the old one, with the bytes saved and what went; or why the file is left.
``debug_split.split_debug(source, elf, tree_path, *, keep_symtab, maximum_page_size) -> SplitOutcome``
    the same, and what went as a separate debug file, with its path by build ID (``.build-id/xx/yyyy.debug``).
``runpath.set_search_path(source, elf, kind, new) -> Source | None`` and ``runpath.remove_search_path(source, elf, kind) -> Source | None``
    another RPATH or RUNPATH in place, or None where it does not fit; then ``slim.lief_adapter.write_search_path``, with the same parameters.

Specifications: gABI chapters 4 and 5; what kernels and loaders ask of offsets: glibc ``elf/dl-load.c``, Linux ``fs/binfmt_elf.c``, musl
``ldso/dynlink.c``.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from inspector.errors import FormatError
from inspector.formats.elf.elf_file import ElfFile
from inspector.formats.elf.spliced import SplicedFile, in_reach
from inspector.formats.elf.strip_assembly import Assembly
from inspector.formats.elf.strip_invariants import broken_invariant
from inspector.formats.elf.strip_layout import arrange, largest_page_size, may_move_program_headers
from inspector.formats.elf.strip_refusals import (
    LARGEST_FILE,
    StripRefused,
    refuse_by_kind,
    refuse_by_payload,
    refuse_by_section,
)
from inspector.formats.elf.strip_sections import dropped_sections, read_rows
from inspector.source import BytesSource, Source

_WITH_SYMTAB = ("libpthread", "ld-linux", "ld64.so", "ld.so")


class StripOutcome(Struct, frozen=True, kw_only=True):
    """What became of one file.

    :ivar content: the new file, smaller than the old one; None where it is left as it is.  It reads the old file, which must stay as it is until
        the new one is written; of itself it holds no more than the new tables.
    :ivar left: why it is left: "smallest" (nothing to take away), "refused" (not a file to touch), "doubt" (the result did not hold every invariant);
        None where ``content`` is there.
    :ivar reason: the same as one clause for a person; None where ``content`` is there.
    :ivar removed: the sections that went, in the file's order: name and bytes.
    :ivar dead_bytes: bytes that belonged to no segment, section or header table and went.
    :ivar bytes_saved: of the file, raw; 0 where it is left.
    """

    content: SplicedFile | None = None
    left: Literal["smallest", "refused", "doubt"] | None = None
    reason: str | None = None
    removed: tuple[tuple[str, int], ...] = ()
    dead_bytes: int = 0
    bytes_saved: int = 0


def needs_symtab(elf: ElfFile) -> bool:
    """Whether others read the file's ``.symtab``: gdb that of libpthread before glibc 2.34, valgrind that of glibc's loader."""
    return (elf.soname or "").startswith(_WITH_SYMTAB)


def strip_elf(
    source: Source | bytes,
    elf: ElfFile,
    *,
    keep_symtab: bool = False,
    maximum_page_size: int | None = None,
    debug_link: bytes | None = None,
) -> StripOutcome:
    """Strip one file.  Deterministic, and idempotent: its own output is left as it is.

    What the place of a file says (setuid, a checksum beside it) is not seen here: ask ``refusal_by_place`` first.  Only headers are read of a file
    with nothing to take away.  A file on disk is never held in memory; a member of a container is held once, until this returns.

    :param elf: ``source`` as :func:`read_elf` read it; symbols and sections need not be loaded.
    :param keep_symtab: keep ``.symtab``, for profilers and backtraces; it is kept in any case where :func:`needs_symtab`.
    :param maximum_page_size: bytes, a power of two; the largest page size of the architecture otherwise.
    :param debug_link: the content of a ``.gnu_debuglink`` section that is added, or takes the place of the one that is there;
        see :func:`inspector.formats.elf.debug_split.split_debug`.
    :raises FormatError: from the source only, where its bytes cannot be had.
    :raises ValueError: for a page size that is no power of two.
    """
    keep_symtab = keep_symtab or needs_symtab(elf)
    page = largest_page_size(elf.header) if maximum_page_size is None else maximum_page_size
    if page <= 0 or page & (page - 1):
        raise ValueError(f"a page size is a power of two, not {page}")
    source = BytesSource(source) if isinstance(source, bytes) else source
    try:
        return _strip(source, elf, keep_symtab, page, debug_link)
    except StripRefused as reason:
        return StripOutcome(left="refused", reason=str(reason))


def _strip(source: Source, elf: ElfFile, keep_symtab: bool, page: int, debug_link: bytes | None) -> StripOutcome:
    if source.size > LARGEST_FILE:
        raise StripRefused(f"it is larger than {LARGEST_FILE:,} bytes")
    refuse_by_kind(source, elf)
    rows = read_rows(source, elf.header)
    refuse_by_section(row.name for row in rows)
    dropped = dropped_sections(rows, elf.header.shstrndx, keep_symtab=keep_symtab)
    arrangement = arrange(elf.header, elf.segments, rows, page, move_program_headers=may_move_program_headers(elf))
    assembly = Assembly(source, elf, rows, dropped, arrangement, keep_symtab=keep_symtab, debug_link=debug_link)
    if assembly.size >= source.size:
        return StripOutcome(left="smallest", reason="there is nothing to take away")
    dead = assembly.dead_ranges()
    held = in_reach(source)
    refuse_by_payload(held, assembly.image_end, dead)
    result = assembly.content()
    try:
        broken = broken_invariant(held, result.on(held), page=page, keep_symtab=keep_symtab)
    except FormatError as error:
        broken = f"the result cannot be read: {error}"
    if broken is not None:
        return StripOutcome(left="doubt", reason=broken)
    return StripOutcome(
        content=result,
        removed=tuple(assembly.removed()),
        dead_bytes=max(sum(end - start for start, end in dead) - assembly.gaps(), 0),
        bytes_saved=source.size - result.size,
    )
