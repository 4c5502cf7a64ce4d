"""A conda environment packed by conda-pack, in each of its archive forms.

The environment is laid out as conda leaves one: a Python with readline, one distribution of a wheel, a command whose first line has the prefix in it,
``conda-meta`` with a record of each package and the history, and a package cache in which conda-pack looks up where prefixes stand.  Its programs are
Debian's, its wheel is PyPI's.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from corpus.debian import download, unpack
from corpus.frozen.tools import freezer
from corpus.programs import ProgramFailed, run
from corpus.pypi import Wheel, install_wheels
from corpus.recipe import Bounds, CheckFailed, Recipe, Unavailable
from corpus.store import scratch_directory

PLACEHOLDER = "/opt/placeholder_" + "placehold_" * 8
"""What stands for the prefix in a package, as long as conda-build makes it."""

_PACKAGES = ("python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib", "libreadline8", "libtinfo6")
_MARKUPSAFE = Wheel(
    "markupsafe-3.0.4-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl",
    "6da83a088f8ef93b2d483a8232a4dbf4d69d3d8496b568a03c56becac43e1808",
)
_HELLO = "#!{prefix}/bin/python3.11\nimport readline, sys, markupsafe._speedups\nprint('hello', *sys.argv[1:], readline.__name__)\n"
_LIBRARY = "lib/python3.11"


def recipes() -> list[Recipe]:
    """One environment in five forms."""
    bounds = Bounds((3_000_000, 60_000_000))
    forms: list[tuple[str, str, tuple[str, ...], tuple[str, ...]]] = [
        ("environment.tar.gz", "tar and gzip", (), ()),
        ("environment.tar.zst", "tar and zstd", (), ()),
        ("environment.zip", "ZIP with symbolic links", ("--zip-symlinks",), ()),
        ("environment.squashfs", "squashfs", (), ("mksquashfs",)),
        ("environment-below.tar.gz", "tar and gzip, in a directory of its own", ("--arcroot", "environment"), ()),
    ]
    return [
        Recipe(f"conda/{name}", f"conda-pack: {summary}", partial(_pack, options=options), bounds, needs=("patchelf", *needs))
        for name, summary, options, needs in forms
    ]  # fmt: skip


def write_environment(prefix: Path, cache: Path) -> None:
    """Write the environment, and the package cache that its records name.

    :raises Unavailable: where Debian's packages or the wheel cannot be had.
    """
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "conda-meta/history").write_text("==> 2026-11-21 12:00:00 <==\n# cmd: conda create\n", encoding="utf-8")
    with scratch_directory() as scratch:
        files = scratch / "files"
        for package in download(_PACKAGES):
            unpack(package, files)
        parts = {name: scratch / name for name in ("python", "readline", "markupsafe", "hello")}
        _write_python(files, parts["python"])
        _write_readline(files, parts["readline"])
        (parts["markupsafe"] / _LIBRARY / "site-packages").mkdir(parents=True)
        install_wheels([_MARKUPSAFE], parts["markupsafe"] / _LIBRARY / "site-packages", parts["markupsafe"])
        (parts["hello"] / "bin").mkdir(parents=True)
        (parts["hello"] / "bin/hello").write_text(_HELLO.format(prefix=PLACEHOLDER), encoding="utf-8")
        (parts["hello"] / "bin/hello").chmod(0o755)
        rows = (("python", "3.11.2", "Python-2.0"), ("readline", "8.2", "GPL-3.0-only"), ("markupsafe", "3.0.4", "BSD-3-Clause"),
                ("hello", "1.0", "Apache-2.0"))  # fmt: skip
        for name, version, stated in rows:
            _link(parts[name], prefix, cache / f"{name}-{version}-0", name, version, stated)


def _write_python(files: Path, part: Path) -> None:
    (part / "bin").mkdir(parents=True)
    shutil.copy2(files / "usr/bin/python3.11", part / "bin/python3.11")
    (part / "bin/python").symlink_to("python3.11")
    shutil.copytree(files / "usr" / _LIBRARY, part / _LIBRARY, symlinks=True)
    (part / _LIBRARY / "dist-packages").symlink_to("site-packages")  # where Debian's interpreter looks
    module = next((part / _LIBRARY / "lib-dynload").glob("readline.*.so"))
    run(["patchelf", "--set-rpath", "$ORIGIN/../..", module])


def _write_readline(files: Path, part: Path) -> None:
    (part / "lib").mkdir(parents=True)
    for library in ("libreadline.so.8", "libtinfo.so.6"):
        found = next(path for path in files.rglob(library))
        shutil.copy2(found, part / "lib" / found.resolve().name)
        (part / "lib" / library).symlink_to(found.resolve().name)


def _link(part: Path, prefix: Path, cached: Path, name: str, version: str, stated: str) -> None:
    """What ``conda install`` does: the package in the cache, its files in the prefix, and a record of them."""
    shutil.copytree(part, cached, symlinks=True)
    paths = sorted(path for path in part.rglob("*") if path.is_symlink() or path.is_file())
    names = [str(path.relative_to(part)) for path in paths]
    rows: list[dict[str, object]] = []
    for path, relative in zip(paths, names, strict=True):
        target = prefix / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target, follow_symlinks=False)
        kind = "softlink" if path.is_symlink() else "hardlink"
        row: dict[str, object] = {"_path": relative, "path_type": kind}
        if kind == "hardlink":
            content = path.read_bytes()
            row |= {"sha256": hashlib.sha256(content).hexdigest(), "size_in_bytes": len(content)}
            if PLACEHOLDER.encode() in content:
                row |= {"file_mode": "text", "prefix_placeholder": PLACEHOLDER}
                target.write_bytes(content.replace(PLACEHOLDER.encode(), str(prefix).encode()))
        rows.append(row)
    (cached / "info").mkdir()
    (cached / "info/paths.json").write_text(json.dumps({"paths": rows, "paths_version": 1}), encoding="utf-8")
    record = {
        "name": name, "version": version, "build": "0", "build_number": 0, "channel": "corpus", "subdir": "linux-64",
        "license": stated, "depends": [], "files": names, "link": {"source": str(cached), "type": 1},
        "paths_data": {"paths": rows, "paths_version": 1}, "url": f"file:///corpus/linux-64/{name}-{version}-0.conda",
    }  # fmt: skip
    (prefix / f"conda-meta/{name}-{version}-0.json").write_text(json.dumps(record, indent=2), encoding="utf-8")


def _pack(result: Path, options: Sequence[str]) -> None:
    if sys.version_info[:2] != (3, 11):
        raise Unavailable("the environment's Python is 3.11, and the wheel is for that")
    program = freezer("conda-pack").with_name("conda-pack")
    with scratch_directory() as scratch:
        prefix = scratch / "environment"
        write_environment(prefix, scratch / "pkgs")
        try:
            run([prefix / "bin/hello"])
            run([program, "--quiet", "--prefix", prefix, "--output", result, *options])
        except ProgramFailed as failure:
            raise Unavailable(f"conda-pack: {str(failure).splitlines()[-1]}") from failure
        shutil.rmtree(prefix)
        if result.suffix != ".squashfs":
            verify(result, scratch / "unpacked")


def unpack_archive(archive: Path, directory: Path) -> Path:
    """Unpack with the program that a user would take; gives the environment's directory."""
    directory.mkdir()
    if archive.suffix == ".zip":
        run(["unzip", "-q", archive, "-d", directory])
    elif archive.suffix == ".squashfs":
        run(["unsquashfs", "-quiet", "-no-progress", "-force", "-dest", directory, archive])
    else:
        run(["tar", "-C", directory, "-xf", archive])
    below = directory / "environment"
    return below if below.is_dir() else directory


def verify(archive: Path, directory: Path) -> None:
    """That the environment works once it is unpacked and its prefixes are rewritten.

    :raises CheckFailed: where it does not.
    """
    environment = unpack_archive(archive, directory)
    try:
        run([environment / "bin/python", environment / "bin/conda-unpack"])
        said = run([environment / "bin/hello", "corpus"])
    except ProgramFailed as failure:
        raise CheckFailed(f"the environment does not work: {failure}") from failure
    if said != "hello corpus readline\n":
        raise CheckFailed(f"the environment says {said!r}")
