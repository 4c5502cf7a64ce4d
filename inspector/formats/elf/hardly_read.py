"""What of an ELF file an audit hardly ever reads: machine code and debug information, most of a large library."""

from __future__ import annotations

from inspector.errors import FormatError
from inspector.formats.elf.identification import decode_header, looks_like_elf
from inspector.formats.elf.ranges import HEAD, FileRanges
from inspector.formats.elf.sections import SHF_ALLOC, SHT_PROGBITS, read_sections
from inspector.formats.elf.segments import PT_LOAD, read_segments
from inspector.limits import Limits
from inspector.source import BytesSource, Source


def code_ranges(head: bytes) -> list[tuple[int, int]]:
    """(first, last + 1) byte of each segment that has code and nothing else, as far as its place tells.

    Where constants and code share one segment, it begins with the file's headers, or all others are writable; LLD, and linkers that take
    ``-z separate-code`` (binutils' default on x86 since 2018), give constants one of their own, before the code or behind it.

    :param head: the file's first bytes, with its program headers; nothing is answered where they lie elsewhere.
    """
    if not looks_like_elf(head):
        return []
    try:
        segments = read_segments(FileRanges(BytesSource(head[:HEAD]), Limits()), decode_header(head[:HEAD]), [])
    except FormatError:
        return []
    loads = [segment for segment in segments if segment.type == PT_LOAD]
    if not any(segment.filesz for segment in loads if not segment.is_executable and not segment.is_writable):
        return []
    return [
        (segment.offset, segment.end)
        for segment in loads
        if segment.is_executable and not segment.is_writable and segment.offset
    ]


def debug_ranges(source: Source) -> list[tuple[int, int]]:
    """(first, last + 1) byte of each section that is neither loaded nor a table of symbols or strings.

    :raises FormatError: where the content cannot be decoded.
    """
    ranges = FileRanges(source, Limits())
    sections = read_sections(ranges, decode_header(ranges.head), [])
    return [
        (section.offset, section.offset + section.size)
        for section in sections
        if section.type == SHT_PROGBITS and not section.flags & SHF_ALLOC
    ]
