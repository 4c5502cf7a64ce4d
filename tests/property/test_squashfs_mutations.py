"""Damaged images: whatever the bytes are, only FormatError and its kinds leave the reader, soon, and with little memory."""

from __future__ import annotations

import random
import struct
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inspector.errors import FormatError
from inspector.formats.squashfs import SquashfsImage
from inspector.limits import Limits
from inspector.source import BytesSource
from tests.judged_time import assert_at_most
from tests.squashfs_images import (
    DIRECTORY,
    FILE,
    RAW_BLOCK,
    SYMLINK,
    deflate,
    directory_inode,
    file_inode,
    image,
    listing,
    long_file_inode,
    make_squashfs,
    symlink_inode,
)

LIMITS = Limits(decoded_data=32 << 20, decoded_metadata=8 << 20, inodes=10_000, xz_memory=8 << 20)
MUTANTS = 600


def small_image(*, compressed: bool) -> bytes:
    """A block, a sparse block, a fragment of two files, a link, a directory and xattrs in some 700 bytes."""
    block = deflate(bytes(range(256)) * 16)
    fragment = deflate(b"one" * 20 + b"two" * 30)
    data = block + fragment + b"raw"
    inodes, entries, offsets = b"", [], {}
    for name, kind, inode in (
        (b"block", FILE, long_file_inode(2, 3 * 4096, struct.pack("<III", len(block), 0, 0), xattr=0)),
        (b"link", SYMLINK, symlink_inode(3, b"block")),
        (b"one", FILE, file_inode(4, 60, fragment=0)),
        (b"raw", FILE, file_inode(5, 3, (RAW_BLOCK | 3,), start=96 + len(block) + len(fragment))),
        (b"two", FILE, file_inode(6, 90, fragment=0, offset=60)),
    ):
        offsets[name] = len(inodes)
        entries.append((name, len(inodes), offsets and len(entries) + 2, kind))
        inodes += inode
    inner = listing(*entries[:2])
    outer = listing(*entries[2:4], (b"sub", len(inodes), 7, DIRECTORY), entries[4])
    inodes += directory_inode(7, 0, len(inner))
    attributes = struct.pack("<HH", 0, 4) + b"name" + struct.pack("<I", 5) + b"value"
    return image(
        inodes + directory_inode(1, len(inner), len(outer)),
        inner + outer,
        root=len(inodes),
        data=data,
        fragments=((96 + len(block), len(fragment)),),
        compress=deflate if compressed else None,
        xattrs=(attributes, struct.pack("<QII", 0, 1, len(attributes))),
        inode_count=7,
    )


def exercise(content: bytes) -> int:
    """Read everything that an image offers; returns how many members could be listed."""
    try:
        squashfs = SquashfsImage(BytesSource(content), LIMITS)
        members = list(squashfs.walk(lambda path, error: None))
    except FormatError:
        return 0
    files = [inode for _, inode in members if inode.is_file]
    try:
        ordered = list(squashfs.read_order(files))
    except FormatError:
        ordered = files
    for inode in ordered:
        attempt(lambda inode=inode: inode.read_at(0, 64))
        attempt(lambda inode=inode: inode.read_at(inode.size // 2, 70_000))
        attempt(lambda inode=inode: inode.read_at(inode.size - 10, 20))
        attempt(lambda inode=inode: (inode.stored_size, inode.content_key, sum(1 for _ in inode.blocks())))
    for _, inode in members:
        attempt(lambda inode=inode: squashfs.xattrs(inode))
    attempt(lambda: sweep(squashfs, files))
    attempt(lambda: squashfs.data_ranges(files))
    attempt(squashfs.table_ranges)
    attempt(lambda: squashfs.lookup(b"sub/block"))
    attempt(lambda: list(squashfs.list_directory(squashfs.root)))
    attempt(lambda: squashfs.superblock.flag_names)
    return len(members)


def sweep(squashfs: SquashfsImage, files: list) -> None:
    for inode in squashfs.read_order(files):
        attempt(lambda inode=inode: inode.read_at(0, 100))


def attempt(action) -> None:
    what = "fine"
    try:
        action()
    except FormatError as error:
        what = error.what
    assert what
    assert "\n" not in what


SMALL = [small_image(compressed=False), small_image(compressed=True)]


def test_the_undamaged_images_are_read_completely() -> None:
    for content in SMALL:
        squashfs = SquashfsImage(BytesSource(content), LIMITS)
        members = dict(squashfs.walk())
        assert list(members) == [b"", b"one", b"raw", b"sub", b"sub/block", b"sub/link", b"two"]
        assert members[b"two"].read_at(0, 100) == b"two" * 30
        assert members[b"raw"].read_at(0, 100) == b"raw"
        assert members[b"sub/block"].read_at(4000, 200) == (bytes(range(256)) * 16)[4000:] + bytes(104)
        assert squashfs.xattrs(members[b"sub/block"]) == {b"user.name": b"value"}
        assert exercise(content) == 7


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(SMALL),
    st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.sampled_from([1, 2, 4, 8]), st.integers(0, (1 << 64) - 1)),
        max_size=4,
    ),
    st.integers(0, 40),
)
def test_replaced_numbers(content: bytes, edits: list[tuple[float, int, int]], cut: int) -> None:
    damaged = bytearray(content)
    for place, width, value in edits:
        at = int(place * len(damaged))
        damaged[at : at + width] = (value & (1 << 8 * width) - 1).to_bytes(width, "little")[: len(damaged) - at]
    exercise(bytes(damaged[: len(damaged) - cut] if cut > 30 else damaged))


@settings(max_examples=100)
@given(st.binary(max_size=300))
def test_any_bytes_behind_a_plausible_superblock(tail: bytes) -> None:
    exercise(SMALL[0][:96] + tail.ljust(len(SMALL[0]) - 96, b"\0"))
    exercise(tail)


def test_every_byte_of_an_image_of_uncompressed_metadata() -> None:
    """Each byte in turn becomes 0, 255 and one more; each 32-bit word the largest there is."""
    content = SMALL[0]
    slowest = 0.0
    for at in range(len(content)):
        for replacement in (b"\0", b"\xff", bytes([(content[at] + 1) % 256]), b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f"):
            damaged = content[:at] + replacement + content[at + len(replacement) :]
            start = time.monotonic()
            exercise(damaged[: len(content)])
            slowest = max(slowest, time.monotonic() - start)
    assert_at_most(2, slowest)


@pytest.mark.peer
@pytest.mark.parametrize(
    "options",
    [["-comp", "gzip"], ["-comp", "xz"], ["-comp", "zstd"], ["-noI", "-noD", "-noF", "-noId", "-noX"]],
    ids=" ".join,
)
def test_damaged_images_of_mksquashfs(tmp_path: Path, options: list[str]) -> None:
    randomness = random.Random(20260101)
    root = tmp_path / "tree"
    (root / "sub").mkdir(parents=True)
    for number in range(40):
        (root / "sub" / f"file-{number}").write_bytes(randomness.randbytes(50) * randomness.randrange(1, 200))
    (root / "large").write_bytes(randomness.randbytes(3000) * 20)
    (root / "link").symlink_to("large")
    content = make_squashfs(root, tmp_path / "image", "-b", "4096", "-nopad", *options).read_bytes()
    assert exercise(content) == 44
    metadata_start = struct.unpack_from("<Q", content, 64)[0]
    survivors = 0
    slowest = 0.0
    for _ in range(MUTANTS):
        damaged = bytearray(content)
        for _ in range(randomness.randrange(1, 4)):
            start = randomness.choice([0, metadata_start, metadata_start])
            at = randomness.randrange(start, 96 if not start else len(content))
            damaged[at] = randomness.choice(
                [0, 255, damaged[at] ^ 1 << randomness.randrange(8), randomness.randrange(256)]
            )
        began = time.monotonic()
        survivors += exercise(bytes(damaged)) > 0
        slowest = max(slowest, time.monotonic() - began)
    assert survivors > MUTANTS // 20
    assert_at_most(3, slowest)
