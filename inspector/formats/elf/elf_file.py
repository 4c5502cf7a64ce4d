"""One ELF file as it was read: what the loader sees, and what follows from it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from inspector.formats.elf import dynamic as tags
from inspector.formats.elf.architecture import architecture_name, default_stack_is_executable
from inspector.formats.elf.dynamic import DynamicSection, RelocationCounts
from inspector.formats.elf.identification import Header
from inspector.formats.elf.notes import Notes
from inspector.formats.elf.sections import Section, SectionTable
from inspector.formats.elf.segments import LARGEST_PAGE_SIZE, PT_GNU_RELRO, PT_GNU_STACK, PT_LOAD, PT_TLS, Segment
from inspector.formats.elf.symbols import SymbolTable
from inspector.formats.elf.versions import VersionDefinition, VersionNeed


class ElfFile(Struct, frozen=True, kw_only=True, eq=False):
    """See the package's docstring for the fields in short.

    :ivar header: the ELF header, numbers as written.
    :ivar size: bytes of the file.
    :ivar dynamic: tags and values; empty without PT_DYNAMIC.
    :ivar rpath: DT_RPATH as written, tokens and colons included; the loader ignores it where there is a runpath.
    :ivar filter: DT_FILTER; ``auxiliary`` is DT_AUXILIARY.
    :ivar is_separate_debug: the code was taken out of it (``objcopy --only-keep-debug``, ``eu-strip -f``): a file for debuggers.
    :ivar dynamic_ranges: offset, size and kind (of ``byte_kinds``) of the tables that the dynamic section names.
    :ivar official_appimage_offset: see :mod:`inspector.formats.elf.appimage_offset`; None with ``load_sections=False``.
    :ivar defects: what is wrong and was left out, a sentence each.
    :ivar loader_refusals: what glibc's ld.so would say, see :mod:`inspector.formats.elf.loader_refusals`.
    """

    header: Header
    size: int
    segments: tuple[Segment, ...]
    dynamic: DynamicSection
    interpreter: str | None
    soname: str | None
    needed: tuple[str, ...]
    rpath: str | None
    runpath: str | None
    auxiliary: tuple[str, ...]
    filter: tuple[str, ...]
    audit: tuple[str, ...]
    depaudit: tuple[str, ...]
    verneed: tuple[VersionNeed, ...]
    verdef: tuple[VersionDefinition, ...]
    symbols: SymbolTable
    relocations: RelocationCounts
    notes: Notes
    sections: SectionTable
    is_separate_debug: bool
    dynamic_ranges: tuple[tuple[int, int, str], ...]
    official_appimage_offset: int | None
    defects: tuple[str, ...]
    loader_refusals: tuple[str, ...]

    # -- identification

    @property
    def bits(self) -> Literal[32, 64]:
        """ELFCLASS32 or ELFCLASS64."""
        return self.header.layout.bits

    @property
    def endian(self) -> Literal["little", "big"]:
        """The byte order."""
        return self.header.layout.endian

    @property
    def type(self) -> str:
        """ "EXEC", "DYN", "REL", "CORE", "NONE", or the number in hexadecimal."""
        return self.header.type_name

    @property
    def machine(self) -> int:
        """e_machine."""
        return self.header.machine

    @property
    def arch(self) -> str:
        """See :func:`inspector.formats.elf.architecture.architecture_name`."""
        return architecture_name(self.header)

    @property
    def osabi(self) -> int:
        """EI_OSABI."""
        return self.header.osabi

    @property
    def abi_version(self) -> int:
        """EI_ABIVERSION."""
        return self.header.abi_version

    @property
    def e_flags(self) -> int:
        """The processor's flags."""
        return self.header.flags

    @property
    def entry(self) -> int:
        """e_entry; 0 without an entry point."""
        return self.header.entry

    # -- what kind of file

    @property
    def has_dynamic(self) -> bool:
        """Whether it has a PT_DYNAMIC with bytes in the file."""
        return bool(self.dynamic)

    @property
    def flags(self) -> int:
        """DT_FLAGS, 0 without."""
        return self.dynamic.get(tags.DT_FLAGS) or 0

    @property
    def flags_1(self) -> int:
        """DT_FLAGS_1, 0 without."""
        return self.dynamic.get(tags.DT_FLAGS_1) or 0

    @property
    def is_pie(self) -> bool:
        """A position-independent program: DF_1_PIE, or, of linkers before binutils 2.26, ET_DYN with an interpreter and DT_DEBUG."""
        if self.type != "DYN":
            return False
        return bool(self.flags_1 & tags.DF_1_PIE) or (
            self.interpreter is not None and self.dynamic.get(tags.DT_DEBUG) is not None
        )

    @property
    def linkage(self) -> Literal["static", "dynamic"]:
        """:attr:`is_static` as reports say it."""
        return "static" if self.is_static else "dynamic"

    @property
    def is_program(self) -> bool:
        """ET_EXEC or PIE: started by the kernel, and not to be loaded as a library."""
        return (self.type == "EXEC" or self.is_pie) and not self.is_separate_debug

    @property
    def is_shared_library(self) -> bool:
        """ET_DYN with a dynamic section that is no program."""
        return self.type == "DYN" and self.has_dynamic and not self.is_pie

    @property
    def is_static(self) -> bool:
        """A program that needs neither loader nor library."""
        return self.is_program and self.interpreter is None and not self.needed

    @property
    def is_static_pie(self) -> bool:
        """A static program that is position-independent."""
        return self.is_static and self.type == "DYN"

    @property
    def bind_now(self) -> bool:
        """All functions are bound at start: DT_BIND_NOW, DF_BIND_NOW or DF_1_NOW."""
        return (
            self.dynamic.get(tags.DT_BIND_NOW) is not None
            or bool(self.flags & tags.DF_BIND_NOW)
            or bool(self.flags_1 & tags.DF_1_NOW)
        )

    @property
    def nodeflib(self) -> bool:
        """DF_1_NODEFLIB: the default directories are not searched for what it needs."""
        return bool(self.flags_1 & tags.DF_1_NODEFLIB)

    @property
    def noopen(self) -> bool:
        """DF_1_NOOPEN: dlopen() refuses it."""
        return bool(self.flags_1 & tags.DF_1_NOOPEN)

    @property
    def nodelete(self) -> bool:
        """DF_1_NODELETE: dlclose() keeps it."""
        return bool(self.flags_1 & tags.DF_1_NODELETE)

    @property
    def interpose(self) -> bool:
        """DF_1_INTERPOSE: its symbols go before those of the others."""
        return bool(self.flags_1 & tags.DF_1_INTERPOSE)

    @property
    def origin(self) -> bool:
        """DF_ORIGIN or DF_1_ORIGIN."""
        return bool(self.flags & tags.DF_ORIGIN or self.flags_1 & tags.DF_1_ORIGIN)

    @property
    def symbolic(self) -> bool:
        """DT_SYMBOLIC or DF_SYMBOLIC: it looks into itself first."""
        return bool(self.flags & tags.DF_SYMBOLIC) or self.dynamic.get(tags.DT_SYMBOLIC) is not None

    @property
    def static_tls(self) -> bool:
        """DF_STATIC_TLS: its thread-local storage comes out of the small reserve that dlopen() may run out of."""
        return bool(self.flags & tags.DF_STATIC_TLS)

    @property
    def textrel(self) -> bool:
        """DT_TEXTREL or DF_TEXTREL: code is written to while it is loaded."""
        return bool(self.flags & tags.DF_TEXTREL) or self.dynamic.get(tags.DT_TEXTREL) is not None

    @property
    def has_relr(self) -> bool:
        """DT_RELR: relative relocations that glibc before 2.36 and musl before 1.2.4 do not know."""
        return self.dynamic.get(tags.DT_RELR) is not None

    # -- segments

    @property
    def loads(self) -> tuple[Segment, ...]:
        """The PT_LOAD segments."""
        return tuple(segment for segment in self.segments if segment.type == PT_LOAD)

    @property
    def largest_page_size(self) -> int:
        """The largest page size of a host on which every PT_LOAD can be mapped, in bytes; see :attr:`Segment.largest_page_size`."""
        return min((segment.largest_page_size for segment in self.loads), default=LARGEST_PAGE_SIZE)

    @property
    def tls(self) -> Segment | None:
        """PT_TLS, or None.  Of several the loader takes the last."""
        return self._last_segment(PT_TLS)

    @property
    def gnu_stack(self) -> Literal["executable", "not executable", "absent"]:
        """What PT_GNU_STACK says."""
        segment = self._last_segment(PT_GNU_STACK)
        if segment is None:
            return "absent"
        return "executable" if segment.is_executable else "not executable"

    @property
    def stack_is_executable(self) -> bool:
        """Whether glibc would make the stack executable for this file: as PT_GNU_STACK says, else the architecture's default."""
        if self.gnu_stack == "absent":
            return default_stack_is_executable(self.arch)
        return self.gnu_stack == "executable"

    @property
    def relro(self) -> Literal["none", "partial", "full"]:
        """PT_GNU_RELRO: full where all is bound before it takes effect (:attr:`bind_now`)."""
        if self._last_segment(PT_GNU_RELRO) is None:
            return "none"
        return "full" if self.bind_now else "partial"

    def _last_segment(self, kind: int) -> Segment | None:
        return next((segment for segment in reversed(self.segments) if segment.type == kind), None)

    # -- notes, sections, bytes

    @property
    def build_id(self) -> str | None:
        """NT_GNU_BUILD_ID in lower-case hexadecimal."""
        return self.notes.build_id

    def section(self, name: str) -> Section | None:
        """The first section of that name: its ``offset`` and ``size`` in the file."""
        return self.sections.find(name)

    @property
    def image_end(self) -> int:
        """Where the last segment, section or header table ends, in bytes, at most :attr:`size`; what lies behind it is payload."""
        header = self.header
        ends = [header.size]
        if header.phoff:
            ends.append(header.phoff + len(self.segments) * header.phentsize)
        if header.shoff:
            ends.append(header.shoff + max(len(self.sections), header.shnum) * header.shentsize)
        ends += [segment.end for segment in self._segments_in_file if segment.filesz]
        ends.append(self.sections.image_end)
        return min(max(ends), self.size)

    @property
    def _segments_in_file(self) -> tuple[Segment, ...]:
        """The segments, unless they describe the file that the debug information was taken from (``eu-strip`` copies them unchanged)."""
        return () if self.is_separate_debug and len(self.sections) else self.segments

    def byte_kinds(self) -> dict[str, int]:
        """Bytes of the file by kind, adding up to :attr:`size`; the kinds and their meaning: :data:`inspector.formats.elf.byte_kinds.KINDS`."""
        from inspector.formats.elf import byte_kinds

        claims = list(
            byte_kinds.header_claims(self.header, len(self.segments), max(len(self.sections), self.header.shnum))
        )
        claims += byte_kinds.section_claims(self.sections, self.machine)
        if len(self.sections):
            claims += [
                claim._replace(rank=4, kind="other") for claim in byte_kinds.segment_claims(self._segments_in_file)
            ]
        else:
            claims += byte_kinds.segment_claims(self._segments_in_file)
            claims += [byte_kinds.Claim(start, start + size, 2, kind) for start, size, kind in self.dynamic_ranges]
        return byte_kinds.count_kinds(self.size, self.image_end, claims)

    def without_symbols(self) -> ElfFile:
        """The same file without the bytes of its symbol table."""
        return replace(self, symbols=SymbolTable(self.header.layout, counted_by="not read"))
