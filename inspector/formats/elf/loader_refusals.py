"""Why glibc's ld.so would refuse a file, in its own words and in the order in which it looks.

``open_verify`` and ``_dl_map_object_from_fd`` of glibc 2.42's ``elf/dl-load.c``; what is valid in ``e_ident`` from ``sysdeps/gnu/ldsodefs.h``,
``sysdeps/unix/sysv/linux/{arm,mips}/ldsodefs.h`` and ``libc-abis``.  The kernel, which starts programs, looks at none of the identification beyond
the magic: a static program with these defects runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from inspector.formats.elf.architecture import EM_ARM, EM_MIPS, architecture_name, page_sizes
from inspector.formats.elf.identification import Header
from inspector.formats.elf.segments import PT_DYNAMIC, PT_LOAD, Segment

_EV_CURRENT = 1
_ET_EXEC, _ET_DYN = 2, 3
_OSABI_SYSV, _OSABI_GNU, _OSABI_ARM_AEABI = 0, 3, 64
_LIBC_ABI_MAX = 4
"""``libc-abis``: DEFAULT 0, UNIQUE 1, IFUNC 2, ABSOLUTE 3 and the end; MIPS, which knows more, is given the same benefit up to its 6."""
_MIPS_ABI_MAX = 6


def loader_refusals(header: Header, segments: Sequence[Segment]) -> tuple[str, ...]:
    """All reasons, the one that ld.so prints first; empty where it would map the file on some machine of its architecture.

    Class, byte order and machine are left out: which ones are right depends on who loads.  Alignment is judged by the architecture's smallest page.
    """
    return tuple(_reasons(header, segments))


def _reasons(header: Header, segments: Sequence[Segment]) -> Iterator[str]:
    if header.ident[6] != _EV_CURRENT:
        yield "ELF file version ident does not match current one"
    if header.osabi not in {_OSABI_SYSV, _OSABI_GNU} and not (
        header.machine == EM_ARM and header.osabi == _OSABI_ARM_AEABI
    ):
        yield "ELF file OS ABI invalid"
    if not _is_valid_abi_version(header):
        yield "ELF file ABI version invalid"
    if any(header.ident[9:16]):
        yield "nonzero padding in e_ident"
    if header.version != _EV_CURRENT:
        yield "ELF file version does not match current one"
    if header.type not in {_ET_EXEC, _ET_DYN}:
        yield "only ET_DYN and ET_EXEC can be loaded"
    if header.phentsize != header.layout.program_header.size:
        yield "ELF file's phentsize not the expected size"
    page = page_sizes(architecture_name(header))[0]
    loads = [segment for segment in segments if segment.type == PT_LOAD]
    if any((load.vaddr - load.offset) % page for load in loads):
        yield "ELF load command address/offset not page-aligned"
    if not loads:
        yield "object file has no loadable segments"
    if header.type == _ET_DYN and not any(segment.type == PT_DYNAMIC and segment.filesz for segment in segments):
        yield "object file has no dynamic section"


def _is_valid_abi_version(header: Header) -> bool:
    version = header.abi_version
    if not version:
        return True
    if header.machine == EM_MIPS:
        return version < _MIPS_ABI_MAX
    return header.osabi == _OSABI_GNU and version < _LIBC_ABI_MAX
