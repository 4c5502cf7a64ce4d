"""What the library packages of a release say of their libraries: rows of the catalogue, out of copyright files, public headers and source files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from corpus.licenses.headers import (
    agreed_license,
    development_packages,
    has_names_of_its_own,
    headers_decide,
    is_doubtful,
    read_headers,
)
from corpus.licenses.packages import LibraryPackage, copyright_texts, read_packages
from corpus.licenses.population import IndexedPackage
from corpus.licenses.source_evidence import confirmed_by_sources, decided_by_sources, holds_own_directory, wants_sources
from corpus.licenses.source_trees import LARGEST, FileLicenses, read_source_trees
from inspector.facts.licensing.debian_copyright.copyright_file import CopyrightFile, parse_copyright
from inspector.facts.licensing.debian_copyright.library_scope import library_reading
from inspector.facts.licensing.debian_copyright.paragraphs import LibraryReading
from inspector.facts.licensing.license_classes import license_class

RELEASES = {
    "bookworm": "Debian 12",
    "trixie": "Debian 13",
    "bullseye": "Debian 11",
    "sid": "Debian sid",
    "experimental": "Debian experimental",
    "trixie+non-free": "Debian 13 outside of main",
}
CHANGING = ("sid", "experimental")
"""Of them only what nothing before them has: their packages change from day to day, and what they have in common with a release is read there."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table; the fields are its columns."""

    soname: str
    project: str
    spdx: str
    source_package: str
    checked: str
    source: str


def rows_of_release(
    chosen: list[IndexedPackage],
    index: Mapping[str, IndexedPackage],
    release: str,
    settled: set[str],
    without_sources: set[str],
    largest_tree: int = LARGEST,
) -> Iterator[Row]:
    """The rows of a release's packages: of their libraries in the loader's directories.

    :param settled: SONAMEs whose licence is known and that are not read again; those that become known are added.
    :param without_sources: source packages of which nothing is taken.
    :param largest_tree: bytes of a tarball of sources that is still downloaded.
    """
    packages = [replace(package, libraries=package.public_libraries) for package in read_packages(chosen, release)]
    wanted = [package for package in packages if package.source not in without_sources]
    yield from rows_of_packages(wanted, index, release, settled, largest_tree)


def rows_of_packages(
    packages: list[LibraryPackage],
    index: Mapping[str, IndexedPackage],
    release: str,
    settled: set[str],
    largest_tree: int = LARGEST,
) -> Iterator[Row]:
    """The rows of packages that were read: of all libraries that they name; parameters as of :func:`rows_of_release`."""
    texts = copyright_texts([*packages, *_linked_packages(packages, index, release)])
    readings = [reading for reading in _readings(packages, texts) if reading.soname not in settled]
    headers = _header_licenses([reading for reading in readings if reading.is_doubtful], index, release)
    doubtful = [reading for reading in readings if wants_sources(reading.file, reading.reading)]
    files = _source_files(doubtful, release, largest_tree)
    for reading in readings:
        own, place = files.get(reading.soname, ((), release))
        decided = decided_by_sources(reading.file, reading.reading, own, same_release=place == release)
        confirmed = not decided and (
            confirmed_by_sources(reading.file, reading.reading, own)
            or holds_own_directory(reading.file, reading.reading, own, reading.soname)
        )
        said = "" if confirmed else headers.get(reading.package.name, "")
        row = _row_of(reading, said, decided, RELEASES[release])
        if is_known(row.spdx):
            settled.add(row.soname)
        yield row


def _linked_packages(
    packages: list[LibraryPackage], index: Mapping[str, IndexedPackage], release: str
) -> list[LibraryPackage]:
    """The packages that have the copyright files of others and are no library packages themselves: ``php8.2-common`` for ``libphp8.2-embed``."""
    names = {package.name for package in packages}
    wanted = {package.copyright_of for package in packages if not package.copyright} - names
    return list(read_packages([index[name] for name in sorted(wanted) if name in index], release))


def _source_files(readings: list[_Reading], release: str, largest: int) -> dict[str, tuple[FileLicenses, str]]:
    """The source files of libraries, of this release, else of another that the mirror has the sources of; and which release it is."""
    found: dict[str, tuple[FileLicenses, str]] = {}
    others = [] if release in CHANGING else [other for other in RELEASES if other not in CHANGING]
    for place in dict.fromkeys((release, *others)):
        wanted: dict[str, list[str]] = {}
        for reading in readings:
            if reading.soname not in found:
                wanted.setdefault(reading.package.source, []).append(reading.soname)
        found |= {soname: (files, place) for soname, files in read_source_trees(wanted, place, largest).items()}
    return found


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
        if not package.libraries:
            continue
        file = parse_copyright(texts[package.name])
        for _, soname in package.libraries:
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


def is_known(spdx: str) -> bool:
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
