"""Programs that read SquashFS images, and what each of them shows of one: names, bytes, attributes and hard links."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from corpus import Unavailable
from corpus.appimage_runtime import libfuse2_runtime, static_runtime, write_appimage
from inspector.formats.squashfs import SquashfsImage
from inspector.source import FileSource
from tests.squashfs_images import Manifest, extract, manifest_of_directory, need

IS_ROOT = os.geteuid() == 0


@dataclass(frozen=True, slots=True)
class Shown:
    """What a reader shows of an image.

    :ivar manifest: path -> kind, mode, mtime, uid, gid, size, target, device, sha256.
    :ivar links: the sets of names that share an inode.
    :ivar xattrs: of those that have any; None where the reader does not show them.
    """

    manifest: Manifest
    links: set[frozenset[bytes]]
    xattrs: dict[bytes, dict[bytes, bytes]] | None


def by_our_reader(path: Path, _scratch: Path) -> Shown:
    """What :class:`SquashfsImage` shows."""
    with FileSource(path) as source:
        image = SquashfsImage(source)
        manifest: Manifest = {}
        names: dict[int, set[bytes]] = {}
        xattrs = {}
        digests = {}
        walked = list(image.walk())
        for inode in image.read_order(inode for _, inode in walked):
            digest = hashlib.sha256()
            for offset in range(0, inode.size, 1 << 20):
                digest.update(inode.read_at(offset, 1 << 20))
            digests[inode.number] = digest.hexdigest()
        for name, inode in walked:
            size, digest_text = (inode.size, digests[inode.number]) if inode.is_file else (0, "")
            owner = (inode.uid, inode.gid)
            manifest[name] = (
                inode.kind.value,
                inode.mode,
                inode.mtime,
                *owner,
                size,
                inode.target,
                inode.device,
                digest_text,
            )
            if inode.kind.value != "directory":
                names.setdefault(inode.number, set()).add(name)
            if found := image.xattrs(inode):
                xattrs[name] = found
        nlinks = {inode.number: inode.nlink for _, inode in walked if inode.kind.value != "directory"}
        assert nlinks == {number: len(paths) for number, paths in names.items()}
        assert sorted({inode.number for _, inode in walked}) == list(range(1, image.superblock.inode_count + 1))
        return Shown(manifest, {frozenset(paths) for paths in names.values() if len(paths) > 1}, xattrs)


def by_unsquashfs(path: Path, scratch: Path) -> Shown:
    """What ``unsquashfs`` extracts."""
    return of_directory(extract(path, scratch / "unsquashfs"))


def by_kernel(path: Path, scratch: Path) -> Shown:
    """What Linux mounts."""
    with mounted_by_kernel(path, scratch) as directory:
        return of_directory(directory)


def by_squashfuse(path: Path, scratch: Path) -> Shown:
    """What ``squashfuse`` mounts."""
    with mounted_by_squashfuse(path, scratch) as directory:
        return of_directory(directory)


@contextmanager
def mounted_by_kernel(path: Path, scratch: Path) -> Iterator[Path]:
    """The image mounted through a loop device; the test is skipped where nobody may do that."""
    if sys.platform != "linux" or not IS_ROOT:
        pytest.skip("the kernel mounts images for root on Linux only")
    directory = scratch / "kernel"
    directory.mkdir()
    options = "loop,ro,nodev,nosuid"
    done = subprocess.run(["mount", "-t", "squashfs", "-o", options, path, directory], capture_output=True, text=True)  # noqa: PLW1510
    if done.returncode:
        if "unknown filesystem" in done.stderr or "loop" in done.stderr or "permission denied" in done.stderr:
            pytest.skip(f"the kernel mounts no image here: {done.stderr.strip()}")
        pytest.fail(f"the kernel refuses the image: {done.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", directory], check=True)


@contextmanager
def mounted_by_squashfuse(path: Path, scratch: Path) -> Iterator[Path]:
    """The image mounted by squashfuse; the test is skipped where FUSE cannot be used."""
    need("squashfuse")
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("/dev/fuse cannot be used here")
    directory = scratch / "squashfuse"
    directory.mkdir()
    done = subprocess.run(["squashfuse", path, directory], capture_output=True, text=True)  # noqa: PLW1510
    if done.returncode:
        if "fuse" in done.stderr and "mount" in done.stderr:
            pytest.skip(f"squashfuse mounts nothing here: {done.stderr.strip()}")
        pytest.fail(f"squashfuse refuses the image: {done.stderr.strip()}")
    try:
        yield directory
    finally:
        unmount = ["umount"] if IS_ROOT else ["fusermount", "-u"]
        subprocess.run([*unmount, directory], check=True)


def by_appimage_runtime(path: Path, scratch: Path) -> Shown:
    """What a genuine AppImage's runtime extracts, which reads the image's compressor."""
    with FileSource(path) as source:
        compressor = SquashfsImage(source).superblock.compressor
    makers = {"gzip": libfuse2_runtime, "xz": libfuse2_runtime, "zstd": static_runtime}
    if compressor not in makers:
        pytest.skip(f"no AppImage runtime reads {compressor}")
    try:
        runtime = makers[compressor]()
    except Unavailable as reason:
        pytest.skip(f"no runtime: {reason}")
    directory = scratch / "runtime"
    directory.mkdir()
    appimage = directory / "Some.AppImage"
    write_appimage(appimage, runtime, path)
    done = subprocess.run([appimage, "--appimage-extract"], cwd=directory, capture_output=True)  # noqa: PLW1510
    if done.returncode:
        if b"/lib/ld-linux" in done.stderr or b"libfuse" in done.stderr:
            pytest.skip(f"the runtime does not start here: {os.fsdecode(done.stderr).strip()}")
        pytest.fail(f"the runtime refuses the image: {os.fsdecode(done.stderr).strip()}")
    return of_directory(directory / "squashfs-root")


def all_fields(manifest: Manifest) -> Manifest:
    """The whole manifest."""
    return manifest


def as_ordinary_user(manifest: Manifest) -> Manifest:
    """What an ordinary user gets of a manifest: no owners, no set-user-ID and set-group-ID bits."""
    return {path: (kind, mode & 0o1777, mtime, *rest) for path, (kind, mode, mtime, _, _, *rest) in manifest.items()}  # type: ignore[operator]


def as_runtime_extracts(manifest: Manifest) -> Manifest:
    """What AppImage runtimes extract: files, directories and links; of modes those of files, no times and no owners."""
    return {
        path: (kind, mode if kind == "file" else 0, *rest)
        for path, (kind, mode, _, _, _, *rest) in manifest.items()
        if kind in ("file", "directory", "symlink")
    }


@dataclass(frozen=True, slots=True)
class Reader:
    """One program.

    :ivar show: image and an empty directory in, what it shows out; skips the test where the program cannot be used.
    :ivar keeps: what of a manifest the program shows.
    :ivar links: whether it shows which names share an inode; an extracting runtime may show some.
    """

    show: Callable[[Path, Path], Shown]
    keeps: Callable[[Manifest], Manifest] = all_fields
    links: bool = True


READERS = {
    "our reader": Reader(by_our_reader),
    "unsquashfs": Reader(by_unsquashfs, all_fields if IS_ROOT else as_ordinary_user),
    "squashfuse": Reader(by_squashfuse, links=False),
    "kernel": Reader(by_kernel),
    "AppImage runtime": Reader(by_appimage_runtime, as_runtime_extracts, links=False),
}


def of_directory(root: Path) -> Shown:
    """What lies below a directory."""
    manifest = manifest_of_directory(root)
    names: dict[tuple[int, int], set[bytes]] = {}
    xattrs: dict[bytes, dict[bytes, bytes]] | None = {}
    for path, (kind, *_) in manifest.items():
        full = os.path.join(os.fsencode(root), path)  # noqa: PTH118 - names in bytes
        status = os.lstat(full)
        if kind != "directory":
            names.setdefault((status.st_dev, status.st_ino), set()).add(path)
        if xattrs is not None:
            try:
                listed = os.listxattr(full, follow_symlinks=False)
            except OSError as error:
                if error.errno not in (errno.ENOTSUP, errno.EPERM):
                    raise
                xattrs = None  # squashfuse without them, or a file system that has none
                continue
            # A label that the machine's own security module gives every file is not the image's
            found = {name: os.getxattr(full, name, follow_symlinks=False) for name in listed if "selinux" not in name}
            if found:
                xattrs[path] = {os.fsencode(name): value for name, value in found.items()}
    return Shown(manifest, {frozenset(paths) for paths in names.values() if len(paths) > 1}, xattrs)


def clear(scratch: Path) -> None:
    """Remove what a reader has extracted, whatever its modes."""
    for path in scratch.iterdir():
        if path.is_dir() and not path.is_symlink():
            if not IS_ROOT:
                subprocess.run(["chmod", "-R", "u+rwx", path], check=True)
            shutil.rmtree(path)
