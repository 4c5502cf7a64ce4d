"""One-file programs that are CPython itself, linked with Debian's static libpython, libreadline and libgdbm.

One has a table of frozen modules of its own, as PyRun and CPython's Tools/freeze make it; it runs.  The other has packed resources of PyOxidizer's
format in
its read-only data, written from the published description of the format; nothing in it reads them.
"""

from __future__ import annotations

import importlib.util
import marshal
import sys
from pathlib import Path

from corpus.debian import download, unpack
from corpus.frozen.packed_resources import Resource, write
from corpus.licenses.static_python import BUILD_PACKAGES, BUILT_IN, link_python
from corpus.programs import ProgramFailed, run
from corpus.recipe import Bounds, CheckFailed, Recipe, Unavailable
from corpus.store import scratch_directory

APPLICATION = 'import _gdbm, package.part, readline, sys\nprint("hello", package.part.answer, readline.__name__, _gdbm.__name__)\n'
"""What the frozen program runs."""
OWN_MODULES = {"application": APPLICATION, "package": "", "package.part": "answer = 42\n"}
"""Sources of the program's own frozen modules, by name."""
_LIBRARY_MODULES = ("encodings", "encodings.aliases", "encodings.utf_8", "encodings.ascii")
_PACKAGES_OF_LIBRARY = ("encodings", "package")

_MAIN = """\
#include <Python.h>
%(arrays)s
PyObject *PyInit_readline(void);
PyObject *PyInit__gdbm(void);
static struct _frozen modules[] = {
%(rows)s    {0, 0, 0, 0, 0}
};

int main(int count, char **arguments)
{
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.site_import = 0;
    config.pathconfig_warnings = 0;
    config.module_search_paths_set = 1;
    PyImport_FrozenModules = modules;
    PyImport_AppendInittab("readline", PyInit_readline);
    PyImport_AppendInittab("_gdbm", PyInit__gdbm);
    if (PyStatus_Exception(Py_InitializeFromConfig(&config)))
        return 2;
    int imported = PyImport_ImportFrozenModule("application");
    if (imported < 0)
        PyErr_Print();
    Py_Finalize();
    return imported > 0 ? 0 : 1;
}
"""

_EMBEDDED = """\
    .section .rodata
    .balign 16
packed_resources:
    .incbin "%s"
    .section .note.GNU-stack, "", @progbits
"""
_READER = """\
#include <Python.h>
PyObject *PyInit_readline(void);
PyObject *PyInit__gdbm(void);
int main(int count, char **arguments)
{
    PyImport_AppendInittab("readline", PyInit_readline);
    PyImport_AppendInittab("_gdbm", PyInit__gdbm);
    return Py_BytesMain(count, arguments);
}
"""


def recipes() -> list[Recipe]:
    """The two programs."""
    bounds = Bounds((4_000_000, 20_000_000))
    return [
        Recipe("frozen/frozen-modules", "CPython with a table of frozen modules", build_frozen, bounds, needs=("gcc",)),
        Recipe(
            "frozen/packed-resources",
            "CPython with PyOxidizer's packed resources",
            build_packed,
            bounds,
            needs=("gcc",),
        ),
    ]


def embedded_resources() -> list[Resource]:
    """What the second program carries."""
    return [
        Resource("application", "module", package=True, contents={"source": b"import readline\n", "bytecode": b"\xe3application"},
                 files={"package-resource": {"data.txt": b"data of a package"},
                        "distribution-file": {"METADATA": b"Metadata-Version: 2.1\nName: application\nVersion: 1.0\nLicense: MIT\n"}}),
        Resource("application.part", "module", contents={"bytecode": b"\xe3part", "bytecode-1": b"\xe3part one", "bytecode-2": b"\xe3part two"}),
        Resource("readline", "built-in"),
        Resource("_gdbm", "built-in"),
        Resource("zipimport", "frozen"),
        Resource("tool.sh", "file", executable=True, contents={"file": b"#!/bin/sh\nexit 0\n"}),
    ]  # fmt: skip


def build_frozen(result: Path) -> None:
    """Write the program with frozen modules, and run it.

    :raises Unavailable: where this is not Python 3.11, or a package cannot be had.
    :raises CheckFailed: where it says something else than hello.
    """
    if sys.version_info[:2] != (3, 11):
        raise Unavailable("code for Debian's Python 3.11 is marshalled by Python 3.11 only")
    arrays, rows = [], []
    sources = dict(OWN_MODULES)
    for name in _LIBRARY_MODULES:
        specification = importlib.util.find_spec(name)
        if specification is None or specification.origin is None:
            raise Unavailable(f"this Python has no source of {name}")
        sources[name] = Path(specification.origin).read_text(encoding="utf-8")
    for name, source in sources.items():
        code = marshal.dumps(compile(source, f"<frozen {name}>", "exec", dont_inherit=True))
        array = f"M_{name.replace('.', '__')}"
        arrays.append(f"static const unsigned char {array}[] = {{{','.join(map(str, code))}}};\n")
        rows.append(f'    {{"{name}", {array}, (int)sizeof {array}, {int(name in _PACKAGES_OF_LIBRARY)}, 0}},\n')
    _link(result, _MAIN % {"arrays": "".join(arrays), "rows": "".join(rows)}, None)
    said = run([result])
    if said != "hello 42 readline _gdbm\n":
        raise CheckFailed(f"the program with frozen modules says {said!r}")


def build_packed(result: Path) -> None:
    """Write the program with packed resources.

    :raises Unavailable: where a package cannot be had.
    """
    _link(result, _READER, write(embedded_resources()))


def _link(result: Path, main: str, embedded: bytes | None) -> None:
    with scratch_directory() as scratch:
        root = scratch / "root"
        for package in download(BUILD_PACKAGES):
            unpack(package, root)
        further = []
        if embedded is not None:
            (scratch / "packed-resources").write_bytes(embedded)
            assembler = scratch / "embedded.s"
            assembler.write_text(_EMBEDDED % (scratch / "packed-resources"))
            further.append(assembler)
        try:
            link_python(result, root, scratch, BUILT_IN, main_text=main, further=further)
        except ProgramFailed as failure:
            raise Unavailable(f"the program cannot be linked: {failure}") from failure
