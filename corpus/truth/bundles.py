"""The bundles that the loaders are asked about: the corpus's AppDirs, an interpreter with unpacked wheels, and deliberately broken copies.

Everything is a directory made of hard links to the corpus's artifacts; what a broken copy changes is written as a new file first, so that no
artifact is touched.  Python sources and bytecode are left out of the copies, as no loader reads them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import corpus
from corpus.pypi import Wheel, download_wheel
from corpus.store import cache_directory, locked, remove
from corpus.truth import damage, musl_cases, rule_cases
from corpus.truth.trees import ARM64_SYSTEMS, MUSL_SYSTEMS, SYSTEMS, tree

APPLICATIONS = ("python-runtime", "flask-app", "pandas-report", "pyqt5-widgets")

_SITE_PACKAGES = "usr/lib/python3.11/site-packages"
_NOT_LOADED = (".py", ".pyc", ".pyi", ".h", ".a", ".rst", ".txt")
_OPENCV = Wheel(
    "opencv_python-5.0.0.93-cp37-abi3-manylinux_2_28_x86_64.whl",
    "c8de2dec111122a02e8beb28e16c31904992dfd6186560b142a92c71403c1039",
)
_ARM64 = (
    Wheel(
        "cryptography-50.0.2-cp311-abi3-manylinux2014_aarch64.manylinux_2_17_aarch64.whl",
        "79def8d059362e7831389ed3be0ecdf58a89386e1271e35dd9f5af84e81bffd0",
    ),
    Wheel(
        "lxml-6.1.3-cp311-cp311-manylinux2014_aarch64.manylinux_2_17_aarch64.whl",
        "4a579dfb9c835f8ab47f4b8ed33440cbc75b806b73297208e6ec2a33e903740b",
    ),
    Wheel(
        "numpy-2.4.6-cp311-cp311-manylinux_2_27_aarch64.manylinux_2_28_aarch64.whl",
        "0ab0a9c4ffb1a6d95ef519fe4247dba8eb6b18ad93999f76b7f657039acabd47",
    ),
    Wheel(
        "psycopg2_binary-2.9.13-cp311-cp311-manylinux_2_27_aarch64.manylinux_2_28_aarch64.whl",
        "3aea95340825f5ff236e7b40f0b5602c2c77a1e95943f71fae34909834043d29",
    ),
)

_INTERPRETER_WITH: dict[str, tuple[str, ...]] = {
    "pyside6": ("pyside6_essentials", "shiboken6"),
    "opencv": ("opencv_python", "numpy"),
    "psycopg2": ("psycopg2_binary",),
    "scipy": ("numpy", "scipy", "scikit_learn"),
    "pyarrow": ("pyarrow", "numpy", "pandas"),
    "extensions": (
        "aiohttp", "av", "bcrypt", "brotli", "cffi", "cryptography", "duckdb", "greenlet", "grpcio", "h5py", "hiredis", "lxml", "lz4",
        "matplotlib", "msgpack", "ninja", "orjson", "pillow", "pydantic_core", "pynacl", "pyzmq", "regex", "ruff",
        "tokenizers", "uvloop", "zstandard",
    ),
}  # fmt: skip
"""Wheels that each bundle lays beside the interpreter of ``python-runtime``; versions are those of ``corpus/wheels.toml``."""

_REVISION = 4
"""Counts up when what a bundle holds changes, so that cached ones are made again."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """One bundle.

    :ivar systems: the systems that it is for.
    :ivar make: writes it at a path that does not exist, or None for an artifact of the corpus that is used as it stands.
    """

    name: str
    summary: str
    make: Callable[[Path], None] | None = None
    systems: tuple[str, ...] = SYSTEMS

    def path(self) -> Path:
        """The directory, made first when it is not there; raises ``corpus.Unavailable`` like :func:`corpus.artifact`."""
        if self.make is None:
            return corpus.artifact(f"{self.name}.AppDir")
        path = cache_directory() / "truth/bundles" / f"{self.name}.{_REVISION}" / f"{self.name}.AppDir"
        with locked(f"truth-bundle-{self.name}"):
            if not path.is_dir():
                partial = path.with_name("partial")
                if partial.exists():
                    remove(partial)
                partial.parent.mkdir(parents=True, exist_ok=True)
                self.make(partial)
                partial.rename(path)
        return path


def bundles() -> dict[str, Bundle]:
    """All bundles by name, the corpus's own first, the broken ones last."""
    found = [Bundle(name, "AppDir of the corpus") for name in APPLICATIONS]
    for name, projects in _INTERPRETER_WITH.items():
        found.append(Bundle(name, f"python-runtime with {', '.join(projects)}", _laying(projects)))
    found.append(Bundle("rules", "tiny libraries, a case for each rule of glibc's loader", rule_cases.make))
    found.append(Bundle("musl-rules", "the same for musl's", musl_cases.make, MUSL_SYSTEMS))
    found.append(Bundle("musl-wheels", "wheels for musl, without an interpreter", _lay_musl_wheels, MUSL_SYSTEMS))
    found.append(
        Bundle("arm64-wheels", "wheels for 64-bit ARM with Debian's interpreter", _lay_arm64_wheels, ARM64_SYSTEMS)
    )
    for name, (base, summary, change) in damage.DAMAGES.items():
        found.append(Bundle(f"broken-{name}", summary, _breaking(base, change)))
    return {bundle.name: bundle for bundle in found}


def _laying(projects: tuple[str, ...]) -> Callable[[Path], None]:
    def make(destination: Path) -> None:
        link_tree(corpus.artifact("python-runtime.AppDir"), destination)
        site_packages = destination / _SITE_PACKAGES
        for project in projects:
            link_tree(_unpacked(project), site_packages)

    return make


def _breaking(base: str, change: Callable[[Path], None]) -> Callable[[Path], None]:
    def make(destination: Path) -> None:
        link_tree(bundles()[base].path(), destination)
        change(destination)

    return make


def _lay_musl_wheels(destination: Path) -> None:
    for name in corpus.names("unpacked-wheels/"):
        if name.endswith("musllinux_1_2_x86_64"):
            link_tree(corpus.artifact(name), destination / _SITE_PACKAGES)


def _lay_arm64_wheels(destination: Path) -> None:
    """The wheels, and beside them the interpreter and its libraries as the tree of bookworm has them."""
    root = tree("bookworm-arm64")
    for name in corpus.names("unpacked-wheels/"):
        if name.endswith("_aarch64") and "musllinux" not in name:
            link_tree(corpus.artifact(name), destination / _SITE_PACKAGES)
    for wheel in _ARM64:
        link_tree(_unzipped(wheel), destination / _SITE_PACKAGES)
    (destination / "usr/bin").mkdir(parents=True)
    shutil.copy2(root / "usr/bin/python3.11", destination / "usr/bin/python3.11")
    (destination / "usr/lib").mkdir(exist_ok=True)
    libraries = root / "usr/lib/aarch64-linux-gnu"
    for found in (*libraries.glob("libexpat.so.1*"), *libraries.glob("libz.so.1*")):
        shutil.copy2(found, destination / "usr/lib" / found.name, follow_symlinks=False)
    shutil.copy2(corpus.artifact("python-runtime.AppDir") / "AppRun", destination / "AppRun")


def _unzipped(wheel: Wheel) -> Path:
    project = wheel.requirement.partition("=")[0]
    destination = cache_directory() / "truth/wheels" / f"{project}-{wheel.sha256[:8]}"
    with locked(f"truth-wheel-{project}"):
        if not destination.is_dir():
            partial = destination.with_suffix(".partial")
            shutil.unpack_archive(download_wheel(wheel), partial, "zip")
            partial.rename(destination)
    return destination


def _unpacked(project: str) -> Path:
    if project == "opencv_python":
        return _unzipped(_OPENCV)
    fitting = [
        name
        for name in corpus.names(f"unpacked-wheels/{project}-")
        if name.endswith("x86_64") and "musllinux_1_2_x86_64" not in name
    ]
    if not fitting:  # the index spells some projects with capitals
        raise KeyError(project)
    return corpus.artifact(fitting[0])


def link_tree(source: Path, destination: Path) -> None:
    """Hard-link every file that a loader, a launcher or a report may read; links stay links."""
    for directory, names, files in os.walk(source):
        here = destination / os.path.relpath(directory, source)
        here.mkdir(parents=True, exist_ok=True)
        names[:] = [name for name in names if name not in ("__pycache__", "test", "tests", "doc")]
        for name in _linked(directory, names, files):
            target = here / name
            if not os.path.lexists(target):
                os.link(f"{directory}/{name}", target, follow_symlinks=False)


def _linked(directory: str, names: list[str], files: list[str]) -> Iterator[str]:
    yield from (name for name in files if not name.endswith(_NOT_LOADED))
    yield from (name for name in names if Path(directory, name).is_symlink())
