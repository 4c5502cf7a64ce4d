"""Wheels as their index serves them, and the same unpacked into a directory."""

from __future__ import annotations

import shutil
import stat
import tomllib
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from corpus.pypi import Wheel, download_wheel
from corpus.recipe import Bounds, Digest, Recipe

CATALOGUE = Path(__file__).with_suffix(".toml")


def recipes() -> Iterator[Recipe]:
    """``wheels/<file name>`` for each wheel, and ``unpacked-wheels/<file name without .whl>`` for the directory."""
    entries = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))["wheels"]
    for entry in entries:
        wheel = Wheel(entry["file_name"], entry["sha256"])
        yield Recipe(f"wheels/{wheel.file_name}", wheel.requirement, partial(_copy, wheel), Digest(wheel.sha256))
    for entry in entries:
        wheel = Wheel(entry["file_name"], entry["sha256"])
        exact = Bounds((entry["unpacked"],) * 2, (entry["files"],) * 2)
        name = f"unpacked-wheels/{wheel.file_name.removesuffix('.whl')}"
        yield Recipe(name, f"{wheel.requirement}, unpacked", partial(_unpack, wheel), exact)


def _copy(wheel: Wheel, destination: Path) -> None:
    downloaded = download_wheel(wheel)
    try:
        destination.hardlink_to(downloaded)  # nothing ever writes into a finished artifact
    except OSError:
        shutil.copyfile(downloaded, destination)


def _unpack(wheel: Wheel, destination: Path) -> None:
    """Unpack every member, with its permission bits, which installers keep for programs."""
    with zipfile.ZipFile(download_wheel(wheel)) as archive:
        for member in archive.infolist():
            path = Path(archive.extract(member, destination))
            if not member.is_dir() and (member.external_attr >> 16) & stat.S_IXUSR:
                path.chmod(0o755)
