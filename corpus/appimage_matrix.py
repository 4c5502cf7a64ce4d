"""One small tree as a type 2 AppImage in every compressor, block size and image option, and the tree itself as the truth to compare with.

The tree holds what a squashfs reader must get right: empty, tiny, block-sized and many-block files, fragments shared by small files,
holes, duplicates, hard links, a directory whose listing needs the extended inode, long and non-ASCII names, links of several kinds.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from corpus.appdir_files import Application, write_root_files
from corpus.appimage_runtime import Runtime, best_runtime, i686_runtime, libfuse2_runtime
from corpus.programs import ProgramFailed
from corpus.recipe import Bounds, Recipe, Unavailable
from corpus.squashfs_image import BLOCK_SIZE, pack

KIB = 1024
TREE = "appimage-matrix/tree.AppDir"
APPRUN = """\
#!/bin/sh
cat "$(dirname "$(readlink -f "$0")")/usr/share/greeting"
"""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of packing the tree."""

    compressor: str
    block_size: int = BLOCK_SIZE
    """Bytes."""
    label: str = ""
    """What is special about it, for its name."""
    options: tuple[str, ...] = ()
    """Options of mksquashfs."""
    runtime: str = "best"
    """``best``, ``libfuse2`` or ``i686``."""

    @property
    def name(self) -> str:
        """``appimage-matrix/<compressor>-<block size>[-<label>].AppImage``."""
        size = f"{self.block_size // KIB}K"
        return f"appimage-matrix/{'-'.join(filter(None, (self.compressor, size, self.label)))}.AppImage"


VARIANTS = (
    *(
        Variant(compressor, size * KIB)
        for compressor in ("gzip", "xz", "zstd", "lz4", "lzo")
        for size in (4, 128, 1024)
    ),
    Variant("zstd", label="level-22", options=("-Xcompression-level", "22")),
    Variant("zstd", label="no-fragments", options=("-no-fragments",)),
    Variant("zstd", label="always-fragments", options=("-always-use-fragments",)),
    Variant("zstd", label="no-duplicates", options=("-no-duplicates",)),
    Variant("zstd", label="no-export-table", options=("-no-exports",)),
    Variant("zstd", label="raw-metadata", options=("-noI", "-noId")),
    Variant("zstd", label="raw-data", options=("-noD", "-noF")),
    Variant("zstd", label="no-padding", options=("-nopad",)),
    Variant("gzip", label="raw-everything", options=("-noI", "-noId", "-noD", "-noF")),
    Variant("gzip", label="level-1", options=("-Xcompression-level", "1")),
    Variant("xz", label="x86-filter", options=("-Xbcj", "x86")),
    Variant("xz", 16 * KIB, label="full-dictionary", options=("-Xdict-size", "100%")),
    Variant("lz4", label="high-compression", options=("-Xhc",)),
    Variant("gzip", label="libfuse2-runtime", runtime="libfuse2"),
    Variant("zstd", label="libfuse2-runtime", runtime="libfuse2"),
    Variant("gzip", label="i686-runtime", runtime="i686"),
)


def recipes() -> Iterator[Recipe]:
    """The tree, then one AppImage a variant."""
    yield Recipe(TREE, "the tree that the matrix packs", _build_tree, Bounds((8_000_000, 16_000_000), (1_600, 1_700)))
    for variant in VARIANTS:
        kind = {"best": "", "libfuse2": ", on a runtime that needs libfuse.so.2", "i686": ", on a 32-bit runtime"}[
            variant.runtime
        ]
        options = f", {' '.join(variant.options)}" if variant.options else ""
        summary = f"{variant.compressor}, blocks of {variant.block_size:,} bytes{options}{kind}"
        yield Recipe(
            variant.name, summary, partial(_build_image, variant), Bounds((300_000, 12_000_000)), ("mksquashfs",)
        )


def _runtime(kind: str) -> Runtime:
    return {"best": best_runtime, "libfuse2": libfuse2_runtime, "i686": i686_runtime}[kind]()


def _build_image(variant: Variant, destination: Path) -> None:
    import corpus

    tree = corpus.artifact(TREE)
    try:
        pack(tree, destination, _runtime(variant.runtime), variant.compressor, variant.block_size, variant.options)
    except ProgramFailed as failure:
        if "Compressor" in str(failure) or "compressor" in str(failure):
            raise Unavailable(f"this mksquashfs was built without {variant.compressor}") from failure
        raise


def _build_tree(tree: Path) -> None:
    import corpus

    share = tree / "usr/share"
    share.mkdir(parents=True)
    write_root_files(tree, Application("matrix", "Matrix", "Utility;", (90, 90, 90)), APPRUN)
    (share / "greeting").write_text("Hello from the matrix\n", encoding="utf-8")
    shutil.copyfile(corpus.artifact("libappimage/elffile"), share / "program")
    (share / "program").chmod(0o755)
    _files_of_every_size(share / "sizes")
    _files_that_share_content(share / "shared")
    _names(share / "names")
    _links(share / "links")
    (share / "empty directory").mkdir()
    for mode in (0o400, 0o644, 0o711, 0o4755, 0o2755, 0o1777):
        (share / f"mode {mode:04o}").write_text("mode\n", encoding="utf-8")
        (share / f"mode {mode:04o}").chmod(mode)


def _files_of_every_size(directory: Path) -> None:
    """Around every boundary of 4, 128 and 1,024 KiB blocks, half of each file noise (the same on every run) and half text; files with holes."""
    directory.mkdir()
    noise = random.Random(2)
    for size in (
        0,
        1,
        4095,
        4096,
        4097,
        8191,
        131_071,
        131_072,
        131_073,
        262_144,
        1_048_575,
        1_048_576,
        1_048_577,
        3_000_000,
    ):
        text = b"the quick brown fox jumps over the lazy dog\n" * (size // 88 + 1)
        (directory / f"{size}").write_bytes((noise.randbytes(size // 2) + text)[:size])
    for name, size, at in (
        ("hole in front", 2_000_000, 1_500_000),
        ("hole behind", 700_000, 10),
        ("only a hole", 1_300_000, None),
    ):
        with (directory / name).open("wb") as file:
            file.truncate(size)
            if at is not None:
                file.seek(at)
                file.write(noise.randbytes(5000))


def _files_that_share_content(directory: Path) -> None:
    """Duplicates of a file with blocks and of a file in a fragment, and a hard link."""
    directory.mkdir()
    noise = random.Random(3)
    large, small = noise.randbytes(300_000), noise.randbytes(900)
    for number in range(3):
        (directory / f"large {number}").write_bytes(large)
        (directory / f"small {number}").write_bytes(small)
    (directory / "hard link").hardlink_to(directory / "large 0")


def _names(directory: Path) -> None:
    """More names than a basic directory inode's 64 KiB listing holds; the longest name; names in other scripts."""
    directory.mkdir()
    for number in range(1600):
        (directory / f"a name of some forty characters, number {number:04}").write_text(f"{number}\n", encoding="utf-8")
    (directory / ("n" * 255)).touch()
    for name in ("ünïcödé", "日本語", "white \t space", "new\nline", "-leading dash", "$(touch x)"):
        (directory / name).write_text("name\n", encoding="utf-8")
    deep = directory.joinpath(*(["deep"] * 40))
    deep.mkdir(parents=True)
    (deep / "bottom").write_text("bottom\n", encoding="utf-8")


def _links(directory: Path) -> None:
    directory.mkdir()
    for name, target in (
        ("relative", "../greeting"),
        ("chain", "relative"),
        ("to a directory", "../names"),
        ("dangling", "no such file"),
        ("absolute", "/usr/lib/libc.so.6"),
        ("outside", "../../../../../etc/passwd"),
        ("loop", "loop"),
        ("long", "x/" * 1000 + "y"),
    ):
        (directory / name).symlink_to(target)
