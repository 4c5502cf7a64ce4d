"""A Python as ``make install`` leaves it below a prefix, put together from Debian's packages without root.

Debian spreads a Python over multiarch directories and renames site-packages.  Here everything lies where CPython's own Makefile puts it:
``bin/python3.11``, ``lib/python3.11`` with ``lib-dynload``, ``config-3.11-*`` and ``site-packages``, ``include/python3.11``,
``lib/libpython3.11.so.1.0``, and beside them in ``lib/`` the shared libraries that the extension modules need, glibc excepted.
"""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Sequence
from pathlib import Path

from corpus.debian import download, unpack
from corpus.programs import run
from corpus.store import remove, scratch_directory

CATALOGUE = Path(__file__).with_name("python_packages.toml")
MULTIARCH = "x86_64-linux-gnu"
PYTHON = "python3.11"

# The same exclusions as CPython 3.11's `make libinstall` (Makefile.pre.in): test data that is not meant to compile.
NOT_COMPILED = r"bad_coding|badsyntax|lib2to3/tests/data|test/test_lib2to3/data"


def python_packages() -> list[str]:
    """The Debian packages of the Python and of the libraries that its modules need."""
    python = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))["python"]
    return [*python["packages"], *python["libraries"]]


def library_packages(application: str) -> list[str]:
    """The Debian packages of the libraries that one application takes along besides."""
    content = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))
    return list(content.get(application, {}).get("libraries", []))


def install_python(prefix: Path) -> None:
    """Lay the Python below ``prefix`` (``<AppDir>/usr``), without bytecode; the directory is made."""
    with scratch_directory() as root:
        for package in download(python_packages()):
            unpack(package, root)
        _as_make_install(root / "usr")
        _take_libraries(root, prefix)
        for name in (
            "bin",
            "include",
            f"lib/{PYTHON}",
            "lib/blt2.5",
            "share/man",
            "share/tcltk",
            "share/applications",
            "share/pixmaps",
        ):
            _merge(root / "usr" / name, prefix / name)
        for library in sorted((root / "usr/lib").glob("libBLT*")):
            library.rename(prefix / "lib" / library.name)
        _take_copyrights(root, prefix)


def install_libraries(packages: Sequence[str], prefix: Path) -> None:
    """Copy the shared libraries of Debian packages into ``prefix/lib``, and their copyright files below ``prefix/share/doc``."""
    if not packages:
        return
    with scratch_directory() as root:
        for package in download(packages):
            unpack(package, root)
        _take_libraries(root, prefix)
        _take_copyrights(root, prefix)


def compile_bytecode(prefix: Path, interpreter: Sequence[str | Path]) -> None:
    """Write bytecode of the levels 0, 1 and 2 for the whole library, by ``interpreter``, which must be the one below ``prefix``.

    The recorded paths are those of an installation in /usr, as CPython's ``make install`` records the final prefix.
    """
    library = prefix / "lib" / PYTHON
    levels = [part for level in (0, 1, 2) for part in ("-o", str(level))]
    command = [
        *interpreter,
        "-m",
        "compileall",
        "-q",
        "-q",
        "-j",
        "2",
        *levels,
        "-x",
        NOT_COMPILED,
        "-s",
        prefix,
        "-p",
        "/usr",
        library,
    ]
    run(command, environment={"PYTHONDONTWRITEBYTECODE": ""})


def _as_make_install(usr: Path) -> None:
    """Turn Debian's arrangement below ``usr`` into CPython's own."""
    library = usr / "lib" / PYTHON
    for name in ("sitecustomize.py", "EXTERNALLY-MANAGED"):
        (library / name).unlink()
    (library / "site-packages").mkdir()
    # The interpreter carries Debian's site module frozen inside it, which looks for dist-packages.
    (library / "dist-packages").symlink_to("site-packages")

    headers = usr / "include" / MULTIARCH
    shutil.copy2(headers / PYTHON / "pyconfig.h", usr / "include" / PYTHON / "pyconfig.h")
    remove(headers)

    shared = library / f"config-3.11-{MULTIARCH}" / "libpython3.11.so"
    shared.unlink()
    shared.symlink_to("../../libpython3.11.so.1.0")
    (usr / "lib" / MULTIARCH / "libpython3.11.a").unlink()  # a link to the one in config-3.11-*

    binaries = usr / "bin"
    (binaries / f"{PYTHON}-config").unlink()
    (binaries / f"{MULTIARCH}-{PYTHON}-config").rename(binaries / f"{PYTHON}-config")
    (binaries / f"idle-{PYTHON}").rename(binaries / "idle3.11")
    (binaries / "pdb3.11").unlink()
    for link, target in (
        ("python3", PYTHON),
        ("python3-config", f"{PYTHON}-config"),
        ("idle3", "idle3.11"),
        ("pydoc3", "pydoc3.11"),
    ):
        (binaries / link).symlink_to(target)


def _take_libraries(root: Path, prefix: Path) -> None:
    for directory in (root / "lib" / MULTIARCH, root / "usr/lib" / MULTIARCH):
        _merge(directory, prefix / "lib")


def _take_copyrights(root: Path, prefix: Path) -> None:
    for text in sorted((root / "usr/share/doc").glob("*/copyright")):
        if text.is_file():  # a package may link to another's that was not asked for
            directory = prefix / "share/doc" / text.parent.name
            directory.mkdir(parents=True, exist_ok=True)
            shutil.copy2(text, directory / "copyright")


def _merge(source: Path, destination: Path) -> None:
    """Move what is in ``source`` into ``destination``, keeping links as links and times as they are."""
    if not source.is_dir():
        return
    destination.mkdir(parents=True, exist_ok=True)
    for entry in sorted(source.iterdir()):
        target = destination / entry.name
        if entry.is_dir() and not entry.is_symlink():
            _merge(entry, target)
        else:
            entry.replace(target)
