"""The battery: one AppDir with many packages, and a program for each that uses it."""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from corpus.pypi import Wheel, install_wheels
from corpus.python_prefix import PYTHON
from corpus.recipe import Bounds, Recipe
from corpus.store import ensure

CATALOGUE = Path(__file__).with_name("battery.toml")
PROGRAMS = "usr/share/battery"
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Program:
    """One program of the battery.

    :ivar path: tree path of its script.
    """

    name: str
    code: str

    @property
    def path(self) -> str:
        """Tree path of its script."""
        return f"{PROGRAMS}/{self.name}_program.py"


def programs() -> list[Program]:
    """All programs of the battery."""
    return [Program(row["name"], row["code"]) for row in _catalogue()["program"]]


def battery() -> Path:
    """The AppDir, built when it is not there; raises ``Unavailable`` where it cannot be."""
    return ensure(
        Recipe(
            "import-battery.AppDir",
            "many packages and a program for each",
            _build,
            Bounds((500 * MB, 2_000 * MB), (20_000, 90_000)),
        )
    )


@cache
def _catalogue() -> dict[str, Any]:
    return tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))


def _build(appdir: Path) -> None:
    import corpus

    shutil.copytree(corpus.artifact("python-runtime.AppDir"), appdir, symlinks=True)
    wheels = [Wheel(**row) for row in _catalogue()["wheels"]]
    prefix = appdir / "usr"
    install_wheels(wheels, prefix / "lib" / PYTHON / "site-packages", prefix / "bin")
    for program in programs():
        path = appdir / program.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(program.code, encoding="utf-8")
