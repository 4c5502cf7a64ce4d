"""The modules that a Go program was built from, as the Go linker writes them into every program.

Format: ``debug/buildinfo`` of Go's standard library, for programs since Go 1.13; strings inline since Go 1.18, before that behind pointers.
``strip`` and ``-ldflags=-s`` leave it there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from inspector.formats.elf import ElfFile
from inspector.formats.elf.sections import Section
from inspector.formats.elf.segments import PT_LOAD
from inspector.limits import KIB, MIB
from inspector.source import Source

ByteOrder = Literal["little", "big"]

MAGIC = b"\xff Go buildinf:"
_SECTION = ".go.buildinfo"
_HEADER = 32
_INLINE = 2  # flag: strings lie behind the header
_BIG_ENDIAN = 1
_ALIGNMENT = 16
_SEARCHED = MIB  # of the writable segment, where section headers are missing; debug/buildinfo reads as much
_LONGEST_VERSION = 4 * KIB
_LONGEST_LIST = 4 * MIB
_SENTINEL = 16  # bytes of a marker on both sides of the list of modules
_MOST_MODULES = 20_000


class GoModule(Struct, frozen=True):
    """One module.

    :ivar path: its path ("golang.org/x/sys"), of a replaced one that of the replacement.
    :ivar version: "v0.5.0", "(devel)", or "".
    :ivar main: the program's own.
    :ivar replaces: path of the module that it stands in for, or "".
    """

    path: str
    version: str
    main: bool = False
    replaces: str = ""


class GoBuild(Struct, frozen=True):
    """What a program says of its build.

    :ivar go_version: "go1.19.8", or what the toolchain calls itself.
    :ivar settings: of the build ("-tags", "CGO_ENABLED", "vcs.revision"), as written; since Go 1.18.
    """

    go_version: str
    modules: tuple[GoModule, ...]
    settings: tuple[tuple[str, str], ...] = ()


def read_go_build(source: Source, elf: ElfFile, sections: Sequence[Section]) -> GoBuild | None:
    """The build information of a Go program, or None of any other file.

    :param sections: ``elf.sections``, decoded.

    :raises FormatError: where the content cannot be decoded.
    """
    offset = _find(source, elf, sections)
    if offset is None:
        return None
    header = source.read_at(offset, _HEADER)
    if len(header) < _HEADER:
        return None
    flags = header[15]
    if flags & _INLINE:
        version, after = _inline(source, offset + _HEADER, _LONGEST_VERSION)
        modules, _ = _inline(source, after, _LONGEST_LIST)
    else:
        size = header[14]
        order: ByteOrder = "big" if flags & _BIG_ENDIAN else "little"
        if size not in (4, 8):
            return None
        pointers = [int.from_bytes(header[16 + size * n : 16 + size * (n + 1)], order) for n in range(2)]
        version = _behind(source, elf, pointers[0], size, order, _LONGEST_VERSION)
        modules = _behind(source, elf, pointers[1], size, order, _LONGEST_LIST)
    if not version:
        return None
    marked = len(modules) > 2 * _SENTINEL and modules[-_SENTINEL - 1 : -_SENTINEL] == b"\n"
    modules = modules[_SENTINEL:-_SENTINEL] if marked else b""
    return _build(_text(version), modules.decode("utf-8", "backslashreplace"))


def _find(source: Source, elf: ElfFile, sections: Sequence[Section]) -> int | None:
    section = next((section for section in sections if section.name == _SECTION), None)
    if section is not None:
        return section.offset if source.read_at(section.offset, len(MAGIC)) == MAGIC else None
    if sections:
        return None
    for segment in elf.segments:
        if segment.type != PT_LOAD or not segment.is_writable:
            continue
        content = source.read_at(segment.offset, min(segment.filesz, _SEARCHED))
        at = content.find(MAGIC)
        while at >= 0:
            if (segment.vaddr + at) % _ALIGNMENT == 0:
                return segment.offset + at
            at = content.find(MAGIC, at + 1)
    return None


def _inline(source: Source, offset: int, longest: int) -> tuple[bytes, int]:
    """A string behind its length (a varint of ``encoding/binary``), and the offset behind it; nothing where it is longer than ``longest``."""
    head = source.read_at(offset, 10)
    length = shift = used = 0
    for byte in head:
        used += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    else:
        return b"", offset
    if length > longest:
        return b"", offset + used
    return source.read_at(offset + used, length), offset + used + length


def _behind(source: Source, elf: ElfFile, address: int, size: int, order: ByteOrder, longest: int) -> bytes:
    """The bytes of a Go string (address, length) that lies at an address."""
    at = _offset(elf, address)
    header = source.read_at(at, 2 * size) if at is not None else b""
    if len(header) < 2 * size:
        return b""
    start = _offset(elf, int.from_bytes(header[:size], order))
    length = int.from_bytes(header[size:], order)
    return source.read_at(start, length) if start is not None and length <= longest else b""


def _offset(elf: ElfFile, address: int) -> int | None:
    for segment in elf.segments:
        if segment.type == PT_LOAD and segment.vaddr <= address < segment.vaddr + segment.filesz:
            return address - segment.vaddr + segment.offset
    return None


def _text(content: bytes) -> str:
    return "".join(sign for sign in content.decode("utf-8", "backslashreplace") if sign.isprintable())[:200]


def _build(go_version: str, listed: str) -> GoBuild:
    modules: list[GoModule] = []
    settings: list[tuple[str, str]] = []
    for line in listed.split("\n"):
        kind, _, rest = line.partition("\t")
        if kind == "build":
            key, _, value = rest.partition("=")
            settings.append((key, value))
            continue
        path, _, rest = rest.partition("\t")
        version = rest.partition("\t")[0]
        if not path or len(path) > 512 or len(version) > 256 or not (path + version).isprintable():
            continue
        if kind in ("mod", "dep") and len(modules) < _MOST_MODULES:
            modules.append(GoModule(path, version, main=kind == "mod"))
        elif kind == "=>" and modules:
            replaced = modules.pop()
            modules.append(GoModule(path, version, main=replaced.main, replaces=replaced.path))
    return GoBuild(go_version, tuple(modules), tuple(settings[:256]))
