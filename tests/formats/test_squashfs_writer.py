"""What we write is what every reader of SquashFS images finds: every path, kind, mode, time, owner, target, device, attribute, link and byte."""

from __future__ import annotations

import io
import os
import random
import stat
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.formats.squashfs import SquashfsImage
from inspector.formats.squashfs.entry import ImageEntry
from inspector.formats.squashfs.image_settings import ImageSettings, settings_of
from inspector.formats.squashfs.superblock import FLAG_COMPRESSOR_OPTIONS
from inspector.formats.squashfs.writer import WrittenImage, write_image
from inspector.source import BytesSource, FileSource, SliceSource
from tests.squashfs_images import extract, need
from tests.squashfs_readers import IS_ROOT, READERS, Reader, all_fields, clear, mounted_by_kernel, mounted_by_squashfuse
from tests.squashfs_trees import (
    NAMES,
    PatternSource,
    SampleTree,
    expected_links,
    expected_manifest,
    expected_xattrs,
    file,
    many_files,
    mixed,
    text,
    tree,
)

_NEEDS_ROOT = ("many ids", "devices", "modes", "privileged xattrs", "root with attributes", "hard links")


def write(sample: SampleTree, path: Path) -> WrittenImage:
    with path.open("wb") as target:
        return write_image(sample.entries, target, **sample.options)  # type: ignore[arg-type]


def assert_shows(reader: Reader, path: Path, sample: SampleTree, scratch: Path) -> None:
    shown = reader.show(path, scratch)
    everything = expected_manifest(sample.entries)
    wanted = reader.keeps(everything)
    found = reader.keeps(shown.manifest)
    assert found.keys() == wanted.keys()
    differing = {name: (found[name], wanted[name]) for name in wanted if found[name] != wanted[name]}
    assert not differing
    if reader.links:
        assert shown.links == expected_links(sample.entries)
    if shown.xattrs is not None and reader.keeps is all_fields:
        assert shown.xattrs == expected_xattrs(sample.entries)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The image of a tree by its name, written once."""
    directory = tmp_path_factory.mktemp("images")

    def image_of(name: str) -> Path:
        path = directory / name
        if not path.exists():
            report = write(tree(name), path)
            assert path.stat().st_size == report.size
            assert report.size % 4096 == 0
        return path

    return image_of


@pytest.mark.peer
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", NAMES)
def test_every_reader_finds_what_was_written(
    name: str, reader: str, written: Callable[[str], Path], tmp_path: Path
) -> None:
    sample = tree(name)
    if reader in sample.not_for:
        pytest.skip(sample.not_for[reader])
    if not IS_ROOT and name in _NEEDS_ROOT and reader != "our reader":
        pytest.skip("what this tree holds, only root may make or read")
    assert_shows(READERS[reader], written(name), sample, tmp_path)
    clear(tmp_path)


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("crowded") / "image"
    with path.open("wb") as target:
        write_image(many_files().entries, target, compressor="zstd", level=1)
    return path


def test_65537_files_in_one_directory(crowded: Path, tmp_path: Path) -> None:
    assert_shows(READERS["our reader"], crowded, many_files(), tmp_path)


@pytest.mark.peer
@pytest.mark.parametrize("mounted", [mounted_by_kernel, mounted_by_squashfuse])
def test_names_among_65537_are_found_through_the_index(
    crowded: Path, tmp_path: Path, mounted: Callable[[Path, Path], object]
) -> None:
    names = [os.fsdecode(entry.path) for entry in many_files().entries]
    with mounted(crowded, tmp_path) as directory:  # type: ignore[attr-defined]
        for name in [*random.Random(11).sample(names, 300), names[1], names[-3]]:
            assert (directory / name).lstat()
            assert not (directory / f"{name}0x").exists()
        listed = {path.name for path in (directory / "many").iterdir()}
        assert listed == {name.removeprefix("many/") for name in names[1:-2]}


@pytest.mark.peer
@pytest.mark.heavy
@pytest.mark.parametrize("reader", ["unsquashfs", "squashfuse", "kernel", "AppImage runtime"])
def test_65537_files_by_every_reader(crowded: Path, tmp_path: Path, reader: str) -> None:
    assert_shows(READERS[reader], crowded, many_files(), tmp_path)
    clear(tmp_path)


@pytest.mark.peer
@pytest.mark.heavy
@pytest.mark.parametrize("compressor", ["gzip", "zstd", "xz", "lz4"])
def test_file_of_1_gib(compressor: str, tmp_path: Path) -> None:
    large = PatternSource((1 << 30) + 12_345)
    level = 1 if compressor != "lz4" else None
    sample = SampleTree(
        (file(b"large", large), file(b"small", b"behind it")), {"compressor": compressor, "level": level}
    )
    path = tmp_path / "image"
    write(sample, path)
    for name, reader in READERS.items():
        if name == "AppImage runtime" and compressor == "lz4":
            continue
        scratch = tmp_path / name
        scratch.mkdir()
        assert_shows(reader, path, sample, scratch)
        clear(scratch)


@pytest.mark.peer
@pytest.mark.heavy
def test_data_beyond_4_gib(tmp_path: Path) -> None:
    """A file that starts behind the reach of a basic inode's 32 bits, and one whose size is."""
    noise = random.Random(5).randbytes(1 << 20)

    class Noise:
        size = (4 << 30) + 5

        def read_at(self, offset: int, length: int) -> bytes:
            end = min(offset + length, self.size)
            start = offset % len(noise)
            return (noise[start:] + noise * (length // len(noise) + 1))[: end - offset]

    sample = SampleTree((file(b"a", Noise()), file(b"b", text(300_000))), {"compressor": "zstd", "level": 1})
    path = tmp_path / "image"
    assert write(sample, path).size > 4 << 30
    for name in ("our reader", "kernel", "squashfuse"):
        scratch = tmp_path / name
        scratch.mkdir()
        assert_shows(READERS[name], path, sample, scratch)


@pytest.mark.parametrize(
    ("compressor", "level", "dictionary_size", "stored"),
    [
        ("gzip", None, None, {}),
        ("gzip", 9, None, {}),
        ("gzip", 3, None, {"compression-level": 3, "window-size": 15, "strategies": 0}),
        ("xz", 9, None, {}),
        ("xz", 2, 65_536, {"dictionary-size": 65_536, "filters": 0}),
        ("zstd", None, None, {}),
        ("zstd", 22, None, {"compression-level": 22}),
        ("lz4", None, None, {"version": 1, "flags": 0}),
        ("lz4", 12, None, {"version": 1, "flags": 1}),
    ],
)
def test_image_says_how_it_was_made(
    compressor: str, level: int | None, dictionary_size: int | None, stored: dict[str, int]
) -> None:
    image, _ = _image(mixed(), compressor=compressor, level=level, dictionary_size=dictionary_size)
    assert image.compressor_options == stored
    assert bool(image.superblock.flags & FLAG_COMPRESSOR_OPTIONS) == bool(stored)
    told = None if compressor == "xz" or not stored else level
    assert settings_of(image) == ImageSettings(
        compressor, told, dictionary_size, 131_072, fragments=True, tail_ends=False, exportable=False
    )


def test_settings_that_are_not_the_usual_ones_come_back() -> None:
    image, _ = _image(mixed(), block_size=65_536, tail_ends=True, exportable=True)
    assert settings_of(image) == ImageSettings(
        "zstd", None, None, 65_536, fragments=True, tail_ends=True, exportable=True
    )
    image, _ = _image(mixed(), fragments=False)
    assert not settings_of(image).fragments
    assert len(image.fragments) == 0


def test_superblock_of_a_known_image() -> None:
    image, written = _image((file(b"a", b"A"), file(b"b", b"B")), mkfs_time=1_700_000_000)
    superblock = image.superblock
    assert superblock.mkfs_time == 1_700_000_000
    assert (superblock.inode_count, superblock.fragment_count, superblock.id_count) == (3, 1, 1)
    assert superblock.bytes_used == written.bytes_used <= written.size
    assert (written.inode_count, written.fragments_compressed, written.blocks_compressed) == (3, 1, 0)
    assert set(superblock.flag_names) == {"deduplicated", "no-xattrs"}


def test_equal_contents_are_stored_once() -> None:
    sample = tree("duplicates")
    image, written = _image(sample.entries, **sample.options)
    by_name = {path: inode for path, inode in image.walk() if inode.is_file}
    keys = {inode.content_key for inode in by_name.values()}
    contents = {inode.read_at(0, inode.size) for inode in by_name.values()}
    assert len(keys) == len(contents) == 7
    assert written.duplicates == len(by_name) - 7
    apart, _ = _image(sample.entries, **{**sample.options, "deduplicate": False})
    assert apart.superblock.bytes_used > image.superblock.bytes_used + 20_000
    assert "deduplicated" not in apart.superblock.flag_names


def test_zeros_take_no_room() -> None:
    image, written = _image((file(b"zeros", bytes(50_000_000)), file(b"other zeros", bytes(300))), compressor="gzip")
    zeros = image.lookup(b"zeros")
    assert zeros is not None
    assert (zeros.own_stored_size, zeros.sparse_bytes, zeros.size) == (0, 49_999_999, 50_000_000)
    assert written.bytes_used < 4096


def test_first_name_in_the_image_tells_what_a_hard_link_is() -> None:
    names = (file(b"z", b"content", mode=0o600, link_group=1), file(b"a", b"content", mode=0o755, link_group=1))
    image, _ = _image(names)
    found = image.lookup(b"z")
    assert found is not None
    assert (found.mode, found.nlink) == (0o755, 2)


def test_times_before_and_behind_what_the_format_holds_become_the_nearest() -> None:
    image, _ = _image((file(b"before", b"", mtime=-5), file(b"behind", b"", mtime=1 << 40)), mkfs_time=-1)
    times = {path: inode.mtime for path, inode in image.walk() if path}
    assert times == {b"before": 0, b"behind": 0xFFFF_FFFF}
    assert image.superblock.mkfs_time == 0


def test_owner_and_time_for_everything() -> None:
    entries = (file(b"a", b"a", uid=5, gid=6, mtime=7), ImageEntry(b"", tree("modes").entries[-1].kind, 0o755, uid=9))
    image, _ = _image(entries, owner=(0, 0), mtime=1_600_000_000)
    assert {(inode.uid, inode.gid, inode.mtime) for _, inode in image.walk()} == {(0, 0, 1_600_000_000)}


def test_export_table_leads_to_every_inode() -> None:
    buffer = io.BytesIO()
    many = (file(b"%04d" % number) for number in range(1_100))  # 1,024 references fill a metadata block
    write_image((*tree("many directories").entries, *mixed(), *many), buffer, exportable=True)
    content = buffer.getvalue()
    image = SquashfsImage(BytesSource(content))
    (table,) = (found for found in image.table_ranges() if found.name == "export")
    (position,) = struct.unpack_from("<Q", content, 88)
    records, start = image._metadata.lookup_table("export", position, image.superblock.inode_count, 8)
    assert start == table.start
    references = struct.unpack(f"<{image.superblock.inode_count}Q", records)
    numbers = [image._inode(reference >> 16, reference & 0xFFFF).number for reference in references]
    assert numbers == list(range(1, image.superblock.inode_count + 1))


@pytest.mark.peer
@pytest.mark.parametrize("start", [0, 1, 944_632])
def test_image_behind_something_else(start: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    with path.open("w+b") as target:
        target.write(b"\xee" * start)
        written = write_image(mixed(), target)
        assert target.tell() == start + written.size
    assert path.read_bytes()[:start] == b"\xee" * start
    with FileSource(path) as source:
        image = SquashfsImage(SliceSource(source, start))
        assert len(dict(image.walk())) == len(mixed()) + 1
    need("unsquashfs")
    extracted = extract(path, tmp_path / "extracted", "-offset", str(start))
    assert (extracted / "text" / "300000").read_bytes() == text(300_000)
    assert stat.S_ISLNK((extracted / "link").lstat().st_mode)


def _image(entries: tuple[ImageEntry, ...], **options: object) -> tuple[SquashfsImage, WrittenImage]:
    buffer = io.BytesIO()
    written = write_image(entries, buffer, **options)  # type: ignore[arg-type]
    return SquashfsImage(BytesSource(buffer.getvalue())), written
