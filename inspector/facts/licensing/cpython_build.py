"""CPython inside an executable or a library: which release, by which compiler, with which modules built in.

A module that is built in has its ``PyInit_`` function in the file; ``PyMODINIT_FUNC`` exports it (CPython, ``Include/exports.h``), so that stripped
files say it too.  The version is ``PY_VERSION``, a bare number, and holds where the constants carry only one that a CPython of that file can have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from inspector.facts.licensing.read_only_data import constants
from inspector.facts.licensing.symbol_names import SymbolRows
from inspector.patterns import lazy_pattern
from inspector.source import Source

_VERSION = lazy_pattern(rb"\x00(3\.(?:[6-9]|1\d)\.\d{1,2}(?:(?:a|b|rc)\d{1,2})?\+?)\x00")
_COMPILER = lazy_pattern(rb"\x00\n?(\[(?:GCC|Clang) [^\]\x00]{1,80}\])[ \x00]")
_SERIES = lazy_pattern(rb"python(3\.\d{1,2})(?![\d.])")
_INITIALIZER = b"\0PyInit_"
_LONGEST_MODULE = 128
_MOST_MODULES = 512
_OVERLAP = 256


class CPythonBuild(Struct, frozen=True):
    """One CPython.

    :ivar path: tree path of the file whose code it is.
    :ivar version: "3.11.2", or None where the file carries several numbers that it could be.
    :ivar compiler: as ``sys.version`` ends ("[GCC 12.2.0]"), or "".
    :ivar modules: names of modules that are compiled into the file, sorted (``readline``, ``_gdbm``); of packages the last part.
    """

    path: str
    version: str | None
    compiler: str
    modules: tuple[str, ...]


def read_cpython_build(
    source: Source, ranges: Sequence[tuple[int, int]], tables: Iterable[SymbolRows], path: str
) -> CPythonBuild:
    """What a file that was recognised as CPython says of itself.

    :param ranges: where its constants lie.
    :raises FormatError: where the content cannot be decoded.
    """
    versions: set[str] = set()
    series: dict[str, int] = {}
    compiler = ""
    for _, content in constants(source, ranges, _OVERLAP):
        versions.update(match[1].decode() for match in _VERSION.finditer(content))
        for match in _SERIES.finditer(content):
            series[match[1].decode()] = series.get(match[1].decode(), 0) + 1
        if not compiler and (said := _COMPILER.search(content)):
            compiler = said[1].decode("latin-1")
    if series:  # "lib/python3.11": SQLite's 3.40.1 is none of ours
        own = max(series, key=lambda name: series[name])
        versions = {version for version in versions if version.startswith(f"{own}.")} or versions
    return CPythonBuild(path, versions.pop() if len(versions) == 1 else None, compiler, _modules(tables))


def _modules(tables: Iterable[SymbolRows]) -> tuple[str, ...]:
    found: set[str] = set()
    for table in tables:
        names = table.names()
        starts: list[int] = []
        at = names.find(_INITIALIZER)
        while at >= 0 and len(starts) < _MOST_MODULES:
            starts.append(at + 1)
            at = names.find(_INITIALIZER, at + 1)
        for start in table.defined_at(starts) if starts else ():
            begin = start + len(_INITIALIZER) - 1
            end = names.find(b"\0", begin, begin + _LONGEST_MODULE)
            name = names[begin:end].decode("latin-1") if end > begin else ""
            if name.isidentifier():
                found.add(name)
    return tuple(sorted(found))
