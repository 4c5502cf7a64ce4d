"""Every byte of an ELF file is an attacker's: only the kinds of FormatError leave, in bounded time and memory."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspector.errors import FormatError, LimitExceeded, UnsupportedFormat
from inspector.formats.elf import ElfFile, official_appimage_offset, read_elf
from inspector.limits import KIB, MIB, Limits
from inspector.source import BytesSource
from tests.judged_time import assert_at_most

LIBRARY = """
#include <stdio.h>
__thread int counter = 3;
int exported_function(void) { return puts("hello") + counter; }
int exported_value = 42;
int *pointer = &exported_value;
"""


class LongFile:
    """A short head followed by zeros up to any size, which counts what is asked of it."""

    def __init__(self, head: bytes, size: int) -> None:
        self.head = head
        self.size = size
        self.bytes_read = 0

    def read_at(self, offset: int, length: int) -> bytes:
        length = max(0, min(length, self.size - offset))
        self.bytes_read += length
        return self.head[offset : offset + length].ljust(length, b"\0")


def use_everything(elf: ElfFile) -> None:
    """Ask all that can be asked of a file, and hold what must be true of any."""
    kinds = elf.byte_kinds()
    assert sum(kinds.values()) == elf.size
    assert min(kinds.values()) >= 0
    assert 0 < elf.image_end <= elf.size
    assert kinds["payload"] == elf.size - elf.image_end
    assert elf.section(".text") is None or elf.section(".text").name == ".text"
    assert len(list(elf.symbols.imported())) <= elf.symbols.count
    exported = list(elf.symbols.exported())
    assert len(exported) <= elf.symbols.count
    assert {symbol.name for symbol in exported} == elf.symbols.exported_names()
    assert {(symbol.name, symbol.version) for symbol in exported} == elf.symbols.exported_versions()
    elf.symbols.undefined_names()
    for need in elf.verneed[:4]:
        elf.symbols.names_with_version(need.index)
    for name in dir(type(elf)):
        if not name.startswith("_") and isinstance(getattr(type(elf), name), property):
            getattr(elf, name)


def survives(content: bytes) -> bool:
    """Whether the file could be read; anything but a FormatError fails the test."""
    source = BytesSource(content)
    try:
        elf = read_elf(source)
        use_everything(elf)
        read_elf(source, load_symbols=False, load_sections=False)
        official_appimage_offset(source)
    except FormatError:
        return False
    return True


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Small real files of several kinds; without a compiler only the interpreter's own would be left, so we skip."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    directory = tmp_path_factory.mktemp("seeds")
    (directory / "x.c").write_text(LIBRARY)
    variants = {
        "gnu": ["gcc", "-shared", "-fPIC", "-Wl,--hash-style=gnu", "-s"],
        "sysv": ["gcc", "-shared", "-fPIC", "-Wl,--hash-style=sysv", "-g"],
        "lld": ["gcc", "-shared", "-fPIC", "-fuse-ld=lld", "-s"],
        "object": ["gcc", "-c", "-g"],
        "i386": ["gcc", "-m32", "-shared", "-fPIC", "-s"],
        "s390x": ["s390x-linux-gnu-gcc", "-shared", "-fPIC", "-s", "-Wl,--hash-style=sysv"],
        "ppc64": ["powerpc64-linux-gnu-gcc", "-shared", "-fPIC", "-s"],
    }
    found = {}
    for name, command in variants.items():
        output = directory / name
        if shutil.which(command[0]) is None:
            continue
        done = subprocess.run([*command, "-o", output, directory / "x.c"], check=False, capture_output=True)
        if done.returncode == 0:
            found[name] = output.read_bytes()
    found["sectionless"] = without_sections(found["gnu"])
    return found


def without_sections(content: bytes) -> bytes:
    copy = bytearray(content)
    copy[40:48] = bytes(8)
    copy[60:64] = bytes(4)
    return bytes(copy)


INTERESTING = (
    0,
    1,
    2,
    3,
    7,
    0x7F,
    0xFF,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFE,
    0xFFFFFFFF,
    2**63,
    2**64 - 1,
    2**64 - 4096,
)


def regions(content: bytes) -> list[tuple[int, int]]:
    """Where the structures lie: header, program headers, dynamic tables, section headers."""
    elf = read_elf(BytesSource(content))
    header = elf.header
    found = [(0, header.size), (header.phoff, header.phoff + len(elf.segments) * header.phentsize)]
    found += [(s.offset, s.end) for s in elf.segments if s.type in {2, 4} and s.filesz]
    found += [(start, start + size) for start, size, _ in elf.dynamic_ranges]
    names = {".dynsym", ".dynstr", ".gnu.version", ".gnu.version_r", ".gnu.version_d", ".hash", ".gnu.hash"}
    found += [(s.offset, s.offset + s.size) for s in elf.sections if s.name in names]
    if header.shoff:
        found.append((header.shoff, len(content)))
    return [(start, min(end, len(content))) for start, end in found if start < min(end, len(content))]


def mutate(content: bytes, places: list[tuple[int, int]], randomness: random.Random) -> bytes:
    copy = bytearray(content)
    for _ in range(randomness.choice((1, 1, 2, 3, 8, 40))):
        start, end = randomness.choice(places)
        at = randomness.randrange(start, end)
        width = randomness.choice((1, 2, 4, 8))
        number = randomness.choice(
            (randomness.choice(INTERESTING), randomness.randrange(len(copy)), randomness.getrandbits(64))
        )
        value = (number & (1 << 8 * width) - 1).to_bytes(width, randomness.choice(("little", "big")))
        copy[at : at + width] = value
    if randomness.random() < 0.1:
        del copy[randomness.randrange(len(copy)) :]
    return bytes(copy)


def test_mutated_files(seeds: dict[str, bytes]) -> None:
    randomness = random.Random(20261121)
    for name, content in seeds.items():
        assert survives(content), name
        places = regions(content)
        read, slowest = 0, 0.0
        for _ in range(1500):
            mutant = mutate(content, places, randomness)
            started = time.process_time()
            read += survives(mutant)
            slowest = max(slowest, time.process_time() - started)
        assert read > 750, f"{name}: most mutants must still be readable, or the test shows little"
        assert_at_most(2, slowest)


def test_every_truncation(seeds: dict[str, bytes]) -> None:
    for name in ("gnu", "sectionless", "i386"):
        content = seeds.get(name, seeds["gnu"])
        for length in [*range(0, 700, 3), *range(700, len(content), 251)]:
            survives(content[:length])


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_hypothesis_finds_no_other_exception(seeds: dict[str, bytes], data: st.DataObject) -> None:
    content = bytearray(seeds[data.draw(st.sampled_from(sorted(seeds)))])
    for start, value in data.draw(
        st.lists(
            st.tuples(st.integers(0, len(content) - 1), st.binary(min_size=1, max_size=16)), min_size=1, max_size=6
        )
    ):
        content[start : start + len(value)] = value
    survives(bytes(content))


@given(st.binary(max_size=400))
def test_bytes_behind_the_magic(tail: bytes) -> None:
    for kind in (b"\1\1", b"\1\2", b"\2\1", b"\2\2"):
        survives(b"\x7fELF" + kind + tail)


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"", FormatError), (b"\x7fELF", FormatError), (b"MZ" + bytes(100), FormatError), (b"\x7fELF\2\1" + bytes(20), FormatError),
     (b"\x7fELF\3\1" + bytes(100), UnsupportedFormat), (b"\x7fELF\2\0" + bytes(100), UnsupportedFormat)],
)  # fmt: skip
def test_what_cannot_be_read_at_all(content: bytes, kind: type[FormatError]) -> None:
    with pytest.raises(kind):
        read_elf(BytesSource(content))


# -- hand-made files that claim what they do not have

DYNAMIC_AT, TABLES_AT = 4096, 8192


def claim(dynamic: list[tuple[int, int]], tables: bytes, size: int) -> bytes:
    """A 64-bit library of ``size`` bytes in one PT_LOAD: a dynamic section, and ``tables`` at byte 8192."""
    header = b"\x7fELF\2\1\1".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0
    )
    entries = b"".join(struct.pack("<QQ", *entry) for entry in [*dynamic, (0, 0)])
    segments = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, size, size, 4096)
    segments += struct.pack("<IIQQQQQQ", 2, 4, DYNAMIC_AT, DYNAMIC_AT, 0, len(entries), len(entries), 8)
    return (header + segments).ljust(DYNAMIC_AT, b"\0") + entries.ljust(TABLES_AT - DYNAMIC_AT, b"\0") + tables


def bounded(action: Callable[[], object], memory: int, seconds: float = 3.0) -> None:
    """Run with a bound on the most memory that Python holds at a time, and on the processor's time."""
    tracemalloc.start()
    started = time.process_time()
    try:
        action()
    except FormatError:
        pass
    finally:
        spent = time.process_time() - started
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < memory
    assert_at_most(seconds, spent)


STRTAB, SYMTAB, STRSZ, HASH, GNU_HASH, NEEDED, VERNEED = 5, 6, 10, 4, 0x6FFFFEF5, 1, 0x6FFFFFFE


def test_a_size_that_is_claimed_is_not_allocated() -> None:
    content = claim(
        [(STRTAB, TABLES_AT), (STRSZ, 2**62), (SYMTAB, TABLES_AT), (HASH, TABLES_AT), (NEEDED, 1)],
        struct.pack("<II", 1, 0xFFFFFFFF) + bytes(100),
        2**62,
    )
    bounded(lambda: use_everything(read_elf(BytesSource(content))), MIB)


@pytest.mark.parametrize(("field", "value"), [(56, 0xFFFF), (60, 0xFFFF), (58, 0xFFFF)])
def test_a_terabyte_of_zeros_costs_no_more_than_the_limit(field: int, value: int) -> None:
    tables = struct.pack("<II", 1, 0xFFFFFFFF)
    head = bytearray(
        claim([(STRTAB, TABLES_AT), (STRSZ, 2**39), (SYMTAB, TABLES_AT + 4096), (HASH, TABLES_AT)], tables, 2**40)
    )
    struct.pack_into("<Q", head, 40, 2**30)
    struct.pack_into("<H", head, 58, 64)
    struct.pack_into("<H", head, field, value)
    source = LongFile(bytes(head), 2**40)
    limits = Limits(elf_tables=8 * MIB)
    bounded(lambda: read_elf(source, limits), 40 * MIB)
    assert source.bytes_read <= 9 * MIB


def test_the_limit_is_named() -> None:
    head = claim(
        [(STRTAB, TABLES_AT), (STRSZ, 2**39), (SYMTAB, TABLES_AT + 4096), (HASH, TABLES_AT)],
        struct.pack("<II", 1, 10_000_000),
        2**40,
    )
    with pytest.raises(LimitExceeded, match="elf_tables"):
        read_elf(LongFile(head, 2**40), Limits(elf_tables=MIB))


def test_a_long_name_that_many_rows_share_from_the_middle() -> None:
    # 4,000 needed libraries, each a suffix of one string of 2 MiB: 8 GB of text out of a file of 2 MB
    string = b"x" * (2 * MIB) + b"\0"
    needed = [(NEEDED, number) for number in range(200)]
    content = claim([(STRTAB, TABLES_AT), (STRSZ, len(string)), *needed], string, TABLES_AT + len(string))
    with pytest.raises(LimitExceeded, match="elf_tables"):
        read_elf(BytesSource(content), Limits(elf_tables=8 * MIB))
    bounded(lambda: read_elf(BytesSource(content), Limits(elf_tables=8 * MIB)), 40 * MIB)


def test_symbols_that_share_a_long_name() -> None:
    string = b"\0" + b"x" * (2 * MIB) + b"\0"
    count = 5_000
    rows = b"".join(struct.pack("<IBBHQQ", 1 + number, 0x12, 0, 1, 8, 8) for number in range(count))
    tables = struct.pack("<II", 1, count) + bytes(8) + rows + string
    strings_at = TABLES_AT + 16 + len(rows)
    content = claim(
        [(STRTAB, strings_at), (STRSZ, len(string)), (SYMTAB, TABLES_AT + 16), (HASH, TABLES_AT)],
        tables,
        TABLES_AT + len(tables),
    )
    elf = read_elf(BytesSource(content), Limits(elf_tables=8 * MIB))
    assert elf.symbols.count == count
    for ask in (elf.symbols.exported_names, elf.symbols.exported_versions, lambda: list(elf.symbols.exported())):
        with pytest.raises(LimitExceeded, match="elf_tables"):
            ask()


def test_version_chains_that_share_their_rows() -> None:
    # n rows of Verneed side by side, each with a chain through the same n rows: n squared
    size = 256 * KIB
    rows = b"".join(struct.pack("<HHIII", 1, 0xFFFF, 0, 16, 16) for _ in range(size // 16))
    content = claim([(STRTAB, TABLES_AT), (STRSZ, 16), (VERNEED, TABLES_AT)], rows, TABLES_AT + len(rows))
    bounded(lambda: read_elf(BytesSource(content)), 32 * MIB)
    assert any("shared" in defect or "runs out" in defect for defect in read_elf(BytesSource(content)).defects)


def test_a_chain_that_does_not_end() -> None:
    buckets = struct.pack("<IIII", 1, 1, 1, 0) + bytes(8) + struct.pack("<I", 1)
    content = claim(
        [(STRTAB, TABLES_AT), (STRSZ, 1), (SYMTAB, TABLES_AT), (GNU_HASH, TABLES_AT)],
        buckets + bytes(MIB),
        TABLES_AT + MIB,
    )
    bounded(lambda: use_everything(read_elf(BytesSource(content))), 32 * MIB)


def test_section_names_out_of_one_long_string() -> None:
    count, stride = 60_000, 64
    name_bytes = 4 * MIB
    names_at = 4096
    headers_at = names_at + name_bytes
    row = [struct.pack("<IIQQQQIIQQ", number, 1, 0, 0, number, 1, 0, 0, 1, 0) for number in range(count)]
    row[1] = struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, names_at, name_bytes, 0, 0, 1, 0)
    header = b"\x7fELF\2\1\1".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, headers_at, 0, 64, 0, 0, stride, count, 1
    )
    content = header.ljust(names_at, b"\0") + b"y" * name_bytes + b"".join(row)
    elf = read_elf(BytesSource(content))
    bounded(lambda: [section.name for section in elf.sections], 100 * MIB)
    assert max(len(section.name) for section in elf.sections) == 255
    bounded(elf.byte_kinds, 100 * MIB, seconds=8.0)  # tracing memory makes it three times as slow


@pytest.mark.parametrize("depth", [100_000, 60_000 // 2])
def test_deep_json_in_a_note(depth: int) -> None:
    descriptor = b"[" * depth
    note = struct.pack("<III", 4, len(descriptor), 0x407C0C0A) + b"FDO\0" + descriptor
    content = bytearray(claim([], note, TABLES_AT + len(note)))
    struct.pack_into("<IIQQQQQQ", content, 64 + 56, 4, 4, TABLES_AT, TABLES_AT, 0, len(note), len(note), 4)
    elf = read_elf(BytesSource(bytes(content)))
    assert elf.notes.dlopen == ()
    assert any(".note.dlopen" in defect for defect in elf.defects)


def test_a_source_that_ends_early() -> None:
    """A file that shrinks while it is read gives fewer bytes than its size says."""

    class Shrinking(BytesSource):
        end = 0

        def read_at(self, offset: int, length: int) -> bytes:
            return super().read_at(offset, length)[: max(0, self.end - offset)]

    compiler = shutil.which("gcc")
    library = Path("/lib64/ld-linux-x86-64.so.2")
    if compiler is None and not library.exists():
        pytest.skip("no ELF file here")
    content = library.read_bytes() if library.exists() else Path(str(compiler)).read_bytes()
    source = Shrinking(content)
    for source.end in (*range(64, 12_000, 101), *range(12_000, len(content), 9_973)):
        elf = read_elf(source)
        assert elf.defects
        use_everything(elf)


def program_headers(rows: list[tuple[int, int, int]]) -> bytes:
    """A file of nothing but a header and segments (type, offset, size)."""
    header = b"\x7fELF\2\1\1".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, len(rows), 0, 0, 0
    )
    return header + b"".join(struct.pack("<IIQQQQQQ", kind, 4, at, at, 0, size, size, 4) for kind, at, size in rows)


def test_as_many_segments_as_a_header_can_count() -> None:
    load, note, gnu_property = 1, 4, 0x6474E553
    for kinds in ((note, gnu_property), (load, load), (note, note)):
        rows = [(kinds[number % 2], number * 32768, 16) for number in range(65_534)]
        source = LongFile(program_headers(rows), 2**32)
        bounded(lambda source=source: read_elf(source), 120 * MIB, seconds=8.0)  # type: ignore[misc]
        assert source.bytes_read < 8 * MIB


def test_versions_without_names_of_a_library_with_a_long_name() -> None:
    string = b"\0" + b"x" * MIB + b"\0"
    count = 60_000
    rows = struct.pack("<HHIII", 1, count, 1, 16, 0) + struct.pack("<IHHII", 0, 0, 2, 0xFFFFFFF0, 16) * count
    tables = rows + string
    content = claim(
        [(STRTAB, TABLES_AT + len(rows)), (STRSZ, len(string)), (VERNEED, TABLES_AT)], tables, TABLES_AT + len(tables)
    )
    bounded(lambda: read_elf(BytesSource(content)), 32 * MIB)
    (defect,) = read_elf(BytesSource(content)).defects
    assert len(defect) < 200


def test_a_hash_chain_through_a_gigabyte() -> None:
    buckets = struct.pack("<IIII", 1, 1, 1, 0) + bytes(8) + struct.pack("<I", 1)
    size = 2**30
    head = claim([(STRTAB, TABLES_AT), (STRSZ, 1), (SYMTAB, TABLES_AT), (GNU_HASH, TABLES_AT)], buckets, size)
    started = time.process_time()
    with pytest.raises(LimitExceeded, match="elf_tables"):
        read_elf(LongFile(head, size), Limits(elf_tables=64 * MIB))
    assert_at_most(8, time.process_time() - started)
