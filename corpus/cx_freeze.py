"""A small program frozen by cx_Freeze, with this interpreter: a folder with a starter, ``lib/`` and ``lib/library.zip``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from corpus.programs import ProgramFailed, run
from corpus.recipe import Bounds, Recipe, Unavailable
from corpus.store import scratch_directory

REQUIREMENTS = ("cx_Freeze==8.7.3", "MarkupSafe==3.0.2")
PROGRAM = """\
import json
import sqlite3

import markupsafe._speedups

print(json.dumps({"sqlite": sqlite3.connect(":memory:").execute("select 6*7").fetchone()[0], "text": markupsafe.escape("<a>")}))
"""
SETUP = """\
from cx_Freeze import Executable, setup

setup(name="hello", version="1.0", executables=[Executable("hello.py")])
"""


def recipes() -> Iterator[Recipe]:
    """The folder."""
    yield Recipe(
        "cx-freeze/hello", "a program, an extension module and SQLite, frozen by cx_Freeze", _build,
        Bounds((5_000_000, 120_000_000), (20, 400)),
    )  # fmt: skip


def _build(destination: Path) -> None:
    with scratch_directory() as scratch:
        tools = scratch / "tools"
        (scratch / "hello.py").write_text(PROGRAM, encoding="utf-8")
        (scratch / "setup.py").write_text(SETUP, encoding="utf-8")
        try:
            run([sys.executable, "-m", "pip", "-q", "install", "--no-input", "--target", tools, *REQUIREMENTS])
            run(
                [sys.executable, "setup.py", "-q", "build_exe", "-b", destination],
                directory=scratch, environment={"PYTHONPATH": str(tools)},
            )  # fmt: skip
        except ProgramFailed as failure:
            raise Unavailable(f"cx_Freeze: {str(failure).splitlines()[-1]}") from failure
