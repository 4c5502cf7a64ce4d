"""From a squashfs image to a Tree: names, kinds, links, shared content and the order of reading."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from inspector.artifact import Artifact, Kind, open_artifact
from tests import squashfs_images as images
from tests.appimage_builder import runtime

DATA = b"hello"


def open_image(path: Path, image: bytes) -> Artifact:
    path.write_bytes(runtime() + image)
    return open_artifact(path)


def image_of(*members: tuple[bytes, int, bytes]) -> bytes:
    """An image whose root holds (name, kind, inode) in this order."""
    inodes, entries = b"", []
    for number, (name, kind, inode) in enumerate(members, start=2):
        entries.append((name, len(inodes), number, kind))
        inodes += inode
    table = images.listing(*entries)
    return images.image(inodes + images.directory_inode(1, 0, len(table)), table, root=len(inodes), data=DATA)


def regular(number: int, **rest: int) -> bytes:
    return images.file_inode(number, len(DATA), (images.RAW_BLOCK | len(DATA),), **rest)


def test_kinds_modes_and_owners(tmp_path: Path) -> None:
    device = images.common(images.CHARACTER_DEVICE, 2, mode=0o600) + struct.pack("<II", 1, 0x103)
    pipe = images.common(images.FIFO, 3) + struct.pack("<I", 1)
    image = image_of(
        (b"console", images.CHARACTER_DEVICE, device),
        (b"pipe", images.FIFO, pipe),
        (b"program", images.FILE, regular(4, mode=0o4755, mtime=1234)),
        (b"way out", images.SYMLINK, images.symlink_inode(5, b"../../etc/\xffpasswd")),
    )
    with open_image(tmp_path / "App", image) as artifact:
        nodes = {node.path: node for node in artifact.tree}
        assert {path: node.kind for path, node in nodes.items()} == {
            "": Kind.DIRECTORY, "console": Kind.CHARACTER_DEVICE, "pipe": Kind.FIFO, "program": Kind.FILE, "way out": Kind.SYMLINK,
        }  # fmt: skip
        program = nodes["program"]
        assert (program.mode, program.mtime, program.size, program.stored_size) == (0o4755, 1234, 5, 5)
        assert program.is_executable
        assert nodes["way out"].target == "../../etc/\\xffpasswd"
        assert artifact.tree.resolve("way out") is None
        assert nodes["console"].read_at(0, 10) == nodes["pipe"].read_at(0, 10) == b""
        assert artifact.problems == []


def test_names_that_are_equal_as_text(tmp_path: Path) -> None:
    image = image_of(
        (rb"\xff", images.FILE, regular(2)), (b"a", images.FILE, regular(3)), (b"\xff", images.FILE, regular(4))
    )
    with open_image(tmp_path / "App", image) as artifact:
        assert sorted(node.path for node in artifact.tree) == ["", "\\xff", "a"]
        assert [(problem.kind, problem.subject) for problem in artifact.problems] == [("name-collision", "\\xff")]
        kept = artifact.tree.get("\\xff")
        assert kept is not None
        assert kept.inode == 2


@pytest.mark.parametrize("name", [b"..", b"a/b", b"/etc", b"a\0"])
def test_names_that_would_leave_the_tree_are_problems(name: bytes, tmp_path: Path) -> None:
    members = sorted([(name, images.FILE, b""), (b"!", images.FILE, b"")])
    image = image_of(*((member, kind, regular(number)) for number, (member, kind, _) in enumerate(members, start=2)))
    with open_image(tmp_path / "App", image) as artifact:
        assert [node.path for node in artifact.tree.files()] == ["!"]
        assert all(".." not in node.path.split("/") and not node.path.startswith("/") for node in artifact.tree)
        assert artifact.problems


def test_one_damaged_member_is_one_problem(tmp_path: Path) -> None:
    broken = images.common(images.FILE, 3) + struct.pack("<IIII", 96, 77, 0, 5)  # names fragment 77 of none
    image = image_of((b"a", images.FILE, regular(2)), (b"b", images.FILE, broken), (b"c", images.FILE, regular(4)))
    with open_image(tmp_path / "App", image) as artifact:
        assert sorted(node.path for node in artifact.tree.files()) == ["a", "c"]
        assert [(problem.kind, problem.subject) for problem in artifact.problems] == [("corrupt-member", "b")]
        assert sum(artifact.byte_map.values()) == artifact.size


@pytest.mark.peer
def test_links_duplicates_and_fragments(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    for number in range(50):
        (root / f"small{number}").write_bytes(b"%d" % number * 100)
    (root / "large").write_bytes(bytes(range(256)) * 4000)
    (root / "copy").write_bytes((root / "large").read_bytes())
    (root / "link").hardlink_to(root / "large")
    image = images.make_squashfs(root, tmp_path / "image").read_bytes()
    with open_image(tmp_path / "App", image) as artifact:
        large, copy, link = (artifact.tree.get(name) for name in ("large", "copy", "link"))
        assert large is not None
        assert copy is not None
        assert link is not None
        assert large.inode == link.inode != copy.inode
        assert large.content_key == link.content_key == copy.content_key
        small = [node for node in artifact.tree.files() if node.name.startswith("small")]
        assert len({node.read_group for node in small}) == 1
        assert small[0].read_group is not None
        assert len({node.content_key for node in small}) == 50
        for node in artifact.tree.files_in_read_order():
            assert node.read_at(0, node.size) == (root / node.path).read_bytes()
        assert artifact.byte_map["unexplained"] == 0
