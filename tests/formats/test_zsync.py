"""formats/zsync.py against zsync 0.6.2 itself: the same bytes as zsyncmake, files that zsync fetches by, and nothing but FormatError for the rest."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.errors import FormatError
from inspector.formats import zsync
from inspector.formats.zsync import make_zsync, read_zsync, record_lengths
from inspector.source import BytesSource, FileSource

TIME = 1_700_000_000


def need(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed (Debian package zsync)")


def zsyncmake(path: Path, *options: str) -> bytes:
    need("zsyncmake")
    made = path.with_suffix(".made")
    subprocess.run(
        ["zsyncmake", "-u", path.name, "-o", str(made), *options, str(path)], check=True, capture_output=True
    )
    return made.read_bytes()


@pytest.mark.peer
@pytest.mark.parametrize("size", [1, 5, 255, 256, 2047, 2048, 2049, 4096, 65_536, 1_000_003, 3_000_000])
def test_the_same_bytes_as_zsyncmake(tmp_path: Path, size: int) -> None:
    path = tmp_path / "My App.bin"
    path.write_bytes(os.urandom(size))
    os.utime(path, (TIME, TIME))
    with FileSource(path) as source:
        assert make_zsync(source, path.name, path.name, mtime=TIME) == zsyncmake(path)


@pytest.mark.peer
@pytest.mark.parametrize("block_size", [256, 512, 1024, 8192, 65_536])
def test_other_block_sizes(tmp_path: Path, block_size: int) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\xff" * 100_000 + os.urandom(100_001) + bytes(70_000))
    os.utime(path, (TIME, TIME))
    with FileSource(path) as source:
        made = make_zsync(source, "x", "x", mtime=TIME, block_size=block_size)
    assert made == zsyncmake(path, "-b", str(block_size))
    assert read_zsync(made).block_size == block_size


@pytest.mark.peer
def test_zsync_fetches_only_what_changed(tmp_path: Path) -> None:
    """The client itself, with the new file behind a file URL it cannot reach: all blocks must come from the old file."""
    need("zsync")
    old = os.urandom(300_000)
    (tmp_path / "old").write_bytes(old)
    new = old[150_016:] + old[:150_016]
    new_path = tmp_path / "new"
    new_path.write_bytes(new[: 2048 * 140])
    with FileSource(new_path) as source:
        (tmp_path / "new.zsync").write_bytes(make_zsync(source, "fetched", "http://127.0.0.1:9/none", mtime=TIME))
    done = subprocess.run(
        ["zsync", "-q", "-i", "old", "-o", "fetched", "new.zsync"],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=False,
    )
    fetched = tmp_path / ("fetched" if done.returncode == 0 else "fetched.part")
    content = fetched.read_bytes()
    assert len(content) == 2048 * 140
    equal = sum(content[at : at + 2048] == new[at : at + 2048] for at in range(0, 2048 * 140, 2048))
    assert equal >= 138  # all but the blocks at the cut, which lie in no old file


@given(st.binary(min_size=1, max_size=3000), st.sampled_from([1, 2, 16, 256, 512, 2048, 4096]))
def test_the_sums_are_what_the_format_says(content: bytes, block_size: int) -> None:
    block = content[:block_size].ljust(block_size, b"\0")
    first = sum(block)
    second = sum((block_size - at) * byte for at, byte in enumerate(block))
    assert zsync._block_sums(memoryview(block)) == (first & 0xFFFF) << 16 | second & 0xFFFF


@pytest.mark.parametrize("byte", [0, 1, 127, 254, 255])
@pytest.mark.parametrize("block_size", [256, 2048, 65_536])
def test_the_sums_of_the_largest_blocks(byte: int, block_size: int) -> None:
    block = bytes([byte]) * block_size
    second = byte * block_size * (block_size + 1) // 2
    assert zsync._block_sums(memoryview(block)) == (byte * block_size & 0xFFFF) << 16 | second & 0xFFFF


def test_what_is_written_is_read() -> None:
    made = make_zsync(BytesSource(b"x" * 5000), "MyApp.AppImage", "https://example.org/a%20b", mtime=0)
    found = read_zsync(made)
    assert (found.filename, found.urls) == ("MyApp.AppImage", ("https://example.org/a%20b",))
    assert (found.length, found.block_size, found.matches) == (5000, 2048, 2)
    assert found.sha1 == hashlib.sha1(b"x" * 5000).hexdigest()
    assert found.fields["MTime"] == "Thu, 01 Jan 1970 00:00:00 +0000"
    assert len(found.records) == 3 * (found.sum_length + found.md4_length)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda made: made[:-1], "bytes of records"),
        (lambda made: made + b"x", "bytes of records"),
        (lambda made: made.replace(b"\n\n", b"\n", 1), "no empty line"),
        (lambda made: made.replace(b"Blocksize: 2048", b"Blocksize: 2047"), "power of two"),
        (lambda made: made.replace(b"Blocksize: 2048", b"Blocksize: 0"), "power of two"),
        (lambda made: made.replace(b"Length: 5000", b"Length: -1"), "no number"),
        (lambda made: made.replace(b"Length: 5000", b"Length: " + b"9" * 5000), "no number"),
        (lambda made: made.replace(b"Hash-Lengths: 2", b"Hash-Lengths: 9"), "out of bounds"),
        (lambda made: made.replace(b"URL: u", b"nonsense"), "no field"),
        (lambda made: made.replace(b"zsync: 0.6.2\n", b""), "does not begin"),
    ],
)
def test_damaged_files_are_refused(change: object, says: str) -> None:
    made = make_zsync(BytesSource(b"x" * 5000), "n", "u", mtime=0)
    with pytest.raises(FormatError, match=says):
        read_zsync(change(made))  # type: ignore[operator]


@given(st.binary(max_size=400))
def test_hostile_bytes_raise_nothing_else(content: bytes) -> None:
    for bytes_of_a_file in (content, b"zsync: 0.6.2\nBlocksize: 2048\nLength: 10\n" + content):
        with contextlib.suppress(FormatError):
            read_zsync(bytes_of_a_file)


def test_what_cannot_be_written() -> None:
    for name, url, block_size, content in (
        ("a\nURL: b", "u", 2048, b"x"),
        ("a", "u\n", 2048, b"x"),
        ("a", "u", 2000, b"x"),
        ("a", "u", 2048, b""),
    ):
        with pytest.raises(FormatError):
            make_zsync(BytesSource(content), name, url, mtime=0, block_size=block_size)


@pytest.mark.peer
@pytest.mark.parametrize("size", [99_999_999, 100_000_000])
def test_large_files_have_larger_blocks(tmp_path: Path, size: int) -> None:
    path = tmp_path / "x"
    with path.open("wb") as stream:
        stream.truncate(size)
    made = read_zsync(zsyncmake(path))
    assert (made.matches, made.sum_length, made.md4_length) == record_lengths(size, made.block_size)
    assert made.block_size == zsync._BLOCK_SIZES[size >= zsync._LARGE]
