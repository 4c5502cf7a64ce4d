"""What Nuitka makes of a small program: one file with its payload linked in (4.1 and newer) or behind it, in each layout of the payload."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from corpus.frozen.pyinstaller_programs import verify
from corpus.frozen.tools import HELLO, debian_modules, freezer
from corpus.programs import ProgramFailed, run
from corpus.recipe import Bounds, Recipe, Unavailable
from corpus.store import cache_directory, scratch_directory

_FOLDER = "hello.dist"
_KEPT = "{CACHE_DIR}/inspector-corpus-hello"


def recipes() -> list[Recipe]:
    """Four programs and two folders; each takes a compiler a minute of a processor's time.

    Beside each program, in its directory, lies the folder that was packed.
    """
    bounds = Bounds((12_000_000, 200_000_000), (10, 300))
    rows: Sequence[tuple[str, str, str, tuple[str, ...]]] = (
        ("nuitka", "one zstd stream, linked in", "nuitka", ()),
        ("nuitka-stored", "stored, linked in", "nuitka", ("--onefile-no-compression",)),
        ("nuitka-2", "one zstd stream, appended", "nuitka-2", ()),
        ("nuitka-2-archive", "a zstd frame and a CRC-32 for each file, appended", "nuitka-2",
         ("--onefile-as-archive", f"--onefile-tempdir-spec={_KEPT}")),
    )  # fmt: skip
    programs = [(name, summary, partial(build, tool=tool, options=options)) for name, summary, tool, options in rows]
    folders = [
        (f"{tool}-folder", "a folder with libpython beside the program", partial(build_folder, tool=tool))
        for tool in ("nuitka", "nuitka-2")
    ]
    return [
        Recipe(f"frozen/{name}", f"Nuitka: {summary}", build_it, bounds, needs=("gcc", "patchelf"))
        for name, summary, build_it in (*programs, *folders)
    ]


def build(result: Path, tool: str, options: Sequence[str]) -> None:
    """Write a directory with the one-file program ``hello.bin`` and the folder ``hello.dist`` that it carries.

    :raises Unavailable: where Nuitka cannot be had or fails.
    """
    with scratch_directory() as scratch:
        output = _compile(scratch, tool, "--onefile", *options)
        result.mkdir()
        shutil.move(output / "hello.bin", result / "hello.bin")
        shutil.move(output / _FOLDER, result / _FOLDER)
    verify(result / "hello.bin")


def build_folder(result: Path, tool: str) -> None:
    """Write the folder of a program that finds libpython in it.

    :raises Unavailable: where Nuitka cannot be had or fails, for example with an interpreter without a shared library.
    """
    with scratch_directory() as scratch:
        shutil.move(_compile(scratch, tool, "--standalone", "--static-libpython=no") / _FOLDER, result)
    verify(result / "hello.bin")


def _compile(scratch: Path, tool: str, *options: str) -> Path:
    """Let Nuitka compile the program in a scratch directory; gives the directory of what it made."""
    python = freezer(tool)
    modules = debian_modules(scratch / "modules")
    (scratch / "hello.py").write_text(HELLO, encoding="utf-8")
    command: list[str | Path] = [
        "nice", python, "-m", "nuitka", "--assume-yes-for-downloads", "--noinclude-default-mode=nofollow",
        "--include-module=readline", "--include-module=_gdbm", "--lto=no", "--jobs=2", f"--output-dir={scratch / 'out'}",
        *options, scratch / "hello.py",
    ]  # fmt: skip
    environment = {
        "NUITKA_CACHE_DIR": str(cache_directory() / "freezers/nuitka-cache"),
        "LD_LIBRARY_PATH": str(modules / "lib"),
        "PYTHONPATH": str(modules),
    }
    try:
        run(command, directory=scratch, environment=environment)
    except ProgramFailed as failure:
        raise Unavailable(f"Nuitka: {str(failure).splitlines()[-1]}") from failure
    return scratch / "out"
