"""Whether the loader takes a file that it found, and what it says if not: statements G12 to G17 and G25.

``open_verify`` and ``_dl_map_object_from_fd`` of glibc's elf/dl-load.c; musl's ``map_library`` asks for less (:mod:`inspector.loader.musl`).
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from inspector.loader.hwcaps import BASELINE, Processor
from inspector.loader.objects import Architecture, Candidate, LoaderObject
from inspector.loader.search_path import LIB_VALUES

_BEFORE_MACHINE = frozenset(
    {
        "invalid ELF header",
        "file too short",
        "ELF file version ident does not match current one",
        "ELF file OS ABI invalid",
        "ELF file ABI version invalid",
        "nonzero padding in e_ident",
        "ELF file version does not match current one",
    }
)
"""What open_verify looks at before e_machine; it is fatal for foreign machines too."""

_BEFORE_MACHINE_ON_DEBIAN = frozenset(
    {"invalid ELF header", "file too short", "ELF file version does not match current one"}
)
"""The same with Debian's patch any/local-ld-multiarch.diff; measured on glibc 2.36-9+deb12."""

_WITH_FILE = frozenset(
    {
        *_BEFORE_MACHINE,
        "only ET_DYN and ET_EXEC can be loaded",
        "ELF file's phentsize not the expected size",
        "cannot read file data: Is a directory",
        "ELF file data encoding not little-endian",
        "ELF file data encoding not big-endian",
    }
)
"""Messages of open_verify, which name the file; those of _dl_map_object_from_fd name what was asked for."""

_RELAXED_ALIGNMENT = (2, 35)  # tags glibc-2.34 and glibc-2.35, elf/dl-load.c
_REFUSES_PROGRAMS = (2, 30)  # "cannot dynamically load position-independent executable"
_REFUSES_EXECUTABLE_STACK = (2, 41)  # NEWS of 2.41
SMALLEST_PAGE = 4096
"""Bytes; no machine that glibc runs on maps smaller ones."""
CANNOT_OPEN = "cannot open shared object file: No such file or directory"


class GlibcSystem(Struct, frozen=True):
    """What of a system decides over glibc's answers besides its files.

    :ivar version: of glibc; None where it is not known, and then rules that changed refuse nothing.
    :ivar page_size: bytes, None where it is not known.
    :ivar lib: values of ``$LIB``.
    :ivar working_directory: where the process was started; None: relative paths lead nowhere that we know.
    :ivar secure: AT_SECURE (set-user-ID): LD_LIBRARY_PATH and LD_PRELOAD are not read, and ``$ORIGIN`` counts in trusted directories only.
    """

    version: tuple[int, int] | None = None
    page_size: int | None = None
    processor: Processor = field(default=BASELINE)
    lib: tuple[str, ...] = LIB_VALUES
    working_directory: str | None = None
    secure: bool = False

    @property
    def is_multiarch(self) -> bool:
        """Whether libraries of several machines lie side by side: Debian's loader."""
        return any("-linux-" in value for value in self.lib)


Examination = tuple[Literal["take", "pass over", "refuse"], str]


def examine(candidate: Candidate, wanted: Architecture, system: GlibcSystem) -> Examination:
    """What open_verify does with a file of the wanted name: class, byte order, identification, machine, the rest (G12).

    Debian and its children look at e_machine right behind the class, so that foreign libraries in shared directories never end a search.
    """
    found = candidate.loadable
    if found is None:
        return "refuse", candidate.defect or "invalid ELF header"
    if found.architecture.bits != wanted.bits:
        return "pass over", f"wrong ELF class: ELFCLASS{found.architecture.bits}"
    machine = found.architecture.machine
    if found.architecture.endian != wanted.endian:  # the loader reads e_machine in its own byte order
        machine = machine >> 8 | (machine & 0xFF) << 8
    is_foreign = machine != wanted.machine
    if found.architecture.endian != wanted.endian:
        if is_foreign and system.is_multiarch:
            return "pass over", "wrong machine"
        return "refuse", f"ELF file data encoding not {wanted.endian}-endian"
    early = _BEFORE_MACHINE_ON_DEBIAN if system.is_multiarch else _BEFORE_MACHINE
    if candidate.defect is not None and (candidate.defect in early or not is_foreign):
        return "refuse", candidate.defect
    return ("pass over", "wrong machine") if is_foreign else ("take", "")


def mapping_refusal(
    loadable: LoaderObject, system: GlibcSystem, *, opened: bool, stack_is_executable: bool = True
) -> str | None:
    """Why an object that is no program of its own is not mapped, in the loader's words and order, or None.

    :param opened: by dlopen() in a running program, and not with it (as DT_NEEDED or LD_PRELOAD).
    :param stack_is_executable: whether the process has an executable stack already.
    """
    alignment = _alignment_refusal(loadable, system)
    if alignment is not None:
        return alignment
    if loadable.fixed_address:
        return "cannot dynamically load executable"
    if loadable.truncated:
        return BUS_ERROR
    if loadable.position_independent_program and (system.version is None or system.version >= _REFUSES_PROGRAMS):
        return "cannot dynamically load position-independent executable"
    if opened and loadable.no_open:
        return "shared object cannot be dlopen()ed"
    if (
        opened
        and loadable.executable_stack
        and not stack_is_executable
        and system.version is not None
        and system.version >= _REFUSES_EXECUTABLE_STACK
    ):
        return "cannot enable executable stack as shared object requires: Invalid argument"
    return None


BUS_ERROR = "Bus error: the file ends before its segments do"
"""SIGBUS: the loader itself prints nothing; the shell prints the first two words."""


def _alignment_refusal(loadable: LoaderObject, system: GlibcSystem) -> str | None:
    page = system.page_size or SMALLEST_PAGE
    if system.version is not None and system.version < _RELAXED_ALIGNMENT:
        if loadable.segment_alignment % page:
            return "ELF load command alignment not page-aligned"
        if not loadable.aligned_as_stated:
            return "ELF load command address/offset not properly aligned"
        return None
    return "ELF load command address/offset not page-aligned" if loadable.largest_page_size < page else None


def level_refusal(loadable: LoaderObject, processor: Processor) -> str | None:
    """G25: an object whose notes declare a higher x86-64 level than the processor has."""
    if processor.level is not None and loadable.isa_level > processor.level:
        return "CPU ISA level is lower than required"
    return None


def refusal_message(name: str, path: str, reason: str) -> str:
    """``file: reason`` or ``name: reason``, as the loader prints it behind "error while loading shared libraries"."""
    return f"{path if reason in _WITH_FILE else name}: {reason}"
