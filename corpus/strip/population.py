"""The files that are stripped: wheels of four architectures and two C libraries, AppDirs and AppImages that the corpus
builds, what PyInstaller makes, and Debian's packages."""

from __future__ import annotations

import os
import stat
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import corpus
from corpus import debian
from corpus.pypi import Wheel, download_wheel
from corpus.strip.pyinstaller_program import build_programs

CATALOGUE = Path(__file__).with_name("population.toml")
_APPDIRS = (
    "python-runtime.AppDir", "flask-app.AppDir", "pandas-report.AppDir", "pyqt5-widgets.AppDir", "layouts/linuxdeploy.AppDir",
    "layouts/python-appimage.AppDir",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ElfMember:
    """One ELF file of the population.

    :ivar tree: the wheel, AppDir or package that it is a file of.
    :ivar path: below the directory that holds all trees.
    """

    tree: str
    path: Path


def gather(destination: Path) -> tuple[list[str], list[str]]:
    """Put every tree that can be had below ``destination``, as hard links where the cache has it; their names, and why others are missing."""
    names, missing = [], []
    for name, make in _trees():
        try:
            make(destination / name)
            names.append(name)
        except (corpus.Unavailable, corpus.CheckFailed) as reason:
            missing.append(f"{name}: {reason}")
    return names, missing


def elf_members(directory: Path, trees: list[str]) -> Iterator[ElfMember]:
    """Every regular file that begins like ELF, tree by tree, in the order of names."""
    for tree in trees:
        for folder, folders, names in os.walk(directory / tree):
            folders.sort()
            for name in sorted(names):
                path = Path(folder) / name
                if stat.S_ISREG(path.lstat().st_mode):
                    with path.open("rb") as file:
                        if file.read(4) == b"\x7fELF":
                            yield ElfMember(tree, path.relative_to(directory))


def _trees() -> Iterator[tuple[str, Callable[[Path], None]]]:
    catalogue = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))
    for name in _APPDIRS:
        yield name.replace("/", "-"), partial(_link_artifact, name)
    for name in corpus.names("unpacked-wheels/"):
        yield name.partition("/")[2], partial(_link_artifact, name)
    together: dict[str, list[Wheel]] = {}
    for entry in catalogue["wheels"]:
        wheel = Wheel(entry["file_name"], entry["sha256"])
        together.setdefault(entry.get("into", wheel.file_name.removesuffix(".whl")), []).append(wheel)
    for name, wheels in together.items():
        yield name, partial(_unpack, wheels)
    for package in catalogue["debian"]["packages"]:
        yield f"debian-{package}", partial(_unpack_package, package)
    yield "appimages", partial(_link_files, catalogue["appimages"]["artifacts"])
    needed = ("pyinstaller", "pyinstaller_hooks_contrib", "altgraph", "packaging", "setuptools")
    tools = [entry for entry in catalogue["wheels"] if entry["file_name"].split("-")[0] in needed]
    yield "pyinstaller-programs", partial(_build_programs, [Wheel(tool["file_name"], tool["sha256"]) for tool in tools])


def _link_files(names: list[str], destination: Path) -> None:
    destination.mkdir()
    for name in names:
        (destination / name.replace("/", "-")).hardlink_to(corpus.artifact(name))


def _build_programs(tools: list[Wheel], destination: Path) -> None:
    build_programs([download_wheel(tool) for tool in tools], destination)


def _link_artifact(name: str, destination: Path) -> None:
    link_tree(corpus.artifact(name), destination)


def _unpack_package(package: str, destination: Path) -> None:
    debian.unpack(debian.download([package])[0], destination)


def _unpack(wheels: list[Wheel], destination: Path) -> None:
    for wheel in wheels:
        with zipfile.ZipFile(download_wheel(wheel)) as archive:
            for member in archive.infolist():
                path = Path(archive.extract(member, destination))
                if not member.is_dir() and (member.external_attr >> 16) & stat.S_IXUSR:
                    path.chmod(0o755)


def link_tree(source: Path, destination: Path) -> None:
    """The same tree with hard links for files: nothing may be written into it, only replaced."""
    for folder, folders, names in os.walk(source):
        target = destination / Path(folder).relative_to(source)
        target.mkdir(parents=True, exist_ok=True)
        for name in (*names, *folders):
            path = Path(folder) / name
            if path.is_symlink():
                (target / name).symlink_to(path.readlink())
            elif path.is_file():
                (target / name).hardlink_to(path)
