"""A planned tree becomes an image that holds just that: exact names, hard links old and new, devices, attributes, unchanged blocks copied."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

import pytest
from msgspec.structs import asdict, replace

from inspector.artifact.directory import open_directory
from inspector.artifact.tree import Kind, Tree
from inspector.artifact.tree_making.container_tree import squashfs_tree
from inspector.errors import FormatError
from inspector.formats.squashfs import Inode, SquashfsImage
from inspector.formats.squashfs.entry import ImageEntry
from inspector.formats.squashfs.image_settings import settings_of
from inspector.formats.squashfs.writer import WrittenImage, write_image
from inspector.limits import Limits
from inspector.slim.making.planned_tree import PlannedEntry, PlannedTree, unchanged_tree
from inspector.slim.rebuilding.image_entries import image_entries, originals_of_directory, originals_of_image
from inspector.source import BytesSource
from tests.squashfs_readers import IS_ROOT
from tests.squashfs_trees import NAMES, directory, expected_links, expected_manifest, expected_xattrs, file, text, tree


def written_image(entries: object, **options: object) -> tuple[SquashfsImage, WrittenImage]:
    buffer = io.BytesIO()
    written = write_image(entries, buffer, **options)  # type: ignore[arg-type]
    return SquashfsImage(BytesSource(buffer.getvalue())), written


def opened(entries: tuple[ImageEntry, ...], **options: object) -> tuple[SquashfsImage, Tree]:
    image, _ = written_image(entries, **options)
    return image, squashfs_tree(image, [])


def changed(tree_: Tree, **changes: PlannedEntry) -> PlannedTree:
    """A tree as it stands but for these entries."""
    return PlannedTree({**unchanged_tree(tree_).entries, **changes})


def links(image: SquashfsImage) -> set[frozenset[bytes]]:
    names: dict[int, set[bytes]] = {}
    for path, inode in image.walk():
        names.setdefault(inode.number, set()).add(path)
    return {frozenset(paths) for paths in names.values() if len(paths) > 1}


def contents(image: SquashfsImage) -> dict[bytes, bytes]:
    return {path: inode.read_at(0, inode.size) for path, inode in image.walk() if inode.is_file}


_TWICE = {
    "odd names",
    "devices",
    "hard links",
    "links",
    "xattrs",
    "privileged xattrs",
    "large xattrs",
    "modes",
    "times",
}


@pytest.mark.parametrize("name", sorted(_TWICE | {"sparse", "root with attributes", "empty root", "empty files"}))
def test_unchanged_tree_comes_out_as_it_was(name: str) -> None:
    assert name in NAMES
    sample = tree(name)
    image, nodes = opened(sample.entries, **sample.options)
    found, written = written_image(
        image_entries(unchanged_tree(nodes), originals_of_image(image)), **asdict(settings_of(image))
    )
    assert written.bytes_compressed == 0
    manifest = {
        path: (inode.kind.value, inode.mode, inode.mtime, inode.uid, inode.gid, inode.target, inode.device)
        for path, inode in found.walk()
    }
    wanted = {path: (*fields[:5], *fields[6:8]) for path, fields in expected_manifest(sample.entries).items()}
    assert manifest == wanted
    assert contents(found) == contents(image)
    assert links(found) == expected_links(sample.entries)
    xattrs = {path: found.xattrs(inode) for path, inode in found.walk() if found.xattrs(inode)}
    assert xattrs == expected_xattrs(sample.entries)


def test_without_originals_names_stay_spelled() -> None:
    _, nodes = opened((file(b"caf\xe9", b"x"),))
    (_, entry) = image_entries(unchanged_tree(nodes))
    assert entry.path == b"caf\\xe9"


def test_unchanged_files_are_inodes_and_changed_ones_their_new_content() -> None:
    image, nodes = opened((file(b"same", text(5000)), file(b"other", text(6000))))
    new = BytesSource(b"new")
    plan = changed(nodes, other=replace(unchanged_tree(nodes).entries["other"], content=new, size=3))
    entries = {entry.path: entry for entry in image_entries(plan, originals_of_image(image))}
    assert isinstance(entries[b"same"].content, Inode)
    assert entries[b"other"].content is new
    assert entries[b""].content is None


def test_new_file_in_a_directory_with_an_odd_name() -> None:
    image, nodes = opened((directory(b"d\xefr"), file(b"d\xefr/a.py", b"a")))
    new = PlannedEntry("d\\xefr/ü.pyc", Kind.FILE, 0o644, 3, content=BytesSource(b"pyc"))
    plan = PlannedTree({**unchanged_tree(nodes).entries, new.path: new})
    found, _ = written_image(image_entries(plan, originals_of_image(image), unknown_mtime=77))
    assert contents(found) == {b"d\xefr/a.py": b"a", b"d\xefr/\xc3\xbc.pyc": b"pyc"}
    made = found.lookup(b"d\xefr/\xc3\xbc.pyc")
    assert made is not None
    assert made.mtime == 77


def test_hard_link_that_slim_makes_is_one_inode_with_the_fields_of_its_target() -> None:
    image, nodes = opened(
        (
            file(b"a", b"same", mode=0o600, mtime=1, xattrs={b"user.a": b"a"}),
            file(b"z", b"same", mode=0o755, mtime=2, xattrs={b"user.z": b"z"}),
            file(b"zz", b"same", mode=0o711),
        )
    )
    base = unchanged_tree(nodes).entries
    plan = changed(nodes, a=replace(base["a"], link_to="zz"), zz=replace(base["zz"], link_to="z"))
    found, _ = written_image(image_entries(plan, originals_of_image(image)))
    assert links(found) == {frozenset({b"a", b"z", b"zz"})}
    inode = found.lookup(b"a")
    assert inode is not None
    assert (inode.mode, inode.mtime, inode.nlink, found.xattrs(inode)) == (0o755, 2, 3, {b"user.z": b"z"})


def test_link_to_a_name_that_is_a_hard_link_already_joins_it() -> None:
    image, nodes = opened(
        (file(b"a", b"x" * 10), file(b"b", b"x" * 10, link_group=1), file(b"c", b"x" * 10, link_group=1))
    )
    plan = changed(nodes, a=replace(unchanged_tree(nodes).entries["a"], link_to="c"))
    found, _ = written_image(image_entries(plan, originals_of_image(image)))
    assert links(found) == {frozenset({b"a", b"b", b"c"})}


def test_names_of_one_inode_stay_together_where_they_change_alike_only() -> None:
    image, nodes = opened(tuple(file(name, b"content", link_group=1) for name in (b"a", b"b", b"c", b"d")))
    base = unchanged_tree(nodes).entries
    plan = changed(
        nodes,
        a=replace(base["a"], content=BytesSource(b"stripped"), size=8),
        b=replace(base["b"], content=BytesSource(b"stripped"), size=8),
    )
    found, _ = written_image(image_entries(plan, originals_of_image(image)))
    assert links(found) == {frozenset({b"a", b"b"}), frozenset({b"c", b"d"})}
    assert contents(found) == {b"a": b"stripped", b"b": b"stripped", b"c": b"content", b"d": b"content"}
    plan = changed(
        nodes, b=replace(base["b"], content=BytesSource(b"stripped"), size=8), c=replace(base["c"], mode=0o600)
    )
    found, _ = written_image(image_entries(plan, originals_of_image(image)))
    assert links(found) == {frozenset({b"a", b"d"})}


def test_last_name_of_a_hard_link_stands_alone() -> None:
    image, nodes = opened(tuple(file(name, b"content", link_group=1) for name in (b"a", b"b")))
    plan = PlannedTree({path: entry for path, entry in unchanged_tree(nodes).entries.items() if path != "a"})
    found, _ = written_image(image_entries(plan, originals_of_image(image)))
    inode = found.lookup(b"b")
    assert inode is not None
    assert inode.nlink == 1


@pytest.mark.parametrize(
    ("links_to", "why"),
    [
        ({"a": "missing"}, "a is to share the file missing, which is not there"),
        ({"a": "d"}, "a is to share the file d, which is not there"),
        ({"a": "a"}, "a is to share its own file"),
        ({"a": "b", "b": "a"}, "is to share its own file"),
    ],
)
def test_links_that_lead_nowhere(links_to: dict[str, str], why: str) -> None:
    _, nodes = opened((file(b"a", b"1"), file(b"b", b"2"), directory(b"d")))
    base = unchanged_tree(nodes).entries
    plan = changed(nodes, **{path: replace(base[path], link_to=target) for path, target in links_to.items()})
    with pytest.raises(FormatError) as caught:
        image_entries(plan)
    assert why in str(caught.value)


def test_directories_that_no_entry_names_are_added() -> None:
    plan = PlannedTree({"a/b/c": PlannedEntry("a/b/c", Kind.FILE, 0o644, 1, content=BytesSource(b"c"))})
    found, _ = written_image(image_entries(plan, unknown_mtime=5))
    assert [(path, inode.mode) for path, inode in found.walk()] == [
        (b"", 0o755),
        (b"a", 0o755),
        (b"a/b", 0o755),
        (b"a/b/c", 0o644),
    ]


def test_name_that_has_no_bytes() -> None:
    plan = PlannedTree({"\ud800": PlannedEntry("\ud800", Kind.FILE, 0o644, 0)})
    with pytest.raises(FormatError, match="cannot be written in UTF-8"):
        image_entries(plan)


def test_new_target_of_a_link_is_taken_and_an_old_one_keeps_its_bytes() -> None:
    from tests.squashfs_trees import link

    image, nodes = opened((link(b"old", b"caf\xe9"), link(b"new", b"caf\xe9")))
    plan = changed(nodes, new=replace(unchanged_tree(nodes).entries["new"], target="elsewhere"))
    found, _ = written_image(image_entries(plan, originals_of_image(image)))
    assert {path: inode.target for path, inode in found.walk() if path} == {b"old": b"caf\xe9", b"new": b"elsewhere"}


def test_directory_on_disk(tmp_path: Path) -> None:
    root = tmp_path / "AppDir"
    (root / os.fsdecode(b"d\xefr")).mkdir(parents=True)
    (root / os.fsdecode(b"d\xefr/f\xe9")).write_bytes(b"odd")
    (root / "back\\xe9slash").write_bytes(b"plain")
    (root / "hard").write_bytes(b"hard")
    os.link(root / "hard", root / "link")
    (root / "symlink").symlink_to(os.fsdecode(b"d\xefr"))
    os.mkfifo(root / "fifo")
    if IS_ROOT:
        os.mknod(root / "null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    artifact = open_directory(root, "AppDir", Limits())
    try:
        plan = unchanged_tree(artifact.tree)
        found, _ = written_image(image_entries(plan, originals_of_directory(root)))
    finally:
        artifact.close()
    assert contents(found) == {b"d\xefr/f\xe9": b"odd", b"back\\xe9slash": b"plain", b"hard": b"hard", b"link": b"hard"}
    assert links(found) == {frozenset({b"hard", b"link"})}
    by_path = dict(found.walk())
    assert by_path[b"symlink"].target == b"d\xefr"
    assert by_path[b"fifo"].kind.value == "fifo"
    if IS_ROOT:
        assert by_path[b"null"].device == (1, 3)
