"""What of an ELF file need not be kept: asked of the machine's own libraries, with pyelftools as the oracle."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from inspector.facts.licensing.read_only_data import constant_ranges
from inspector.formats.elf import read_elf
from inspector.formats.elf.hardly_read import code_ranges, debug_ranges
from inspector.source import BytesSource, FileSource
from tests.elf_builder import TinyElf

LIBRARIES = sorted(
    path for path in Path("/usr/lib/x86_64-linux-gnu").glob("lib*.so.*") if path.is_file() and not path.is_symlink()
)[:60]


@pytest.mark.parametrize("path", [Path(sys.executable).resolve(), *LIBRARIES], ids=lambda path: path.name)
def test_machines_own_files(path: Path) -> None:
    with path.open("rb") as stream:
        head = stream.read(8192)
        oracle = ELFFile(stream)
        loads = [segment.header for segment in oracle.iter_segments("PT_LOAD")]
        code = [(row.p_offset, row.p_offset + row.p_filesz) for row in loads if row.p_flags & 1]
        has_constants = (
            oracle.get_section_by_name(".rodata") is not None
        )  # in a file that has none, all that is loaded is looked at
        unloaded = [
            (section["sh_offset"], section["sh_offset"] + section["sh_size"])
            for section in oracle.iter_sections("SHT_PROGBITS")
            if not section["sh_flags"] & 2
        ]
    found = code_ranges(head)
    assert found in (code, [])
    assert bool(found) == (not any(start == 0 for start, _ in code) and any(row.p_flags == 4 for row in loads))
    source = FileSource(path)
    assert debug_ranges(source) == unloaded
    elf = read_elf(source)
    for start, size in constant_ranges(elf, tuple(elf.sections)) if has_constants else ():
        assert all(start + size <= first or last <= start for first, last in found)


def test_what_is_no_elf_file_or_has_no_segments() -> None:
    for head in (b"", b"#!/bin/sh\n", b"\x7fELF", b"\x7fELF" + bytes(60), b"\x7fELF\2\1\1" + b"\xff" * 57):
        assert code_ranges(head) == []


def test_headers_that_lie_elsewhere() -> None:
    content = bytearray(TinyElf().build())
    content[32:40] = (1 << 40).to_bytes(8, "little")  # e_phoff
    assert code_ranges(bytes(content)) == []
    assert debug_ranges(BytesSource(bytes(content))) == debug_ranges(BytesSource(TinyElf().build()))
