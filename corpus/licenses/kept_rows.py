"""Which libraries the rows of ``rules/licenses/libraries.csv`` speak for, that a person keeps: for these the catalogue gets no row by machine."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from fnmatch import translate

from corpus.licenses.comparing import plain_name
from corpus.licenses.population import IndexedPackage
from inspector.resources import data_directory

_STAR_IN_NAME = re.compile(r"[^.]*[*?]")
"""A pattern of several libraries, not only of several versions of one."""


def known_families() -> Callable[[str, str], str]:
    """What a project is called that a pattern of several libraries stands for, by SONAME and source package; "" where none does.

    A module of Qt has a source package, a licence and a row of its own, and is a part of Qt for whoever reads a report.
    """
    rows = [row for row in _rows() if row["checked"] == "family" and _STAR_IN_NAME.match(row["soname_glob"])]
    rows = [row for row in rows if " " in row["project"]]  # "Qt 5" is a collection, "ICU" one project
    families = [
        (re.compile(translate(row["soname_glob"])), row["project"].split()[0].lower(), row["project"]) for row in rows
    ]

    def family(soname: str, source: str) -> str:
        found = (project for pattern, stem, project in families if source.startswith(stem) and pattern.match(soname))
        return next(found, "")

    return family


def named_by_hand(index: Mapping[str, IndexedPackage]) -> Callable[[str, str, str], bool]:
    """A predicate of SONAME, licence and source package: whether a row of ``libraries.csv`` speaks for a library.

    A pattern with a star in the library's name speaks for the source package that it was written for and for what has no licence of its own:
    "libva*.so.2" is libva and not vanessa-socket.

    :param index: the packages of the release that the rows were written on, by name.
    """
    rows = _rows()
    patterns = [
        (
            re.compile(translate(row["soname_glob"])),
            row["soname_glob"],
            index.get(row["debian_package"]),
            row["project"] if row["checked"] == "family" else "",
        )
        for row in rows
    ]

    def named(soname: str, spdx: str, source: str) -> bool:
        for pattern, written, package, project in patterns:
            if pattern.match(soname) is None:
                continue
            if package is None or not _STAR_IN_NAME.match(written):
                return True
            # Bindings of others are called like a part of a collection ("Qt 6"); what has no licence is one where its source package is called so.
            if not spdx and (" " not in project or source.startswith(project.split()[0].lower())):
                return True
            return plain_name(package.source) == plain_name(source)
        return False

    return named


def _rows() -> list[dict[str, str]]:
    with (data_directory("rules") / "licenses/libraries.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(line for line in stream if not line.startswith("#")))
