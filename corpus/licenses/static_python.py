"""Three AppDirs with a Python that runs: readline and GDBM linked into its one executable, bundled as modules, and not there at all.

The executable is Debian 12's ``libpython3.11.a`` with ``readline.c`` and ``_gdbmmodule.c`` of Debian's own source package and the static archives of
GNU Readline and GDBM; the modules of the second one are Debian's.  Each is asked, after it is built, which of the two modules it can import.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from corpus.debian import download, source_tarball, unpack
from corpus.programs import ProgramFailed, run
from corpus.recipe import Bounds, CheckFailed, Recipe, Unavailable
from corpus.store import scratch_directory

Linking = Literal["static", "modules", "none"]

_PYTHON = "3.11"
BUILD_PACKAGES = (
    f"libpython{_PYTHON}-dev", "libreadline-dev", "libgdbm-dev", "libncurses-dev", "libexpat1-dev", "zlib1g-dev",
)  # fmt: skip
_RUN_PACKAGES = (f"libpython{_PYTHON}-minimal", f"libpython{_PYTHON}-stdlib")
_MODULE_PACKAGES = ("python3-gdbm", "libreadline8", "libgdbm6", "libtinfo6")
_LEFT_OUT = ("test", "idlelib", "lib2to3", "pydoc_data", "ensurepip", "unittest", "distutils", "tkinter", "asyncio")
BUILT_IN = (("readline", "readline.c"), ("_gdbm", "_gdbmmodule.c"))

_MAIN = """\
#include <Python.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
%(declared)s
int main(int count, char **arguments)
{
    static char place[4096], home[4200];
    ssize_t length = readlink("/proc/self/exe", place, sizeof place - 1);
    if (length > 0) {  /* usr/bin/application -> usr */
        for (int up = 0; up < 2; up++) {
            char *slash = strrchr(place, '/');
            if (slash) *slash = 0;
        }
        snprintf(home, sizeof home, "PYTHONHOME=%%s", place);
        putenv(home);
    }
%(appended)s    return Py_BytesMain(count, arguments);
}
"""


_LAUNCHER = """\
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
export LD_LIBRARY_PATH="$here/usr/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
exec "$here/usr/bin/application" "$@"
"""


def recipes() -> list[Recipe]:
    """The three AppDirs."""
    linkings: tuple[tuple[Linking, str], ...] = (
        ("static", "linked into the executable"),
        ("modules", "bundled as modules with their libraries"),
        ("none", "not in it"),
    )
    return [
        Recipe(
            name=f"readline-{linking}.AppDir",
            summary=f"a Python {_PYTHON} with GNU Readline and GDBM {words}",
            build=partial(build_application, linking=linking),
            check=Bounds(raw_bytes=(10_000_000, 60_000_000), file_count=(200, 1500)),
            needs=("gcc",),
            revision=2,
        )
        for linking, words in linkings
    ]


def build_application(result: Path, linking: Linking) -> None:
    """Write the AppDir.

    :raises Unavailable: where a package or the compiler cannot be had.
    :raises CheckFailed: where the application imports other modules than it should.
    """
    with scratch_directory() as scratch:
        root = scratch / "root"
        for package in download([*BUILD_PACKAGES, *_RUN_PACKAGES, *_MODULE_PACKAGES]):
            unpack(package, root)
        usr = result / "usr"
        (usr / "bin").mkdir(parents=True)
        program = usr / "bin" / "application"
        link_python(program, root, scratch, BUILT_IN if linking == "static" else ())
        library = usr / "lib" / f"python{_PYTHON}"
        shutil.copytree(root / f"usr/lib/python{_PYTHON}", library, symlinks=False, ignore=_not_wanted)
        if linking == "modules":
            _add_modules(root, usr, library)
    launcher = result / "AppRun"
    launcher.write_text(_LAUNCHER)
    launcher.chmod(0o755)
    (result / "application.desktop").write_text(
        "[Desktop Entry]\nType=Application\nName=Application\nExec=application\nIcon=application\nCategories=Utility;\n"
    )
    (result / "application.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>\n')
    _verify(program, usr, linking)


def _not_wanted(directory: str, names: list[str]) -> set[str]:
    unwanted = {name for name in names if name in _LEFT_OUT or name.startswith(("config-", "sitecustomize"))}
    if directory.endswith("lib-dynload"):
        unwanted |= {name for name in names if not name.startswith(("math.", "_json."))}
    return unwanted


def link_python(
    program: Path,
    root: Path,
    scratch: Path,
    built_in: Sequence[tuple[str, str]],
    *,
    main_text: str | None = None,
    further: Sequence[Path] = (),
) -> None:
    """Link a program with Debian's static Python.

    :param root: where :data:`BUILD_PACKAGES` are unpacked.
    :param built_in: module and source file of modules that are compiled into it.
    :param main_text: its C source; None for an interpreter that finds its library beside itself.
    :param further: sources for the compiler, C or assembler, that are linked in.
    :raises Unavailable: where Python's source cannot be had.
    :raises ProgramFailed: where the compiler fails.
    """
    include = root / f"usr/include/python{_PYTHON}"
    archives = root / "usr/lib/x86_64-linux-gnu"
    objects = []
    if built_in:
        sources = scratch / "source"
        sources.mkdir()
        try:
            run(["tar", "-xf", source_tarball(f"python{_PYTHON}", _PYTHON), "-C", sources, "--strip-components=1"])
        except ProgramFailed as failure:
            raise Unavailable(f"the source of Python cannot be unpacked: {failure}") from failure
        for module, file_name in built_in:
            compiled = scratch / f"{module}.o"
            includes = [
                f"-I{include}",
                f"-I{root}/usr/include/x86_64-linux-gnu/python{_PYTHON}",
                f"-I{root}/usr/include",
            ]
            run(["gcc", "-O2", "-w", "-fPIC", *includes, "-c", sources / "Modules" / file_name, "-o", compiled])
            objects.append(compiled)
    main = scratch / "main.c"
    main.write_text(
        main_text
        or _MAIN
        % {
            "declared": "".join(f"PyObject *PyInit_{module}(void);\n" for module, _ in built_in),
            "appended": "".join(
                f'    PyImport_AppendInittab("{module}", PyInit_{module});\n' for module, _ in built_in
            ),
        }
    )
    own = [archives / "libreadline.a", archives / "libtinfo.a", archives / "libgdbm.a"] if built_in else []
    run(
        [
            "gcc", "-O2", "-w", "-s", "-no-pie", "-rdynamic", f"-I{include}", f"-I{root}/usr/include/x86_64-linux-gnu/python{_PYTHON}",
            f"-I{root}/usr/include", main, *further, *objects, archives / f"libpython{_PYTHON}.a", *own, archives / "libexpat.a",
            archives / "libz.a", "-lm", "-ldl", "-lutil", "-lpthread", "-o", program,
        ]
    )  # fmt: skip


def _add_modules(root: Path, usr: Path, library: Path) -> None:
    for directory, pattern in (
        (root / "usr/lib", f"python{_PYTHON}/lib-dynload/readline.*.so"),
        (root / "usr/lib", "python3*/**/_gdbm.*311*.so"),
    ):
        found = sorted(directory.glob(pattern))
        if not found:
            raise Unavailable(f"Debian's packages have no {pattern}")
        shutil.copy2(found[0], library / "lib-dynload" / found[0].name)
    for soname in ("libreadline.so.8", "libgdbm.so.6", "libtinfo.so.6"):
        found = sorted(root.glob(f"**/{soname}"))
        if not found:
            raise Unavailable(f"Debian's packages have no {soname}")
        shutil.copy2(found[0], usr / "lib" / soname)


def _verify(program: Path, usr: Path, linking: Linking) -> None:
    """Ask the application itself which of the two modules it has, and where from."""
    code = (
        "import sys, importlib.util as u\n"
        "print(*((n if n in sys.builtin_module_names else u.find_spec(n) and 'file:' + n) or '-' for n in ('readline', '_gdbm')))\n"
        "for n in ('readline', '_gdbm'):\n"
        "    u.find_spec(n) and __import__(n)\n"
    )
    said = run([program, "-I", "-S", "-c", code], environment={"LD_LIBRARY_PATH": str(usr / "lib")}).strip()
    expected = {"static": "readline _gdbm", "modules": "file:readline file:_gdbm", "none": "- -"}[linking]
    if said != expected:
        raise CheckFailed(f"the application has the modules {said!r}, the recipe expects {expected!r}")
