"""Extension modules and the interpreters that load them: which of them fits which, and which no interpreter of the bundle ever imports.

File names: PEP 3149 (``cpython-311-x86_64-linux-gnu``), PEP 384 and PEP 425 (``abi3``), PEP 703 and 803 (``t``, ``abi3t``), and the order in which
importlib tries suffixes.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from inspector.facts.binaries.elf_objects import ElfObject
from inspector.patterns import lazy_pattern

_SUFFIX = lazy_pattern(
    r"\.(?:(cpython)-(\d)(\d+)([a-z]*)(?:-([\w-]+))?|(abi3t?)|pypy(\d)(\d+)-pp\w+?(?:-([\w-]+))?)\.so$"
)
_PROGRAM = lazy_pattern(r"(python|pypy)(\d)?(?:\.(\d+))?([a-z]{0,2})$")
_LIBRARY = lazy_pattern(r"libpython(\d)\.(\d+)([a-z]*)\.so")
_CALLED_BY_MODULES = "PyModule_Create2"  # what PyModule_Create stands for (CPython, Include/modsupport.h)
_PREFIX = lazy_pattern(r"(?:^|/)lib/(python|pypy)(\d)\.(\d+)([a-z]?)/")
_PACKAGES = ("site-packages", "dist-packages", "lib-dynload")
_TEST_MODULE = lazy_pattern(r"(?:_test|_xx|xx|_ctypes_test)")
_TEST_FOLDERS = frozenset({"test", "tests"})


class Abi(Struct, frozen=True):
    """What an interpreter is, or what a module asks of one; None for what is not stated.

    :ivar flags: "t" for free-threaded builds, "d" for debug builds, "" for neither.
    :ivar limited: the stable ABI, of any version from 3.2 on.
    """

    implementation: str | None = None
    version: tuple[int, int] | None = None
    flags: str | None = None
    limited: bool = False
    libc: str | None = None

    def __str__(self) -> str:
        name = {"cpython": "CPython", "pypy": "PyPy"}.get(self.implementation or "", "Python")
        version = "" if self.version is None else f" {self.version[0]}.{self.version[1]}"
        return f"{name}{version}{self.flags or ''}{' (stable ABI)' if self.limited else ''}"


def is_python_program(found: ElfObject) -> bool:
    """Whether an executable is a Python interpreter or embeds one: by its name, by the library it links, or by a function that all modules call."""
    if _PROGRAM.fullmatch(found.name) or any(name.startswith("libpython") for name in found.elf.needed):
        return True
    return found.elf.is_program and found.elf.symbols.is_loaded and found.elf.symbols.has_name(_CALLED_BY_MODULES)


def is_python_library(found: ElfObject) -> bool:
    """Whether a shared object is CPython's own library (``libpython3.11.so.1.0``)."""
    return not found.elf.is_program and _LIBRARY.match(found.elf.soname or found.name) is not None


def is_extension_module(found: ElfObject) -> bool:
    """Whether a shared object is imported by Python.

    By its suffix (PEP 3149, PEP 384), or as a plain ``name.so`` that lies among Python packages or defines the function that Python calls (PEP
    489), as
    Nuitka's modules do.
    """
    if _SUFFIX.search(found.name):
        return True
    if not found.name.endswith(".so") or found.name.startswith("lib") or found.elf.soname is not None:
        return False
    if any(part in _PACKAGES for part in found.path.split("/")[:-1]):
        return True
    symbols = found.elf.symbols
    return symbols.is_loaded and symbols.has_name(f"PyInit_{found.name.removesuffix('.so')}")


def interpreter_abi(found: ElfObject, prefixes: Sequence[str] = ()) -> Abi:
    """What an interpreter is: by the library that it links or is, its name, else the only standard library beside it.

    :param prefixes: tree paths of ``lib/pythonX.Y`` directories, for interpreters whose name tells no version.
    """
    libc = "musl" if found.elf.interpreter is not None and "ld-musl" in found.elf.interpreter else "gnu"
    for name in (*found.elf.needed, found.elf.soname or found.name):
        if match := _LIBRARY.match(name):
            return Abi("cpython", (int(match[1]), int(match[2])), match[3], libc=libc)
    match = _PROGRAM.fullmatch(found.name)
    if match is not None and match[3]:
        name = "pypy" if match[1] == "pypy" else "cpython"
        return Abi(name, (int(match[2] or 3), int(match[3])), match[4], libc=libc)
    base = found.path.rpartition("/")[0].rpartition("/")[0]
    versions = {
        _prefix_abi(f"{prefix}/") for prefix in prefixes if prefix.startswith(f"{base}/lib/" if base else "lib/")
    }
    only = next(iter(versions)) if len(versions) == 1 else None
    return Abi(libc=libc) if only is None else Abi(only.implementation, only.version, only.flags, libc=libc)


def module_abi(found: ElfObject) -> Abi:
    """What an extension module asks for, by its file name and by the ``lib/pythonX.Y`` that it lies in."""
    place = _prefix_abi(found.path)
    match = _SUFFIX.search(found.name)
    if match is None:
        return place or Abi()
    libc = "musl" if "musl" in (match[5] or match[9] or "") else "gnu" if match[5] or match[9] else None
    if match[1]:
        return Abi("cpython", (int(match[2]), int(match[3])), match[4], libc=libc)
    if match[6]:
        flags = "t" if match[6] == "abi3t" else ""
        version = place.version if place is not None else None
        return Abi("cpython", version, flags if place is None or not place.flags else place.flags, limited=True)
    return Abi("pypy", (int(match[7]), int(match[8])), libc=libc)


def _prefix_abi(path: str) -> Abi | None:
    match = None
    for match in _PREFIX.finditer(path):  # noqa: B007 - the last one counts
        pass
    if match is None:
        return None
    return Abi("pypy" if match[1] == "pypy" else "cpython", (int(match[2]), int(match[3])), match[4])


def fits(module: Abi, interpreter: Abi) -> bool:
    """Whether an interpreter imports such a module; what either does not state fits everything."""
    for one, other in (
        (module.implementation, interpreter.implementation),
        (module.version, interpreter.version),
        (module.libc, interpreter.libc),
    ):
        if one is not None and other is not None and one != other:
            return False
    if module.flags is not None and interpreter.flags is not None and module.flags != interpreter.flags:
        return False
    return not module.limited or interpreter.version is None or interpreter.version >= (3, 2)


def suffix_rank(name: str) -> tuple[str, int]:
    """The module's own name, and how early importlib tries the file's suffix: a tagged one, ``abi3``, a plain ``.so``."""
    match = _SUFFIX.search(name)
    if match is None:
        return name.removesuffix(".so"), 2
    return name[: match.start()], 1 if match[6] else 0


def is_test_module(path: str) -> bool:
    """Whether it is one of CPython's own test modules, or lies among the tests of a package."""
    directory, _, name = path.rpartition("/")
    parts = directory.split("/")
    return (parts[-1:] == ["lib-dynload"] and _TEST_MODULE.match(name) is not None) or any(
        part in _TEST_FOLDERS for part in parts
    )
