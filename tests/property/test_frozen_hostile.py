"""Frozen programs that somebody cut, flipped or lengthened: an artifact with problems, or a refusal; never another exception, never much memory."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.frozen.packed_resources import write
from inspector.artifact.opening import _open_file  # the way of every file, without writing one to disk for each example
from inspector.artifact.reader import Candidate
from inspector.errors import FormatError, NothingInspected
from inspector.formats.elf import read_elf
from inspector.formats.frozen_modules import read_frozen_tables
from inspector.formats.marshal_names import read_values
from inspector.limits import MIB, Limits
from inspector.source import BytesSource
from tests.formats.test_frozen_formats import FILES, MEMBERS, RESOURCES
from tests.frozen_archives import STARTER, nuitka_payload, nuitka_program, one_file

LIMITS = Limits(decoded_data=256 * MIB, inodes=10_000)
PROGRAMS = {
    "pyinstaller": one_file(MEMBERS),
    "nuitka-stream": nuitka_program(nuitka_payload(FILES, "stream", checksums=False), appended=True),
    "nuitka-archive": nuitka_program(nuitka_payload(FILES, "archive", checksums=True), appended=True),
    "nuitka-linked": nuitka_program(nuitka_payload(FILES, "stored", checksums=False), appended=False),
    "pyoxidizer": STARTER + write(RESOURCES) + b"more",
}
WORDS = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFF0)


def open_and_read(content: bytes) -> None:
    """All that an audit would read; FormatError and NothingInspected are the only words of refusal."""
    try:
        artifact = _open_file(Candidate("hello", BytesSource(content), LIMITS))
    except NothingInspected:
        return
    assert sum(artifact.byte_map.values()) == len(content)
    for node in artifact.tree:
        assert not node.path.startswith("/")
        assert ".." not in node.path.split("/")
        if node.is_file:
            try:
                node.read_at(0, min(node.size, MIB))
                node.read_at(max(node.size - 10, 0), 10)
            except FormatError:
                continue


@pytest.mark.parametrize("name", PROGRAMS)
def test_whole_program_reads(name: str) -> None:
    open_and_read(PROGRAMS[name])


@pytest.mark.parametrize("name", PROGRAMS)
def test_cut_at_every_64_bytes(name: str) -> None:
    content = PROGRAMS[name]
    for length in range(0, len(content), 64):
        if length:
            open_and_read(content[:length])


@pytest.mark.parametrize("name", PROGRAMS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_flipped_words(name: str, data: st.DataObject) -> None:
    content = bytearray(PROGRAMS[name])
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(len(STARTER), len(content) - 4))
        word = data.draw(st.sampled_from(WORDS) | st.integers(0, 0xFFFFFFFF))
        struct.pack_into(data.draw(st.sampled_from(["<I", ">I"])), content, place, word)
    open_and_read(bytes(content))


@settings(max_examples=300, deadline=None)
@given(content=st.binary(max_size=300))
def test_marshalled_noise(content: bytes) -> None:
    try:
        read_values(content)
    except FormatError:
        return


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_frozen_tables_in_a_damaged_program(data: st.DataObject) -> None:
    content = bytearray(STARTER + b"\0" * 64)
    for _ in range(data.draw(st.integers(0, 6))):
        struct.pack_into(
            "<Q", content, data.draw(st.integers(64, len(content) - 8)), data.draw(st.integers(0, 0x7FFFFF))
        )
    source = BytesSource(bytes(content))
    try:
        elf = read_elf(source, LIMITS)
        read_frozen_tables(source, elf, LIMITS)
    except FormatError:
        return


@pytest.mark.corpus
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_table_of_a_real_program(frozen_program: bytes, data: st.DataObject) -> None:
    content = bytearray(frozen_program)
    place = frozen_program.find(b"application\0package\0") - 4096
    for _ in range(4):
        at = data.draw(st.integers(place, place + 12_000))
        content[at] = data.draw(st.integers(0, 255))
    open_and_read(bytes(content))


@pytest.fixture(scope="module")
def frozen_program() -> bytes:
    import corpus

    try:
        path: Path = corpus.artifact("frozen/frozen-modules")
    except corpus.Unavailable as reason:
        pytest.skip(str(reason))
    return path.read_bytes()
