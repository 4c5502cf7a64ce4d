"""What the reader says about images of mksquashfs equals what unsquashfs extracts: every path, kind, mode, time, owner, target, device and byte."""

from __future__ import annotations

import hashlib
import os
import random
import stat
import subprocess
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from inspector.formats.squashfs import InodeKind, SquashfsImage
from inspector.source import FileSource, SliceSource, Source
from tests.squashfs_images import Manifest, extract, make_squashfs, manifest_of_directory, need

pytestmark = pytest.mark.peer

COMPRESSORS = ["gzip", "xz", "zstd", "lz4", "lzma"]
APPIMAGES = Path(__file__).resolve().parents[2].parent / "shared" / "corpus" / "appimages"


def manifest_of_image(image: SquashfsImage) -> Manifest:
    found: Manifest = {}
    digests: dict[int, str] = {}
    walked = list(image.walk())
    for inode in image.read_order(inode for _, inode in walked):
        digest = hashlib.sha256()
        for offset in range(0, inode.size, 1 << 20):
            digest.update(inode.read_at(offset, 1 << 20))
        digests[inode.number] = digest.hexdigest()
    for path, inode in walked:
        size = inode.size if inode.is_file else 0
        digest_text = digests.get(inode.number, "") if inode.is_file else ""
        device = inode.device if inode.kind.value.endswith("device") else (0, 0)
        assert path not in found
        found[path] = (
            inode.kind.value,
            inode.mode,
            inode.mtime,
            inode.uid,
            inode.gid,
            size,
            inode.target,
            device,
            digest_text,
        )
    return found


def assert_same(source: Source, extracted: Path) -> SquashfsImage:
    image = SquashfsImage(source)
    ours, theirs = manifest_of_image(image), manifest_of_directory(extracted)
    if os.geteuid():  # unsquashfs gives an ordinary user's files no set-user-ID and no set-group-ID bit
        ours = {path: (kind, mode & 0o1777, *rest) for path, (kind, mode, *rest) in ours.items()}
    assert ours.keys() == theirs.keys()
    differing = {path: (ours[path], theirs[path]) for path in ours if ours[path] != theirs[path]}
    assert not differing
    return image


def fill(root: Path) -> None:
    """Something of everything that a SquashFS image can hold and an ordinary user can make."""
    randomness = random.Random(20240607)
    words = [randomness.randbytes(randomness.randrange(2, 9)) for _ in range(300)]

    def text(length: int) -> bytes:
        return b" ".join(randomness.choices(words, k=length // 3 + 1))[
            :length
        ]  # a word and its space have at least three bytes

    (root / "empty directory").mkdir(parents=True)
    (root / "deep" / "er" / "still").mkdir(parents=True)
    (root / "empty").write_bytes(b"")
    for size in (1, 4095, 4096, 4097, 8192, 131071, 131072, 131073, 300_000, 1 << 20, 2_500_001):
        (root / f"text-{size}").write_bytes(text(size))
        (root / "deep" / f"random-{size}").write_bytes(randomness.randbytes(size))
    for number in range(300):
        (root / "deep" / "er" / f"small-{number:03}.py").write_bytes(text(randomness.randrange(1, 900)))
    with (root / "sparse").open("wb") as stream:
        stream.write(b"start")
        stream.seek(3_000_000)
        stream.write(b"end")
    with (root / "hole at the end").open("wb") as stream:
        stream.write(text(200_000))
        stream.truncate(1_500_000)
    (root / "duplicate").write_bytes((root / "text-300000").read_bytes())
    os.link(root / "text-4097", root / "deep" / "hard link")
    (root / "link").symlink_to("deep/er")
    (root / "dangling").symlink_to("/no/such/" + "x" * 3000)
    os.link(root / "link", root / "hard linked link", follow_symlinks=False)
    (root / ("n" * 255)).write_bytes(b"long name")
    for name in (b"caf\xe9", b"new\nline", b"\x1b[31mred", b"\xff\xfe", "ünïcödé".encode(), b" ", b"-", b"back\\slash"):
        (root / os.fsdecode(name)).write_bytes(name)
    os.mkfifo(root / "fifo")
    modes = (0o4755, 0o2755, 0o1777, 0o7777, 0o600, 0o400)
    for mode in (*modes, 0o000) if os.geteuid() == 0 else modes:  # mksquashfs reads what its user may read
        path = root / f"mode-{mode:o}"
        path.write_bytes(b"mode %o" % mode)
        path.chmod(mode)
    if os.geteuid() == 0:
        os.mknod(root / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        os.mknod(root / "disk", 0o660 | stat.S_IFBLK, os.makedev(259, 70_000))
        os.mknod(root / "socket", 0o700 | stat.S_IFSOCK)
        (root / "owned").write_bytes(b"by somebody")
        os.chown(root / "owned", 1234, 70_000)
    for number, path in enumerate(sorted(root.rglob("*"))):
        os.utime(path, (1_000_000_000 + number, 1_000_000_000 + number), follow_symlinks=False)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree") / "content"
    fill(root)
    return root


@pytest.mark.parametrize("block_size", [4096, 131072, 1 << 20])
@pytest.mark.parametrize("compressor", COMPRESSORS)
def test_whole_tree(tree: Path, tmp_path: Path, compressor: str, block_size: int) -> None:
    path = make_squashfs(tree, tmp_path / "image", "-comp", compressor, "-b", str(block_size))
    with FileSource(path) as source:
        image = assert_same(source, extract(path, tmp_path / "extracted"))
        assert (image.superblock.compressor, image.superblock.block_size) == (compressor, block_size)


@pytest.mark.parametrize(
    "options",
    [
        ["-no-fragments"],
        ["-tailends"],
        ["-no-duplicates"],
        ["-no-sparse"],
        ["-noI"],
        ["-noD"],
        ["-noF"],
        ["-noI", "-noD", "-noF", "-noId", "-noX"],
        ["-no-exports"],
        ["-no-hardlinks"],
        ["-nopad"],
        ["-Xcompression-level", "1", "-Xwindow-size", "9", "-Xstrategy", "huffman_only,fixed"],
        ["-comp", "xz", "-Xbcj", "x86", "-Xdict-size", "50%"],
        ["-comp", "lz4", "-Xhc"],
        ["-comp", "zstd", "-Xcompression-level", "22", "-tailends", "-b", "1M"],
    ],
    ids=" ".join,
)
def test_features(tree: Path, tmp_path: Path, options: list[str]) -> None:
    path = make_squashfs(tree, tmp_path / "image", *options)
    with FileSource(path) as source:
        assert_same(source, extract(path, tmp_path / "extracted"))


@pytest.mark.parametrize("offset", [0, 1, 193_727, 193_728])
def test_image_behind_something_else(tree: Path, tmp_path: Path, offset: int) -> None:
    path = make_squashfs(tree, tmp_path / "plain", "-comp", "zstd")
    shifted = tmp_path / "shifted"
    shifted.write_bytes(os.urandom(offset) + path.read_bytes())
    with FileSource(shifted) as source:
        assert_same(SliceSource(source, offset), extract(path, tmp_path / "extracted"))
        if offset == 193_728:  # unsquashfs finds it there too
            assert_same(
                SliceSource(source, offset), extract(shifted, tmp_path / "extracted too", "-offset", str(offset))
            )


def test_random_ranges(tree: Path, tmp_path: Path) -> None:
    """Any range of any file, in any order, whatever the cache holds."""
    randomness = random.Random(7)
    for options in (["-comp", "xz"], ["-comp", "gzip", "-b", "4096"], ["-comp", "zstd", "-tailends", "-b", "1M"]):
        path = make_squashfs(tree, tmp_path / "image", *options)
        with FileSource(path) as source:
            image = SquashfsImage(source)
            files = [(inode, (tree / os.fsdecode(name)).read_bytes()) for name, inode in image.walk() if inode.is_file]
            for _ in range(1500):
                inode, content = randomness.choice(files)
                offset = randomness.randrange(len(content) + 2)
                length = randomness.choice([0, 1, 64, 5000, 140_000, 1 << 22])
                assert inode.read_at(offset, length) == content[offset : offset + length]


@pytest.mark.slow
def test_file_of_more_than_4_gib(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    with (root / "huge").open("wb") as stream:
        stream.write(b"first")
        stream.seek(5 * (1 << 30))
        stream.write(b"last")
    path = make_squashfs(root, tmp_path / "image", "-comp", "zstd", "-b", "128K")
    with FileSource(path) as source:
        image = SquashfsImage(source)
        huge = image.lookup(b"huge")
        assert huge is not None
        assert huge.size == 5 * (1 << 30) + 4
        assert huge.read_at(0, 10) == b"first" + bytes(5)
        assert huge.read_at(huge.size - 8, 100) == bytes(4) + b"last"
        assert huge.read_at(3 << 30, 300_000) == bytes(300_000)
        assert huge.stored_size < 1000
        assert huge.sparse_bytes > 5 * ((1 << 30) - (1 << 20))
        assert image.decoded_bytes <= 2 * 131_072


@pytest.mark.slow
def test_70000_files_in_one_directory(tmp_path: Path) -> None:
    root = tmp_path / "tree" / "many"
    root.mkdir(parents=True)
    for number in range(70_000):
        (root / f"file-{number}").touch()
    path = make_squashfs(root.parent, tmp_path / "image")
    with FileSource(path) as source:
        image = SquashfsImage(source)
        names = [name for name, _ in image.walk()]
        assert names == [b"", b"many", *sorted(b"many/file-%d" % number for number in range(70_000))]
        found = image.lookup(b"many/file-69999")
        assert found is not None
        assert found.is_file


def test_extended_attributes(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    wanted: dict[bytes, dict[bytes, bytes]] = {}
    for name, attributes in {
        "one": {"user.colour": b"blue"},
        "two": {"user.colour": b"blue", "user.empty": b"", "user.binary": bytes(range(256))},
        "same": {"user.colour": b"blue"},
        "large": {"user.large": b"L" * 3000},
        "large too": {"user.large": b"L" * 3000, "user.a": b"b"},
        "none": {},
    }.items():
        (root / name).write_bytes(b"content")
        for key, value in attributes.items():
            try:
                os.setxattr(root / name, key, value)
            except OSError as error:
                pytest.skip(f"the file system of {tmp_path} has no extended attributes: {error}")
        wanted[os.fsencode(name)] = {os.fsencode(key): value for key, value in attributes.items()}
    for options in ([], ["-noX"]):
        with FileSource(make_squashfs(root, tmp_path / "image", *options)) as source:
            image = SquashfsImage(source)
            assert {name: image.xattrs(inode) for name, inode in image.list_directory(image.root)} == wanted
            assert [found.name for found in image.table_ranges()][-1] == "xattr"
            assert image.table_ranges()[-1].end == image.superblock.bytes_used


def test_layout_accounts_for_every_byte(tree: Path, tmp_path: Path) -> None:
    """Tables and referenced data cover the whole image, without overlap: what a coverage map needs."""
    for options in (
        ["-comp", "zstd", "-Xcompression-level", "3"],
        ["-comp", "gzip", "-tailends"],
        ["-comp", "lz4"],
        ["-comp", "xz", "-no-fragments"],
    ):
        with FileSource(make_squashfs(tree, tmp_path / "image", *options)) as source:
            image = SquashfsImage(source)
            files = {inode.number: inode for _, inode in image.walk() if inode.is_file}
            tables = [(found.start, found.end) for found in image.table_ranges()]
            data = image.data_ranges(files.values())
            covered = sorted(tables + data)
            assert covered[0][0] == 0
            assert covered[-1][1] == image.superblock.bytes_used
            assert all(before[1] == after[0] for before, after in pairwise(covered))
            distinct = {inode.content_key: inode for inode in files.values()}
            stored = sum(inode.stored_size for key, inode in distinct.items() if key is not None)
            total = sum(end - start for start, end in data)
            assert abs(stored - total) <= len(files)  # each share of a fragment is rounded


def test_content_keys_are_those_of_equal_files(tree: Path, tmp_path: Path) -> None:
    with FileSource(make_squashfs(tree, tmp_path / "image", "-comp", "zstd")) as source:
        image = SquashfsImage(source)
        by_name = dict(image.walk())
        assert by_name[b"duplicate"].content_key == by_name[b"text-300000"].content_key
        assert by_name[b"duplicate"] is not by_name[b"text-300000"]
        assert by_name[b"deep/hard link"] is by_name[b"text-4097"]
        assert by_name[b"deep/hard link"].nlink == 2
        assert by_name[b"empty"].content_key is None
        by_key: dict[object, set[bytes]] = {}
        for inode in by_name.values():
            if inode.is_file and inode.content_key is not None:
                by_key.setdefault(inode.content_key, set()).add(inode.read_at(0, inode.size))
        assert all(len(contents) == 1 for contents in by_key.values())
        assert len(by_key) == len(set.union(*by_key.values()))  # mksquashfs stores equal content once


def test_sweep_decodes_every_fragment_once(tree: Path, tmp_path: Path) -> None:
    with FileSource(make_squashfs(tree, tmp_path / "image", "-comp", "gzip", "-b", "16K", "-tailends")) as source:
        image = SquashfsImage(source)
        files = [inode for _, inode in image.walk() if inode.is_file]
        random.Random(1).shuffle(files)
        tails = [inode for inode in files if inode.fragment_index is not None]
        ordered = list(image.read_order(tails))
        assert {inode.number for inode in ordered} == {inode.number for inode in tails}
        groups = [inode.fragment_index for inode in ordered]
        assert sum(before != after for before, after in pairwise(groups)) == len(set(groups)) - 1
        positions = [image.fragments[index].position for index in dict.fromkeys(groups) if index is not None]
        assert positions == sorted(positions)
        for inode in image.read_order(tails):
            start = inode.size - inode.tail_size
            assert len(inode.read_at(start, inode.tail_size)) == inode.tail_size
        assert len(image.fragments) > 5
        assert image.decoded_bytes <= len(image.fragments) * 16 * 1024


def test_sweep_that_is_given_up_leaves_nothing_behind(tree: Path, tmp_path: Path) -> None:
    def workers() -> int:
        return sum(thread.name == "squashfs-read-ahead" for thread in threading.enumerate())

    with FileSource(make_squashfs(tree, tmp_path / "image", "-comp", "xz", "-b", "64K", "-tailends")) as source:
        image = SquashfsImage(source)
        by_name = {name: inode for name, inode in image.walk() if inode.is_file}
        sweep = image.read_order(by_name.values())
        heads = [next(sweep).read_at(0, 5) for _ in range(200)]
        assert len(heads) == 200
        assert workers() > 0 or len(os.sched_getaffinity(0)) == 1
        sweep.close()
        end = time.monotonic() + 10
        while workers() and time.monotonic() < end:
            time.sleep(0.01)
        assert workers() == 0
        assert by_name[b"owned" if b"owned" in by_name else b"mode-600"].read_at(0, 2) in (b"by", b"mo")


def test_head_of_a_large_file_decodes_little(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    content = random.Random(3).randbytes(4096) * 1000
    (root / "large").write_bytes(content)
    for compressor, most in (("gzip", 8192), ("xz", 8192), ("zstd", 131_072)):
        with FileSource(make_squashfs(root, tmp_path / "image", "-comp", compressor, "-b", "1M")) as source:
            image = SquashfsImage(source)
            large = image.lookup(b"large")
            assert large is not None
            assert large.read_at(0, 4) == content[:4]
            assert 0 < image.decoded_bytes <= most
            assert large.read_at(100_000, 50_000) == content[100_000:150_000]
            assert image.decoded_bytes < 400_000
            assert large.read_at(0, large.size) == content


def test_superblock_facts_are_those_of_unsquashfs(tree: Path, tmp_path: Path) -> None:
    need("unsquashfs")
    path = make_squashfs(
        tree, tmp_path / "image", "-comp", "xz", "-Xbcj", "x86", "-b", "64K", "-mkfs-time", "1700000000"
    )
    shown = subprocess.run(["unsquashfs", "-stat", str(path)], capture_output=True, text=True, check=True).stdout
    with FileSource(path) as source:
        image = SquashfsImage(source)
        superblock = image.superblock
        assert image.compressor_options["filters"] == 1
        assert image.compressor_options["dictionary-size"] == 65536
    for line in (
        f"Filesystem size {superblock.bytes_used} bytes",
        f"Compression {superblock.compressor}",
        f"Block size {superblock.block_size}",
        f"Number of fragments {superblock.fragment_count}",
        f"Number of inodes {superblock.inode_count}",
        f"Number of ids {superblock.id_count}",
    ):
        assert line in shown, line
    assert superblock.mkfs_time == 1_700_000_000
    assert "exportable" in superblock.flag_names


@pytest.mark.parametrize(
    ("name", "offset", "compressor"),
    [
        ("Hello_World-x86_64.gzip.AppImage", 193_728, "gzip"),
        ("Hello_World-x86_64.xz.AppImage", 193_728, "xz"),
        ("Hello_World-x86_64.zstd.AppImage", 696_720, "zstd"),
        ("hello-static-runtime-x86_64.AppImage", 944_632, "zstd"),
    ],
)
def test_real_appimages(tmp_path: Path, name: str, offset: int, compressor: str) -> None:
    path = APPIMAGES / name
    if not path.is_file():
        pytest.skip(f"{name} is not here")
    with FileSource(path) as source:
        image = assert_same(SliceSource(source, offset), extract(path, tmp_path / "extracted", "-offset", str(offset)))
        assert image.superblock.compressor == compressor
        assert all(inode.kind in InodeKind for _, inode in image.walk())
