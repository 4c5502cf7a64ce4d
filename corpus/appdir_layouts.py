"""Two AppDirs laid out by hand the way python-appimage and linuxdeploy lay theirs: same parts, same environment, texts of our own.

python-appimage: Python below ``opt/python3.11``, a wrapper AppRun and a wrapper ``usr/bin/python3.11`` that export SSL_CERT_FILE, TCL_LIBRARY
and the like, bundled libraries in ``usr/lib`` that ELF files reach through ``$ORIGIN``, no bytecode, no test suite, no static library.

linuxdeploy: AppRun sources ``apprun-hooks/*.sh`` and starts ``AppRun.wrapped``; programs in ``usr/bin`` with ``$ORIGIN/../lib``, libraries in
``usr/lib`` with ``$ORIGIN``, copyright files in ``usr/share/doc``.
"""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from corpus.appdir_files import Application, write_root_files
from corpus.appimage_runtime import best_runtime
from corpus.debian import download, unpack
from corpus.programs import run
from corpus.pypi import install_wheels
from corpus.python_applications import wheels
from corpus.python_prefix import MULTIARCH, PYTHON, install_libraries, install_python
from corpus.recipe import Bounds, Recipe
from corpus.squashfs_image import pack
from corpus.store import remove, scratch_directory

EXCLUDELIST = Path(__file__).resolve().parents[1] / "rules" / "appimage" / "excludelist.toml"
CERTIFICATES = "opt/_internal/certs.pem"

PYTHON_APPIMAGE_ENVIRONMENT = f"""\
export TCL_LIBRARY="$APPDIR/usr/share/tcltk/tcl8.6"
export TK_LIBRARY="$APPDIR/usr/share/tcltk/tk8.6"
export TKPATH="$TK_LIBRARY"
export SSL_CERT_FILE="$APPDIR/{CERTIFICATES}"
"""

PYTHON_APPIMAGE_APPRUN = f"""\
#!/bin/bash
# An extracted image has no APPDIR yet.
if [ -z "$APPIMAGE" ]; then
    self=$(readlink -f -- "$0")
    export ARGV0="$0"
    export APPDIR="${{self%/*}}"
fi
export APPIMAGE_COMMAND=$(command -v -- "$ARGV0")
{PYTHON_APPIMAGE_ENVIRONMENT}
exec "$APPDIR/opt/{PYTHON}/bin/{PYTHON}" "$@"
"""

PYTHON_APPIMAGE_WRAPPER = f"""\
#!/bin/bash
if [ -z "$APPIMAGE" ]; then
    self=$(readlink -f -- "$0")
    bin="${{self%/*}}"
    usr="${{bin%/*}}"
    export APPDIR="${{usr%/*}}"
fi
{PYTHON_APPIMAGE_ENVIRONMENT}
exec "$APPDIR/opt/{PYTHON}/bin/{PYTHON}" "$@"
"""

LINUXDEPLOY_APPRUN = """\
#!/usr/bin/env bash
# A hook that fails stops the start.
set -e
this_dir="$(readlink -f "$(dirname "$0")")"
source "$this_dir"/apprun-hooks/"10-terminfo.sh"
source "$this_dir"/apprun-hooks/"20-history.sh"
exec "$this_dir"/AppRun.wrapped "$@"
"""

LINUXDEPLOY_HOOKS = {
    "10-terminfo.sh": 'export TERMINFO_DIRS="$this_dir/usr/share/terminfo:/etc/terminfo:/lib/terminfo:/usr/share/terminfo"\n',
    "20-history.sh": 'export SQLITE_HISTORY="${XDG_STATE_HOME:-$HOME/.local/state}/sqlite_history"\n',
}
LINUXDEPLOY_PACKAGES = ("libreadline8", "libtinfo6", "libsqlite3-0", "zlib1g")


def recipes() -> Iterator[Recipe]:
    """``layouts/python-appimage`` and ``layouts/linuxdeploy``, each as ``.AppDir`` and ``.AppImage``."""
    needs = ("apt-get", "dpkg-deb", "patchelf")
    for name, summary, build, bounds in (
        (
            "python-appimage",
            "Python in opt/, wrapper AppRun, SSL_CERT_FILE",
            _python_appimage,
            Bounds((60_000_000, 160_000_000), (1_500, 4_000)),
        ),
        (
            "linuxdeploy",
            "sqlite3 with readline: AppRun.wrapped, hooks, RUNPATH $ORIGIN",
            _linuxdeploy,
            Bounds((1_500_000, 12_000_000), (12, 120)),
        ),
    ):
        yield Recipe(f"layouts/{name}.AppDir", summary, build, bounds, needs)
        packed = Bounds((bounds.raw_bytes[0] // 8, bounds.raw_bytes[1]))
        yield Recipe(
            f"layouts/{name}.AppImage",
            f"{summary}, as an AppImage",
            partial(_image, name),
            packed,
            (*needs, "mksquashfs"),
        )


def _image(name: str, destination: Path) -> None:
    import corpus

    runtime = best_runtime()
    pack(corpus.artifact(f"layouts/{name}.AppDir"), destination, runtime, "zstd" if runtime.reads_zstd else "gzip")


def _python_appimage(appdir: Path) -> None:
    prefix = appdir / "opt" / PYTHON
    install_python(prefix)
    library = prefix / "lib" / PYTHON
    install_wheels(wheels("python-runtime"), library / "site-packages", prefix / "bin")
    for tree in (library / "test", library / f"config-3.11-{MULTIARCH}"):
        remove(tree)

    shared = appdir / "usr/lib"
    shared.mkdir(parents=True)
    for entry in sorted((prefix / "lib").iterdir()):
        if ".so" in entry.name and not entry.is_dir():
            entry.rename(shared / entry.name)
    _remove_host_libraries(shared)
    (appdir / "usr/share").mkdir()
    (prefix / "share/tcltk").rename(appdir / "usr/share/tcltk")
    certificates = appdir / CERTIFICATES
    certificates.parent.mkdir(parents=True)
    shutil.copyfile(library / "site-packages/pip/_vendor/certifi/cacert.pem", certificates)

    _set_runpath([prefix / "bin" / PYTHON, *library.glob("lib-dynload/*.so")], shared)
    _set_runpath(_elf_files(shared), shared)
    wrapper = appdir / "usr/bin" / PYTHON
    wrapper.parent.mkdir()
    wrapper.write_text(PYTHON_APPIMAGE_WRAPPER, encoding="utf-8")
    wrapper.chmod(0o755)
    write_root_files(
        appdir,
        Application("python3.11", "Python 3.11", "Development;", (255, 210, 60), terminal=True),
        PYTHON_APPIMAGE_APPRUN,
    )


def _linuxdeploy(appdir: Path) -> None:
    with scratch_directory() as root:
        for package in download(["sqlite3", "ncurses-base"]):
            unpack(package, root)
        for source, name in (
            ("usr/bin/sqlite3", "usr/bin/sqlite3"),
            ("usr/share/doc/sqlite3/copyright", "usr/share/doc/sqlite3/copyright"),
        ):
            (appdir / name).parent.mkdir(parents=True)
            shutil.copy2(root / source, appdir / name)
        shutil.copytree(root / "lib/terminfo", appdir / "usr/share/terminfo", symlinks=True)
    install_libraries(LINUXDEPLOY_PACKAGES, appdir / "usr")
    libraries = appdir / "usr/lib"
    _remove_host_libraries(libraries)
    for link in [
        entry for entry in libraries.iterdir() if entry.is_symlink()
    ]:  # linuxdeploy copies a library under its soname, without links
        target = link.resolve()
        link.unlink()
        shutil.copy2(target, link)
    for versioned in [entry for entry in libraries.iterdir() if entry.name.count(".") > 2]:
        versioned.unlink()
    _set_runpath([appdir / "usr/bin/sqlite3", *_elf_files(libraries)], libraries)
    hooks = appdir / "apprun-hooks"
    hooks.mkdir()
    for name, text in LINUXDEPLOY_HOOKS.items():
        (hooks / name).write_text(text, encoding="utf-8")
    write_root_files(
        appdir, Application("sqlite3", "SQLite shell", "Development;", (0, 60, 120), terminal=True), LINUXDEPLOY_APPRUN
    )
    (appdir / "AppRun.wrapped").symlink_to("usr/bin/sqlite3")


def _remove_host_libraries(libraries: Path) -> None:
    """Remove what the AppImage excludelist leaves to the host."""
    entries = tomllib.loads(EXCLUDELIST.read_text(encoding="utf-8"))["library"]
    patterns = [soname for entry in entries if entry.get("listed") for soname in entry["sonames"]]
    for entry in sorted(libraries.iterdir()):
        if any(fnmatch(entry.name, pattern) for pattern in patterns):
            entry.resolve().unlink(missing_ok=True)  # the file that the soname's link leads to
            entry.unlink(missing_ok=True)


def _elf_files(directory: Path) -> list[Path]:
    return [
        entry
        for entry in sorted(directory.iterdir())
        if entry.is_file() and not entry.is_symlink() and ".so" in entry.name
    ]


def _set_runpath(files: Iterable[Path], libraries: Path) -> None:
    """Give each file the RUNPATH that leads from its directory to ``libraries``, with patchelf, as both builders do."""
    for file in files:
        way = os.path.relpath(libraries, file.parent)
        run(["patchelf", "--set-rpath", "$ORIGIN" if way == "." else f"$ORIGIN/{way}", file])
