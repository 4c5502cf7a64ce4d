"""A conda package in both forms, written by conda-package-handling, which conda itself writes and unpacks packages with."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from corpus.frozen.tools import debian_modules, freezer
from corpus.programs import ProgramFailed, run
from corpus.recipe import Bounds, Recipe, Unavailable
from corpus.store import scratch_directory

_INDEX = {
    "name": "gdbm-module",
    "version": "3.11.2",
    "build": "py311_0",
    "build_number": 0,
    "depends": ["python >=3.11,<3.12.0a0", "libgdbm"],
    "license": "PSF-2.0",
    "arch": "x86_64",
    "platform": "linux",
    "subdir": "linux-64",
}


def recipes() -> list[Recipe]:
    """The form of 2012, a tar archive, and that of 2019, two in a ZIP archive."""
    bounds = Bounds((50_000, 3_000_000))
    return [
        Recipe("conda/gdbm-module-3.11.2-py311_0.tar.bz2", "a conda package, tar and bzip2", _build, bounds),
        Recipe("conda/gdbm-module-3.11.2-py311_0.conda", "a conda package of the newer form", _build, bounds),
    ]


def _build(result: Path) -> None:
    program = cph()
    with scratch_directory() as scratch:
        prefix = scratch / "prefix"
        modules = debian_modules(scratch / "modules")
        (prefix / "lib").mkdir(parents=True)
        modules.rename(prefix / "lib/python3.11")
        for library in sorted((prefix / "lib/python3.11/lib").iterdir()):
            library.rename(prefix / "lib" / library.name)
        (prefix / "lib/python3.11/lib").rmdir()
        (prefix / "lib/libgdbm.so").symlink_to("libgdbm.so.6")
        _write_metadata(prefix)
        try:
            run([program, "create", prefix, result.name, "--out-folder", scratch])
        except ProgramFailed as failure:
            raise Unavailable(f"conda-package-handling: {str(failure).splitlines()[-1]}") from failure
        (scratch / result.name).rename(result)


def cph() -> Path:
    """The program of conda-package-handling.

    :raises Unavailable: where pip cannot fetch it.
    """
    return freezer("conda-package-handling").with_name("cph")


def _write_metadata(prefix: Path) -> None:
    """``info`` as conda-build leaves it: index.json, paths.json and files."""
    paths = sorted(path for path in prefix.rglob("*") if path.is_symlink() or path.is_file())
    names = [str(path.relative_to(prefix)) for path in paths]
    rows = [
        {
            "_path": name,
            "path_type": "softlink" if path.is_symlink() else "hardlink",
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "size_in_bytes": path.stat().st_size,
        }
        for path, name in zip(paths, names, strict=True)
    ]
    info = prefix / "info"
    info.mkdir()
    (info / "index.json").write_text(json.dumps(_INDEX), encoding="utf-8")
    (info / "paths.json").write_text(json.dumps({"paths": rows, "paths_version": 1}), encoding="utf-8")
    (info / "files").write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
