"""What must end in one line and the right exit status, never in a traceback: broken, foreign, packed and half-written files."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from corpus.appdir_files import Application, write_root_files
from corpus.appimage_runtime import best_runtime, payload_offset
from corpus.debian import download, unpack
from corpus.programs import run
from corpus.recipe import Bounds, Recipe, Unavailable
from corpus.squashfs_image import pack
from corpus.store import scratch_directory

WHOLE_IMAGE = "appimage-matrix/zstd-128K.AppImage"
UPX_RELEASE = "bullseye"
"""The newest Debian release before this one with a package of UPX; bookworm has none, and trixie's needs a newer glibc."""

# Offsets in the squashfs 4.0 superblock.
SUPERBLOCK_BLOCK_SIZE, SUPERBLOCK_COMPRESSOR, SUPERBLOCK_MAJOR, SUPERBLOCK_INODE_TABLE = 12, 20, 28, 64


@dataclass(frozen=True, slots=True)
class BadInput:
    """One bad input: how it is made, and how large it may be (raw bytes, files)."""

    name: str
    summary: str
    build: Callable[[Path], None]
    raw_bytes: tuple[int, int]
    file_count: tuple[int, int] = (1, 1)
    needs: tuple[str, ...] = ()


def recipes() -> Iterator[Recipe]:
    """``bad-input/<name>`` for each."""
    for case in CASES:
        yield Recipe(
            f"bad-input/{case.name}", case.summary, case.build, Bounds(case.raw_bytes, case.file_count), case.needs
        )


def _whole_image() -> bytearray:
    import corpus

    return bytearray(corpus.artifact(WHOLE_IMAGE).read_bytes())


def _write(destination: Path, content: bytes | bytearray) -> None:
    destination.write_bytes(content)
    destination.chmod(0o755)


def _patched(field_offset: int, layout: str, value: int) -> Callable[[Path], None]:
    """The whole image with one field of its superblock changed."""

    def build(destination: Path) -> None:
        image = _whole_image()
        struct.pack_into(layout, image, payload_offset(image) + field_offset, value)
        _write(destination, image)

    return build


def _cut(keep: Callable[[int, int], int]) -> Callable[[Path], None]:
    """The whole image up to ``keep(payload offset, file size)``."""

    def build(destination: Path) -> None:
        image = _whole_image()
        _write(destination, image[: keep(payload_offset(image), len(image))])

    return build


def _with_payload(payload: bytes) -> Callable[[Path], None]:
    return lambda destination: _write(destination, best_runtime().content + payload)


def _magic_without_section_table(destination: Path) -> None:
    """As sstrip or UPX leave a runtime: e_shoff, e_shentsize, e_shnum and e_shstrndx are zero, and nothing follows."""
    runtime = bytearray(best_runtime().content)
    struct.pack_into("<Q", runtime, 40, 0)
    struct.pack_into("<HHH", runtime, 58, 0, 0, 0)
    _write(destination, runtime)


def _corrupt_metadata(destination: Path) -> None:
    """Noise over the first block of the inode table."""
    image = _whole_image()
    start = payload_offset(image)
    (table,) = struct.unpack_from("<Q", image, start + SUPERBLOCK_INODE_TABLE)
    image[start + table + 2 : start + table + 66] = bytes(range(64))
    _write(destination, image)


def _corrupt_data(destination: Path) -> None:
    """Noise over the start of the first data block, right behind the superblock and its compressor options."""
    image = _whole_image()
    start = payload_offset(image)
    image[start + 128 : start + 192] = bytes(range(64))
    _write(destination, image)


def dwarfs_section() -> bytes:
    """A DwarFS 2.5 section header with an empty BLOCK section: 64 bytes, checksums zero (mhx/dwarfs doc/dwarfs-format.md)."""
    return struct.pack("<6sBB32s8sIHHQ", b"DWARFS", 2, 5, bytes(32), bytes(8), 0, 0, 0, 0)


def _unreadable(destination: Path) -> None:
    if os.geteuid() == 0:
        raise Unavailable("root may read a file of mode 000")
    _write(destination, b"nobody reads this")
    destination.chmod(0)


def _directory_without_apprun(destination: Path) -> None:
    (destination / "usr/share").mkdir(parents=True)
    (destination / "usr/share/note").write_text("no AppRun here\n", encoding="utf-8")


def _empty_directory(destination: Path) -> None:
    destination.mkdir()


def _broken_members(destination: Path) -> None:
    """An AppDir that starts, with members that are not what their names say."""
    import corpus

    library = destination / "usr/lib"
    library.mkdir(parents=True)
    write_root_files(destination, Application("broken", "Broken", "Utility;", (0, 0, 0)), '#!/bin/sh\necho "started"\n')
    elf = corpus.artifact("libappimage/elffile").read_bytes()
    for name, content in (
        ("libempty.so.1", b""),
        ("libtext.so.1", b"INPUT(-lc)\n"),
        ("libheader.so.1", elf[:40]),
        ("libhalf.so.1", elf[: len(elf) // 2]),
        ("libclass.so.1", elf[:4] + b"\x09" + elf[5:]),
        ("libnoise.so.1", elf[:64] + bytes(reversed(elf[64:]))),
        ("libprogramheaders.so.1", elf[:32] + struct.pack("<Q", 1 << 62) + elf[40:]),
    ):
        (library / name).write_bytes(content)
    (library / "liblink.so.1").symlink_to("liblink.so.1")
    (destination / "usr/pipe").parent.mkdir(exist_ok=True)
    os.mkfifo(destination / "usr/pipe")


def _upx_packed_appdir(destination: Path) -> None:
    """An AppDir whose AppRun is a shell program packed by UPX: no section table, no dynamic section until it has unpacked itself."""
    with scratch_directory() as root:
        packages = download(["upx-ucl", "libucl1"], UPX_RELEASE)
        for package in (*packages, *download(["dash"])):
            unpack(package, root)
        destination.mkdir()
        write_root_files(destination, Application("packed", "Packed", "Utility;", (150, 150, 0)), "")
        apprun = destination / "AppRun"
        apprun.unlink()
        shutil.copy2(root / "bin/dash", apprun)
        libraries = {"LD_LIBRARY_PATH": str(root / "usr/lib/x86_64-linux-gnu")}
        run([root / "usr/bin/upx-ucl", "-qq", "--best", apprun], environment=libraries)


def _upx_packed_appimage(destination: Path) -> None:
    import corpus

    runtime = best_runtime()
    pack(corpus.artifact("bad-input/upx-packed.AppDir"), destination, runtime, "zstd" if runtime.reads_zstd else "gzip")


RUNTIME = (40_000, 1_200_000)  # half of the smallest runtime, or a whole one; best_runtime() decides which
IMAGE = (300_000, 12_000_000)
CASES = (
    BadInput("empty-file", "no bytes at all", lambda path: _write(path, b""), (0, 0)),
    BadInput(
        "text-file.AppImage",
        "text under an AppImage's name",
        lambda path: _write(path, b"This is not an AppImage.\n"),
        (25, 25),
    ),
    BadInput("runtime-without-payload.AppImage", "a genuine runtime, nothing behind it", _with_payload(b""), RUNTIME),
    BadInput(
        "zeros-as-payload.AppImage", "a genuine runtime, then 64 KiB of zeros", _with_payload(bytes(65_536)), RUNTIME
    ),
    BadInput(
        "unknown-payload.AppImage",
        "a genuine runtime, then an unknown format",
        _with_payload(b"UNKNOWNFS" * 1000),
        RUNTIME,
    ),
    BadInput(
        "dwarfs-payload.AppImage",
        "a genuine runtime, then a DwarFS section header",
        _with_payload(dwarfs_section() * 4),
        RUNTIME,
    ),
    BadInput(
        "magic-without-section-table.AppImage",
        "AppImage magic, no section table, no payload",
        _magic_without_section_table,
        RUNTIME,
    ),
    BadInput("cut-in-elf-header.AppImage", "the first 48 bytes", _cut(lambda _offset, _size: 48), (48, 48)),
    BadInput(
        "cut-in-runtime.AppImage", "the first half of the runtime", _cut(lambda offset, _size: offset // 2), RUNTIME
    ),
    BadInput("cut-in-superblock.AppImage", "40 bytes of the payload", _cut(lambda offset, _size: offset + 40), RUNTIME),
    BadInput("cut-in-data.AppImage", "half of the payload", _cut(lambda offset, size: (offset + size) // 2), IMAGE),
    BadInput("cut-in-tables.AppImage", "all but the last 5,000 bytes", _cut(lambda _offset, size: size - 5000), IMAGE),
    BadInput("corrupt-metadata.AppImage", "noise in the inode table", _corrupt_metadata, IMAGE),
    BadInput("corrupt-data.AppImage", "noise in the first data block", _corrupt_data, IMAGE),
    BadInput("squashfs-3.AppImage", "a superblock of version 3", _patched(SUPERBLOCK_MAJOR, "<H", 3), IMAGE),
    BadInput("big-endian-squashfs.AppImage", "the magic of a big-endian image", _patched(0, ">I", 0x73717368), IMAGE),
    BadInput(
        "lzma-compressor.AppImage",
        "compressor 2, which no AppImage runtime reads",
        _patched(SUPERBLOCK_COMPRESSOR, "<H", 2),
        IMAGE,
    ),
    BadInput(
        "unknown-compressor.AppImage",
        "compressor 9, which does not exist",
        _patched(SUPERBLOCK_COMPRESSOR, "<H", 9),
        IMAGE,
    ),
    BadInput("block-size-zero.AppImage", "a block size of 0", _patched(SUPERBLOCK_BLOCK_SIZE, "<I", 0), IMAGE),
    BadInput("directory-without-apprun", "a directory that is no AppDir", _directory_without_apprun, (1, 100)),
    BadInput("empty-directory", "a directory with nothing in it", _empty_directory, (0, 0), (0, 0)),
    BadInput(
        "broken-members.AppDir", "an AppDir with broken libraries and a pipe", _broken_members, (1, 200_000), (10, 20)
    ),
    BadInput("unreadable-file.AppImage", "a file of mode 000", _unreadable, (1, 100)),
    BadInput("dangling-link.AppImage", "a link to nothing", lambda path: path.symlink_to("nothing"), (0, 0), (0, 0)),
    BadInput("link-to-itself.AppImage", "a link to itself", lambda path: path.symlink_to(path.name), (0, 0), (0, 0)),
    BadInput("pipe.AppImage", "a named pipe, which blocks whoever opens it", os.mkfifo, (0, 0), (0, 0)),
    BadInput(
        "upx-packed.AppDir",
        "AppRun packed by UPX",
        _upx_packed_appdir,
        (20_000, 300_000),
        (2, 10),
        ("apt-get", "dpkg-deb"),
    ),
    BadInput(
        "upx-packed.AppImage",
        "AppRun packed by UPX, in an AppImage",
        _upx_packed_appimage,
        (100_000, 1_400_000),
        (1, 1),
        ("mksquashfs",),
    ),
)
