"""Strip on files of any shape, and on broken ones: the same memory, nothing left for a second strip, only FormatError kinds and refusals."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.errors import FormatError
from inspector.formats.elf import read_elf
from inspector.formats.elf.debug_split import split_debug
from inspector.formats.elf.runpath import remove_search_path, set_search_path
from inspector.formats.elf.strip import strip_elf
from inspector.limits import MIB
from inspector.source import BytesSource
from tests.judged_time import assert_at_most
from tests.property.test_elf_hostile import INTERESTING, regions
from tests.sectioned_elf import Load, SectionedElf, mapped

LOADS = st.builds(
    Load, size=st.integers(0, 9000), flags=st.sampled_from((4, 5, 6, 7)), bss=st.sampled_from((0, 0, 3, 20_000)),
    unused_before=st.sampled_from((0, 0, 1, 5000, 70_000)),
)  # fmt: skip
FILES = st.builds(
    SectionedElf,
    bits=st.sampled_from((32, 64)),
    endian=st.sampled_from(("little", "big")),
    machine=st.sampled_from((62, 183, 40, 22, 8, 243, 0x7777)),
    type=st.sampled_from((2, 3)),
    align=st.sampled_from((1, 8, 4096, 16_384, 65_536)),
    loads=st.lists(LOADS, min_size=1, max_size=5).map(tuple),
    symbols=st.one_of(st.none(), st.integers(0, 300)),
    debug=st.sampled_from((0, 1, 9000, 200_000)),
    between=st.sampled_from((0, 7, 5000, 150_000)),
    kept=st.dictionaries(
        st.sampled_from((".comment", ".note.x", "mine", ".rustc")),
        st.integers(0, 50).map(lambda size: b"k" * size),  # no marks, which hypothesis knows from the source
        max_size=4,
    ),
    payload=st.sampled_from((b"", b"\0", b"\xee" * 5000)),
)


@settings(max_examples=150)
@given(FILES)
def test_files_of_any_shape(file: SectionedElf) -> None:
    content = file.build()
    elf = read_elf(BytesSource(content))
    outcome = strip_elf(content, elf)
    assert outcome.left != "doubt", outcome.reason
    if outcome.content is None:
        assert outcome.left == "smallest" or "offset" in str(outcome.reason) or elf.is_separate_debug
        return
    new = outcome.content.content()
    assert len(content) - len(new) == outcome.bytes_saved > 0
    assert strip_elf(content, elf).content.content() == new  # type: ignore[union-attr]
    afresh = read_elf(BytesSource(new))
    assert strip_elf(new, afresh).left == "smallest"
    before, after = mapped(content), mapped(new)
    assert (before.segments, before.memory) == (after.segments, after.memory)
    assert new.endswith(file.payload)
    for name, data in file.kept.items():
        section = afresh.section(name)
        assert section is not None
        assert new[section.offset : section.offset + section.size] == data
    names = {section.name for section in afresh.sections}
    assert not names & {".symtab", ".strtab", ".debug_info", ".debug_abbrev"} or file.between
    if file.debug == 200_000:
        assert outcome.bytes_saved > 190_000


@settings(max_examples=60)
@given(FILES)
def test_what_is_taken_away_can_be_kept(file: SectionedElf) -> None:
    content = file.build()
    elf = read_elf(BytesSource(content))
    outcome = split_debug(content, elf, "usr/lib/x.so")
    if outcome.debug is None:
        assert outcome.stripped.content is None or not outcome.stripped.removed
        return
    assert outcome.path == f".build-id/00/{bytes(range(1, 20)).hex()}.debug"
    debug = read_elf(outcome.debug)
    assert debug.is_separate_debug
    assert debug.build_id == elf.build_id
    for name, _ in outcome.stripped.removed:
        old, new = elf.section(name), debug.section(name)
        assert old is not None
        assert new is not None
        assert outcome.debug.read_at(new.offset, new.size) == content[old.offset : old.offset + old.size]


def survives(content: bytes) -> bool:
    """Whether strip made something of it; what it made is the same memory, and what it did not make has a reason."""
    try:
        elf = read_elf(BytesSource(content))
    except FormatError:
        return False
    try:
        outcome = strip_elf(content, elf)
        split = split_debug(content, elf, "x")
        for edit in (set_search_path(content, elf, "runpath", "$ORIGIN"), remove_search_path(content, elf, "rpath")):
            assert edit is None or edit.size == len(content)
    except FormatError:
        return False
    assert (split.stripped.content is None) == (outcome.content is None) or split.stripped.left == "doubt"
    if outcome.content is None:
        assert outcome.left is not None
        assert outcome.reason
        return False
    new = outcome.content.content()
    assert len(new) < len(content)
    before, after = mapped(content), mapped(new)
    assert (before.segments, before.memory) == (after.segments, after.memory)
    assert strip_elf(new, read_elf(BytesSource(new))).left != "doubt"
    return True


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Small files with debug information, made by hand and, where there is a compiler, by it."""
    found = {
        "by hand": SectionedElf(between=9000, payload=b"end").build(),
        "by hand, 32 bits, big": SectionedElf(
            bits=32, endian="big", machine=8, loads=(Load(40, 5), Load(9, 6, 60))
        ).build(),
    }
    if shutil.which("gcc") is not None:
        path: Path = tmp_path_factory.mktemp("seeds") / "library.so"
        subprocess.run(
            ["gcc", "-x", "c", "-", "-g", "-shared", "-fPIC", "-Wl,-rpath,/opt/somewhere", "-o", path],
            input="__thread int t = 1; int f(void) { return t++; }", text=True, check=True,
        )  # fmt: skip
        found["gcc"] = path.read_bytes()
    return found


def section_fields(content: bytes) -> list[tuple[int, int]]:
    header = read_elf(BytesSource(content)).header
    return [
        (header.shoff, header.shoff + header.shnum * header.shentsize),
        (header.phoff, header.phoff + header.phnum * header.phentsize),
    ]


def test_mutated_files(seeds: dict[str, bytes]) -> None:
    randomness = random.Random(4)
    for name, content in seeds.items():
        assert survives(content), name
        places = regions(content) + 3 * section_fields(content)
        stripped, slowest = 0, 0.0
        for _ in range(500):
            copy = bytearray(content)
            for _ in range(randomness.choice((1, 1, 1, 2, 4, 20))):
                start, end = randomness.choice(places)
                at, width = randomness.randrange(start, end), randomness.choice((1, 2, 4, 8))
                number = randomness.choice(
                    (randomness.choice(INTERESTING), randomness.randrange(len(copy)), randomness.getrandbits(64))
                )
                copy[at : at + width] = (number & (1 << 8 * width) - 1).to_bytes(
                    width, randomness.choice(("little", "big"))
                )
            if randomness.random() < 0.1:
                del copy[randomness.randrange(len(copy)) :]
            started = time.process_time()
            stripped += survives(bytes(copy))
            slowest = max(slowest, time.process_time() - started)
        assert stripped > 30, f"{name}: enough mutants must still be stripped, or the test shows little"
        assert_at_most(2, slowest)


@settings(max_examples=200)
@given(data=st.data())
def test_hypothesis_finds_no_other_exception(seeds: dict[str, bytes], data: st.DataObject) -> None:
    content = bytearray(seeds[data.draw(st.sampled_from(sorted(seeds)))])
    places = section_fields(bytes(content))
    for _ in range(data.draw(st.integers(1, 4))):
        start, end = data.draw(st.sampled_from(places))
        at, value = data.draw(st.integers(start, end - 1)), data.draw(st.binary(min_size=1, max_size=8))
        content[at : at + len(value)] = value
    survives(bytes(content))


def test_many_equal_sections_cost_no_square() -> None:
    """20,000 sections that stay, all of one name, size and content."""
    content = bytearray(SectionedElf(kept={".comment": b"x" * 8}).build())
    header = read_elf(BytesSource(bytes(content))).header
    table = bytes(content[header.shoff : header.shoff + header.shnum * 64])
    rows = [table[at : at + 64] for at in range(0, len(table), 64)]
    comment = rows[6]
    many = [*rows[:-1], *[comment] * 20_000, rows[-1]]
    struct.pack_into("<Q", content, 40, len(content))
    struct.pack_into("<HH", content, 60, len(many), len(many) - 1)
    started = time.process_time()
    survives(bytes(content) + b"".join(many))
    assert_at_most(8, time.process_time() - started)


def test_huge_claims_allocate_nothing() -> None:
    """Gaps of zeros and alignments of gigabytes are pieces without bytes."""
    import tracemalloc

    file = SectionedElf(between=20 * MIB, align=0x40000000)
    content = file.build()
    elf = read_elf(BytesSource(content))
    tracemalloc.start()
    try:
        strip_elf(content, elf)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * MIB
