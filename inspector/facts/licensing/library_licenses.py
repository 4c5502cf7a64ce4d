"""Which project a shared library comes from and under which licence, told by its soname or file name.

Two tables of ``rules/licenses``: ``libraries.csv``, kept by hand (names, patterns, adjudicated licences, notes), and ``packaged_libraries.csv``, made
from the copyright files of distributions (``corpus/licenses``). A name proves nothing about code that was linked statically, and the licence is the
one that the project is known for; what a build's own configuration changed (FFmpeg) stands in the row's note.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, cached_property, lru_cache
from typing import Literal

from msgspec import Struct

from inspector.facts.licensing.library_tables import PackagedRows, read_library_table, read_table
from inspector.facts.licensing.license_classes import CLASS_ORDER, LicenseClass, license_class
from inspector.patterns import fits_glob, lazy_pattern
from inspector.resources import data_directory

_KEPT = "licenses/libraries.csv"
_KEPT_COLUMNS = ["soname_glob", "project", "spdx", "debian_package", "checked", "note"]
_PACKAGED = "licenses/packaged_libraries.csv"

# auditwheel and delvewheel put 8 or 32 hexadecimal digits of a SHA-256 behind the base name, more than once when a wheel was repaired twice.
_HASH = lazy_pattern(r"(?:-[0-9a-f]{8}(?:[0-9a-f]{24})?)+(?=\.)")
_STEM = lazy_pattern(r"(.+?)(?:\.[0-9][^/]*)?\.so(?:\.[^/]*)?")
_SERIES = lazy_pattern(r"(.*[a-zA-Z+_])(?:[-_.]\d+(?:[._]\d+)*|\d+(?:[._]\d+)+)")
_RELEASE = lazy_pattern(r"-\d+(?:\.\d+)+$")
_LONGEST = 255  # bytes of a file name: NAME_MAX of Linux

MatchedBy = Literal["name", "stem", "series"]


class LibraryLicense(Struct, frozen=True):
    """A row of the catalogue.

    :ivar project: the project's own name ("GNU Readline (>=6)").
    :ivar spdx: an SPDX expression; "NOASSERTION" where the project is known and the source leaves its licence open.
    :ivar license_class: its class, see :mod:`inspector.facts.licensing.license_classes`.
    :ivar debian_package: Debian 12's binary package that has it, or None.
    :ivar checked: how far the row was compared with other sources, in the words that the head of its table explains.
    :ivar note: one clause, or "".
    :ivar matched: "name" where the soname itself is in the catalogue; "stem" where only another version of the library is
        (``libx.so.2`` for ``libx.so.3``); "series" where the version stands in the name (``libx-1.2.so.0`` for ``libx-1.6.so.0``).
    :ivar source: where the licence was read: distribution, source package, version and paragraph of the copyright file; "" for rows kept by hand.
    :ivar source_package: its name in that distribution, or "".
    """

    project: str
    spdx: str
    license_class: LicenseClass
    debian_package: str | None
    checked: str
    note: str
    matched: MatchedBy = "name"
    source: str = ""
    source_package: str = ""


def plain_library_name(name: str) -> str:
    """The name without the hashes that wheel repair tools put into it: ``libfoo-1a2b3c4d.so.1.2`` is ``libfoo.so.1.2``."""
    return _HASH.sub("", name)


@lru_cache(maxsize=8192)
def identify_library(name: str) -> LibraryLicense | None:
    """The catalogue's row for a soname or a file name (no directory), or None.

    Tried in this order: a row with the very name, with or without the hashes of wheel repair tools and with its version cut shorter part by part
    (``libopenjp2.so.2.5.4``, ``.so.2.5``, ``.so.2``); the first pattern that one of these matches; any row with the same base name, the strictest
    licence where they differ; any row whose base differs in the version that ends it, or has none (``libdw-0.176.so``). The last two only for names
    with a version or a hash: plugins without one share base names with libraries that they have nothing to do with (Qt's ``libqpdf.so``).
    """
    return identify_in(load_library_catalogue(), name)


def identify_in(catalogue: LibraryCatalogue, name: str) -> LibraryLicense | None:
    """:func:`identify_library` in a catalogue that the caller has."""
    if not name or len(name) > _LONGEST or ".so" not in name:
        return None
    plain = plain_library_name(name)
    # A pattern may take a hash for a part of the name, or a family for one of its libraries: exact rows of the name and its major version go first.
    shorter = list(_shorter_versions(plain))
    exact = [candidate for candidate in (name, *shorter) if catalogue.has(candidate) and not candidate.endswith(".so")]
    for candidate in dict.fromkeys((*exact, *shorter)):
        row = catalogue.find(candidate)
        if row is not None:
            return row
    stem = _STEM.fullmatch(plain)
    if stem is None or name == f"{stem[1]}.so":
        return None
    # A release behind the base name (libdw-0.176.so) is no part of it; one number may be (libpng16, libgtk-3).
    base = plain.partition(".so")[0]
    return catalogue.find_stem(stem[1]) or catalogue.find_series(stem[1]) or catalogue.find_stem(_RELEASE.sub("", base))


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


class LibraryCatalogue:
    """The rows of both tables, indexed by exact name and, for patterns, by the literal text before the first special character.

    :param kept: rows of ``libraries.csv``, without its head.
    :param packaged: rows of ``packaged_libraries.csv``; they go after the exact names of the former and before its patterns.
    """

    def __init__(self, kept: list[list[str]], packaged: PackagedRows) -> None:
        self._rows = kept
        self._packaged = packaged
        self._exact: dict[str, int] = {}
        self._patterns: dict[str, list[int]] = {}
        for index, (pattern, *_) in enumerate(kept):
            prefix = re.split(r"[*?\[]", pattern, maxsplit=1)[0]
            if prefix == pattern:
                self._exact.setdefault(pattern, index)
            else:
                self._patterns.setdefault(prefix, []).append(index)
        self._lengths = sorted({len(prefix) for prefix in self._patterns})

    def has(self, name: str) -> bool:
        """Whether a row has this very name."""
        return name in self._exact or name in self._packaged

    def find(self, name: str) -> LibraryLicense | None:
        """The row for the whole name: an exact name kept by hand, unless an earlier pattern matches; a packaged one; the first pattern."""
        exact = self._exact.get(name)
        packaged = self._packaged.get(name)
        if exact is None and packaged is not None:
            return packaged_row(packaged, "name")
        best = len(self._rows) if exact is None else exact
        for length in self._lengths:
            if length > len(name):
                break
            for index in self._patterns.get(name[:length], ()):
                if index < best and fits_glob(name, self._rows[index][0]):
                    best = index
        return None if best == len(self._rows) else _kept_row(self._rows[best], "name")

    def find_stem(self, stem: str) -> LibraryLicense | None:
        """The strictest row for other versions of ``stem`` (the name before ".so"), the first of equals, rows kept by hand before others."""
        places: list[_Place] = list(self._kept_stems.get(stem, ()))
        if ".so" not in stem:
            places += self._packaged.beginning_with(f"{stem}.so")
        return self._strictest(places, "stem")

    def find_series(self, stem: str) -> LibraryLicense | None:
        """The same for names that end in another version: ``libgupnp-1.2`` for ``libgupnp-1.6``."""
        match = _SERIES.fullmatch(stem)
        return None if match is None else self._strictest(self._series.get(match[1], []), "series")

    @cached_property
    def _kept_stems(self) -> dict[str, list[int]]:
        """By base name where rows kept by hand are."""
        found: dict[str, list[int]] = {}
        for index, row in enumerate(self._rows):
            found.setdefault(row[0].partition(".so")[0], []).append(index)
        return found

    @cached_property
    def _series(self) -> dict[str, list[_Place]]:
        """By base name without version where rows are: what they say is worked out of those few that are asked for."""
        found: dict[str, list[_Place]] = {}
        for name, place in self._places():
            match = _SERIES.fullmatch(name.partition(".so")[0])
            if match is not None:
                found.setdefault(match[1], []).append(place)
        return found

    def _places(self) -> Iterator[tuple[str, _Place]]:
        for index, row in enumerate(self._rows):
            yield row[0], index
        for name in self._packaged:
            yield name, name

    def _strictest(self, places: list[_Place], matched: MatchedBy) -> LibraryLicense | None:
        rows = [
            _kept_row(self._rows[place], matched)
            if isinstance(place, int)
            else packaged_row(self._packaged[place], matched)
            for place in places
        ]
        return max(rows, key=lambda row: CLASS_ORDER.index(row.license_class), default=None)


_Place = int | str
"""Of a row: its index in the kept table, or its name in the packaged one."""


def _kept_row(row: list[str], matched: MatchedBy) -> LibraryLicense:
    _, project, spdx, package, checked, note = row
    return LibraryLicense(project, spdx, license_class(spdx), package or None, checked, note, matched)


def packaged_row(row: list[str], matched: MatchedBy) -> LibraryLicense:
    """A row of a packaged table (:data:`inspector.facts.licensing.library_tables.PACKAGED_COLUMNS`)."""
    _, project, spdx, source_package, checked, source = row
    spdx = spdx or "NOASSERTION"
    return LibraryLicense(project, spdx, license_class(spdx), None, checked, "", matched, source, source_package)


@cache
def library_catalogue_date() -> str:
    """The day (ISO 8601) as of which the catalogue speaks."""
    path = data_directory("rules") / _KEPT
    with path.open(encoding="utf-8") as stream:
        dates = (line.partition("=")[2].strip() for line in stream if line.startswith("# as_of ="))
        return next(dates, "")


@cache
def load_library_catalogue() -> LibraryCatalogue:
    """The catalogue, read once.

    :raises InstallationError: where a table cannot be read or has other columns.
    """
    return LibraryCatalogue(read_library_table(_KEPT, _KEPT_COLUMNS), PackagedRows(read_table(_PACKAGED)))
