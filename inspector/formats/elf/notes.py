"""Notes: build ID, ABI tag, what the code needs of the processor, and the JSON notes of packagers.

gABI chapter 5, "Note Section"; GNU properties: "Linux Extensions to gABI" and the x86-64 and AArch64 psABIs; ``.note.dlopen``: UAPI.12 "ELF dlopen
metadata"; ``.note.package``: UAPI "Package Metadata for Executable Files".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from struct import unpack_from
from typing import Any, NamedTuple

from msgspec import Struct, field

from inspector.formats.elf.architecture import EM_386, EM_AARCH64, EM_X86_64
from inspector.formats.elf.identification import Header
from inspector.formats.elf.ranges import FileRanges
from inspector.formats.elf.sections import SHT_NOTE, SectionTable
from inspector.formats.elf.segments import PT_GNU_PROPERTY, PT_NOTE, Segment
from inspector.formats.elf.string_table import text
from inspector.limits import KIB, MIB

MOST_BYTES = MIB
"""Bytes of notes that are read of one file; those of real libraries are a few hundred."""
_LONGEST_JSON = 64 * KIB
_MOST_BLOCKS = 64
_MOST_NOTES = 4096

NT_GNU_ABI_TAG, NT_GNU_BUILD_ID, NT_GNU_PROPERTY_TYPE_0 = 1, 3, 5
NT_GO_BUILD_ID = 4
NT_FDO_PACKAGING_METADATA, NT_FDO_DLOPEN_METADATA = 0xCAFE1A7E, 0x407C0C0A

_ABI_SYSTEMS = {0: "Linux", 1: "Hurd", 2: "Solaris", 3: "FreeBSD", 4: "NetBSD", 5: "Syllable", 6: "NaCl"}

_X86_FEATURE_1_AND, _X86_ISA_1_NEEDED, _X86_ISA_1_USED = 0xC0000002, 0xC0008002, 0xC0010002
_AARCH64_FEATURE_1_AND = 0xC0000000
_FEATURE_NAMES = {
    EM_X86_64: {1: "ibt", 2: "shstk", 4: "lam_u48", 8: "lam_u57"},
    EM_386: {1: "ibt", 2: "shstk"},
    EM_AARCH64: {1: "bti", 2: "pac", 4: "gcs"},
}


class AbiTag(NamedTuple):
    """NT_GNU_ABI_TAG: the operating system and the earliest version of its kernel."""

    system: str
    version: tuple[int, int, int]


class DlopenNote(NamedTuple):
    """One library that the code opens itself, with dlopen().

    :ivar sonames: alternatives, the preferred one first.
    :ivar priority: "required", "recommended", "suggested", or what the note says instead; "recommended" is the specification's default.
    """

    sonames: tuple[str, ...]
    feature: str | None
    description: str | None
    priority: str


class Note(NamedTuple):
    """A note's head.  ``size`` is that of its descriptor in bytes."""

    owner: str
    type: int
    size: int


class Notes(Struct):
    """What the notes of one file say.

    :ivar build_id: hexadecimal, lower case.
    :ivar x86_isa_needed: GNU_PROPERTY_X86_ISA_1_NEEDED, bits 1, 2, 4, 8 for x86-64 baseline, v2, v3, v4; 0 where not stated.
    :ivar features: GNU_PROPERTY_*_FEATURE_1_AND by name: ibt, shstk, lam_u48, lam_u57; bti, pac, gcs.
    :ivar package: the JSON object of ``.note.package``.
    :ivar entries: every note, in order.
    """

    build_id: str | None = None
    abi_tag: AbiTag | None = None
    x86_isa_needed: int = 0
    x86_isa_used: int = 0
    features: tuple[str, ...] = ()
    dlopen: tuple[DlopenNote, ...] = ()
    package: dict[str, Any] | None = None
    go_build_id: str | None = None
    entries: tuple[Note, ...] = ()
    properties: dict[int, bytes] = field(default_factory=dict)

    @property
    def x86_64_level(self) -> int:
        """The x86-64 microarchitecture level that the file says it needs, 1 to 4; 0 where it says nothing."""
        return (self.x86_isa_needed & 15).bit_length()


class NoteBlock(NamedTuple):
    """Where notes lie in the file.

    :ivar is_property: it is known from PT_GNU_PROPERTY alone.  patchelf overwrites what that segment describes and moves the note; the
        loader passes over what is no note there (sysdeps/generic/dl-prop.h), and so do we.
    """

    offset: int
    size: int
    alignment: int
    is_property: bool = False


def find_notes(segments: Sequence[Segment], sections: SectionTable, *, by_section: bool) -> list[NoteBlock]:
    """Each block of notes.

    :param by_section: look into the section headers first: a file for debuggers may carry segments that describe another file.
    """
    blocks = [NoteBlock(s.offset, s.filesz, s.align) for s in segments if s.type == PT_NOTE and s.filesz]
    if by_section or not blocks:
        found = [NoteBlock(s.offset, s.size, s.align) for s in sections if s.type == SHT_NOTE and s.size]
        if found:
            return found
    properties = next((s for s in reversed(segments) if s.type == PT_GNU_PROPERTY and s.filesz), None)
    if properties is not None and not any(offset <= properties.offset < offset + size for offset, size, *_ in blocks):
        blocks.append(NoteBlock(properties.offset, properties.filesz, properties.align, is_property=True))
    return blocks


def read_notes(ranges: FileRanges, header: Header, blocks: list[NoteBlock], defects: list[str]) -> Notes:
    """All notes of a file, out of what :func:`find_notes` found; none of a core file, whose notes are registers and memory maps."""
    if header.type_name == "CORE":
        return Notes()
    left = MOST_BYTES
    wanted: list[NoteBlock] = []
    for block in blocks:
        if block.size > left or len(wanted) == _MOST_BLOCKS:
            defects.append(f"more than {MOST_BYTES} bytes or {_MOST_BLOCKS} segments of notes; the rest was not read")
            break
        left -= block.size
        wanted.append(block)
    ranges.load((block.offset, block.size) for block in wanted)
    contents = [(ranges.read(block.offset, block.size), block) for block in wanted]
    return decode_notes(
        [(content, block.alignment) for content, block in contents if not block.is_property or _begins_as_property(content, header)],
        header, defects,
    )  # fmt: skip


def _begins_as_property(content: bytes, header: Header) -> bool:
    if len(content) < 16:
        return False
    name_size, _, kind = unpack_from(header.layout.prefix + "III", content)
    return (name_size, kind, content[12:16]) == (4, NT_GNU_PROPERTY_TYPE_0, b"GNU\0")


def decode_notes(blocks: list[tuple[bytes, int]], header: Header, defects: list[str]) -> Notes:
    """All notes of a file.  :param blocks: the bytes of each note segment or section with its alignment."""
    notes = Notes()
    entries: list[Note] = []
    for content, alignment in blocks:
        for owner, kind, descriptor in _rows(content, 8 if alignment == 8 else 4, header, defects):
            if len(entries) >= _MOST_NOTES:
                defects.append(f"more than {_MOST_NOTES} notes; the rest were not read")
                break
            name = text(owner)
            entries.append(Note(name, kind, len(descriptor)))
            if name == "GNU":
                _gnu(notes, kind, descriptor, header, defects)
            elif name == "FDO":
                _freedesktop(notes, kind, descriptor, defects)
            elif name == "Go" and kind == NT_GO_BUILD_ID:
                notes.go_build_id = text(descriptor)
    notes.entries = tuple(entries)
    return notes


def _rows(content: bytes, alignment: int, header: Header, defects: list[str]) -> Iterator[tuple[bytes, int, bytes]]:
    form = header.layout.prefix + "III"
    at = 0
    while at + 12 <= len(content):
        name_size, descriptor_size, kind = unpack_from(form, content, at)
        descriptor_at = at + _aligned(12 + name_size, alignment)
        end = descriptor_at + descriptor_size
        if end > len(content):
            defects.append("a note runs out of its segment")
            return
        yield content[at + 12 : at + 12 + name_size].rstrip(b"\0")[:64], kind, content[descriptor_at:end]
        at = descriptor_at + _aligned(descriptor_size, alignment)


def _aligned(size: int, alignment: int) -> int:
    return (size + alignment - 1) & -alignment


def _gnu(notes: Notes, kind: int, descriptor: bytes, header: Header, defects: list[str]) -> None:
    if kind == NT_GNU_BUILD_ID:
        if len(descriptor) > 64:
            defects.append(f"a build ID of {len(descriptor)} bytes")
        elif notes.build_id is None:
            notes.build_id = descriptor.hex()
    elif kind == NT_GNU_ABI_TAG and len(descriptor) >= 16 and notes.abi_tag is None:
        system, major, minor, patch = unpack_from(header.layout.prefix + "IIII", descriptor)
        notes.abi_tag = AbiTag(_ABI_SYSTEMS.get(system) or f"unknown-{system}", (major, minor, patch))
    elif kind == NT_GNU_PROPERTY_TYPE_0:
        _properties(notes, descriptor, header, defects)


def _properties(notes: Notes, descriptor: bytes, header: Header, defects: list[str]) -> None:
    prefix, word = header.layout.prefix, header.layout.word_size
    at = 0
    while at + 8 <= len(descriptor):
        kind, size = unpack_from(prefix + "II", descriptor, at)
        value = descriptor[at + 8 : at + 8 + size]
        if len(value) < size:
            defects.append("a GNU property runs out of its note")
            return
        at += 8 + _aligned(size, word)
        notes.properties[kind] = value
        if size != 4:
            continue
        number = unpack_from(prefix + "I", value)[0]
        if header.machine in {EM_X86_64, EM_386}:
            if kind == _X86_ISA_1_NEEDED:
                notes.x86_isa_needed = number
            elif kind == _X86_ISA_1_USED:
                notes.x86_isa_used = number
            elif kind == _X86_FEATURE_1_AND:
                notes.features = _feature_names(header.machine, number)
        elif header.machine == EM_AARCH64 and kind == _AARCH64_FEATURE_1_AND:
            notes.features = _feature_names(header.machine, number)


def _feature_names(machine: int, bits: int) -> tuple[str, ...]:
    return tuple(name for bit, name in _FEATURE_NAMES[machine].items() if bits & bit)


def _freedesktop(notes: Notes, kind: int, descriptor: bytes, defects: list[str]) -> None:
    if kind == NT_FDO_PACKAGING_METADATA:
        value = _json(descriptor, ".note.package", defects)
        if isinstance(value, dict):
            notes.package = value
        elif value is not None:
            defects.append(".note.package holds no JSON object")
    elif kind == NT_FDO_DLOPEN_METADATA:
        value = _json(descriptor, ".note.dlopen", defects)
        if isinstance(value, list):
            notes.dlopen += tuple(_dlopen_notes(value, defects))
        elif value is not None:
            defects.append(".note.dlopen holds no JSON array")


def _json(descriptor: bytes, what: str, defects: list[str]) -> object:
    import json

    if len(descriptor) > _LONGEST_JSON:
        defects.append(f"{what} has {len(descriptor)} bytes; it was not read")
        return None
    try:
        return json.loads(descriptor.rstrip(b"\0"))
    except (ValueError, RecursionError):  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        defects.append(f"{what} is not JSON")
        return None


def _dlopen_notes(rows: list[Any], defects: list[str]) -> Iterator[DlopenNote]:
    for row in rows:
        sonames = row.get("soname") if isinstance(row, dict) else None
        if not isinstance(sonames, list) or not sonames or not all(isinstance(soname, str) for soname in sonames):
            defects.append(".note.dlopen has an entry without sonames")
            continue
        feature, description, priority = (row.get(key) for key in ("feature", "description", "priority"))
        yield DlopenNote(
            tuple(sonames),
            feature if isinstance(feature, str) else None,
            description if isinstance(description, str) else None,
            priority if isinstance(priority, str) else "recommended",
        )
