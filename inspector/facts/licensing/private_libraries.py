"""Private shared libraries of applications: which application's a library is, where its name alone may be anybody's.

``libklayout_db.so.0`` tells whose it is; ``libgui.so.1``, which pgModeler brings in a directory of its own, does not. So the row of such a name
counts only where something in the same artifact is called like the application: a directory, a program, another library. Only the very name has a
row: another version of it may be another application's.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache

from inspector.facts.licensing.library_licenses import LibraryLicense, packaged_row, plain_library_name
from inspector.facts.licensing.library_tables import PackagedRows, read_table
from inspector.patterns import lazy_pattern

_TABLE = "licenses/private_libraries.csv"
_PACKAGING = lazy_pattern(r"-(?:opensource|everywhere)-src$|\.app$|[\d.-]+$")
_SIGNS = lazy_pattern(r"[^a-z0-9+]+")
_SHORTEST = 3  # characters of an application's name that is looked for in a library's: "ucx", "ust", "vlc"


def private_library(name: str) -> LibraryLicense | None:
    """The row of ``private_libraries.csv`` for a SONAME or file name, or None; whether it is that application's is for :func:`vouched_by` to say.

    :raises InstallationError: where the table cannot be read.
    """
    rows = _rows()
    for candidate in dict.fromkeys((name, plain_library_name(name))):
        if candidate in rows:
            return packaged_row(rows[candidate], "name")
    return None


def names_its_application(name: str, row: LibraryLicense) -> bool:
    """Whether a library is called like its application: ``libdarktable.so`` of darktable."""
    plain = _SIGNS.sub("", plain_library_name(name).partition(".so")[0].lower())
    return any(called in plain for called in _application_names(row))


def vouched_by(row: LibraryLicense, paths: Iterable[str]) -> str | None:
    """The first of some paths of the artifact with a part that is called like the application, or None: ``usr/bin/pgmodeler``.

    :param paths: tree paths of its ELF files.
    """
    called = _application_names(row)
    return next((path for path in paths if not called.isdisjoint(_parts(path))), None)


@cache
def _rows() -> PackagedRows:
    return PackagedRows(read_table(_TABLE), _TABLE)


@lru_cache(maxsize=64)
def _application_names(row: LibraryLicense) -> frozenset[str]:
    names = (_plain(row.source_package), _plain(row.project))
    return frozenset(name for name in names if len(name) >= _SHORTEST)


@lru_cache(maxsize=8192)
def _parts(path: str) -> frozenset[str]:
    parts = path.split("/")
    parts[-1] = parts[-1].partition(".")[0]  # without ".so.1", ".AppImage"
    return frozenset(map(_plain, parts))


def _plain(name: str) -> str:
    """Without case, signs, "lib" before it and a version behind it."""
    return _SIGNS.sub("", _PACKAGING.sub("", name.lower().removeprefix("lib")))
