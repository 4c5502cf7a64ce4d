"""What PyInstaller makes of a small program: one file, a folder, one file of an older release, with NumPy, encryption, a splash screen, in two."""

from __future__ import annotations

import shutil
import struct
import zlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from corpus.frozen.tools import HELLO, WITH_NUMPY, debian_modules, freezer
from corpus.programs import ProgramFailed, run
from corpus.recipe import Bounds, CheckFailed, Recipe, Unavailable
from corpus.store import scratch_directory

_SPLASH = ("--splash", "splash.png")
_OPTIONS = ("--runtime-tmpdir", "/var/tmp", "--bootloader-ignore-signals")
_MULTIPACKAGE = """\
first, second = Analysis(["first.py"]), Analysis(["second.py"])
MERGE((first, "first", "{place}"), (second, "second", "second"))
EXE(PYZ(second.pure), second.dependencies, second.scripts, second.binaries, second.datas, name="second")
"""
_FIRST_AS_FILE = """\
EXE(PYZ(first.pure), first.dependencies, first.scripts, first.binaries, first.datas, name="first")
"""
_FIRST_AS_FOLDER = """\
program = EXE(PYZ(first.pure), first.dependencies, first.scripts, exclude_binaries=True, name="first")
COLLECT(program, first.binaries, first.datas, name="first")
"""
Form = Literal["--onefile", "--onedir"]


def recipes() -> list[Recipe]:
    """Programs that say hello."""
    one = Bounds((4_000_000, 60_000_000))
    return [
        Recipe("frozen/pyinstaller-onefile", "PyInstaller 6, one file", partial(build, tool="pyinstaller", form="--onefile"), one),
        Recipe(
            "frozen/pyinstaller-folder", "PyInstaller 6, a folder", partial(build, tool="pyinstaller", form="--onedir"),
            Bounds((10_000_000, 120_000_000), (10, 300)),
        ),
        Recipe("frozen/pyinstaller-5-onefile", "PyInstaller 5, one file", partial(build, tool="pyinstaller-5", form="--onefile"), one),
        Recipe(
            "frozen/pyinstaller-numpy-onefile", "PyInstaller 6, one file with NumPy",
            partial(build, tool="pyinstaller", form="--onefile", source=WITH_NUMPY), Bounds((15_000_000, 120_000_000)),
        ),
        Recipe(
            "frozen/pyinstaller-multipackage", "PyInstaller 6, two files, one of which takes members from the other",
            partial(build_multipackage, folder=False), Bounds((10_000_000, 120_000_000), (2, 2)),
        ),
        Recipe(
            "frozen/pyinstaller-5-multipackage", "PyInstaller 5, two files, one of which takes members from the other",
            partial(build_multipackage, folder=False, tool="pyinstaller-5"), Bounds((10_000_000, 120_000_000), (2, 2)),
        ),
        Recipe(
            "frozen/pyinstaller-multipackage-folder", "PyInstaller 6, one file that takes members from a folder",
            partial(build_multipackage, folder=True), Bounds((10_000_000, 120_000_000), (10, 300)),
        ),
        *(
            Recipe(
                f"frozen/{tool}-splash", f"PyInstaller {release}, one file with a splash screen and options",
                partial(build, tool=tool, form="--onefile", options=(*_SPLASH, *_OPTIONS)), one,
            )
            for tool, release in (("pyinstaller", 6), ("pyinstaller-5", 5))
        ),
        Recipe(
            "frozen/pyinstaller-encrypted", "PyInstaller 5, one file with its modules encrypted",
            partial(build, tool="pyinstaller-key", form="--onefile", options=("--key", "of the corpus")), one,
        ),
    ]  # fmt: skip


def build(result: Path, tool: str, form: Form, source: str = HELLO, options: Sequence[str] = ()) -> None:
    """Freeze a program.

    :raises Unavailable: where PyInstaller cannot be had or fails, for example with an interpreter without a shared library.
    :raises CheckFailed: where the frozen program does not say what it should.
    """
    with scratch_directory() as scratch:
        (scratch / "hello.py").write_text(source, encoding="utf-8")
        (scratch / "splash.png").write_bytes(_picture())
        modules = debian_modules(scratch / "modules") if source is HELLO else scratch
        _freeze(scratch, modules, tool, form, "--name", "hello", *options, "--specpath", scratch, scratch / "hello.py")
        shutil.move(scratch / "dist/hello", result)
    verify(result / "hello" if form == "--onedir" else result)


def build_multipackage(result: Path, *, folder: bool, tool: str = "pyinstaller") -> None:
    """Write a directory with the programs ``first`` and ``second``; the second takes from the first what both need.

    :param folder: whether the first is a folder, ``first/``.
    :raises Unavailable: as for :func:`build`.
    :raises CheckFailed: as for :func:`build`.
    """
    with scratch_directory() as scratch:
        (scratch / "first.py").write_text(HELLO, encoding="utf-8")
        (scratch / "second.py").write_text(f"import sqlite3\n{HELLO}", encoding="utf-8")
        place = "first/first" if folder else "first"
        spec = _MULTIPACKAGE.format(place=place) + (_FIRST_AS_FOLDER if folder else _FIRST_AS_FILE)
        (scratch / "programs.spec").write_text(spec, encoding="utf-8")
        _freeze(scratch, debian_modules(scratch / "modules"), tool, scratch / "programs.spec")
        shutil.move(scratch / "dist", result)
    verify(result / place)
    verify(result / "second")


def _freeze(scratch: Path, modules: Path, tool: str, *arguments: str | Path) -> None:
    """Let PyInstaller write to ``dist`` of a scratch directory, with the modules of a directory on the module path."""
    python = freezer(tool)
    environment = {
        "PYINSTALLER_CONFIG_DIR": str(scratch / "cache"),
        "LD_LIBRARY_PATH": str(modules / "lib"),
        "PYTHONPATH": str(modules),
        "PYTHONHASHSEED": "0",
    }
    places = ("--distpath", scratch / "dist", "--workpath", scratch / "work")
    command = [python, "-m", "PyInstaller", "--log-level", "ERROR", *places, "--noconfirm", *arguments]
    try:
        run(command, directory=scratch, environment=environment)
    except ProgramFailed as failure:
        raise Unavailable(f"PyInstaller: {str(failure).splitlines()[-1]}") from failure


def _picture(side: int = 32) -> bytes:
    """A grey square as PNG (RFC 2083: three chunks, each with length, type and CRC-32)."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = (b"\0" + b"\x80" * side) * side
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def verify(program: Path) -> None:
    """That the frozen program runs and says hello.

    :raises CheckFailed: where it does not.
    """
    try:
        said = run([program, "corpus"])
    except ProgramFailed as failure:
        raise CheckFailed(f"the frozen program does not run: {failure}") from failure
    if not said.startswith('["hello", ["corpus"]'):
        raise CheckFailed(f"the frozen program says {said!r}")
