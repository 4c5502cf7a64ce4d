"""slim/proving/unpacked_tree.py: what is written is the tree, and no hostile tree is written anywhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from inspector.artifact import Kind, Node, Tree, open_artifact
from inspector.errors import FormatError
from inspector.slim.making.planned_tree import PlannedTree, unchanged_tree
from inspector.slim.proving.unpacked_tree import write_tree
from inspector.slim.proving.verification import compare_trees
from inspector.source import BytesSource


def file(path: str, content: bytes = b"x", **fields: object) -> Node:
    return Node(path, Kind.FILE, size=len(content), content=BytesSource(content), **fields)  # type: ignore[arg-type]


def test_what_is_written_reads_back_equal(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "a/b").mkdir(parents=True)
    (source / "a/b/large").write_bytes(os.urandom(2_500_000))
    (source / "a/empty").touch()
    (source / "a/program").write_bytes(b"#!/bin/sh\n")
    (source / "a/program").chmod(0o755)
    (source / "a/secret").write_bytes(b"s")
    (source / "a/secret").chmod(0o400)
    os.link(source / "a/program", source / "a/b/same")
    (source / "a/away").symlink_to("/etc/passwd")
    (source / "a/back").symlink_to("b/large")
    (source / "a/Zürich 日本").write_bytes(b"name")
    os.mkfifo(source / "a/pipe")
    os.utime(source / "a/program", (1_000_000_000, 1_000_000_000))
    (source / "a/b").chmod(0o555)
    target = tmp_path / "target"
    with open_artifact(source) as artifact:
        planned = unchanged_tree(artifact.tree)
        assert write_tree(planned, target, exact=True) == []
        with open_artifact(target) as written:
            assert compare_trees(planned, written.tree) == []
        assert write_tree(planned, tmp_path / "scratch") == []
        with open_artifact(tmp_path / "scratch") as written:
            assert compare_trees(planned, written.tree) == ["a/b has mode 0755 and not 0555"]
    assert (target / "a/program").stat().st_ino == (target / "a/b/same").stat().st_ino


def test_special_bits_are_kept_only_where_asked(tmp_path: Path) -> None:
    tree = unchanged_tree(Tree([Node("", Kind.DIRECTORY, 0o755), file("p", mode=0o4755)]))
    write_tree(tree, tmp_path / "one")
    write_tree(tree, tmp_path / "two", exact=True)
    assert [(tmp_path / name / "p").stat().st_mode & 0o7777 for name in ("one", "two")] == [0o755, 0o4755]


def test_unchanged_files_are_shared_and_no_others(tmp_path: Path) -> None:
    nodes = [
        Node("", Kind.DIRECTORY, 0o755),
        Node("d", Kind.DIRECTORY, 0o755),
        *(file(f"d/{name}", mtime=1000) for name in ("same", "new", "mode", "touched")),
    ]
    planned = unchanged_tree(Tree(nodes))
    write_tree(planned, tmp_path / "before")
    (tmp_path / "before/d/touched").write_bytes(b"y")
    entries = dict(planned.entries)
    entries["d/new"] = replace(entries["d/new"], content=BytesSource(b"n"))
    entries["d/mode"] = replace(entries["d/mode"], mode=0o755)
    entries["d/twin"] = replace(entries["d/same"], path="d/twin", link_to="d/same")
    after = PlannedTree(entries)
    assert write_tree(after, tmp_path / "after", shared_with=tmp_path / "before") == []
    shared = {
        name
        for name in ("same", "new", "mode", "touched")
        if (tmp_path / "before/d" / name).samefile(tmp_path / "after/d" / name)
    }
    assert shared == {"same"}
    assert (tmp_path / "after/d/twin").samefile(tmp_path / "after/d/same")
    with open_artifact(tmp_path / "after") as written:
        assert compare_trees(after, written.tree) == []


def test_a_hostile_tree_stays_inside(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    nodes = [
        Node("", Kind.DIRECTORY, 0o755),
        Node("link", Kind.SYMLINK, target=str(outside)),
        file("link/evil"),
        Node("link/directory", Kind.DIRECTORY, 0o755),
        file("file"),
        file("file/below"),
        file("made/of/nothing"),
        Node("socket", Kind.SOCKET),
        Node("device", Kind.CHARACTER_DEVICE),
    ]
    target = tmp_path / "target"
    problems = write_tree(unchanged_tree(Tree(nodes)), target)
    assert not list(outside.iterdir())
    assert (target / "made/of/nothing").read_bytes() == b"x"
    assert {problem.subject for problem in problems} >= {"socket", "device", "link"}
    assert len(problems) == 4


def test_a_directory_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    with pytest.raises(FileExistsError):
        write_tree(unchanged_tree(Tree([file("a")])), tmp_path)


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    def broken() -> BytesSource:
        raise FormatError("a block is damaged")

    nodes = [Node("broken", Kind.FILE, size=9, opener=broken), file("short"), file("good")]
    nodes[1].size = 5
    problems = write_tree(unchanged_tree(Tree(nodes)), tmp_path / "target")
    assert {problem.subject: problem.message for problem in problems} == {
        "broken": "only 0 of 9 bytes can be read",
        "short": "only 1 of 5 bytes can be read",
    }
    assert (tmp_path / "target/good").read_bytes() == b"x"
