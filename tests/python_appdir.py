"""Small AppDirs with a real Python in them: an interpreter of this machine, the heart of its standard library, and modules of the test's own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from inspector.artifact import open_artifact
from inspector.facts.launchers.launcher import read_launcher
from inspector.facts.loading.run_time_paths import mount_of
from inspector.slim.proving.bundle_interpreter import BundleInterpreter, NotChecked, find_interpreter

_PACKAGES = ("collections", "concurrent", "encodings", "importlib", "json", "re", "urllib", "sysconfig")
_ASK = "import os, sys, sysconfig; print(os.path.realpath(sys.executable), os.path.dirname(os.__file__), sep='\\n')"
APPRUN = """\
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
APPDIR="${{APPDIR:-$here}}"
export APPDIR
export PYTHONHOME="$APPDIR/usr"
{more}exec "$APPDIR/usr/bin/{python}" {options}"$@"
"""


@cache
def _installation(executable: str) -> tuple[Path, Path]:
    done = subprocess.run([executable, "-I", "-c", _ASK], stdout=subprocess.PIPE, text=True, check=True)
    program, library = done.stdout.splitlines()
    return Path(program), Path(library)


def make_python_appdir(
    appdir: Path,
    executable: str,
    version: tuple[int, int],
    modules: Mapping[str, str] = {},
    *,
    options: str = "",
    more: str = "",
) -> Path:
    """Write the AppDir.

    :param modules: text by path below ``site-packages``.
    :param options: interpreter options in the AppRun, with a blank behind each.
    :param more: further lines of the AppRun, before it starts the interpreter.
    :returns: ``site-packages``.
    """
    program, library = _installation(executable)
    python = "python{}.{}".format(*version)
    (appdir / "usr/bin").mkdir(parents=True)
    shutil.copy(program, appdir / "usr/bin" / python)
    target = appdir / "usr/lib" / python
    target.mkdir(parents=True)
    for source in library.glob("*.py"):
        shutil.copy2(source, target / source.name)
    for package in _PACKAGES:
        if (library / package).is_dir():
            shutil.copytree(library / package, target / package, ignore=shutil.ignore_patterns("__pycache__", "test"))
    if (library / "lib-dynload").is_dir():
        shutil.copytree(
            library / "lib-dynload", target / "lib-dynload", ignore=shutil.ignore_patterns("_test*", "_tkinter*")
        )
    else:
        (target / "lib-dynload").mkdir()
    packages = target / "site-packages"
    packages.mkdir()
    for path, text in modules.items():
        (packages / path).parent.mkdir(parents=True, exist_ok=True)
        (packages / path).write_text(text, encoding="utf-8")
    apprun = appdir / "AppRun"
    apprun.write_text(APPRUN.format(python=python, options=options, more=more), encoding="utf-8")
    apprun.chmod(0o755)
    return packages


def interpreter_of(appdir: Path, *, run: bool = True, machine: str | None = None) -> BundleInterpreter | NotChecked:
    """The interpreter that slim finds in an AppDir."""
    with open_artifact(appdir) as artifact:
        root = mount_of(artifact).root
        return find_interpreter(read_launcher(artifact), artifact.tree, mount_root=root, run=run, machine=machine)
