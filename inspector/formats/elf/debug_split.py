"""What stripping takes away, kept as a separate debug file: gdb, elfutils and crash reporters find it by build ID, or by ``.gnu_debuglink``.

The form is that of ``objcopy --only-keep-debug``: all section headers with their numbers, so that symbols still name the right ones; what is loaded
keeps address and size but no bytes (SHT_NOBITS), notes excepted.  Where it lies: "Debugging with GDB", section "Separate Debug Files".
"""

from __future__ import annotations

from zlib import crc32

from msgspec import Struct

from inspector.errors import FormatError
from inspector.formats.elf.elf_file import ElfFile
from inspector.formats.elf.reader import read_elf
from inspector.formats.elf.sections import SHT_NOBITS, SHT_NOTE, SHT_NULL
from inspector.formats.elf.segments import PT_LOAD, PT_NOTE, PT_PHDR
from inspector.formats.elf.spliced import FileRange, Piece, SplicedFile, Zeros, in_reach, read_exactly
from inspector.formats.elf.strip import StripOutcome, strip_elf
from inspector.formats.elf.strip_refusals import StripRefused, refuse_by_kind
from inspector.formats.elf.strip_sections import DEBUG_LINK, SectionRow, read_rows
from inspector.source import BytesSource, Source

_SHORTEST_BUILD_ID = 4
_MOST_ALIGNMENT = 4096


class SplitOutcome(Struct, frozen=True, kw_only=True):
    """A file and what was taken out of it.

    :ivar stripped: as of :func:`inspector.formats.elf.strip.strip_elf`; where it removed no section there is nothing to keep either.
    :ivar debug: the separate debug file, which reads the old file as the stripped one does, or None.
    :ivar path: where debuggers look for it below their debug directory (``/usr/lib/debug``), with ``/``; None without ``debug``.
    """

    stripped: StripOutcome
    debug: SplicedFile | None = None
    path: str | None = None


def debug_file_path(build_id: str) -> str | None:
    """``.build-id/ab/cdef….debug`` for a build ID in hexadecimal; None for one that is too short for a name."""
    if len(build_id) < _SHORTEST_BUILD_ID:
        return None
    return f".build-id/{build_id[:2]}/{build_id[2:]}.debug"


def debug_link(file_name: str, debug: SplicedFile, elf: ElfFile) -> bytes:
    """The content of ``.gnu_debuglink``: the debug file's name, padded to 4 bytes, and its CRC-32 in the byte order of ``elf``.

    :param file_name: without a directory.
    """
    name = file_name.encode("utf-8", "surrogateescape") + b"\0"
    checksum = 0
    for chunk in debug.chunks():
        checksum = crc32(chunk, checksum)
    return name + bytes(-len(name) % 4) + checksum.to_bytes(4, elf.endian)


def split_debug(
    source: Source | bytes,
    elf: ElfFile,
    tree_path: str,
    *,
    keep_symtab: bool = False,
    maximum_page_size: int | None = None,
) -> SplitOutcome:
    """Strip a file and keep what goes.  A file without a build ID is given a ``.gnu_debuglink``.

    :param tree_path: of the file in its tree, with ``/``: names the debug file where there is no build ID.
    :raises FormatError: from the source only.
    """
    source = BytesSource(source) if isinstance(source, bytes) else source
    outcome = strip_elf(source, elf, keep_symtab=keep_symtab, maximum_page_size=maximum_page_size)
    if outcome.content is None or not outcome.removed:
        return SplitOutcome(stripped=outcome)
    try:
        debug = debug_file(source, elf)
    except FormatError as error:
        return SplitOutcome(stripped=StripOutcome(left="doubt", reason=f"no debug file can be made: {error}"))
    path = debug_file_path(elf.build_id) if elf.build_id else None
    if path is None:
        path = f"{tree_path}.debug"
        link = debug_link(path.rpartition("/")[2], debug.on(in_reach(source)), elf)
        outcome = strip_elf(source, elf, keep_symtab=keep_symtab, maximum_page_size=maximum_page_size, debug_link=link)
        if outcome.content is None:
            return SplitOutcome(stripped=outcome)
    return SplitOutcome(stripped=outcome, debug=debug, path=path)


def debug_file(source: Source | bytes, elf: ElfFile) -> SplicedFile:
    """The separate debug file of a file that can be stripped: everything that is not loaded, and its notes.

    :param elf: ``source`` as it was read.
    :raises FormatError: where the file's tables contradict each other.
    """
    source = BytesSource(source) if isinstance(source, bytes) else source
    try:
        refuse_by_kind(source, elf)
        rows = read_rows(source, elf.header)
    except StripRefused as reason:
        raise FormatError(str(reason)) from reason
    debug = _DebugFile(source, elf, rows).content()
    afresh = read_elf(debug)
    if not afresh.is_separate_debug or afresh.build_id != elf.build_id or len(afresh.sections) != len(rows):
        raise FormatError("the separate debug file does not read as one")
    return debug


class _DebugFile:
    """Header, program headers, notes, the sections that are not loaded, and the section headers, in this order."""

    def __init__(self, source: Source, elf: ElfFile, rows: list[SectionRow]) -> None:
        self.source = source
        self.elf = elf
        self.rows = rows
        header = elf.header
        self.cursor = header.size + header.phnum * header.phentsize
        self.pieces: list[tuple[int, FileRange]] = []
        self.notes = self._place_notes()
        self.offsets = self._place_sections()
        self.table_at = self._aligned(header.layout.word_size)

    def _aligned(self, align: int) -> int:
        return self.cursor + -self.cursor % (min(align, _MOST_ALIGNMENT) or 1)

    def _put(self, start: int, end: int, align: int) -> int:
        at = self._aligned(align)
        self.pieces.append((at, FileRange(start, end)))
        self.cursor = at + end - start
        if self.cursor > self.source.size + _MOST_ALIGNMENT * len(self.pieces):
            raise FormatError("sections overlap each other")
        return at

    def _place_notes(self) -> dict[int, int]:
        """By number of the PT_NOTE segment: its new offset."""
        return {
            number: self._put(segment.offset, segment.end, segment.align)
            for number, segment in enumerate(self.elf.segments)
            if segment.type == PT_NOTE and segment.filesz and not segment.align & (segment.align - 1)
        }

    def _place_sections(self) -> dict[int, int]:
        """By number of the section that keeps its bytes: its new offset."""
        placed: dict[int, int] = {}
        for number in sorted(range(len(self.rows)), key=lambda n: (self.rows[n].offset, n)):
            row = self.rows[number]
            if not row.occupies_file or row.name == DEBUG_LINK:
                continue
            if row.is_loaded and row.type == SHT_NOTE:
                within = next((n for n in self.notes if self._is_in_note(row, n)), None)
                if within is not None:
                    placed[number] = row.offset - self.elf.segments[within].offset + self.notes[within]
                    continue
            elif row.is_loaded:
                continue
            placed[number] = self._put(row.offset, row.end, row.align)
        return placed

    def _is_in_note(self, row: SectionRow, number: int) -> bool:
        segment = self.elf.segments[number]
        return segment.offset <= row.offset and row.end <= segment.end

    def _program_headers(self) -> bytes:
        layout, output = self.elf.header.layout, bytearray()
        for number, segment in enumerate(self.elf.segments):
            kind, flags, _, *places, _, memsz, align = segment
            offset, filesz = self._segment_range(number)
            if layout.bits == 64:
                output += layout.program_header.pack(kind, flags, offset, *places, filesz, memsz, align)
            else:
                output += layout.program_header.pack(kind, offset, *places, filesz, memsz, flags, align)
        return bytes(output)

    def _segment_range(self, number: int) -> tuple[int, int]:
        """Offset and size in the file: of notes, of the program headers, and of the segment that maps these; of all others no byte is there."""
        segment, header = self.elf.segments[number], self.elf.header
        headers_end = header.size + header.phnum * header.phentsize
        if number in self.notes:
            return self.notes[number], segment.filesz
        if header.phoff == header.size and segment.type == PT_PHDR:
            return header.size, segment.filesz
        if (
            header.phoff == header.size
            and segment.type == PT_LOAD
            and not segment.offset
            and segment.filesz >= headers_end
        ):
            return 0, headers_end
        return segment.vaddr % segment.align if segment.align > 1 else 0, 0

    def _section_headers(self) -> bytes:
        pack, output = self.elf.header.layout.section_header.pack, bytearray()
        header = self.elf.header
        old = read_exactly(self.source, header.shoff, header.shnum * header.shentsize)
        for number, row in enumerate(self.rows):
            name_at = header.layout.word.unpack_from(old, number * header.shentsize)[0]
            if row.name == DEBUG_LINK:
                output += bytes(header.shentsize)
                continue
            kind, offset = row.type, self.offsets.get(number)
            if offset is None:
                offset = 0 if kind == SHT_NULL else self.table_at
                kind = SHT_NOBITS if row.is_loaded and row.occupies_file else kind
            output += pack(
                name_at, kind, row.flags, row.address, offset, row.size, row.link, row.info, row.align, row.entry_size
            )
        return bytes(output)

    def content(self) -> SplicedFile:
        """The debug file, over the source of the old one."""
        header = self.elf.header
        parts: list[Piece] = [
            header.ident + header.layout.header.pack(
                header.type, header.machine, header.version, header.entry, header.size, self.table_at, header.flags, header.ehsize,
                header.phentsize, header.phnum, header.shentsize, header.shnum, header.shstrndx,
            ),
            self._program_headers(),
        ]  # fmt: skip
        position = header.size + header.phnum * header.phentsize
        for at, piece in self.pieces:
            parts += [Zeros(at - position), piece]
            position = at + piece.end - piece.start
        return SplicedFile(self.source, [*parts, Zeros(self.table_at - position), self._section_headers()])
