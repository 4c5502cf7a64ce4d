"""SquashFS images made byte by byte, so that a test can make any of them wrong, and what real tools say about an image.

The layout is that of squashfs-tools-ng's ``doc/format.adoc``; nothing of the reader under test is used here.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

ABSENT = 0xFFFF_FFFF_FFFF_FFFF
NONE = 0xFFFF_FFFF
RAW_BLOCK = 1 << 24
BLOCK_SIZE = 4096

DIRECTORY, FILE, SYMLINK, BLOCK_DEVICE, CHARACTER_DEVICE, FIFO, SOCKET = range(1, 8)
LONG_DIRECTORY, LONG_FILE = 8, 9


def metadata(content: bytes, compress: Callable[[bytes], bytes] | None = None) -> bytes:
    """A table as metadata blocks."""
    blocks = []
    for start in range(0, len(content), 8192):
        block = content[start : start + 8192]
        if compress is None:
            blocks.append(struct.pack("<H", 0x8000 | len(block)) + block)
        else:
            packed = compress(block)
            blocks.append(struct.pack("<H", len(packed)) + packed)
    return b"".join(blocks)


def reference(offset: int) -> tuple[int, int]:
    """Block position and offset in the block of a byte of an uncompressed table."""
    return offset // 8192 * 8194, offset % 8192


def common(kind: int, number: int, *, mode: int = 0o644, uid: int = 0, gid: int = 0, mtime: int = 0) -> bytes:
    """What every inode starts with."""
    return struct.pack("<HHHHII", kind, mode, uid, gid, mtime, number)


def file_inode(
    number: int,
    size: int,
    words: tuple[int, ...] = (),
    *,
    start: int = 96,
    fragment: int = NONE,
    offset: int = 0,
    **owner: int,
) -> bytes:
    """A basic regular file."""
    return (
        common(FILE, number, **owner)
        + struct.pack("<IIII", start, fragment, offset, size)
        + struct.pack(f"<{len(words)}I", *words)
    )


def long_file_inode(
    number: int,
    size: int,
    words: bytes = b"",
    *,
    start: int = 96,
    fragment: int = NONE,
    offset: int = 0,
    xattr: int = NONE,
) -> bytes:
    """An extended regular file; ``words`` are packed already."""
    return common(LONG_FILE, number) + struct.pack("<QQQIIII", start, size, 0, 1, fragment, offset, xattr) + words


def directory_inode(number: int, listing_offset: int, listing_size: int, *, mode: int = 0o755) -> bytes:
    """A basic directory whose listing is at that offset of the directory table."""
    block, offset = reference(listing_offset)
    return common(DIRECTORY, number, mode=mode) + struct.pack("<IIHHI", block, 2, listing_size + 3, offset, 0)


def long_directory_inode(number: int, listing_size: int) -> bytes:
    """An extended directory without an index, whose listing is at the start of the directory table."""
    return common(LONG_DIRECTORY, number, mode=0o755) + struct.pack("<IIIIHHI", 2, listing_size + 3, 0, 0, 0, 0, NONE)


def symlink_inode(number: int, target: bytes, *, length: int | None = None) -> bytes:
    """A basic symbolic link; ``length`` may lie."""
    return (
        common(SYMLINK, number, mode=0o777) + struct.pack("<II", 1, len(target) if length is None else length) + target
    )


def listing(*entries: tuple[bytes, int, int, int], count: int | None = None) -> bytes:
    """A listing: (name, inode's offset in the inode table, inode number, basic type) each, one header for each inode block."""
    content = b""
    for name, inode_offset, number, kind in entries:
        block, offset = reference(inode_offset)
        content += struct.pack("<III", (1 if count is None else count) - 1 & NONE, block, number)
        content += struct.pack("<HhHH", offset, 0, kind, len(name) - 1 & 0xFFFF) + name
    return content


def image(
    inodes: bytes,
    directories: bytes,
    *,
    root: int = 0,
    data: bytes = b"",
    fragments: tuple[tuple[int, int], ...] = (),
    compress: Callable[[bytes], bytes] | None = None,
    compressor: int = 1,
    block_size: int = BLOCK_SIZE,
    xattrs: tuple[bytes, bytes] | None = None,
    inode_blocks: bytes | None = None,
    directory_blocks: bytes | None = None,
    **fields: int,
) -> bytes:
    """A whole image; ``fields`` override those of the superblock.

    :param root: offset of the root's inode in the inode table.
    :param data: what follows the superblock.
    :param fragments: (position, size word) of each.
    :param xattrs: attributes, and the records of the xattr id table.
    :param inode_blocks: the stored bytes instead of those made from ``inodes``; ``directory_blocks`` likewise.
    """
    body = bytearray(96) + data
    tables: dict[str, int] = {"inode_table": len(body)}
    body += metadata(inodes, compress) if inode_blocks is None else inode_blocks
    tables["directory_table"] = len(body)
    body += metadata(directories, compress) if directory_blocks is None else directory_blocks

    def lookup(records: bytes) -> int:
        nonlocal body
        block = len(body)
        body += metadata(records, compress)
        index = len(body)
        body += struct.pack("<Q", block) if records else b""
        return index

    tables["fragment_table"] = (
        lookup(b"".join(struct.pack("<QII", *fragment, 0) for fragment in fragments)) if fragments else ABSENT
    )
    tables["id_table"] = lookup(struct.pack("<I", 1000))
    tables["xattr_table"] = ABSENT
    if xattrs is not None:
        attributes, ids = xattrs
        start = len(body)
        body += metadata(attributes)
        block = len(body)
        body += metadata(ids)
        tables["xattr_table"] = len(body)
        body += struct.pack("<QIIQ", start, len(ids) // 16, 0, block)
    block, offset = reference(root)
    values = {
        "magic": 0x73717368,
        "inode_count": 100,
        "mkfs_time": 0,
        "stated_block_size": block_size,
        "fragment_count": len(fragments),
        "compressor": compressor,
        "block_log": block_size.bit_length() - 1,
        "flags": 0,
        "id_count": 1,
        "major": 4,
        "minor": 0,
        "root_reference": block << 16 | offset,
        "bytes_used": len(body),
        "id_table": 0,
        "xattr_table": 0,
        "inode_table": 0,
        "directory_table": 0,
        "fragment_table": 0,
        "export_table": ABSENT,
        **tables,
        **fields,
    }
    body[:96] = struct.pack("<IIIIIHHHHHHQQQQQQQQ", *values.values())
    return bytes(body)


def one_file(inode: bytes, *, name: bytes = b"file", number: int = 2, kind: int = FILE, **rest: object) -> bytes:
    """An image with one member in its root."""
    entries = listing((name, 0, number, kind))
    return image(inode + directory_inode(1, 0, len(entries)), entries, root=len(inode), **rest)  # type: ignore[arg-type]


def deflate(content: bytes) -> bytes:
    """zlib at its best."""
    return zlib.compress(content, 9)


def need(*programs: str) -> None:
    """Skip the test where one of these is not installed."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def make_squashfs(directory: Path, target: Path, *options: str) -> Path:
    """An image of a directory, made by mksquashfs; the test is skipped where that cannot do it."""
    need("mksquashfs")
    done = subprocess.run(
        ["mksquashfs", str(directory), str(target), "-noappend", "-no-progress", "-quiet", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"mksquashfs {' '.join(options)}: {done.stderr.strip().splitlines()[-1:]}")
    return target


def extract(image_path: Path, target: Path, *options: str) -> Path:
    """What unsquashfs makes of an image."""
    need("unsquashfs")
    subprocess.run(
        ["unsquashfs", "-quiet", "-no-progress", *options, "-d", str(target), str(image_path)],
        check=True,
        capture_output=True,
        text=True,
    )
    return target


_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFBLK: "block-device",
    stat.S_IFCHR: "character-device",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}

Manifest = dict[bytes, tuple[object, ...]]


def manifest_of_directory(root: Path) -> Manifest:
    """Path -> kind, mode, mtime, owner, size, target, device, sha256 of everything below a directory, without following links."""
    found: Manifest = {}
    todo = [b""]
    while todo:
        path = todo.pop()
        full = root / os.fsdecode(path)
        status = full.lstat()
        kind = _KINDS[stat.S_IFMT(status.st_mode)]
        size, target, digest = 0, b"", ""
        if kind == "file":
            size = status.st_size
            with full.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        elif kind == "symlink":
            target = os.fsencode(os.readlink(full))  # noqa: PTH115 - Path would drop a final slash
        elif kind == "directory":
            todo.extend(os.fsencode(child.relative_to(root)) for child in full.iterdir())
        device = (os.major(status.st_rdev), os.minor(status.st_rdev)) if kind.endswith("device") else (0, 0)
        mode = stat.S_IMODE(status.st_mode)
        found[path] = (kind, mode, int(status.st_mtime), status.st_uid, status.st_gid, size, target, device, digest)
    return found
