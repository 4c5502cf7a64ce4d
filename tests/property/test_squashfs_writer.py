"""Any tree, in any order, with any settings, reads back as it was written; and so does what is left of it after any change."""

from __future__ import annotations

import io
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from inspector.formats.squashfs import InodeKind, SquashfsImage
from inspector.formats.squashfs.entry import ImageEntry
from inspector.formats.squashfs.layout import merge_ranges
from inspector.formats.squashfs.writer import write_image
from inspector.source import BytesSource
from tests.squashfs_images import need
from tests.squashfs_readers import IS_ROOT, READERS, all_fields
from tests.squashfs_trees import expected_links, expected_manifest, expected_xattrs

NAMES = st.binary(min_size=1, max_size=12).filter(lambda name: not set(name) & {0, 0x2F} and name not in (b".", b".."))
EDGES = st.sampled_from([0, 1, 4095, 4096, 4097, 8191, 8192, 8193])
NUMBERS = st.integers(0, 0xFFFF_FFFE)  # an owner of -1 is none, for chown(2)


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """Pieces of zeros, text and noise whose ends lie around those of blocks."""
    parts = []
    for _ in range(draw(st.integers(0, 3))):
        length = draw(EDGES | st.integers(0, 9000))
        kind = draw(st.sampled_from(["zeros", "text", "noise"]))
        if kind == "zeros":
            parts.append(bytes(length))
        elif kind == "text":
            parts.append((b"text %d " % length * (length // 6 + 1))[:length])
        else:
            parts.append(random.Random(draw(st.integers(0, 3))).randbytes(length))
    return b"".join(parts)


@st.composite
def trees(draw: st.DrawFn) -> tuple[ImageEntry, ...]:
    """Directories within one another, and everything that can be in them."""
    directories = [b""]
    entries: dict[bytes, ImageEntry] = {}
    pool = [BytesSource(draw(contents())) for _ in range(draw(st.integers(1, 4)))]
    groups: dict[int, ImageEntry] = {}
    for _ in range(draw(st.integers(0, 25))):
        parent = draw(st.sampled_from(directories))
        path = (parent + b"/" if parent else b"") + draw(NAMES)
        if path in entries:
            continue
        kind = draw(st.sampled_from([*InodeKind, InodeKind.FILE, InodeKind.FILE, InodeKind.FILE, InodeKind.DIRECTORY]))
        # xattr(7): user attributes are those of files and directories only
        family = b"user." if kind in (InodeKind.FILE, InodeKind.DIRECTORY) else b"trusted."
        entry = ImageEntry(
            path,
            kind,
            0o777 if kind is InodeKind.SYMLINK else draw(st.integers(0, 0o7777)),
            draw(NUMBERS),
            draw(NUMBERS),
            draw(NUMBERS),
            xattrs={
                family + name: value
                for name, value in draw(
                    st.dictionaries(st.sampled_from([b"a", b"b"]), st.binary(max_size=40), max_size=2)
                ).items()
            },
        )
        if kind is InodeKind.DIRECTORY:
            directories.append(path)
        elif kind is InodeKind.FILE:
            group = draw(st.none() | st.integers(0, 2))
            if group in groups and group is not None:
                entry = replace(groups[group], path=path)
            else:
                source = draw(st.sampled_from(pool) | st.builds(BytesSource, contents()))
                entry = replace(entry, content=source, link_group=group)
                if group is not None:
                    groups[group] = entry
        elif kind is InodeKind.SYMLINK:
            entry = replace(
                entry, target=draw(st.binary(min_size=1, max_size=50).filter(lambda target: 0 not in target))
            )
        elif kind.value.endswith("device"):
            entry = replace(entry, device=(draw(st.integers(0, 0xFFF)), draw(st.integers(0, 0xFFFFF))))
        entries[path] = entry
    return tuple(draw(st.permutations(list(entries.values()))))


OPTIONS = st.fixed_dictionaries(
    {
        "compressor": st.sampled_from(["gzip", "gzip", "zstd", "lz4", "xz"]),
        "block_size": st.sampled_from([4096, 8192, 131_072]),
        "fragments": st.booleans(),
        "tail_ends": st.booleans(),
        "deduplicate": st.booleans(),
        "exportable": st.booleans(),
        "threads": st.integers(1, 3),
    }
)


def assert_reads_back(path: Path, entries: tuple[ImageEntry, ...], reader: str, scratch: Path) -> None:
    shown = READERS[reader].show(path, scratch)
    keeps = READERS[reader].keeps
    assert keeps(shown.manifest) == keeps(expected_manifest(entries))
    assert shown.links == expected_links(entries)
    if shown.xattrs is not None and keeps is all_fields:
        assert shown.xattrs == expected_xattrs(entries)


@given(trees(), OPTIONS)
@settings(max_examples=80)
def test_any_tree_reads_back(entries: tuple[ImageEntry, ...], options: dict[str, object]) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "image"
        with path.open("wb") as target:
            write_image(entries, target, **options)  # type: ignore[arg-type]
        assert_reads_back(path, entries, "our reader", Path(directory))


@pytest.mark.peer
@pytest.mark.parametrize("reader", ["unsquashfs", "kernel"])
def test_any_tree_is_read_by_others(reader: str, tmp_path: Path) -> None:
    need("unsquashfs")
    if not IS_ROOT:
        pytest.skip("devices and other people's files are made by root only")

    @given(trees(), OPTIONS)
    @settings(max_examples=15)
    def check(entries: tuple[ImageEntry, ...], options: dict[str, object]) -> None:
        with TemporaryDirectory(dir=tmp_path) as name:
            scratch = Path(name)
            path = scratch / "image"
            with path.open("wb") as target:
                write_image(entries, target, **options)  # type: ignore[arg-type]
            assert_reads_back(path, entries, reader, scratch)

    check()


@given(trees(), st.data(), OPTIONS)
@settings(max_examples=60)
def test_any_change_of_any_image_reads_back(
    entries: tuple[ImageEntry, ...], data: st.DataObject, options: dict[str, object]
) -> None:
    """Some files removed, some changed, the rest copied; no byte of the new image is without an owner."""
    old_bytes = io.BytesIO()
    write_image(entries, old_bytes, **options)  # type: ignore[arg-type]
    old = SquashfsImage(BytesSource(old_bytes.getvalue()))
    inodes = dict(old.walk())
    wanted = []
    changed_groups: dict[object, ImageEntry] = {}
    for entry in entries:
        fate = data.draw(st.sampled_from(["keep", "keep", "keep", "change", "remove"]))
        if entry.kind is not InodeKind.FILE:
            wanted.append(entry)
        elif fate != "remove":
            source = BytesSource(data.draw(contents())) if fate == "change" else inodes[entry.path]
            new = replace(entry, content=source)
            if entry.link_group is not None:  # one inode has one content
                new = replace(changed_groups.setdefault(entry.link_group, new), path=entry.path)
            wanted.append(new)
    with TemporaryDirectory() as directory:
        path = Path(directory) / "image"
        with path.open("wb") as target:
            write_image(wanted, target, **options)  # type: ignore[arg-type]
        assert_reads_back(path, tuple(wanted), "our reader", Path(directory))
        new_image = SquashfsImage(BytesSource(path.read_bytes()))
    files = [inode for _, inode in new_image.walk() if inode.is_file]
    tables = [(table.start, table.end) for table in new_image.table_ranges()]
    assert merge_ranges(tables + new_image.data_ranges(files)) == [(0, new_image.superblock.bytes_used)]
    tails: dict[int, list[tuple[int, int]]] = {}
    for inode in files:
        if inode.fragment_index is not None:
            part = (inode.fragment_offset, inode.fragment_offset + inode.tail_size)
            tails.setdefault(inode.fragment_index, []).append(part)
    for index, parts in tails.items():
        fragment = new_image.fragments[index]
        content = new_image._blocks.read(fragment.position, fragment.stored, raw=fragment.raw, start=0, end=1 << 20)
        assert merge_ranges(parts) == [(0, len(content))]
