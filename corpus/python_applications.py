"""Four Python applications, each as an AppDir and as an AppImage: a bare interpreter, Flask, NumPy with pandas, PyQt5.

They carry everything that ``make install`` and ``pip install`` leave behind, libreadline and libgdbm included, as such bundles do.
"""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from corpus.appdir_files import Application, remove_root_files, write_root_files
from corpus.appimage_runtime import best_runtime
from corpus.pypi import Wheel, install_wheels
from corpus.python_prefix import PYTHON, compile_bytecode, install_libraries, install_python, library_packages
from corpus.recipe import Bounds, Recipe
from corpus.squashfs_image import pack

CATALOGUE = Path(__file__).with_suffix(".toml")
SCRIPTS = Path(__file__).with_name("applications")
MB = 1_000_000

APPRUN = """\
#!/bin/sh
# Starts {title} with the bundled Python.
here=$(dirname "$(readlink -f "$0")")
APPDIR="${{APPDIR:-$here}}"
export APPDIR
export PYTHONHOME="$APPDIR/usr"
export PYTHONDONTWRITEBYTECODE=1
export LD_LIBRARY_PATH="$APPDIR/usr/lib${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
export TCL_LIBRARY="$APPDIR/usr/share/tcltk/tcl8.6"
export TK_LIBRARY="$APPDIR/usr/share/tcltk/tk8.6"
exec "$APPDIR/usr/bin/{python}"{script} "$@"
"""


@dataclass(frozen=True, slots=True)
class Bundle:
    """One application and what its AppDir measures."""

    application: Application
    summary: str
    script: str | None
    """Name of its program in ``corpus/applications``; None for the bare interpreter."""
    bounds: Bounds


BUNDLES = (
    Bundle(
        Application("python-runtime", "Python", "Development;", (53, 114, 165), terminal=True),
        "Python alone, an open interpreter: whole standard library, test suite, headers, static library, pip",
        None,
        Bounds((200 * MB, 400 * MB), (6_000, 14_000)),
    ),
    Bundle(
        Application("flask-app", "Notes", "Office;", (200, 60, 60), terminal=True),
        "a Flask and requests application",
        "flask_app.py",
        Bounds((200 * MB, 420 * MB), (6_500, 15_000)),
    ),
    Bundle(
        Application("pandas-report", "Report", "Science;", (120, 60, 160), terminal=True),
        "a NumPy and pandas script",
        "pandas_report.py",
        Bounds((300 * MB, 600 * MB), (12_000, 30_000)),
    ),
    Bundle(
        Application("pyqt5-widgets", "Values", "Utility;", (60, 150, 80)),
        "a PyQt5 widgets application",
        "pyqt5_widgets.py",
        Bounds((400 * MB, 700 * MB), (9_000, 20_000)),
    ),
)


def recipes() -> Iterator[Recipe]:
    """``<application>.AppDir`` and ``<application>.AppImage`` for each of the four."""
    for bundle in BUNDLES:
        name = bundle.application.identifier
        needs = ("apt-get", "dpkg-deb")
        yield Recipe(f"{name}.AppDir", bundle.summary, partial(_build_appdir, bundle), bundle.bounds, needs)
        packed = Bounds((bundle.bounds.raw_bytes[0] // 8, bundle.bounds.raw_bytes[1]))
        summary = f"the same as an AppImage: {bundle.summary}"
        yield Recipe(f"{name}.AppImage", summary, partial(_build_appimage, name), packed, (*needs, "mksquashfs"))


def wheels(application: str) -> list[Wheel]:
    """The pinned wheels of one application."""
    return [Wheel(**entry) for entry in tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))[application]["wheels"]]


def _build_appdir(bundle: Bundle, appdir: Path) -> None:
    import corpus

    name = bundle.application.identifier
    prefix = appdir / "usr"
    if bundle is BUNDLES[0]:
        install_python(prefix)
        script = ""
    else:
        shutil.copytree(corpus.artifact(f"{BUNDLES[0].application.identifier}.AppDir"), appdir, symlinks=True)
        remove_root_files(appdir)
        install_libraries(library_packages(name), prefix)
        assert bundle.script is not None
        directory = prefix / "share" / name
        directory.mkdir()
        shutil.copyfile(SCRIPTS / bundle.script, directory / bundle.script)
        script = f' "$APPDIR/usr/share/{name}/{bundle.script}"'
    apprun = APPRUN.format(title=bundle.application.title, python=PYTHON, script=script)
    write_root_files(appdir, bundle.application, apprun)
    install_wheels(wheels(name), prefix / "lib" / PYTHON / "site-packages", prefix / "bin")
    libraries, python = prefix / "lib", prefix / "bin" / PYTHON
    compile_bytecode(prefix, ["env", f"LD_LIBRARY_PATH={libraries}", f"PYTHONHOME={prefix}", python])


def _build_appimage(name: str, destination: Path) -> None:
    import corpus

    runtime = best_runtime()
    pack(corpus.artifact(f"{name}.AppDir"), destination, runtime, "zstd" if runtime.reads_zstd else "gzip")
