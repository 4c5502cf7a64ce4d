"""Which Python modules a tree offers to an interpreter, by the names under which they are imported."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterable, Sequence
from functools import cache

from inspector.resources import load_table

_CACHE = "__pycache__"


def importable_modules(paths: Iterable[str], search_path: Sequence[str], suffixes: Sequence[str]) -> dict[str, str]:
    """The modules that can be imported from files, name to tree path, in the order of their names.

    Of several files with one name the one is taken that the interpreter would take: the earlier directory of ``search_path``, a package before
    a module, the earlier suffix (``importlib.machinery.FileFinder``).  Modules in archives are not listed, nor are libraries and plugins outside
    of packages with an ``__init__``: ``libx.so`` there could be named, and is no module.

    :param paths: tree paths of files, links to files too.
    :param search_path: tree paths of the directories of ``sys.path``, the first first.
    :param suffixes: endings of the files that the interpreter imports, the first first.
    """
    places = {place.strip("/"): rank for rank, place in reversed(list(enumerate(search_path)))}
    found: dict[str, tuple[tuple[int, int, int], str]] = {}
    for path in paths:
        directory, _, file_name = path.rpartition("/")
        suffix = next((index for index, ending in enumerate(suffixes) if file_name.endswith(ending)), None)
        if suffix is None or f"/{_CACHE}/" in f"/{directory}/":
            continue
        stem = file_name[: -len(suffixes[suffix])]
        for place, names in _above(directory):
            rank = places.get(place)
            if rank is None:
                continue
            is_package = stem == "__init__"
            parts = names if is_package else (*names, stem)
            if parts and all(part.isidentifier() for part in parts):
                name, order = ".".join(parts), (rank, 0 if is_package else 1, suffix)
                if name not in found or order < found[name][0]:
                    found[name] = (order, path)
            break
    return {
        name: path
        for name, (_, path) in sorted(found.items())
        if not _is_library(path, name.rpartition(".")[0] in found)
    }


def why_never_imported(name: str) -> str | None:
    """Why no check imports a module, a clause; None for modules that are imported."""
    for pattern, reason in _never():
        if pattern.fullmatch(name):
            return reason
    return None


def _is_library(path: str, in_package: bool) -> bool:
    """Whether a file is a plain shared library that lies among Python packages: Qt's plugins, the libraries of a wheel."""
    directory, _, name = path.rpartition("/")
    nested = posixpath.basename(directory) not in ("site-packages", "dist-packages", "lib-dynload")
    return name.startswith("lib") and name.endswith(".so") and name.count(".") == 1 and nested and not in_package


def _above(directory: str) -> Iterable[tuple[str, tuple[str, ...]]]:
    """A directory and those above it, the nearest first, each with the names below it."""
    names: tuple[str, ...] = ()
    while True:
        yield directory, names
        if not directory:
            return
        directory, name = posixpath.split(directory)
        names = (name, *names)


@cache
def _never() -> tuple[tuple[re.Pattern[str], str], ...]:
    rows = load_table("python/never_imported.toml")["never"]
    return tuple((re.compile(fnmatch.translate(row["module"])), row["reason"]) for row in rows)
