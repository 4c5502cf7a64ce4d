"""Running the programs that recipes need."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from corpus.recipe import Unavailable


class ProgramFailed(Exception):
    """A program that a recipe runs ended with another status than 0.  The text holds the end of what it said."""


def require(programs: Sequence[str]) -> None:
    """Raise ``Unavailable`` naming the programs that are not on PATH."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise Unavailable(f"not installed: {', '.join(missing)}")


def run(
    command: Sequence[str | Path], *, directory: Path | None = None, environment: Mapping[str, str] | None = None
) -> str:
    """Run a command and return its standard output; raise ``ProgramFailed`` with its last words on failure.

    ``environment`` is added to this process's own.  Messages are asked for in English, as some are read.
    """
    arguments = [str(argument) for argument in command]
    finished = subprocess.run(
        arguments,
        cwd=directory,
        env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if finished.returncode != 0:
        said = "\n".join((finished.stdout + finished.stderr).strip().splitlines()[-12:])
        raise ProgramFailed(f"{' '.join(arguments[:6])} … ended with status {finished.returncode}:\n{said}")
    return finished.stdout
