"""What the reader says of volumes that xorriso and genisoimage made equals what was put in, and what bsdtar and xorriso take out."""

from __future__ import annotations

import hashlib
import os
import random
import stat
import subprocess
from pathlib import Path

import pytest

from inspector.formats.iso9660 import Iso9660Image
from inspector.source import FileSource
from tests.squashfs_images import need

pytestmark = pytest.mark.peer

# genisoimage 1.1.11 cuts a long link in the middle of a component and does not say so: SL entries that no reader can put together
WITHOUT_FAR = ("-m", "far")

Manifest = dict[bytes, tuple[object, ...]]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Long and odd names, deep directories, links, zeros, hard links, executables."""
    top = tmp_path_factory.mktemp("iso") / "tree"
    deep = top / "/".join("abcdefghijk") / "leaf"
    deep.mkdir(parents=True)
    generator = random.Random(1)
    (deep / "file").write_bytes(b"deep")
    (top / ("n" * 220)).write_bytes(b"long name")
    (top / "zeros").write_bytes(bytes(1_000_000) + b"end")
    (top / "numbers").write_bytes(b"".join(b"%d " % number for number in range(150_000)))
    (top / "noise").write_bytes(generator.randbytes(100_001))
    (top / "empty").touch()
    (top / "a" / "program").write_bytes(b"#!/bin/sh\n")
    (top / "a" / "program").chmod(0o4755)
    (top / "a" / "hard").hardlink_to(top / "numbers")
    (top / "relative").symlink_to("a/../numbers")
    (top / "absolute").symlink_to("/usr/bin/env")
    (top / "far").symlink_to("/".join(["x" * 90] * 8))
    Path(os.fsdecode(os.fsencode(top) + b"/\xff\xc3\xa9")).write_bytes(b"bytes that are not UTF-8")
    for number in range(300):
        (top / "a" / "b" / f"module_{number}.py").write_bytes(b"x = %d\n" % number)
    return top


def manifest_of_directory(root: Path) -> Manifest:
    found: Manifest = {}
    for path in root.rglob("*"):
        mode = path.lstat().st_mode
        target = os.fsencode(path.readlink()) if stat.S_ISLNK(mode) else None
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(mode) else ""
        found[os.fsencode(path.relative_to(root))] = (stat.S_IFMT(mode), target, digest)
    return found


def manifest_of_volume(path: Path) -> Manifest:
    found: Manifest = {}
    with FileSource(path) as source:
        image = Iso9660Image(source)
        for entry in image.walk():
            digest = ""
            if stat.S_ISREG(entry.mode):
                content = image.open(entry)
                hashed = hashlib.sha256()
                for offset in range(0, content.size, 70_001):
                    hashed.update(content.read_at(offset, 70_001))
                digest = hashed.hexdigest()
            found[b"/".join(entry.path)] = (stat.S_IFMT(entry.mode), entry.target, digest)
        assert image.damages == []
        assert image.rock_ridge
    del found[b""]
    return found


def run(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True, capture_output=True)


def test_xorriso_plain(tree: Path, tmp_path: Path) -> None:
    need("xorriso")
    run("xorriso", "-as", "mkisofs", "-quiet", "-o", tmp_path / "plain.iso", tree)
    assert manifest_of_volume(tmp_path / "plain.iso") == manifest_of_directory(tree)


def test_xorriso_zisofs_hard_links_and_extraction(tree: Path, tmp_path: Path) -> None:
    need("xorriso", "bsdtar")
    image = tmp_path / "packed.iso"
    compress = ["-find", "/", "-type", "f", "-exec", "set_filter", "--zisofs", "--"]
    run("xorriso", "-outdev", image, "-hardlinks", "on", "-map", tree, "/", *compress, "-commit")
    ours = manifest_of_volume(image)
    assert ours == manifest_of_directory(tree)
    extracted = tmp_path / "bsdtar"
    extracted.mkdir()
    run("bsdtar", "-C", extracted, "-xf", image)
    theirs = manifest_of_directory(extracted)
    # bsdtar 3.6 loses the slash where a link goes on in a second SL entry; what went in, above, is the better witness
    assert theirs.pop(b"far") != ours.pop(b"far")
    assert ours == theirs
    with FileSource(image) as source:
        reader = Iso9660Image(source)
        entries = {b"/".join(entry.path): entry for entry in reader.walk()}
        assert entries[b"numbers"].inode == entries[b"a/hard"].inode
        assert entries[b"numbers"].record.use.zisofs is not None
        assert entries[b"zeros"].stored_size < 1000 < entries[b"zeros"].size
        assert stat.S_IMODE(entries[b"a/program"].mode) == 0o4755


def test_genisoimage_with_relocated_directories(tree: Path, tmp_path: Path) -> None:
    need("genisoimage")
    image = tmp_path / "relocated.iso"
    run("genisoimage", "-quiet", "-R", *WITHOUT_FAR, "-o", image, tree)
    ours = manifest_of_volume(image)
    ours.pop(b"rr_moved", None)  # where it moves deep directories to, as an empty directory
    theirs = manifest_of_directory(tree)
    del theirs[b"far"]
    assert ours == theirs


def test_a_link_that_genisoimage_breaks_is_one_damage_and_no_more(tree: Path, tmp_path: Path) -> None:
    need("genisoimage")
    run("genisoimage", "-quiet", "-R", "-o", tmp_path / "broken.iso", tree)
    with FileSource(tmp_path / "broken.iso") as source:
        image = Iso9660Image(source)
        names = {b"/".join(entry.path) for entry in image.walk()}
    assert names - {b"", b"rr_moved"} == set(manifest_of_directory(tree)) - {b"far"}
    assert [damage.path for damage in image.damages] == [(b"far",)]


def test_mkzftree(tree: Path, tmp_path: Path) -> None:
    need("genisoimage", "mkzftree")
    packed = tmp_path / "packed"
    run("mkzftree", tree, packed)
    run("genisoimage", "-quiet", "-R", "-z", *WITHOUT_FAR, "-o", tmp_path / "packed.iso", packed)
    ours = manifest_of_volume(tmp_path / "packed.iso")
    ours.pop(b"rr_moved", None)
    theirs = manifest_of_directory(tree)
    del theirs[b"far"]
    assert ours == theirs
