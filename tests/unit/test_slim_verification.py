"""slim/proving/verification.py: what is written is what was planned, and a second audit is no worse; every kind of difference is seen."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from inspector.artifact import open_artifact
from inspector.artifact.tree import Tree
from inspector.artifact.tree_making.container_tree import squashfs_tree
from inspector.formats.squashfs import SquashfsImage
from inspector.model import Finding, Problem
from inspector.result import ArtifactInfo, FailedObject, FilesInfo, HostVerdict, Result, RootInfo, ToolInfo
from inspector.slim.making.planned_tree import PlannedTree, unchanged_tree
from inspector.slim.proving.verification import compare_audits, compare_trees
from inspector.source import BytesSource, FileSource
from tests.squashfs_images import make_squashfs


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    root = tmp_path / "input"
    (root / "usr/lib").mkdir(parents=True)
    (root / "usr/lib/large").write_bytes(os.urandom(3_000_000))
    (root / "usr/lib/empty").write_bytes(b"")
    for index in range(40):
        (root / f"usr/lib/small{index}").write_bytes(b"%d" % index * 50)
    (root / "usr/lib/link").symlink_to("large")
    (root / "AppRun").write_text("#!/bin/sh\n")
    (root / "AppRun").chmod(0o755)
    for path in root.rglob("*"):
        os.utime(path, (1_600_000_000, 1_600_000_000), follow_symlinks=False)
    return root


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a byte": (
        lambda root: (root / "usr/lib/small7").write_bytes(b"7" * 49 + b"8"),
        "usr/lib/small7 has other content than planned",
    ),
    "a late byte": (
        lambda root: flip(root / "usr/lib/large", 2_999_999),
        "usr/lib/large has other content than planned",
    ),
    "size": (lambda root: (root / "usr/lib/small7").write_bytes(b"7" * 51), "usr/lib/small7 has 51 bytes and not 50"),
    "mode": (lambda root: (root / "AppRun").chmod(0o644), "AppRun has mode 0644 and not 0755"),
    "setuid": (lambda root: (root / "AppRun").chmod(0o4755), "AppRun has mode 4755 and not 0755"),
    "missing": (lambda root: (root / "usr/lib/empty").unlink(), "usr/lib/empty is missing"),
    "more": (lambda root: (root / "usr/more").mkdir(), "usr/more is not planned"),
    "target": (
        lambda root: relink(root / "usr/lib/link", "small7"),
        "usr/lib/link points to 'small7' and not to 'large'",
    ),
    "kind": (lambda root: relink(root / "usr/lib/empty", "large"), "usr/lib/empty is a symlink and not a file"),
    "time": (lambda root: os.utime(root / "AppRun", (1, 1)), "AppRun has the time 1 and not 1600000000"),
}


def flip(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 1
    path.write_bytes(content)


def relink(path: Path, target: str) -> None:
    path.unlink()
    path.symlink_to(target)


@pytest.mark.parametrize("name", CHANGES)
def test_every_difference_is_named_and_no_other(name: str, directory: Path, tmp_path: Path) -> None:
    output = tmp_path / "output"
    os.system(f"cp -a {directory} {output}")
    change, sentence = CHANGES[name]
    with open_artifact(directory) as before:
        planned = unchanged_tree(before.tree)
        with open_artifact(output) as after:
            assert compare_trees(planned, after.tree) == []
        change(output)
        with open_artifact(output) as after:
            told = compare_trees(planned, after.tree)
        if name != "time":
            for path in output.rglob("*"):
                if not path.is_symlink():
                    os.utime(path, (1_600_000_000, 1_600_000_000))
            with open_artifact(output) as after:
                told = compare_trees(planned, after.tree)
        assert told == [sentence]
        with open_artifact(output) as after:
            assert compare_trees(planned, after.tree, times=False) == ([] if name == "time" else [sentence])


@pytest.mark.peer
def test_an_image_is_compared_with_the_directory_it_was_made_of(directory: Path, tmp_path: Path) -> None:
    image = make_squashfs(directory, tmp_path / "image.squashfs", "-all-root")
    flip(directory / "usr/lib/small9", 3)
    with open_artifact(directory) as before, FileSource(image) as source:
        tree = squashfs_tree(SquashfsImage(source), [])
        assert compare_trees(unchanged_tree(before.tree), tree, times=False) == [
            "usr/lib/small9 has other content than planned"
        ]
        assert compare_trees(unchanged_tree(tree), tree) == []


def test_new_content_and_shared_files(directory: Path, tmp_path: Path) -> None:
    output = tmp_path / "output"
    os.system(f"cp -a {directory} {output}")
    content = b"compiled"
    (output / "usr/lib/new.pyc").write_bytes(content)
    (output / "usr/lib/small1").unlink()
    os.link(output / "usr/lib/small0", output / "usr/lib/small1")
    with open_artifact(directory) as before, open_artifact(output) as after:
        entries = dict(unchanged_tree(before.tree).entries)
        template = entries["usr/lib/small0"]
        entries["usr/lib/new.pyc"] = replace(
            template, path="usr/lib/new.pyc", node=None, content=BytesSource(content), size=8, mtime=None
        )
        shared = replace(template, path="usr/lib/small1", link_to="usr/lib/small0")
        assert compare_trees(PlannedTree(entries | {"usr/lib/small1": shared}), after.tree) == []
        unshared = replace(entries["usr/lib/small2"], link_to="usr/lib/small0")
        told = compare_trees(PlannedTree(entries | {"usr/lib/small1": shared, "usr/lib/small2": unshared}), after.tree)
        assert told == ["usr/lib/small2 does not share its file with usr/lib/small0"]
        wrong = replace(entries["usr/lib/new.pyc"], content=BytesSource(b"otherone"))
        told = compare_trees(PlannedTree(entries | {"usr/lib/small1": shared, "usr/lib/new.pyc": wrong}), after.tree)
        assert told == ["usr/lib/new.pyc has other content than planned"]


def test_what_cannot_be_read_is_no_proof(directory: Path) -> None:
    with open_artifact(directory) as before, open_artifact(directory) as after:
        planned = unchanged_tree(before.tree)
        nodes = [
            replace(node, opener=lambda: BytesSource(b"short")) if node.path == "usr/lib/large" else node
            for node in after.tree
        ]
        assert compare_trees(planned, Tree(nodes)) == ["usr/lib/large cannot be read"]
        assert compare_trees(unchanged_tree(Tree(nodes)), before.tree) == [
            "usr/lib/large cannot be compared: its planned content cannot be read"
        ]


# -- audits

FOUND = Finding(
    rule="missing-library",
    severity="warning",
    confidence="high",
    subject="a.so",
    message="a.so needs b",
    fingerprint="f1",
)
HOST = HostVerdict(
    id="debian-12",
    name="Debian 12",
    variant="desktop",
    basis="measured",
    verdict="degraded",
    message="1 of 9 roots",
    objects=(FailedObject(path="a.so"),),
)
BASE = Result(
    tool=ToolInfo(name="t", version="1"),
    rules={},
    artifact=ArtifactInfo(id="x", path="x", format="appdir", arch=None, size=1, unpacked_size=1),
    files=FilesInfo(count=1, elf_count=0),
    findings=(FOUND,),
    hosts=(HOST,),
    problems=(Problem(kind="corrupt-member", subject="c", message="broken"),),
    roots=(RootInfo(path="a.so", role="extension"), RootInfo(path="z.so", role="plugin")),
)


def changed(base: Result = BASE, **fields: object) -> Result:
    return msgspec.structs.replace(base, **fields)


def test_no_worse() -> None:
    better = msgspec.structs.replace(HOST, verdict="starts", objects=())
    for after in (BASE, changed(findings=()), changed(hosts=(better,)), changed(hosts=()), changed(problems=())):
        assert compare_audits(BASE, after).ok


def test_a_library_whose_user_is_gone_is_no_new_failure() -> None:
    """It was loaded by another root, and is looked at by itself now."""
    objects = (FailedObject(path="a.so"), FailedObject(path="lib/libleft.so"))
    assert compare_audits(BASE, changed(hosts=(msgspec.structs.replace(HOST, objects=objects),))).ok


WORSE = {
    "a new finding": (
        changed(findings=(FOUND, msgspec.structs.replace(FOUND, fingerprint="f2", message="new one"))),
        "new finding missing-library: new one",
    ),
    "the same twice": (changed(findings=(FOUND, FOUND)), "new finding missing-library: a.so needs b"),
    "graver": (
        changed(findings=(msgspec.structs.replace(FOUND, severity="error"),)),
        "finding missing-library is graver now: a.so needs b",
    ),
    "a worse host": (
        changed(hosts=(msgspec.structs.replace(HOST, verdict="fails", message="no libc"),)),
        "on Debian 12 (desktop) it fails and was degraded before: no libc",
    ),
    "another root": (
        changed(hosts=(msgspec.structs.replace(HOST, objects=(FailedObject(path="a.so"), FailedObject(path="z.so"))),)),
        "on Debian 12 (desktop) z.so does not load any more",
    ),
    "unreadable": (
        changed(problems=(*BASE.problems, Problem(kind="corrupt-member", subject="d", message="cut"))),
        "d: cut",
    ),
}


@pytest.mark.parametrize("name", WORSE)
def test_worse(name: str) -> None:
    after, sentence = WORSE[name]
    comparison = compare_audits(BASE, after)
    assert not comparison.ok
    assert comparison.sentences() == [sentence]
