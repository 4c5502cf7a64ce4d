"""``python -m corpus.licenses.catalogue``: makes ``rules/licenses/packaged_libraries.csv``, the rows that no person wrote.

Three sources, in this order; a SONAME gets one row, and none where a row of ``rules/licenses/libraries.csv`` names it:

1. Debian 13's library packages of the population and of the sample, all of them: project and licence out of their copyright files, by the same rules
   that read such a file inside an artifact (``inspector/facts/licensing/debian_copyright_scope.py``).
2. Debian 12's, the same. The measured half came in when it had been measured; ``without_measured_half`` leaves it out again.
3. What two other distributions say (``other_distributions.csv``): SONAMEs in neither, and the licence where the copyright file leaves it open,
   if it is one licence or a choice: which part of "GPL AND LGPL" is the library's, a list for a whole package does not say.

``adjudicated.toml`` overrules, with reasons. ``checked`` says what stands behind a row: "two sources" agree, or there is "one source", or it
"differs: …" from what the other distributions say.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase, translate
from pathlib import Path

from corpus.licenses.comparing import same_license
from corpus.licenses.packages import LibraryPackage, copyright_texts, read_packages
from corpus.licenses.population import (
    bundle_libraries,
    fresh_libraries,
    half_of,
    more_bundle_libraries,
    read_index,
    sampled_libraries,
)
from inspector.facts.licensing.debian_copyright import CopyrightFile, parse_copyright
from inspector.facts.licensing.debian_copyright_scope import LibraryReading, library_reading
from inspector.facts.licensing.python_licenses import canonical_expression
from inspector.resources import data_directory

AS_OF = "2026-11-21"
RELEASES = {"trixie": "Debian 13", "bookworm": "Debian 12"}
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
        if row.soname not in rows or (not rows[row.soname].spdx and row.spdx):
            rows[row.soname] = row
    finished = [_checked(row, others.get(row.soname), adjudicated) for row in rows.values()]
    for soname, other in others.items():
        if soname not in rows:
            source = f"AerynOS recipe {other.recipe} {other.version}"
            finished.append(Row(soname, other.recipe, other.spdx, other.recipe, "one source", source))
    named = _named_by_hand()
    return sorted((row for row in finished if not named(row.soname)), key=lambda row: row.soname)


def _debian_rows(*, without_measured_half: bool) -> Iterator[Row]:
    for release, title in RELEASES.items():
        index = read_index(release)
        second = more_bundle_libraries(index)
        fresh = [*fresh_libraries(index, "third"), *fresh_libraries(index, "fourth")]
        chosen = [*bundle_libraries(index), *sampled_libraries(index), *second, *fresh]
        wanted = {package.name: package for package in chosen}
        fresh_names = {package.name for package in fresh}
        packages = list(read_packages(list(wanted.values()), release))
        texts = copyright_texts(packages)
        for package in packages:
            measured = half_of(package.source) == "measured" or package.name in fresh_names
            if without_measured_half and measured:
                continue
            yield from _rows_of(package, texts[package.name], title)


def _rows_of(package: LibraryPackage, text: str, title: str) -> Iterator[Row]:
    file = parse_copyright(text)
    project = _project(file, package.source)
    for path, soname in package.libraries:
        if path.count("/") > 4 or "/gstreamer-1.0/" in path:
            continue
        reading = library_reading(file, soname)
        # An exception that nobody knows leaves the stricter licence; a licence that nobody knows leaves nothing.
        understood = reading is not None and all(name.startswith("with ") for name in reading.unknown)
        spdx = reading.expression if reading is not None and understood else ""
        yield Row(
            soname,
            project,
            spdx or "",
            package.source,
            "",
            f"{title} {package.source} {package.version}: {_place(reading)}",
        )


def _place(reading: LibraryReading | None) -> str:
    if reading is None:
        return "nothing recognised"
    if reading.scope == "text":
        return "free-form text"
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
    if not row.spdx:
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


def _named_by_hand() -> Callable[[str], object]:
    """A predicate: whether a row of ``libraries.csv`` names a SONAME, the broad ones left out."""
    with (data_directory("rules") / "licenses/libraries.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(line for line in stream if not line.startswith("#")))
    patterns = [row["soname_glob"] for row in rows]
    return re.compile("|".join(translate(pattern) for pattern in patterns)).fullmatch


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
