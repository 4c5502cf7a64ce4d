"""Which ELF files are left as they are, and why: what cannot be moved about without knowing more than the file says.

A program may read its own file: the official AppImage runtimes, self-extracting archives and one-file programs find their payload by an offset, by
the length of their own tables, or by looking for a mark from the end.  Where that is so, or may be, the file is not touched.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from stat import S_ISGID, S_ISUID
from struct import pack

from inspector.formats.elf.elf_file import ElfFile
from inspector.formats.elf.identification import PN_XNUM, SHN_XINDEX, Header
from inspector.formats.elf.packer import packer_of
from inspector.formats.elf.segments import PT_LOAD, Segment
from inspector.formats.elf.spliced import CHUNK
from inspector.limits import GIB
from inspector.source import Source

LARGEST_FILE = 2 * GIB
"""Bytes; a member of a container is held in memory once while it is stripped."""

_ET_EXEC, _ET_DYN = 2, 3
_APPIMAGE_MAGIC = (
    b"AI\1",
    b"AI\2",
)  # AppImageSpec, "Type 1 image format" and "Type 2 image format": bytes 8 to 10 of the file
_ZIP_END, _ZIP_END_SIZE = b"PK\5\6", 65_535 + 22  # APPNOTE.TXT 4.3.16: the record and the longest comment behind it
_ISO_MAGIC, _ISO_MAGIC_AT = b"CD001", 0x8001  # ECMA-119 8.1.2, in the volume descriptor of sector 16

_MOST_SEGMENTS = 256
"""Linkers write about ten, and patchelf adds one each time."""
_LONGEST_PADDING, _LONGEST_ALIGNMENT, _LONGEST_START = 4096, 65_536, 8
"""Bytes of zeros at the end of a file that are no payload, of zeros that align one, and of the marks that one begins with."""

_PAYLOAD_SECTIONS = {
    b"pydata": "PyInstaller's archive",  # bootloader/src/pyi_archive.c; PyInstaller/building/api.py
    b".staticx.archive": "staticx's archive",  # staticx/constants.py
    b"pck": "Godot's game data",  # platform/linuxbsd/os_linuxbsd.cpp; offsets in it count from the start of the file in Godot 3
    b".bun": "Bun's program",  # oven-sh/bun, src/StandaloneModuleGraph.zig
    b".upd_info": "an AppImage runtime's update information",  # type2-runtime, src/runtime/data_sections.ld, and the two below
    b".sha256_sig": "a signature over the file",
    b".digest_md5": "a digest over the file",
    b".text_sig": "a signature over the file",  # elfsign of LinuxKI and openEuler
    b".module_sig": "a signature over the file",
}  # fmt: skip
"""Sections that a program looks up in its own file, or that hold something computed over it."""

_PAYLOAD_STARTS = {
    b"hsqs": "a squashfs image",
    b"sqsh": "a squashfs image",
    b"DWARFS": "a dwarfs image",
    b"KAX": "Nuitka's payload",  # nuitka/tools/onefile_compressor: "KA", then X or Y
    b"KAY": "Nuitka's payload",
    b"PK\3\4": "a zip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x7fELF": "another ELF file",
    b"\xdc\xdc\xf6\xf6\0\0\0\0": "Dart's snapshot",  # dart-sdk, runtime/bin/dartutils.cc, appjit_magic_number
}
"""What the bytes behind the image begin with."""

_PAYLOAD_MARKS = {
    b"MEI\014\013\012\013\016": "PyInstaller's archive",  # bootloader/src/pyi_archive.h, MAGIC
    b"\n---- Bun! ----\n": "Bun's program",
    b"d3n0l4nd": "Deno's program",
    b"xmonkeysloveplay": "Mono's bundle",  # mono/mini/main.c; an offset from the start of the file is before it
    b"~Module signature appended~\n": "a kernel module's signature",
}
"""What lies somewhere in the bytes that belong to no segment."""

_DOTNET_BUNDLE = bytes.fromhex("8b1202b96a612038727b930214d7a03213f5b9e6efae3318ee3b2dce24b36aae")
"""dotnet/runtime ``src/native/corehost/apphost/bundle_marker.cpp``: behind the place, 8 bytes, where the offset of the bundle is written."""


_ABOUT_CONTENT = frozenset(("security.ima", "security.evm", "security.capability"))
"""Extended attributes that are signatures over the file (Linux ``Documentation/ABI/testing/ima_policy``), or that name what may run as root."""


class StripRefused(Exception):
    """The file is left as it is; the text says why.  Raised and caught inside of the strip modules."""


def refusal_by_place(name: str, mode: int, siblings: Collection[str], xattrs: Collection[str] = ()) -> str | None:
    """Why a file is not to be stripped for what lies around it, or None.

    :param name: the file's own name, without its directory.
    :param mode: its ``st_mode``.
    :param siblings: the names in its directory.
    :param xattrs: the names of its extended attributes, where they are known.
    """
    if mode & (S_ISUID | S_ISGID):
        return "it is setuid or setgid"
    if name == "fips.so":
        return "fipsmodule.cnf holds its checksum"  # OpenSSL 3, fips_config(5): module-mac; the file may lie anywhere
    signed = sorted(_ABOUT_CONTENT.intersection(xattrs))
    if signed:
        return f"its extended attribute {signed[0]} is bound to its content"
    # FIPS 140 self-tests: libraries of NSS and of Red Hat's OpenSSL and libgcrypt check themselves against these
    for sibling in (f".{name}.hmac", f"{name}.hmac", f"{name.rsplit('.so', 1)[0]}.chk", f"{name}.chk"):
        if sibling in siblings:
            return f"{sibling} holds its checksum"
    return None


def refuse_by_kind(source: Source, elf: ElfFile) -> None:
    """Refuse what is no linked, complete, unpacked ELF file with ordinary header tables.

    :raises StripRefused: with the first reason.
    """
    header = elf.header
    if elf.size != source.size:
        raise StripRefused("the file changed while it was read")
    if header.type not in {_ET_EXEC, _ET_DYN}:
        raise StripRefused(f"it is no program and no shared library (ET_{header.type_name})")
    if elf.is_separate_debug:
        raise StripRefused("it holds the debug information of another file")
    if header.ident[8:11] in _APPIMAGE_MAGIC:
        raise StripRefused("an AppImage finds its payload by its own length")
    packer = packer_of(source)
    if packer is not None:
        raise StripRefused(f"it is packed ({packer})")
    if not header.shoff or not header.shnum:
        raise StripRefused("it has no section headers, or more than its header can count")
    _refuse_odd_tables(header, source.size)
    _refuse_odd_segments(elf.segments, source.size)
    if len(elf.segments) != header.phnum:
        raise StripRefused("the program headers are incomplete")


def _refuse_odd_tables(header: Header, size: int) -> None:
    layout = header.layout
    if header.phnum == PN_XNUM or header.shstrndx >= SHN_XINDEX:
        raise StripRefused("its tables are numbered through section 0")
    if header.ehsize != header.size or header.phentsize != layout.program_header.size:
        raise StripRefused("its headers have an unusual size")
    if header.shentsize != layout.section_header.size:
        raise StripRefused("its section headers have an unusual size")
    if header.phoff < header.size or header.phoff + header.phnum * header.phentsize > size:
        raise StripRefused("the program headers overlap the ELF header or run out of the file")
    if header.shoff < header.size or header.shoff + header.shnum * header.shentsize > size:
        raise StripRefused("the section headers overlap the ELF header or run out of the file")
    if not 0 < header.shstrndx < header.shnum:
        raise StripRefused("its sections have no names")


def _refuse_odd_segments(segments: Sequence[Segment], size: int) -> None:
    if len(segments) > _MOST_SEGMENTS:
        raise StripRefused(f"it has more than {_MOST_SEGMENTS} segments")
    loads = []
    for segment in segments:
        if segment.filesz and segment.end > size:
            raise StripRefused("a segment runs out of the file")
        if segment.type == PT_LOAD:
            if segment.align & (segment.align - 1):
                raise StripRefused("a segment's alignment is no power of two")
            if segment.filesz > segment.memsz:
                raise StripRefused("a segment is longer in the file than in memory")
            if segment.filesz:
                loads.append(segment)
    if not loads:
        raise StripRefused("it has no segment to load")
    loads.sort(key=lambda load: load.offset)
    if any(before.end > after.offset for before, after in pairwise(loads)):
        raise StripRefused("segments overlap in the file")


def refuse_by_section(names: Iterable[bytes]) -> None:
    """Refuse a file with a section that its program looks up in the file, or that holds something computed over the file.

    :raises StripRefused: with the first reason.
    """
    for name in names:
        what = _PAYLOAD_SECTIONS.get(name)
        if what is not None:
            raise StripRefused(f"section {name.decode('ascii')} holds {what}")


def refuse_by_payload(source: Source, image_end: int, unused: Iterable[tuple[int, int]]) -> None:
    """Refuse where something in the file is found by its place in the file.

    :param image_end: where the last segment, section or header table ends; what follows is payload.
    :param unused: ranges of the file before ``image_end`` that no segment, section or header table covers.
    :raises StripRefused: with the first reason.
    """
    for start, end in (*unused, (image_end, source.size)):
        mark = _first_found(source, start, end, tuple(_PAYLOAD_MARKS))
        if mark is not None:
            raise StripRefused(f"it carries {_PAYLOAD_MARKS[mark]}")
        # patchelf writes behind a payload, which then lies in the middle
        what = _payload_at(source, start, end)
        if what is not None:
            raise StripRefused(f"{'behind its end' if start == image_end else 'between its sections'} lies {what}")
    if image_end < source.size and not _is_padding(source, image_end):
        _refuse_addressed_payload(source, image_end)


def _first_found(source: Source, start: int, end: int, marks: Sequence[bytes]) -> bytes | None:
    """The first of some marks that lies in a range, which is read 1 MiB at a time."""
    overlap = max(map(len, marks)) - 1
    for position in range(start, end, CHUNK):
        chunk = source.read_at(position, min(CHUNK + overlap, end - position))
        for mark in marks:
            if mark in chunk:
                return mark
    return None


def _payload_at(source: Source, start: int, end: int) -> str | None:
    """What a range begins with, the zeros before it aside."""
    head = source.read_at(start, min(end - start, _LONGEST_ALIGNMENT + _LONGEST_START))
    for piece in (head, head.lstrip(b"\0")):
        for mark, what in _PAYLOAD_STARTS.items():
            if piece.startswith(mark):
                return what
    return None


def _is_padding(source: Source, start: int) -> bool:
    """A few zeros: patchelf leaves one behind the section headers, others fill a page."""
    length = source.size - start
    return length <= _LONGEST_PADDING and not source.read_at(start, length).strip(b"\0")


def _refuse_addressed_payload(source: Source, start: int) -> None:
    tail_at = max(start, source.size - _ZIP_END_SIZE)
    if _ZIP_END in source.read_at(tail_at, source.size - tail_at):
        raise StripRefused("behind its end lies a zip archive")
    if source.read_at(start + _ISO_MAGIC_AT, len(_ISO_MAGIC)) == _ISO_MAGIC:
        raise StripRefused("behind its end lies an ISO 9660 image")
    head = source.read_at(start, _LONGEST_ALIGNMENT)
    written: list[bytes] = []
    for begins in {start, start + len(head) - len(head.lstrip(b"\0"))}:
        written += [f"{begins:d}".encode(), pack("<Q", begins), pack(">Q", begins)]
        if begins < 1 << 32:
            written += [pack("<I", begins), pack(">I", begins)]
    found = _first_found(source, 0, source.size, (_DOTNET_BUNDLE, *written))
    if found == _DOTNET_BUNDLE:
        raise StripRefused("behind its end lies a .NET bundle")
    if found is not None:
        raise StripRefused("what lies behind its end may be found by its offset, which is written in the file")
