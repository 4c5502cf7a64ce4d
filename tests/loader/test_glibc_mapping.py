"""Statements G13 to G17 and G25: which files glibc maps, the model beside the machine's own ld.so where that can be asked."""

from __future__ import annotations

import struct

import pytest
from msgspec.structs import replace

from inspector.loader.hwcaps import Processor
from inspector.loader.mapping import GlibcSystem, mapping_refusal
from inspector.loader.objects import ARCHITECTURES, LoaderObject
from tests.loader.loader_cases import (
    Case,
    agree,
    agree_on_opening,
    ask,
    edit,
    needs_gcc,
    program_headers,
    runpath,
    this_machine,
)

pytestmark = [pytest.mark.peer, needs_gcc]

PT_LOAD, PT_DYNAMIC, PT_GNU_STACK = 1, 2, 0x6474E551
LIBRARY = LoaderObject("l", ARCHITECTURES["x86_64"], "liba.so.1", ())


def needs(case: Case, path: str) -> None:
    """Build bin/app, which needs a file that the linker itself may not take as a library."""
    name = path.rpartition("/")[2]
    target = case.directory / path
    content = target.read_bytes() if target.exists() else None
    case.library(path, soname=name)
    case.program("bin/app", *runpath("$ORIGIN/../lib"), links=(path,))
    if content is not None:
        target.write_bytes(content)


@pytest.mark.parametrize("options", [("-pie",), ("-no-pie",)])
def test_g13_programs_are_no_libraries(case: Case, options: tuple[str, ...]) -> None:
    case.program("lib/libprogram.so.1", *options)
    needs(case, "lib/libprogram.so.1")
    assert "cannot dynamically load" in (agree(case).message or "")
    assert "cannot dynamically load" in (agree_on_opening(case, "lib/libprogram.so.1").message or "")


def test_g13_objects_that_must_not_be_opened(case: Case) -> None:
    case.library("lib/libnoopen.so.1", "-Wl,-z,nodlopen")
    case.program("bin/app", *runpath("$ORIGIN/../lib"), links=("lib/libnoopen.so.1",))
    assert agree(case).loads
    assert (agree_on_opening(case, "lib/libnoopen.so.1").message or "").endswith("shared object cannot be dlopen()ed")


def test_g13_before_2_30_position_independent_programs_were_libraries() -> None:
    program = replace(LIBRARY, position_independent_program=True)
    refused = [
        mapping_refusal(program, GlibcSystem(version), opened=True) is not None for version in ((2, 29), (2, 30))
    ]
    assert refused == [False, True]  # tags glibc-2.29 and glibc-2.30, elf/dl-load.c


@pytest.mark.parametrize("align", [0x400, 0x1000, 0x4000, 0x10000, 0x200000, 0x1001])
def test_g14_what_a_segment_says_of_its_alignment(case: Case, align: int) -> None:
    def set_alignment(content: bytearray) -> None:
        for offset in program_headers(content, PT_LOAD):
            struct.pack_into("<Q", content, offset + 48, align)

    path = case.library("lib/liba.so.1")
    edit(path, set_alignment)
    needs(case, "lib/liba.so.1")
    agree(case)
    agree_on_opening(case, "lib/liba.so.1")


def test_g14_addresses_and_offsets_must_agree_on_a_page(case: Case) -> None:
    case.library("lib/liba.so.1", "-Wl,-z,max-page-size=1024", "-Wl,-z,common-page-size=1024")
    case.program("bin/app", *runpath("$ORIGIN/../lib"), links=("lib/liba.so.1",))
    assert (agree(case).message or "").endswith("ELF load command address/offset not page-aligned")


def test_g14_larger_pages_and_older_releases() -> None:
    # sources: tags glibc-2.34 and glibc-2.35 of elf/dl-load.c; a 64 KiB kernel is not at hand
    plain = replace(LIBRARY, largest_page_size=4096, segment_alignment=4096)
    assert mapping_refusal(plain, GlibcSystem((2, 39), 4096), opened=False) is None
    assert (
        mapping_refusal(plain, GlibcSystem((2, 39), 65536), opened=False)
        == "ELF load command address/offset not page-aligned"
    )
    assert (
        mapping_refusal(plain, GlibcSystem((2, 28), 65536), opened=False)
        == "ELF load command alignment not page-aligned"
    )
    patched = replace(LIBRARY, aligned_as_stated=False)
    assert (
        mapping_refusal(patched, GlibcSystem((2, 34), 4096), opened=False)
        == "ELF load command address/offset not properly aligned"
    )
    assert mapping_refusal(patched, GlibcSystem((2, 35), 4096), opened=False) is None


def test_g15_the_kernels_version_in_the_note_is_not_read_since_2_36(case: Case) -> None:
    note = (
        'asm(".section .note.ABI-tag,\\"a\\",@note\\n.long 4,16,1\\n.asciz \\"GNU\\"\\n.long 0,99,0,0\\n.previous");'
        "int later(void) { return 0; }"
    )
    case.library("lib/liba.so.1", source=note)
    case.program("bin/app", *runpath("$ORIGIN/../lib"), links=("lib/liba.so.1",))
    assert agree(case).loads  # Linux 99 is wanted


@pytest.mark.parametrize("kind", [PT_LOAD, PT_DYNAMIC])
def test_g16_without_segments_or_dynamic_section(case: Case, kind: int) -> None:
    def remove(content: bytearray) -> None:
        for offset in program_headers(content, kind):
            struct.pack_into("<I", content, offset, 0)

    edit(case.library("lib/liba.so.1"), remove)
    needs(case, "lib/liba.so.1")
    assert "object file has no" in (agree(case).message or "")
    agree_on_opening(case, "lib/liba.so.1")


def test_g16_a_dynamic_segment_without_bytes_is_a_file_of_debug_information(case: Case) -> None:
    def empty(content: bytearray) -> None:
        for offset in program_headers(content, PT_DYNAMIC):
            struct.pack_into("<Q", content, offset + 32, 0)  # p_filesz

    edit(case.library("lib/liba.so.1"), empty)
    needs(case, "lib/liba.so.1")
    assert (agree(case).message or "").endswith("liba.so.1: object file has no dynamic section")


@pytest.mark.parametrize("variables", ["", "int zeroed[300];"])
def test_g16_a_file_that_is_cut_ends_in_sigbus_where_the_loader_touches_the_rest(case: Case, variables: str) -> None:
    # of data alone nobody takes notice; what is zeroed behind it, or a dynamic section that is gone, costs the process its life
    source = f"{variables} char large[200000] = {{1}}; int here(void) {{ return large[9]; }}"
    path = case.library("lib/liba.so.1", source=source)
    content = path.read_bytes()
    needs(case, "lib/liba.so.1")
    for size in (100000, 8000):
        path.write_bytes(content[:size])
        dies = ask(case, "bin/app").status == -7
        assert dies is (size == 8000 or bool(variables))
        assert ("Bus error" in (case.answer("bin/app").message or "")) is dies


def test_g17_executable_stacks(case: Case) -> None:
    path = case.library("lib/liba.so.1", "-Wl,-z,execstack")
    case.program("bin/app", *runpath("$ORIGIN/../lib"), links=("lib/liba.so.1",))
    assert agree(case).loads
    assert agree_on_opening(case, "lib/liba.so.1").loads  # this machine has 2.36
    profile = replace(this_machine(), libc_version="2.41")
    assert case.answer("lib/liba.so.1", "bin/driver", profile=profile).message == (
        f"{path}: cannot enable executable stack as shared object requires: Invalid argument"
    )
    assert case.answer("bin/app", profile=profile).loads  # with the program it is allowed
    case.driver("-Wl,-z,execstack")
    assert case.answer("lib/liba.so.1", "bin/driver", profile=profile).loads  # and where the stack is so already


def test_g17_without_the_header_the_architecture_decides(case: Case) -> None:
    def remove(content: bytearray) -> None:
        for offset in program_headers(content, PT_GNU_STACK):
            struct.pack_into("<I", content, offset, 0)

    edit(case.library("lib/liba.so.1"), remove)
    assert agree_on_opening(case, "lib/liba.so.1").loads
    answer = case.answer("lib/liba.so.1", "bin/driver", profile=replace(this_machine(), libc_version="2.42"))
    assert "executable stack" in (
        answer.message or ""
    )  # x86-64: an absent header means executable (sysdeps/x86_64/stackinfo.h)


@pytest.mark.parametrize("level", ["baseline", "v2", "v3", "v4"])
def test_g25_declared_processor_level(case: Case, level: str) -> None:
    case.library("lib/liba.so.1", f"-Wl,-z,x86-64-{level}")
    case.program("bin/app", *runpath("$ORIGIN/../lib"), links=("lib/liba.so.1",))
    agree(case)
    agree_on_opening(case, "lib/liba.so.1")
    weak = Processor(1, "x86_64", ("x86_64",))
    answer = case.answer("bin/app", processor=weak)
    if level == "baseline":
        assert answer.loads
    else:
        assert (answer.message or "").endswith("/lib/liba.so.1: CPU ISA level is lower than required")
