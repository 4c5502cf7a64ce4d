"""Which project a shared library comes from and under which licence, told by its soname or file name: ``rules/licenses/libraries.csv``.

A name proves nothing about code that was linked statically, and the licence is the one that the project is known for; what a build's own
configuration changed (FFmpeg) stands in the row's note.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from typing import Literal

from inspector.errors import InstallationError
from inspector.facts.licensing.license_classes import CLASS_ORDER, LicenseClass, license_class
from inspector.resources import data_directory

_TABLE = "licenses/libraries.csv"
_COLUMNS = ["soname_glob", "project", "spdx", "debian_package", "checked", "note"]

# auditwheel and delvewheel put 8 or 32 hexadecimal digits of a SHA-256 behind the base name, more than once when a wheel was repaired twice.
_HASH = re.compile(r"(?:-[0-9a-f]{8}(?:[0-9a-f]{24})?)+(?=\.)")
_STEM = re.compile(r"(.+?)(?:\.[0-9][^/]*)?\.so(?:\.[^/]*)?")
_LONGEST = 255  # bytes of a file name: NAME_MAX of Linux


@dataclass(frozen=True, slots=True)
class LibraryLicense:
    """A row of the catalogue.

    :ivar project: the project's own name ("GNU Readline (>=6)").
    :ivar spdx: an SPDX expression.
    :ivar license_class: its class, see :mod:`inspector.facts.licensing.license_classes`.
    :ivar debian_package: Debian 12's binary package that has it, or None.
    :ivar checked: how far the row was compared with that package's copyright file: "same", "stanza", "family", "text", "no",
        "not found in text" or "differs: …"; the head of the table says what each means.
    :ivar note: one clause, or "".
    :ivar matched: "name" where the soname itself is in the catalogue; "stem" where only another version of the library is.
    """

    project: str
    spdx: str
    license_class: LicenseClass
    debian_package: str | None
    checked: str
    note: str
    matched: Literal["name", "stem"] = "name"


@lru_cache(maxsize=8192)
def identify_library(name: str) -> LibraryLicense | None:
    """The catalogue's row for a soname or a file name (no directory), or None.

    Tried in this order: the name; the name without the hashes of wheel repair tools; the name with its version cut shorter part by part
    (``libopenjp2.so.2.5.4``, ``.so.2.5``, ``.so.2``); any row with the same base name, the strictest licence where they differ.  The last only for
    names with a version or a hash: plugins without one share base names with libraries that they have nothing to do with (Qt's ``libqpdf.so``).
    """
    if not name or len(name) > _LONGEST or ".so" not in name:
        return None
    catalogue = _catalogue()
    plain = _HASH.sub("", name)
    for candidate in dict.fromkeys((name, *_shorter_versions(plain))):
        row = catalogue.find(candidate)
        if row is not None:
            return row
    stem = _STEM.fullmatch(plain)
    return None if stem is None or name == f"{stem[1]}.so" else catalogue.find_stem(stem[1])


def _shorter_versions(name: str) -> Iterator[str]:
    """``libx.so.1.2.3``, ``libx.so.1.2``, ``libx.so.1``, ``libx.so``; ``libx.3.20.so`` and ``libx.so``."""
    yield name
    base, found, version = name.partition(".so.")
    while found and version:
        version = version.rpartition(".")[0]
        yield f"{base}.so.{version}" if version else f"{base}.so"
    stem = _STEM.fullmatch(name)
    if stem is not None:
        yield f"{stem[1]}.so"


class _Catalogue:
    """The rows, indexed by exact name and, for patterns, by the literal text before the first special character."""

    def __init__(self, rows: list[list[str]]) -> None:
        self._rows = rows
        self._exact: dict[str, int] = {}
        self._patterns: dict[str, list[int]] = {}
        self._stems: dict[str, list[int]] | None = None
        for index, (pattern, *_) in enumerate(rows):
            prefix = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
            if prefix == pattern:
                self._exact.setdefault(pattern, index)
            else:
                self._patterns.setdefault(prefix, []).append(index)
        self._lengths = sorted({len(prefix) for prefix in self._patterns})

    def find(self, name: str) -> LibraryLicense | None:
        """The first row whose pattern matches the whole name."""
        best = self._exact.get(name, len(self._rows))
        for length in self._lengths:
            if length > len(name):
                break
            for index in self._patterns.get(name[:length], ()):
                if index < best and fnmatchcase(name, self._rows[index][0]):
                    best = index
        return None if best == len(self._rows) else self._row(best, "name")

    def find_stem(self, stem: str) -> LibraryLicense | None:
        """The strictest row for other versions of ``stem`` (the name before ".so"), the first of equals."""
        if self._stems is None:
            self._stems = {}
            for index, (pattern, *_) in enumerate(self._rows):
                self._stems.setdefault(pattern.partition(".so")[0], []).append(index)
        rows = [self._row(index, "stem") for index in self._stems.get(stem, ())]
        return max(rows, key=lambda row: CLASS_ORDER.index(row.license_class), default=None)

    def _row(self, index: int, matched: Literal["name", "stem"]) -> LibraryLicense:
        _, project, spdx, package, checked, note = self._rows[index]
        return LibraryLicense(project, spdx, license_class(spdx), package or None, checked, note, matched)


@cache
def library_catalogue_date() -> str:
    """The day (ISO 8601) as of which the catalogue speaks."""
    path = data_directory("rules") / _TABLE
    with path.open(encoding="utf-8") as stream:
        dates = (line.partition("=")[2].strip() for line in stream if line.startswith("# as_of ="))
        return next(dates, "")


@cache
def _catalogue() -> _Catalogue:
    path = data_directory("rules") / _TABLE
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(line for line in stream if not line.startswith("#")))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InstallationError(f"rules/{_TABLE} cannot be read: {error}", "reinstall bundle-inspect") from error
    if not rows or rows[0] != _COLUMNS or any(len(row) != len(_COLUMNS) for row in rows):
        raise InstallationError(f"rules/{_TABLE} has not the columns {', '.join(_COLUMNS)}", "reinstall bundle-inspect")
    return _Catalogue(rows[1:])
