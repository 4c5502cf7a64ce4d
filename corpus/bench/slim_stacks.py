"""``python -m corpus.bench.slim_stacks [NAME]... [--check]``: the four stacks slimmed, beside the recipe that everyone copies.

The recipe works on a copy of the AppDir: it removes tests, IDLE, ensurepip, tkinter, headers, static libraries and all bytecode, runs
``strip --strip-unneeded`` over every ``*.so*``, and packs the rest with mksquashfs, compressor, level and block size those of the unslimmed AppImage.
Ours is ``inspect slim`` of the AppImage, once with the default policy and once with ``--pyc none``.  Whether an image works is asked of the
application itself.  Start-up is measured on mounted images, the contenders in turn, and told as the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import corpus
from corpus.appimage_runtime import payload_offset_of
from corpus.bench.contenders import unpack_directory
from corpus.programs import require, run
from inspector.formats.squashfs import SquashfsImage
from inspector.formats.squashfs.image_settings import settings_of
from inspector.source import FileSource, SliceSource

_LIBRARY = "usr/lib/python3.11"
_PUT_BACK = ("ensurepip", "idlelib", "tkinter")
_RECIPE_DIRECTORIES = (
    "test",
    "idlelib",
    "tkinter",
    "ensurepip",
    "turtledemo",
    "lib2to3",
    "config-3.11-x86_64-linux-gnu",
)
SMALLER_THAN_RECIPE, LARGER_WITH_BYTECODE, STARTUP = 0.90, 1.35, 1.05


@dataclass(frozen=True, slots=True)
class Stack:
    """One application of the corpus.

    :ivar check: arguments with which it does its work once; its output must not change.
    :ivar start: arguments with which it starts, imports what it needs, and ends.
    """

    name: str
    check: tuple[str, ...]
    start: tuple[str, ...]
    is_open: bool = False


_MODULES = "import asyncio, ctypes, decimal, email.message, http.client, json, logging, sqlite3, ssl, tkinter, unittest, venv, zoneinfo"
_PRINTED = "print(ssl.OPENSSL_VERSION, sqlite3.sqlite_version, tkinter.TkVersion)"
STACKS = (
    Stack("python-runtime", ("-c", f"{_MODULES}; {_PRINTED}"), ("-c", "import json, ssl, asyncio"), True),
    Stack("flask-app", ("--self-test",), ("--help",)),
    Stack("pandas-report", (), ()),
    Stack("pyqt5-widgets", ("--self-test",), ("--self-test",)),
)  # fmt: skip


@dataclass(slots=True)
class Measured:
    """One image of one stack; sizes in bytes."""

    name: str
    size: int = 0
    files: int = 0
    raw: int = 0
    works: bool = False
    said: str = ""
    seconds: float = 0.0
    starts: list[float] = field(default_factory=list)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; 1 with --check when a bar is broken."""
    parser = argparse.ArgumentParser(prog="python -m corpus.bench.slim_stacks", description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "name", nargs="*", metavar="NAME", help=f"{', '.join(stack.name for stack in STACKS)}; all of them if not given"
    )
    parser.add_argument("--rounds", type=int, default=9, help="start-ups of each image (default: 9)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement as JSON")
    parser.add_argument("--check", action="store_true", help="end with 1 when a bar is broken")
    options = parser.parse_args(arguments)
    require(("mksquashfs", "strip", "squashfuse", "umount"))
    found: dict[str, dict[str, Measured]] = {}
    for stack in STACKS:
        if not options.name or stack.name in options.name:
            found[stack.name] = measure(stack, options.rounds)
            report(stack, found[stack.name])
    broken = [line for stack in STACKS if stack.name in found for line in broken_bars(stack, found[stack.name])]
    print(
        f"\n{platform.machine()}, {os.cpu_count()} processors, Linux {platform.release()}, Python {platform.python_version()}"
    )
    for line in broken:
        print(f"bar broken: {line}")
    if options.json:
        rows = {name: {key: vars_of(image) for key, image in images.items()} for name, images in found.items()}
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 1 if broken and options.check else 0


def vars_of(image: Measured) -> dict[str, object]:
    """A row as JSON has it."""
    return {name: getattr(image, name) for name in image.__slots__}


def measure(stack: Stack, rounds: int) -> dict[str, Measured]:
    """All images of one stack."""
    appimage = corpus.artifact(f"{stack.name}.AppImage")
    images: dict[str, Measured] = {}
    with unpack_directory() as scratch:
        paths = {"unslimmed": appimage}
        images["unslimmed"] = Measured("unslimmed", size=appimage.stat().st_size)
        for name, options in (("slim", ()), ("slim --pyc none", ("--pyc", "none"))):
            target = scratch / f"{name.replace(' ', '')}.AppImage"
            began = time.perf_counter()
            environment = {**os.environ, "TMPDIR": str(scratch)}
            command = [
                sys.executable,
                "-m",
                "inspector",
                "slim",
                str(appimage),
                "-o",
                str(target),
                "-q",
                "--no-progress",
                *options,
            ]
            done = subprocess.run(
                command, env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}")
            images[name] = Measured(name, size=target.stat().st_size, seconds=time.perf_counter() - began)
            paths[name] = target
        for name, back in (
            (("recipe", ()), ("recipe, three put back", _PUT_BACK)) if stack.is_open else (("recipe", ()),)
        ):
            paths[name] = scratch / f"{name.replace(' ', '').replace(',', '')}.AppImage"
            began = time.perf_counter()
            recipe(corpus.artifact(f"{stack.name}.AppDir"), appimage, paths[name], scratch, back)
            images[name] = Measured(name, size=paths[name].stat().st_size, seconds=time.perf_counter() - began)
        with mounted(paths, scratch) as roots:
            wanted = ask(roots["unslimmed"], stack.check)
            for name, root in roots.items():
                image = images[name]
                files = [file for file in root.rglob("*") if file.is_file() and not file.is_symlink()]
                image.files, image.raw = len(files), sum(file.stat().st_size for file in files)
                answer = ask(root, stack.check)
                image.works, image.said = answer == wanted and answer[0] == 0, answer[2]
            for _ in range(rounds + 1):
                for name, root in roots.items():
                    began = time.perf_counter()
                    ask(root, stack.start)
                    images[name].starts.append(time.perf_counter() - began)
    for image in images.values():
        del image.starts[0]  # caches are filled by it
    return images


def recipe(appdir: Path, appimage: Path, target: Path, scratch: Path, put_back: Sequence[str]) -> None:
    """What everyone copies, on a copy."""
    tree = scratch / "recipe"
    shutil.rmtree(tree, ignore_errors=True)
    run(["cp", "-a", appdir, tree])
    for name in _RECIPE_DIRECTORIES:
        if name not in put_back:
            shutil.rmtree(tree / _LIBRARY / name, ignore_errors=True)
    for directory in [*tree.rglob("tests"), *tree.rglob("test")]:
        if directory.is_dir() and not directory.is_symlink():
            shutil.rmtree(directory, ignore_errors=True)
    shutil.rmtree(tree / "usr/include", ignore_errors=True)
    run(["find", tree, "-name", "*.a", "-delete"])
    run(["find", tree, "-name", "*.pyc", "-delete"])
    run(["find", tree, "-name", "__pycache__", "-type", "d", "-empty", "-delete"])
    libraries = [path for path in tree.rglob("*.so*") if path.is_file() and not path.is_symlink()]
    for library in libraries:
        subprocess.run(["strip", "--strip-unneeded", str(library)], capture_output=True, check=False)
    offset = payload_offset_of(appimage)
    with FileSource(appimage) as source:
        settings = settings_of(SquashfsImage(SliceSource(source, offset)))
        head = source.read_at(0, offset)
    level = (
        ["-Xcompression-level", str(settings.level)]
        if settings.level and settings.compressor in ("zstd", "gzip")
        else []
    )
    image = scratch / "recipe.squashfs"
    run(
        [
            "mksquashfs",
            tree,
            image,
            "-noappend",
            "-all-root",
            "-no-xattrs",
            "-comp",
            settings.compressor,
            "-b",
            str(settings.block_size),
            *level,
        ]
    )
    with target.open("wb") as stream, image.open("rb") as payload:
        stream.write(head)
        shutil.copyfileobj(payload, stream)
    image.unlink()
    shutil.rmtree(tree)


@contextmanager
def mounted(paths: dict[str, Path], scratch: Path) -> Iterator[dict[str, Path]]:
    """Images mounted side by side, as their runtimes do it."""
    roots: dict[str, Path] = {}
    try:
        for number, (name, path) in enumerate(paths.items()):
            root = scratch / f"mount-{number}"
            root.mkdir()
            run(["squashfuse", "-o", f"offset={payload_offset_of(path)}", path, root])
            roots[name] = root
        yield roots
    finally:
        for root in roots.values():
            subprocess.run(["umount", str(root)], capture_output=True, check=False)


def ask(root: Path, arguments: Sequence[str]) -> tuple[int, bytes, str]:
    """Exit status, standard output and the last line of standard error of the application."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONHASHSEED": "0",
    }
    done = subprocess.run(
        [root / "AppRun", *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] if done.returncode else []
    return done.returncode, done.stdout.replace(os.fsencode(root), b"$APPDIR"), "".join(last)[:200]


def start_ratio(images: dict[str, Measured], name: str) -> float:
    """Median of the rounds' start-up times beside the unslimmed image's."""
    pairs = zip(images[name].starts, images["unslimmed"].starts, strict=True)
    return median(ours / theirs for ours, theirs in pairs)


def report(stack: Stack, images: dict[str, Measured]) -> None:
    """One stack's table."""
    head = ("image", "bytes", "of the recipe", "raw", "files", "works", "start-up", "seconds to make")
    print(f"\n{stack.name}\n| {' | '.join(head)} |\n| --- | ---: | ---: | ---: | ---: | --- | ---: | ---: |")
    base = images["recipe"].size
    for name, image in images.items():
        works = "yes" if image.works else f"NO: {image.said}"
        row = (name, f"{image.size:,}", f"{image.size / base:.2f}", f"{image.raw:,}", f"{image.files:,}", works)
        print(f"| {' | '.join(row)} | {start_ratio(images, name):.2f} | {image.seconds:.0f} |", flush=True)


def broken_bars(stack: Stack, images: dict[str, Measured]) -> list[str]:
    """Bars of the project that this stack misses."""
    ours = ("slim", "slim --pyc none")
    broken = [f"{stack.name}: {name} does not work: {images[name].said}" for name in ours if not images[name].works]
    if stack.is_open:
        if images["slim --pyc none"].size > images["recipe, three put back"].size:
            broken.append(f"{stack.name}: without bytecode larger than the recipe's image with {', '.join(_PUT_BACK)}")
    elif images["slim --pyc none"].size > SMALLER_THAN_RECIPE * images["recipe"].size:
        share = images["slim --pyc none"].size / images["recipe"].size
        broken.append(f"{stack.name}: without bytecode {share:.2f} of the recipe's image")
    # Of an open interpreter the recipe removes what users import; what works is the recipe's image with that put back.
    share = images["slim"].size / images["recipe, three put back" if stack.is_open else "recipe"].size
    if share > LARGER_WITH_BYTECODE:
        broken.append(f"{stack.name}: with bytecode {share:.3f} of the recipe's image")
    if start_ratio(images, "slim") > STARTUP:
        broken.append(f"{stack.name}: starts in {start_ratio(images, 'slim'):.2f} of the unslimmed image's time")
    return broken


if __name__ == "__main__":
    sys.exit(main())
