"""Names, default stacks and page sizes of architectures, and how many reads a file costs."""

from __future__ import annotations

import pickle
import struct
import sys
from pathlib import Path

import pytest

from inspector.formats.elf import default_stack_is_executable, looks_like_elf, page_sizes, read_elf
from inspector.source import BytesSource, FileSource


def header_only(bits: int, little: bool, machine: int, flags: int) -> BytesSource:
    """An ELF file of nothing but its header."""
    order = "<" if little else ">"
    identification = b"\x7fELF" + bytes([bits // 32, 1 if little else 2, 1]) + bytes(9)
    form = "HHIQQQIHHHHHH" if bits == 64 else "HHIIIIIHHHHHH"
    numbers = (3, machine, 1, 0, 0, 0, flags, 64 if bits == 64 else 52, 56 if bits == 64 else 32, 0, 0, 0, 0)
    return BytesSource(identification + struct.pack(order + form, *numbers))


@pytest.mark.parametrize(
    ("bits", "little", "machine", "flags", "name"),
    [
        (64, True, 62, 0, "x86_64"),
        (32, True, 62, 0, "x32"),
        (32, True, 3, 0, "i686"),
        (64, True, 183, 0, "aarch64"),
        (64, False, 183, 0, "aarch64_be"),
        (32, True, 40, 0x05000400, "armv7l"),  # Debian armhf
        (32, True, 40, 0x05000200, "armv5tel"),  # Debian armel
        (32, True, 40, 0x05000000, "arm"),
        (32, True, 40, 0x00000600, "arm"),  # before EABI 5 the bits mean other things
        (32, False, 40, 0x05000400, "armv7b"),
        (64, True, 21, 2, "ppc64le"),
        (64, False, 21, 1, "ppc64"),
        (32, False, 20, 0, "ppc"),
        (64, False, 22, 0, "s390x"),
        (32, False, 22, 0, "s390"),
        (64, True, 243, 5, "riscv64"),
        (32, True, 243, 0, "riscv32"),
        (64, True, 258, 0x43, "loongarch64"),
        (32, False, 8, 0x1000, "mips"),
        (32, True, 8, 0x1000, "mipsel"),
        (32, True, 8, 0x20, "mipsn32el"),
        (64, True, 8, 0, "mips64el"),
        (32, True, 42, 0, "sh4"),
        (64, True, 224, 0, "amdgpu"),
        (64, True, 999, 0, "unknown-999"),
    ],
)
def test_names(bits: int, little: bool, machine: int, flags: int, name: str) -> None:
    elf = read_elf(header_only(bits, little, machine, flags))
    assert (elf.arch, elf.bits, elf.endian, elf.machine, elf.e_flags) == (
        name,
        bits,
        "little" if little else "big",
        machine,
        flags,
    )
    assert elf.loader_refusals == ("object file has no loadable segments", "object file has no dynamic section")


def test_default_stacks_of_glibc() -> None:
    for name in ("x86_64", "i686", "armv7l", "s390x", "ppc", "mips64el", "sparc64"):
        assert default_stack_is_executable(name)
    for name in ("aarch64", "riscv64", "loongarch64", "ppc64le", "ppc64", "unknown-999"):
        assert not default_stack_is_executable(name)


def test_page_sizes_of_linux() -> None:
    assert page_sizes("x86_64") == (4096,)
    assert page_sizes("aarch64") == (4096, 16384, 65536)
    assert page_sizes("ppc64le")[-1] == 65536


class Counting(FileSource):
    """A file that notes what is read of it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.reads: list[tuple[int, int]] = []

    def read_at(self, offset: int, length: int) -> bytes:
        self.reads.append((offset, length))
        return super().read_at(offset, length)


def some_library() -> Path:
    for place in ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/lib64"):
        path = Path(place, "libc.so.6")
        if path.exists():
            return path
    if looks_like_elf(Path(sys.executable).resolve().read_bytes()[:4]):
        return Path(sys.executable).resolve()
    pytest.skip("no shared library here")


def test_a_library_costs_few_reads_and_no_byte_of_its_code() -> None:
    path = some_library()
    with Counting(path) as source:
        elf = read_elf(source)
        assert len(source.reads) <= 8
        code = [segment for segment in elf.loads if segment.is_executable]
        assert not any(load.offset + 65536 < offset < load.end - 65536 for load in code for offset, _ in source.reads)
        source.reads.clear()
        elf = read_elf(source, load_symbols=False, load_sections=False)
        assert len(source.reads) <= 5
        source.reads.clear()
        list(elf.needed)
        elf.byte_kinds()
        assert source.reads == []


def test_a_file_that_was_read_can_go_to_another_process() -> None:
    with FileSource(some_library()) as source:
        elf = read_elf(source)
    copy = pickle.loads(pickle.dumps(elf))
    assert copy.needed == elf.needed
    assert list(copy.symbols.exported()) == list(elf.symbols.exported())
    assert copy.byte_kinds() == elf.byte_kinds()
    assert copy.header.layout is elf.header.layout


def test_a_closed_source_is_not_asked_again() -> None:
    with FileSource(some_library()) as source:
        elf = read_elf(source)
    assert list(elf.symbols.exported())
    assert len(list(elf.sections)) > 5
    assert sum(elf.byte_kinds().values()) == elf.size
