"""The same tree gives the same bytes, on any number of threads, in any order, in any process; in little memory; and a failure leaves no image."""

from __future__ import annotations

import errno
import io
import os
import random
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from inspector.errors import FormatError, LimitExceeded
from inspector.formats.squashfs import SquashfsImage
from inspector.formats.squashfs.entry import ImageEntry
from inspector.formats.squashfs.writer import write_image
from inspector.limits import MIB, Limits
from inspector.source import BytesSource
from tests.squashfs_readers import IS_ROOT
from tests.squashfs_trees import PatternSource, directory, file, mixed, noise, text, tree

CHECKOUT = Path(__file__).resolve().parents[2]
SEARCH_PATH = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")]))


def image_of(entries: tuple[ImageEntry, ...], **options: object) -> bytes:
    buffer = io.BytesIO()
    write_image(entries, buffer, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def workers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("squashfs-")]


@pytest.mark.parametrize("compressor", ["gzip", "xz", "zstd", "lz4"])
def test_number_of_threads_changes_nothing(compressor: str) -> None:
    one = image_of(mixed(), compressor=compressor, threads=1)
    assert image_of(mixed(), compressor=compressor, threads=1) == one
    for threads in (2, 3, 8):
        assert image_of(mixed(), compressor=compressor, threads=threads) == one
    assert not workers()


@pytest.mark.parametrize("name", ["hard links", "duplicates", "xattrs", "sparse", "many ids"])
def test_order_of_the_entries_changes_nothing(name: str) -> None:
    sample = tree(name)
    wanted = image_of(sample.entries, **sample.options)
    for seed in range(3):
        shuffled = random.Random(seed).sample(sample.entries, len(sample.entries))
        assert image_of(tuple(shuffled), **sample.options) == wanted


_PROGRAM = """
import hashlib, io
from inspector.formats.squashfs.writer import write_image
from tests.squashfs_trees import mixed, tree
digest = hashlib.sha256()
for sample in (tree("hard links"), tree("duplicates"), tree("xattrs")):
    buffer = io.BytesIO()
    write_image(sample.entries, buffer, **sample.options)
    digest.update(buffer.getvalue())
print(digest.hexdigest())
"""


def test_other_process_writes_the_same_bytes() -> None:
    digests = set()
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": SEARCH_PATH, "TZ": f"UTC+{seed}"}
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM], env=environment, capture_output=True, text=True, check=True
        )
        digests.add(done.stdout)
    here = sha256()
    for name in ("hard links", "duplicates", "xattrs"):
        here.update(image_of(tree(name).entries, **tree(name).options))
    assert digests == {here.hexdigest() + "\n"}


def test_time_of_the_image_is_the_one_that_was_given_and_stands_in_one_place() -> None:
    first, second = image_of(mixed(), mkfs_time=0), image_of(mixed(), mkfs_time=0x0102_0304)
    assert [at for at, pair in enumerate(zip(first, second, strict=True)) if pair[0] != pair[1]] == [8, 9, 10, 11]
    assert SquashfsImage(BytesSource(second)).superblock.mkfs_time == 0x0102_0304


def test_large_file_takes_little_memory(tmp_path: Path) -> None:
    """In a process of its own, whose peak is its own."""
    program = f"""
import resource
from inspector.formats.squashfs.writer import write_image
from tests.squashfs_trees import PatternSource, file
entries = [file(b"small", b"x" * 100_000)]
for size in (1 << 20, 300 << 20):
    with open({str(tmp_path / "image")!r}, "wb") as target:
        write_image([*entries, file(b"large", PatternSource(size))], target, compressor="zstd", level=1, threads=2)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    environment = {**os.environ, "PYTHONPATH": SEARCH_PATH}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    small, large = (int(line) * 1024 for line in done.stdout.split())
    assert large - small < 24 * MIB
    assert (tmp_path / "image").stat().st_size > 100 * MIB


class FullAfter(io.BytesIO):
    """A file whose disk is full after so many bytes."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, content: object) -> int:
        length = len(content)  # type: ignore[arg-type]
        if self.tell() + length > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(content)  # type: ignore[arg-type]


def test_full_disk_leaves_nothing_that_opens_as_an_image() -> None:
    whole = len(image_of(mixed(), compressor="gzip"))
    for room in (0, 95, 96, 5000, whole // 3, whole // 2, whole - 9000, whole - 4097, whole - 1):
        target = FullAfter(room)
        target.write(b"\xee" * min(room, 96))
        with pytest.raises(OSError, match="No space left"):
            write_image(mixed(), target, compressor="gzip", start=0, threads=2)
        assert not workers()
        with pytest.raises(FormatError):
            SquashfsImage(BytesSource(target.getvalue()))


@contextmanager
def small_disk(directory: Path) -> Iterator[Path]:
    if not IS_ROOT or sys.platform != "linux":
        pytest.skip("only root mounts a small disk, on Linux")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", directory], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no small disk can be mounted: {done.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", directory], check=True)


def test_really_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path) as disk:
        path = disk / "image"
        with pytest.raises(OSError, match="No space left"), path.open("wb") as target:
            write_image(mixed(), target, compressor="gzip")
        with pytest.raises(FormatError):
            SquashfsImage(BytesSource(path.read_bytes()))


def test_limit_of_the_file_size(tmp_path: Path) -> None:
    """EFBIG, from the kernel, in the middle of a write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    path = tmp_path / "image"
    with path.open("wb") as target:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
        try:
            with pytest.raises(OSError, match="File too large"):
                write_image(mixed(), target, compressor="gzip")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with pytest.raises(FormatError):
        SquashfsImage(BytesSource(path.read_bytes()))


class Broken:
    """A content that cannot be read from some byte on."""

    size = 3 * MIB

    def __init__(self, end: int, error: Exception | None) -> None:
        self._end = end
        self._error = error

    def read_at(self, offset: int, length: int) -> bytes:
        """See :class:`inspector.source.Source`."""
        if offset + length > self._end:
            if self._error is not None:
                raise self._error
            return bytes(max(self._end - offset, 0))
        return noise(length, offset)


@pytest.mark.parametrize("end", [0, 100, 2 * MIB])
@pytest.mark.parametrize("twin", [True, False])
def test_content_that_cannot_be_read_is_named(end: int, *, twin: bool) -> None:
    """Whether it is found while equal files are looked for, or while it is written."""
    others = (directory(b"d"), *((file(b"d/other", PatternSource(3 * MIB)),) if twin else ()))
    target = io.BytesIO()
    with pytest.raises(FormatError, match=r"b'd/broken': a block of nonsense"):
        write_image((*others, file(b"d/broken", Broken(end, FormatError("a block of nonsense", 77)))), target)
    with pytest.raises(FormatError, match=r"b'd/broken' has 3145728 bytes no longer"):
        write_image((*others, file(b"d/broken", Broken(end, None))), target, start=0)
    with pytest.raises(OSError, match="stale"):
        write_image((*others, file(b"d/broken", Broken(end, OSError(errno.ESTALE, "stale")))), target, start=0)
    assert not workers()
    with pytest.raises(FormatError):
        SquashfsImage(BytesSource(target.getvalue()))


def test_limits_are_held() -> None:
    many = tuple(file(b"%d" % number) for number in range(50))
    with pytest.raises(LimitExceeded, match="more than 20 names: the inodes limit"):
        image_of(many, limits=Limits(inodes=20))
    with pytest.raises(LimitExceeded, match="decoded_metadata limit"):
        image_of(many, limits=Limits(decoded_metadata=500))
    with pytest.raises(LimitExceeded, match="the path_length limit"):
        image_of((file(b"a" * 200),), limits=Limits(path_length=100))
    with pytest.raises(LimitExceeded, match="3 names deep: the path_depth limit"):
        image_of((directory(b"a"), directory(b"a/b"), file(b"a/b/c")), limits=Limits(path_depth=2))

    class Endless:
        size = 1 << 50

        def read_at(self, offset: int, length: int) -> bytes:
            return bytes(length)

    with pytest.raises(LimitExceeded, match="blocks; their sizes pass the decoded_metadata limit"):
        image_of((file(b"endless", Endless()),))


def test_progress_tells_of_every_mib() -> None:
    told: list[tuple[str, int | None]] = []
    steps: list[int] = []

    class Observer:
        def stage(self, text: str, total: int | None = None) -> None:
            told.append((text, total))

        def advance(self, steps_done: int = 1) -> None:
            steps.append(steps_done)

    entries = (
        file(b"large", PatternSource(7 * MIB + 5)),
        *(file(b"%d" % number, text(60_000, number)) for number in range(40)),
    )
    image_of(entries, compressor="lz4", progress=Observer())
    assert told == [("Writing the image", (7 * MIB + 5 + 40 * 60_000) // MIB)]
    assert sum(steps) == told[0][1]
