"""Where the official AppImage runtime looks for the payload behind its own ELF file.

The rule that type2-runtime, appimagetool and libappimage share: the end of the section header table or the end of the section that the *last* header
by number describes, whichever is later.  It is not the end of the ELF image: a section with a smaller number that ends later does not count, a
SHT_NOBITS section does, and extended numbering is not known.  Compare :attr:`ElfFile.image_end`.
"""

from __future__ import annotations

from collections.abc import Callable

from inspector.formats.elf.identification import Header, decode_header
from inspector.source import Source


def official_appimage_offset(source: Source) -> int | None:
    """The offset in bytes; None for a file without section headers, for which the runtime's own sum is meaningless.

    :raises FormatError: where the source does not begin with an ELF header.
    """
    return appimage_offset(decode_header(source.read_at(0, 64)), source.read_at)


def appimage_offset(header: Header, read: Callable[[int, int], bytes]) -> int | None:
    """The same of a header that was decoded already.  :param read: bytes at an offset, of a length."""
    row = header.layout.section_header
    if not header.shoff or not header.shnum:
        return None
    last = read(header.shoff + (header.shnum - 1) * header.shentsize, row.size)
    if len(last) < row.size:
        return None
    fields = row.unpack(last)
    return max(header.shoff + header.shnum * header.shentsize, int(fields[4] + fields[5]))
