"""What an image has already compressed is copied into the next one, and nothing else of it."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import asdict, replace

from inspector.errors import FormatError
from inspector.formats.squashfs import Inode, InodeKind, SquashfsImage
from inspector.formats.squashfs.entry import ImageEntry
from inspector.formats.squashfs.image_settings import settings_of
from inspector.formats.squashfs.layout import merge_ranges
from inspector.formats.squashfs.writer import WrittenImage, write_image
from inspector.source import BytesSource, FileSource
from tests.squashfs_images import (
    FILE,
    RAW_BLOCK,
    directory_inode,
    extract,
    file_inode,
    listing,
    make_squashfs,
    manifest_of_directory,
)
from tests.squashfs_images import image as handmade
from tests.squashfs_trees import directory, file, mixed, noise, text

VARIANTS = [
    ["-comp", "gzip"],
    ["-comp", "gzip", "-Xcompression-level", "2"],
    ["-comp", "xz"],
    ["-comp", "xz", "-Xbcj", "x86"],
    ["-comp", "zstd", "-Xcompression-level", "3"],
    ["-comp", "lz4", "-Xhc"],
    ["-comp", "gzip", "-b", "4096"],
    ["-comp", "gzip", "-b", "4096", "-tailends"],
    ["-comp", "zstd", "-b", "1M", "-Xcompression-level", "1"],
    ["-comp", "gzip", "-no-fragments"],
    ["-comp", "gzip", "-no-duplicates"],
    ["-comp", "gzip", "-no-sparse"],
    ["-comp", "gzip", "-noD", "-noF"],
    ["-comp", "gzip", "-noI", "-noD", "-noF", "-noId", "-noX"],
]


def sample() -> tuple[ImageEntry, ...]:
    same = text(40_000, 3)
    return (
        *mixed(),
        directory(b"more"),
        file(b"more/sparse", text(5000) + bytes(500_000) + text(5000, 1)),
        file(b"more/same", same),
        file(b"more/same again", same),
        file(b"more/linked", text(70_000, 5), link_group="linked"),
        file(b"more/linked too", text(70_000, 5), link_group="linked"),
        *(file(b"more/tiny %02d" % number, b"%02d" % number) for number in range(40)),
    )


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample as a directory."""
    directory_path = tmp_path_factory.mktemp("sample")
    (directory_path / "image").write_bytes(build(sample(), compressor="lz4")[0])
    return extract(directory_path / "image", directory_path / "tree")


@contextmanager
def opened(path: Path) -> Iterator[SquashfsImage]:
    with FileSource(path) as source:
        yield SquashfsImage(source)


def entries_of(image: SquashfsImage) -> list[ImageEntry]:
    """Everything in an image as entries for another one."""
    return [
        ImageEntry(
            path,
            inode.kind,
            inode.mode,
            inode.uid,
            inode.gid,
            inode.mtime,
            inode if inode.is_file else None,
            inode.target,
            inode.device,
            image.xattrs(inode),
            None if inode.kind is InodeKind.DIRECTORY else inode.number,
        )
        for path, inode in image.walk()
    ]


def build(entries: Iterable[ImageEntry], **options: object) -> tuple[bytes, WrittenImage]:
    buffer = io.BytesIO()
    written = write_image(entries, buffer, **options)  # type: ignore[arg-type]
    return buffer.getvalue(), written


def contents(image: SquashfsImage) -> dict[bytes, str]:
    return {path: sha256(inode.read_at(0, inode.size)).hexdigest() for path, inode in image.walk() if inode.is_file}


def assert_fragments_are_used_to_the_last_byte(image: SquashfsImage) -> None:
    """No byte of a file that is not in the tree is left in a fragment."""
    parts: dict[int, list[tuple[int, int]]] = {}
    for _, inode in image.walk():
        if inode.fragment_index is not None:
            part = (inode.fragment_offset, inode.fragment_offset + inode.tail_size)
            parts.setdefault(inode.fragment_index, []).append(part)
    assert sorted(parts) == list(range(len(image.fragments)))
    for index, ranges in parts.items():
        fragment = image.fragments[index]
        content = image._blocks.read(fragment.position, fragment.stored, raw=fragment.raw, start=0, end=1 << 20)
        assert merge_ranges(ranges) == [(0, len(content))]


def assert_no_byte_is_left_over(image: SquashfsImage) -> None:
    """Every byte of the image belongs to a table or to the content of a file."""
    inodes = [inode for _, inode in image.walk() if inode.is_file]
    tables = [(table.start, table.end) for table in image.table_ranges()]
    assert merge_ranges(tables + image.data_ranges(inodes)) == [(0, image.superblock.bytes_used)]


@pytest.mark.peer
@pytest.mark.parametrize("options", VARIANTS, ids=" ".join)
def test_unchanged_image_is_copied_as_a_whole(on_disk: Path, tmp_path: Path, options: list[str]) -> None:
    with opened(make_squashfs(on_disk, tmp_path / "old", *options)) as old:
        inodes = [inode for _, inode in old.walk() if inode.is_file]
        deduplicate = "-no-duplicates" not in options
        content, written = build(entries_of(old), **asdict(settings_of(old)), deduplicate=deduplicate)
        assert (written.blocks_compressed, written.fragments_compressed, written.bytes_compressed) == (0, 0, 0)
        assert written.bytes_copied == sum(end - start for start, end in old.data_ranges(inodes))
        assert written.fragments_copied == len(old.fragments)
        new = SquashfsImage(BytesSource(content))
        assert contents(new) == contents(old)
        assert_no_byte_is_left_over(new)
    (tmp_path / "new").write_bytes(content)
    assert manifest_of_directory(extract(tmp_path / "new", tmp_path / "extracted")) == manifest_of_directory(on_disk)


@pytest.mark.parametrize("compressor", ["gzip", "xz", "zstd", "lz4"])
def test_image_of_our_own_comes_out_byte_by_byte(compressor: str) -> None:
    first, _ = build(sample(), compressor=compressor, exportable=True, mkfs_time=9)
    image = SquashfsImage(BytesSource(first))
    second, written = build(entries_of(image), **asdict(settings_of(image)), mkfs_time=9)
    assert written.bytes_compressed == 0
    assert second == first


@pytest.mark.parametrize("threads", [1, 2])
def test_removed_and_changed_files_cost_what_they_touch(threads: int) -> None:
    """Without compression one sees what is in an image: nothing of the files that are gone."""
    secret = noise(900, 99)
    entries = (
        *sample(),
        file(b"more/secret", secret),
        file(b"text/secret, large", secret * 400),
        file(b"zz", secret[:7]),
    )
    old_bytes, _ = build(entries, compressor="lz4")
    old = SquashfsImage(BytesSource(old_bytes))
    assert secret in old_bytes
    kept = [entry for entry in entries_of(old) if b"secret" not in entry.path and entry.path != b"zz"]
    changed = {b"noise/131073": noise(131_073, 7), b"more/tiny 07": b"seven", b"text/300000": text(1000, 8)}
    wanted = [
        replace(entry, content=BytesSource(changed[entry.path]), link_group=None) if entry.path in changed else entry
        for entry in kept
    ]
    content, written = build(wanted, compressor="lz4", threads=threads)
    new = SquashfsImage(BytesSource(content))
    found = contents(new)
    assert found.keys() == {entry.path for entry in wanted if entry.kind is InodeKind.FILE}
    for path, digest in contents(old).items():
        if path in found:
            assert found[path] == (sha256(changed[path]).hexdigest() if path in changed else digest)
    assert secret not in content
    assert secret[:40] not in content
    assert_fragments_are_used_to_the_last_byte(new)
    assert_no_byte_is_left_over(new)
    assert written.blocks_compressed == 2  # of noise/131073; the changed text is in a fragment now
    assert written.fragments_compressed < written.fragments_copied
    assert written.bytes_copied > 3 * written.bytes_compressed


def test_other_compressor_or_block_size_compresses_everything() -> None:
    old_bytes, _ = build(sample(), compressor="gzip")
    old = SquashfsImage(BytesSource(old_bytes))
    for options in (
        {"compressor": "zstd"},
        {"compressor": "gzip", "block_size": 65_536},
        {"compressor": "gzip", "reuse": False},
    ):
        content, written = build(entries_of(old), **options)
        assert (written.bytes_copied, written.blocks_copied, written.fragments_copied) == (0, 0, 0)
        assert contents(SquashfsImage(BytesSource(content))) == contents(old)


def test_blocks_of_a_larger_dictionary_are_not_copied_where_the_image_states_a_smaller_one() -> None:
    """Linux allocates the dictionary that the options state, and would refuse the block."""
    old = SquashfsImage(BytesSource(build(sample(), compressor="xz")[0]))
    content, written = build(entries_of(old), compressor="xz", dictionary_size=8192)
    assert written.bytes_copied == 0
    assert contents(SquashfsImage(BytesSource(content))) == contents(old)


def test_without_fragments_files_of_fragments_get_blocks_of_their_own() -> None:
    old = SquashfsImage(BytesSource(build(sample(), compressor="gzip")[0]))
    content, written = build(entries_of(old), compressor="gzip", fragments=False)
    new = SquashfsImage(BytesSource(content))
    assert len(new.fragments) == written.fragments_copied == 0
    assert written.blocks_copied > 0
    assert contents(new) == contents(old)


def test_files_of_two_images_and_of_none_come_together() -> None:
    one = SquashfsImage(BytesSource(build(sample(), compressor="zstd", level=1)[0]))
    other = SquashfsImage(BytesSource(build([file(b"a", text(500_000, 1)), file(b"b", b"b")], compressor="zstd")[0]))
    foreign = SquashfsImage(BytesSource(build([file(b"c", text(400_000, 2))], compressor="gzip")[0]))
    entries = [
        *entries_of(one),
        *(replace(entry, link_group=None) for image in (other, foreign) for entry in entries_of(image) if entry.path),
        file(b"new", text(300_000, 9)),
        file(b"new, but equal", text(500_000, 1)),
    ]
    content, written = build(entries, compressor="zstd")
    found = contents(SquashfsImage(BytesSource(content)))
    for image in (one, other, foreign):
        assert contents(image).items() <= found.items()
    assert found[b"new, but equal"] == found[b"a"]
    assert found[b"new"] == sha256(text(300_000, 9)).hexdigest()
    assert written.blocks_compressed == 4 + 3  # of "c" and "new", at 128 KiB; the equal one is a duplicate
    assert written.blocks_copied > 4


def test_sparse_blocks_stay_sparse() -> None:
    old = SquashfsImage(BytesSource(build([file(b"s", bytes(10_000_000) + b"x")], compressor="gzip")[0]))
    content, _ = build(entries_of(old), compressor="gzip")
    found = SquashfsImage(BytesSource(content)).lookup(b"s")
    assert found is not None
    assert found.sparse_bytes == 131_072 * 76
    assert found.own_stored_size < 200
    assert found.read_at(9_999_990, 20) == bytes(10) + b"x"


def test_same_image_opened_twice_is_two_images() -> None:
    """Positions of one must never be taken for those of the other."""
    stored, _ = build(sample(), compressor="gzip")
    one, other = SquashfsImage(BytesSource(stored)), SquashfsImage(BytesSource(stored))
    entries = [
        entry if number % 2 else again
        for number, (entry, again) in enumerate(zip(entries_of(one), entries_of(other), strict=True))
    ]
    entries = [replace(entry, link_group=None) for entry in entries]
    content, _ = build(entries, compressor="gzip")
    assert contents(SquashfsImage(BytesSource(content))) == contents(one)


def _one_file_image(inode: bytes, **options: object) -> SquashfsImage:
    inodes = directory_inode(2, 0, 8 + 12 + 1) + inode
    return SquashfsImage(BytesSource(handmade(inodes, listing((b"f", 32, 1, FILE)), **options)))  # type: ignore[arg-type]


def _raw(length: int) -> int:
    return length | RAW_BLOCK


@pytest.mark.parametrize(
    ("inode", "options", "why"),
    [
        (lambda: file_inode(1, 4096, (_raw(4096),), start=1 << 30), {}, "blocks that pass the end of the image"),
        (lambda: file_inode(1, 4096, (_raw(4097),)), {"data": bytes(5000)}, "a block of 4097 bytes; the block size is 4096"),
        (lambda: file_inode(1, 4096, (RAW_BLOCK,)), {"data": bytes(5000)}, "a block of no bytes that is not sparse"),
        (lambda: file_inode(1, 100, fragment=0), {"fragments": ((1 << 40, 100 | RAW_BLOCK),)}, "passes the end of the image"),
        (lambda: file_inode(1, 100, fragment=0), {"fragments": ((96, 5000 | RAW_BLOCK),), "data": bytes(9000)}, "fragment 0 has 5000 bytes"),
        (lambda: file_inode(1, 100, fragment=0), {"fragments": ((96, RAW_BLOCK),), "data": bytes(9000)}, "fragment 0 has 0 bytes"),
    ],
)  # fmt: skip
def test_hostile_inodes_are_not_copied(inode: Callable[[], bytes], options: dict[str, object], why: str) -> None:
    old = _one_file_image(inode(), **options)
    target = io.BytesIO()
    with pytest.raises(FormatError) as caught:
        write_image(entries_of(old), target, compressor="gzip", block_size=4096)
    assert why in str(caught.value)


def test_overlapping_files_are_copied_once() -> None:
    """Files that share a part of their blocks, as no honest writer makes them; 150 of them must not become 150 copies."""
    data = noise(200 * 4096)
    count = 150
    parts = []
    for number in range(count):
        blocks = count - number
        parts.append(file_inode(number + 1, blocks * 4096, (_raw(4096),) * blocks, start=96 + number * 4096))
    offset = 32
    names = []
    for number, part in enumerate(parts):
        names.append((b"%03d" % number, offset, number + 1, FILE))
        offset += len(part)
    listed = listing(*names)
    root = directory_inode(count + 1, 0, len(listed))
    old_bytes = handmade(root + b"".join(parts), listed, data=data, inode_count=count + 1)
    old = SquashfsImage(BytesSource(old_bytes))
    content, written = build(entries_of(old), compressor="gzip", block_size=4096)
    assert written.bytes_copied == count * 4096
    assert contents(SquashfsImage(BytesSource(content))) == contents(old)


def test_damaged_data_is_told_of_where_it_must_be_decoded() -> None:
    stored = bytearray(build([file(b"a", text(500_000)), file(b"b", b"b")], compressor="gzip")[0])
    stored[1000:1100] = bytes(100)
    old = SquashfsImage(BytesSource(bytes(stored)))
    with pytest.raises(FormatError, match="b'a': "):
        build(entries_of(old), compressor="zstd")


@pytest.mark.corpus
def test_real_appimage_is_copied(corpus_appimage: Path) -> None:
    from corpus.appimage_runtime import payload_offset_of
    from inspector.source import SliceSource

    with FileSource(corpus_appimage) as source:
        old = SquashfsImage(SliceSource(source, payload_offset_of(corpus_appimage)))
        content, written = build(entries_of(old), **asdict(settings_of(old)))
        assert written.bytes_compressed == 0
        new = SquashfsImage(BytesSource(content))
        assert contents(new) == contents(old)
        assert [path for path, _ in new.walk()] == [path for path, _ in old.walk()]
        assert all(isinstance(inode, Inode) for _, inode in new.walk())


@pytest.fixture(
    params=["libappimage/appimagetool-x86_64.AppImage", "shared/hello-static-runtime-x86_64.AppImage"],
    ids=os.path.basename,
)
def corpus_appimage(request: pytest.FixtureRequest) -> Path:
    import corpus

    try:
        return corpus.artifact(request.param)
    except corpus.Unavailable as reason:
        pytest.skip(f"{request.param}: {reason}")
