"""``python -m corpus.licenses.catalogue``: makes ``rules/licenses/packaged_libraries.csv``, the rows that no person wrote.

Five sources, in this order; a SONAME gets one row, and none where a row of ``rules/licenses/libraries.csv`` speaks for
it (``kept_rows.py``):

1. Debian 12's library packages, all of them: project and licence out of their copyright files, by the same rules that read such a file inside an
   artifact (``inspector/facts/licensing/debian_copyright_scope.py``); where that leaves a doubt, out of the library's own source files
   (``source_evidence.py``) and of the public headers (``headers.py``), too. What is measured came in when it had been measured;
   ``without_measured_half`` leaves it out again. Debian 12 goes first, as most bundles are built on systems of its age or older.
2. Debian 13's, the same.
3. Debian 11's, the same: bundles carry libraries of its age for many years.
4. Debian sid's, of source packages alone that none of these three has.
5. What two other distributions say (``other_distributions.csv``): SONAMEs in neither, and the licence where the copyright file leaves it open,
   if it is one licence or a choice: which part of "GPL AND LGPL" is the library's, a list for a whole package does not say.

``adjudicated.toml`` overrules, with reasons. ``checked`` says what stands behind a row: "two sources" agree, or there is "one source", or it
"differs: …" from what the other distributions say.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from corpus.licenses.comparing import same_license
from corpus.licenses.headers import (
    agreed_license,
    development_packages,
    has_names_of_its_own,
    headers_decide,
    is_doubtful,
    read_headers,
)
from corpus.licenses.kept_rows import known_families, named_by_hand
from corpus.licenses.packages import LibraryPackage, copyright_texts, read_packages
from corpus.licenses.population import (
    FRESH_SETS,
    IndexedPackage,
    all_libraries,
    bundle_libraries,
    fresh_libraries,
    half_of,
    more_bundle_libraries,
    new_libraries,
    read_index,
    sampled_libraries,
)
from corpus.licenses.source_evidence import confirmed_by_sources, decided_by_sources, wants_sources
from corpus.licenses.source_trees import FileLicenses, read_source_trees
from inspector.facts.licensing.debian_copyright import CopyrightFile, parse_copyright
from inspector.facts.licensing.debian_copyright_paragraphs import LibraryReading
from inspector.facts.licensing.debian_copyright_scope import library_reading
from inspector.facts.licensing.license_classes import license_class
from inspector.facts.licensing.python_licenses import canonical_expression
from inspector.resources import data_directory

AS_OF = "2026-11-21"
RELEASES = {"bookworm": "Debian 12", "trixie": "Debian 13", "bullseye": "Debian 11", "sid": "Debian sid"}
_UNSTABLE = "sid"
"""Of it only what no other release has: its packages change from day to day, and what they have in common with a release is read there."""
COLUMNS = ["soname", "project", "spdx", "source_package", "checked", "source"]
OTHERS = Path(__file__).with_name("other_distributions.csv")
ADJUDICATED = Path(__file__).with_name("adjudicated.toml")

_HEAD = f"""\
# Shared libraries by SONAME, as distributions package them. Made by corpus/licenses/catalogue.py; corrections: corpus/licenses/adjudicated.toml.
# as_of = {AS_OF}
# Read by inspector/facts/licensing/library_licenses.py, after the exact names and before the patterns of libraries.csv.
# spdx: empty where the source leaves open which of several licences is the library's.  source_package: of Debian, else another distribution's recipe.
# checked: "two sources" agree, "one source", "differs: …" (what the other says), "adjudicated" (by a person, the reason in adjudicated.toml)
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table; the fields are its columns."""

    soname: str
    project: str
    spdx: str
    source_package: str
    checked: str
    source: str


@dataclass(frozen=True, slots=True)
class OtherDistribution:
    """A row of ``other_distributions.csv``.

    :ivar spdx: the licence where the row names one, or a choice; "" where it joins several.
    """

    recipe: str
    version: str
    spdx: str


def make_rows(*, without_measured_half: bool = False) -> list[Row]:
    """All rows by SONAME.

    :param without_measured_half: take nothing from Debian for source packages of the measured half; so is measured what is known without them.
    """
    others = _others()
    adjudicated = tomllib.loads(ADJUDICATED.read_text(encoding="utf-8"))["licenses"]
    rows: dict[str, Row] = {}
    for row in _debian_rows(without_measured_half=without_measured_half):
        before = rows.get(row.soname)
        if before is None or (not before.spdx and row.spdx) or (not _is_known(before.spdx) and _is_known(row.spdx)):
            rows[row.soname] = row
    finished = [_checked(row, others.get(row.soname), adjudicated) for row in rows.values()]
    for soname, other in others.items():
        if soname not in rows:
            source = f"AerynOS recipe {other.recipe} {other.version}"
            finished.append(Row(soname, other.recipe, other.spdx, other.recipe, "one source", source))
    named, family = named_by_hand(read_index("bookworm")), known_families()
    kept = [row for row in finished if not named(row.soname, row.spdx, row.source_package)]
    return sorted(
        (replace(row, project=family(row.soname, row.source_package) or row.project) for row in kept),
        key=lambda row: row.soname,
    )


def _debian_rows(*, without_measured_half: bool) -> Iterator[Row]:
    settled: set[str] = set()
    for release, title in RELEASES.items():
        index = read_index(release)
        chosen = _new_packages(index) if release == _UNSTABLE else chosen_packages(index)
        packages = list(read_packages(chosen, release))
        texts = copyright_texts([*packages, *_linked_packages(packages, index, release)])
        measured = _measured_sources(index) if without_measured_half else set()
        readings = [
            reading
            for reading in _readings(packages, texts)
            if reading.soname not in settled and reading.package.source not in measured
        ]
        headers = _header_licenses([reading for reading in readings if reading.is_doubtful], index, release)
        files = _source_files(
            [reading for reading in readings if wants_sources(reading.file, reading.reading)], release
        )
        for reading in readings:
            own, place = files.get(reading.soname, ((), release))
            decided = decided_by_sources(reading.file, reading.reading, own, same_release=place == release)
            confirmed = not decided and confirmed_by_sources(reading.file, reading.reading, own)
            said = "" if confirmed else headers.get(reading.package.name, "")
            row = _row_of(reading, said, decided, title)
            if _is_known(row.spdx):
                settled.add(row.soname)
            yield row


def _linked_packages(
    packages: list[LibraryPackage], index: Mapping[str, IndexedPackage], release: str
) -> list[LibraryPackage]:
    """The packages that have the copyright files of others and are no library packages themselves: ``php8.2-common`` for ``libphp8.2-embed``."""
    names = {package.name for package in packages}
    wanted = {package.copyright_of for package in packages if not package.copyright} - names
    return list(read_packages([index[name] for name in sorted(wanted) if name in index], release))


def _source_files(readings: list[_Reading], release: str) -> dict[str, tuple[FileLicenses, str]]:
    """The source files of libraries, of this release, else of another that the mirror has the sources of; and which release it is."""
    found: dict[str, tuple[FileLicenses, str]] = {}
    others = [] if release == _UNSTABLE else [other for other in RELEASES if other != _UNSTABLE]
    for place in dict.fromkeys((release, *others)):
        wanted: dict[str, list[str]] = {}
        for reading in readings:
            if reading.soname not in found:
                wanted.setdefault(reading.package.source, []).append(reading.soname)
        found |= {soname: (files, place) for soname, files in read_source_trees(wanted, place).items()}
    return found


def chosen_packages(index: Mapping[str, IndexedPackage]) -> list[IndexedPackage]:
    """The packages of a release that are read: all library packages, and what the first sets took beside them."""
    sets = [all_libraries(index), bundle_libraries(index), sampled_libraries(index), more_bundle_libraries(index)]
    return list({package.name: package for chosen in sets for package in chosen}.values())


def _new_packages(index: Mapping[str, IndexedPackage]) -> list[IndexedPackage]:
    """The library packages of source packages that unstable has and no release."""
    readable = {package.name for package in all_libraries(index)}
    releases = [read_index(release) for release in RELEASES if release != _UNSTABLE]
    return [package for package in new_libraries(index, releases) if package.name in readable]


def _measured_sources(index: Mapping[str, IndexedPackage]) -> set[str]:
    """Source packages of the measured halves and of the fresh sets."""
    fresh = {package.source for set_ in FRESH_SETS for package in fresh_libraries(index, set_)}
    return fresh | {package.source for package in index.values() if half_of(package.source) == "measured"}


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the copyright file of a package says of one of its libraries."""

    package: LibraryPackage
    soname: str
    file: CopyrightFile
    reading: LibraryReading | None

    @property
    def is_doubtful(self) -> bool:
        return is_doubtful(self.file, self.reading)


def _readings(packages: list[LibraryPackage], texts: Mapping[str, str]) -> Iterator[_Reading]:
    for package in packages:
        sonames = [name for path, name in package.libraries if path.count("/") <= 4 and "/gstreamer-1.0/" not in path]
        if not sonames:
            continue
        file = parse_copyright(texts[package.name])
        for soname in sonames:
            yield _Reading(package, soname, file, library_reading(file, soname))


def _header_licenses(doubtful: list[_Reading], index: Mapping[str, IndexedPackage], release: str) -> dict[str, str]:
    """What the headers of the development packages that need a library package agree on, by the library package's name."""
    by_source = development_packages(index, {reading.package.source for reading in doubtful})
    counts = read_headers([package for packages in by_source.values() for package in packages], release)
    found = {}
    for reading in doubtful:
        package = reading.package
        packages = by_source.get(package.source, [])
        own = [one for one in packages if package.name in one.depended_on] or packages
        # One header of a copyleft among what is permissive is borrowed code.
        read = reading.reading.expression if reading.reading is not None else None
        fewest = 2 if read and license_class(read) == "permissive" else 1
        found[package.name] = agreed_license((counts[one.name] for one in own), fewest)
    return found


def _row_of(reading: _Reading, headers: str, decided: str, title: str) -> Row:
    package, read = reading.package, reading.reading
    spdx = read.expression if read is not None and read.expression and has_names_of_its_own(reading.file, read) else ""
    place = _place(read)
    if decided:
        spdx, place = decided, f"source files; the copyright file: {place}"
    elif reading.is_doubtful and headers_decide(reading.file, read, headers):
        # Headers that name one of the licences that one may choose from confirm the name of it and leave the choice.
        is_choice = read is not None and " OR " in read.contradicted and headers in read.contradicted.split(" OR ")
        spdx = read.contradicted if read is not None and is_choice else headers
        place = f"public headers; the copyright file: {place}"
    project = _project(reading.file, package.source)
    return Row(
        reading.soname, project, spdx, package.source, "", f"{title} {package.source} {package.version}: {place}"
    )


def _is_known(spdx: str) -> bool:
    """Whether an expression is there and needs no name that one copyright file alone has: what another release or distribution knows goes first."""
    return bool(spdx) and "LicenseRef-Debian-" not in spdx


def _place(reading: LibraryReading | None) -> str:
    if reading is None:
        return "nothing recognised"
    if reading.scope in ("text", "sentence"):
        return "free-form text"
    if reading.scope == "majority":
        return "most files"
    return f"Files: {' '.join(reading.patterns[:3])}" if reading.patterns else "header"


def _project(file: CopyrightFile, source: str) -> str:
    """Upstream's name where it is a name, else that of the source package without its version."""
    name = file.upstream_name
    if 1 < len(name) <= 40 and not re.search(r"https?:|[<>@|/]|\.git$|unknown", name, re.IGNORECASE):
        return name
    plain = re.sub(r"-(?:opensource|everywhere)-src$", "", source)
    return re.sub(r"(?<=[a-z+])-?\d[\d.]*$", "", plain) or source


def _checked(row: Row, other: OtherDistribution | None, adjudicated: dict[str, dict[str, str]]) -> Row:
    for pattern, decided in adjudicated.get(row.source_package, {}).items():
        if fnmatchcase(row.soname, pattern):
            return replace(row, spdx=decided, checked="adjudicated")
    if other is None or not other.spdx:
        return replace(row, checked="one source")
    if not _is_known(row.spdx):
        return replace(
            row,
            spdx=other.spdx,
            checked="one source",
            source=f"{row.source}; licence: recipe {other.recipe} {other.version}",
        )
    if same_license(row.spdx, other.spdx):
        return replace(row, checked="two sources")
    return replace(row, checked=f"differs: {other.spdx}")


def _others() -> dict[str, OtherDistribution]:
    found = {}
    with OTHERS.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(line for line in stream if not line.startswith("#")):
            said = [
                row["chimera_license"],
                *([row["aerynos_licenses"]] if " | " not in row["aerynos_licenses"] else []),
            ]
            valid = [
                canonical_expression(expression) for expression in said if expression and " AND " not in expression
            ]
            found[row["soname"]] = OtherDistribution(
                row["recipe"], row["version"], next((name for name in valid if name), "")
            )
    return found


def main() -> None:
    """Write the table."""
    path = data_directory("rules") / "licenses/packaged_libraries.csv"
    rows = make_rows()
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(_HEAD)
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([getattr(row, column) for column in COLUMNS] for row in rows)
    print(f"{path.name}: {len(rows):,} SONAMEs of {len({row.source_package for row in rows}):,} source packages")


if __name__ == "__main__":
    main()
