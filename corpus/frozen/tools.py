"""Freezers in virtual environments of their own below the corpus's cache, and the program that they freeze."""

from __future__ import annotations

import shutil
import sys
import tomllib
from pathlib import Path

from corpus.debian import download, unpack
from corpus.programs import ProgramFailed, run
from corpus.recipe import Unavailable
from corpus.store import cache_directory, locked, scratch_directory

HELLO = """\
import json, sys, zlib
import _gdbm, readline
print(json.dumps(["hello", sys.argv[1:], zlib.crc32(b"x"), _gdbm.__name__, readline.__name__]), flush=True)
if "--wait" in sys.argv:
    sys.stdin.read()
"""
"""What most recipes freeze: three extension modules, two of them linked with libraries under the GPL; with ``--wait`` it ends when its input does."""

WITH_NUMPY = """\
import json, sys
import numpy
print(json.dumps(["hello", sys.argv[1:], int(numpy.arange(9).sum())]))
"""

_PACKAGES = ("libpython3.11-stdlib", "python3-gdbm", "libreadline8", "libgdbm6", "libtinfo6")
_MODULES = ("readline.cpython-311-x86_64-linux-gnu.so", "_gdbm.cpython-311-x86_64-linux-gnu.so")
_LIBRARIES = ("libreadline.so.8", "libgdbm.so.6", "libtinfo.so.6")


def freezer(name: str) -> Path:
    """The interpreter of a virtual environment with a freezer of ``freezers.toml``; made when it is first asked for.

    :raises Unavailable: where pip cannot fetch it.
    """
    wanted = tomllib.loads(Path(__file__).with_name("freezers.toml").read_text(encoding="utf-8"))[name]
    directory = cache_directory() / "freezers" / name
    stamp = directory / "requirements"
    with locked(f"freezer-{name}"):
        if not stamp.is_file() or stamp.read_text(encoding="utf-8").split() != wanted:
            shutil.rmtree(directory, ignore_errors=True)
            try:
                run([sys.executable, "-m", "venv", directory])
                run(
                    [
                        directory / "bin/python",
                        "-m",
                        "pip",
                        "--quiet",
                        "--disable-pip-version-check",
                        "--no-input",
                        "install",
                        *wanted,
                    ]
                )
            except ProgramFailed as failure:
                raise Unavailable(f"{name}: {str(failure).splitlines()[-1]}") from failure
            stamp.write_text("\n".join(wanted), encoding="utf-8")
    return directory / "bin/python"


def debian_modules(destination: Path) -> Path:
    """Debian's modules readline and _gdbm, with the libraries that they need in ``lib``; gives the directory.

    :raises Unavailable: where the packages cannot be had, or this interpreter is not the one that they are for.
    """
    if sys.version_info[:2] != (3, 11):
        raise Unavailable(
            f"Debian's modules are for Python 3.11, and this is {sys.version_info[0]}.{sys.version_info[1]}"
        )
    libraries = destination / "lib"
    libraries.mkdir(parents=True)
    with scratch_directory() as scratch:
        for package in download(_PACKAGES):
            unpack(package, scratch)
        for names, target in ((_MODULES, destination), (_LIBRARIES, libraries)):
            for name in names:
                found = sorted(scratch.glob(f"**/{name}"))
                if not found:
                    raise Unavailable(f"Debian's packages have no {name}")
                shutil.copy2(found[0], target / name)
    return destination
