"""``python -m corpus.licenses.measured_set``: which libraries are measured, drawn once by the rules of README.md and kept in ``measured.csv``.

Packages that are installed on the machine that draws are left out, as the catalogue's first rows were made on one; the file is kept, not drawn again.
"""

from __future__ import annotations

import csv
import hashlib
import subprocess
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from corpus.licenses.own_libraries import own_libraries
from corpus.licenses.packages import read_packages
from corpus.licenses.population import (
    FRESH_SETS,
    IndexedPackage,
    all_libraries,
    bundle_libraries,
    eighth_libraries,
    eleventh_libraries,
    fresh_libraries,
    half_of,
    more_bundle_libraries,
    read_index,
    sampled_libraries,
    tenth_libraries,
    unversioned_source,
)
from corpus.licenses.private_libraries import RELEASE, fourteenth_sources, private_libraries
from corpus.licenses.remaining_libraries import remaining_libraries
from inspector.facts.licensing.library_licenses import LibraryCatalogue, identify_in, load_library_catalogue

TABLE = Path(__file__).with_name("measured.csv")
COLUMNS = ["soname", "package", "version", "source", "set", "release"]
_SOURCES_OF_FIFTEENTH = 170

Set = Literal[
    "bundles",
    "sample",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
]
SETS: tuple[Set, ...] = get_args(Set)
"""All sets, in the order in which they were drawn."""
Release = Literal["bullseye", "bookworm", "trixie", "trixie+non-free", "sid", "experimental"]


@dataclass(frozen=True, slots=True)
class MeasuredLibrary:
    """A shared library of the measured half.

    :ivar set: "bundles": of the population; "sample": of the random sample of all library packages, and not in the population;
        "second": of what only the second list of applications needs; "third" to
        "seventh": of other sixteenths of all library packages, both halves of them; "eighth": of what only the third list of applications needs,
        both halves of it; "ninth": of two further sixteenths, both halves, without what the eighth has; "tenth": of source packages that
        Debian 13 has and Debian 12 and 11 have not, both halves; "eleventh": of those that Debian sid alone has, and what the tenth left out;
        "twelfth": of source packages without a library package, what they bring for themselves; "thirteenth": what is left;
        "fourteenth": private shared libraries of applications; "fifteenth": library packages of Debian 12 that no set before has.
    :ivar release: the codename of the release of Debian that the package is of; its copyright file is the truth.
    """

    soname: str
    package: str
    version: str
    source: str
    set: Set
    release: Release


def measured_libraries() -> list[MeasuredLibrary]:
    """The libraries of ``measured.csv``."""
    with TABLE.open(encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(line for line in stream if not line.startswith("#"))
        return [MeasuredLibrary(**row) for row in rows]  # type: ignore[arg-type]


def draw(drawn: Collection[Set] = ()) -> Iterator[MeasuredLibrary]:
    """The libraries in the directories that the loader searches, of packages of the sets that are not installed here.

    :param drawn: sets that are drawn already and left out.
    """
    installed = _installed_packages()
    for release, chosen in _chosen_packages(drawn):
        wanted = {package.name: set_ for package, set_ in chosen if set_ not in drawn and package.name not in installed}
        packages = [package for package, _ in chosen if package.name in wanted]
        for package in read_packages(packages, release, skip_unavailable=True):
            for _, soname in package.public_libraries:
                yield MeasuredLibrary(
                    soname, package.name, package.version, package.source, wanted[package.name], release
                )


def draw_fourteenth(drawn: Collection[str]) -> Iterator[MeasuredLibrary]:
    """The private libraries of the fourteenth set, of packages that are not installed here.

    :param drawn: SONAMEs of the sets before; these are left out, and those that the catalogue has a row of by their name.
    """
    known = load_library_catalogue()
    new = [
        replace(package, libraries=tuple(one for one in package.libraries if _is_new(one[1], drawn, known)))
        for package in private_libraries()
    ]
    sources = fourteenth_sources(package.source for package in new if package.libraries)
    installed = _installed_packages()
    for package in new:
        if package.source in sources and package.name not in installed:
            for _, soname in package.libraries:
                yield MeasuredLibrary(soname, package.name, package.version, package.source, "fourteenth", RELEASE)


def draw_fifteenth(before: Collection[MeasuredLibrary]) -> Iterator[MeasuredLibrary]:
    """The libraries of the fifteenth set: of the first 170 source packages, in their order, of which no set before has anything."""
    index = read_index(RELEASE)
    sources = {unversioned_source(library.source) for library in before}
    sonames = {library.soname for library in before}
    installed = _installed_packages()
    packages: dict[str, list[IndexedPackage]] = {}
    for package in all_libraries(index):
        if unversioned_source(package.source) not in sources and package.name not in installed:
            packages.setdefault(package.source, []).append(package)
    drawn = 0
    for source in sorted(packages, key=lambda name: hashlib.sha256(f"fifteenth {name}".encode()).digest()):
        found = [
            MeasuredLibrary(soname, package.name, package.version, source, "fifteenth", RELEASE)
            for package in read_packages(packages[source], RELEASE, skip_unavailable=True)
            for _, soname in package.public_libraries
            if soname not in sonames
        ]
        yield from found
        drawn += bool(found)
        if drawn == _SOURCES_OF_FIFTEENTH:
            return


def _is_new(soname: str, drawn: Collection[str], known: LibraryCatalogue) -> bool:
    row = identify_in(known, soname)
    return soname not in drawn and (row is None or row.matched != "name")


def _installed_packages() -> set[str]:
    said = subprocess.run(["dpkg-query", "-W", "-f=${Package}\n"], capture_output=True, text=True, check=True)
    return set(said.stdout.split())


def _chosen_packages(drawn: Collection[Set]) -> Iterator[tuple[Release, list[tuple[IndexedPackage, Set]]]]:
    """The packages of all sets with their set, by the release that they are taken from."""
    oldest, old, stable = read_index("bullseye"), read_index("bookworm"), read_index("trixie")
    own = own_libraries("measured")
    yield "bookworm", [*_chosen_of_old(old), *((package, "twelfth") for package in own["bookworm"])]
    new, left = eleventh_libraries(read_index("sid"), stable, [old, oldest])
    tenth: list[tuple[IndexedPackage, Set]] = [(package, "tenth") for package in tenth_libraries(stable, [old, oldest])]
    eleventh: list[tuple[IndexedPackage, Set]] = [(package, "eleventh") for package in left]
    yield "trixie", [*tenth, *eleventh, *((package, "twelfth") for package in own["trixie"])]
    yield "sid", [(package, "eleventh") for package in new]
    if "thirteenth" not in drawn:
        before = measured_libraries()  # all other sets have to be drawn already
        left_over = remaining_libraries({library.source for library in before}, {library.package for library in before})
        for release, packages in left_over.items():
            yield release, [(package, "thirteenth") for package in packages]


def _chosen_of_old(index: Mapping[str, IndexedPackage]) -> list[tuple[IndexedPackage, Set]]:
    """The packages of the sets that are of Debian 12, by name."""
    sets: dict[str, Set] = {package.name: "eighth" for package in eighth_libraries(index)}
    for fresh in FRESH_SETS:
        sets |= {package.name: fresh for package in fresh_libraries(index, fresh)}
    sets |= {package.name: "second" for package in more_bundle_libraries(index)}
    sets |= {package.name: "sample" for package in sampled_libraries(index)}
    sets |= {package.name: "bundles" for package in bundle_libraries(index)}
    return [
        (index[name], sets[name])
        for name in sorted(sets)
        if half_of(index[name].source) == "measured" or sets[name] in (*FRESH_SETS, "eighth")
    ]


def main() -> None:
    """Write ``measured.csv``: sets that it has stay as they were drawn, others are added."""
    kept = measured_libraries() if TABLE.exists() else []
    sets = {library.set for library in kept}
    found = {
        library.soname: library
        for library in sorted(draw(sets), key=lambda library: (library.soname, library.package), reverse=True)
    }
    found |= {library.soname: library for library in kept}
    if "fourteenth" not in sets:
        found |= {library.soname: library for library in draw_fourteenth(found)}
    if "fifteenth" not in sets:
        found |= {library.soname: library for library in draw_fifteenth(found.values())}
    with TABLE.open("w", encoding="utf-8", newline="") as stream:
        stream.write(
            "# Shared libraries of Debian that the catalogue is measured on; drawn on 2026-11-21 by corpus/licenses/measured_set.py.\n"
        )
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for library in sorted(found.values(), key=lambda library: (library.source, library.soname)):
            writer.writerow([getattr(library, column) for column in COLUMNS])


if __name__ == "__main__":
    main()
