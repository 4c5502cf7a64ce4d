"""An AppDir laid out the way briefcase lays its Linux AppImages: a compiled starter that embeds Python, ``usr/app``, ``usr/app_packages``.

The starter is a few lines of our own on CPython's initialisation interface (PEP 587); what it does is what briefcase documents: the application's
package is run as ``python -m`` would, in isolation, with the two directories on the module path.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from corpus.appdir_files import Application, write_root_files
from corpus.programs import run
from corpus.pypi import install_wheels
from corpus.python_applications import wheels
from corpus.python_prefix import MULTIARCH, PYTHON, install_python
from corpus.recipe import Bounds, Recipe
from corpus.store import remove, scratch_directory

STARTER = """\
#include <Python.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
    char program[PATH_MAX], usr[PATH_MAX], path[PATH_MAX + 100];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length < 0) return 1;
    program[length] = 0;
    if (!realpath(dirname(dirname(program)), usr)) return 1;
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.write_bytecode = 0;
    PyConfig_SetBytesString(&config, &config.home, usr);
    PyConfig_SetBytesString(&config, &config.run_module, "hello");
    PyConfig_SetBytesArgv(&config, argc, argv);
    config.module_search_paths_set = 1;
    const char *places[] = {"lib/PYTHON", "lib/PYTHON/lib-dynload", "app", "app_packages"};
    for (int place = 0; place < 4; place++) {
        snprintf(path, sizeof path, "%s/%s", usr, places[place]);
        PyWideStringList_Append(&config.module_search_paths, Py_DecodeLocale(path, NULL));
    }
    PyStatus status = Py_InitializeFromConfig(&config);
    if (PyStatus_Exception(status)) Py_ExitStatusException(status);
    return Py_RunMain();
}
"""
MAIN = """\
from flask import Flask, __name__ as package

application = Flask("hello")


@application.get("/")
def page() -> str:
    return f"hello from {package}"


print(application.test_client().get("/").text)
"""
APPRUN = """\
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
exec "$here/usr/bin/hello" "$@"
"""


def recipes() -> Iterator[Recipe]:
    """``layouts/briefcase.AppDir``."""
    yield Recipe(
        "layouts/briefcase.AppDir", "a starter that embeds Python, usr/app, usr/app_packages, as briefcase lays it out", _build,
        Bounds((40_000_000, 120_000_000), (1_000, 4_000)), ("apt-get", "dpkg-deb", "gcc", "patchelf"),
    )  # fmt: skip


def _build(appdir: Path) -> None:
    usr = appdir / "usr"
    install_python(usr)
    library = usr / "lib" / PYTHON
    packages = usr / "app_packages"
    packages.mkdir()
    with scratch_directory() as scratch:
        (scratch / "bin").mkdir()
        install_wheels(wheels("flask-app"), packages, scratch / "bin")
        (scratch / "starter.c").write_text(STARTER.replace('PYTHON"', f'{PYTHON}"').replace("PYTHON/", f"{PYTHON}/"))
        (usr / "bin/hello").unlink(missing_ok=True)
        run(
            ["gcc", "-O2", "-o", usr / "bin/hello", scratch / "starter.c", f"-I{usr / 'include' / PYTHON}",
             usr / "lib/libpython3.11.so.1.0", "-Wl,-rpath,$ORIGIN/../lib", "-Wl,--allow-shlib-undefined"],
        )  # fmt: skip
    application = usr / "app/hello"
    application.mkdir(parents=True)
    (application / "__init__.py").touch()
    (application / "__main__.py").write_text(MAIN, encoding="utf-8")
    for tree in (library / "test", library / f"config-3.11-{MULTIARCH}", usr / "include", library / "idlelib"):
        remove(tree)
    for program in (usr / "bin").iterdir():
        if program.name != "hello":
            program.unlink()
    for extension in [*library.glob("lib-dynload/*.so"), *usr.glob("lib/*.so*")]:
        if not extension.is_symlink():
            run(
                [
                    "patchelf",
                    "--set-rpath",
                    "$ORIGIN/../.." if "lib-dynload" in str(extension) else "$ORIGIN",
                    extension,
                ]
            )
    shutil.rmtree(usr / "share/doc", ignore_errors=True)
    write_root_files(appdir, Application("hello", "Hello", "Utility;", (80, 120, 60), terminal=True), APPRUN)
