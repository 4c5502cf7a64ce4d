"""``python -m corpus.licenses.catalogue``: makes ``rules/licenses/packaged_libraries.csv`` and ``private_libraries.csv`` beside it.

Six sources of the first, in this order; a SONAME gets one row, and none where a row of ``rules/licenses/libraries.csv`` speaks for
it (``kept_rows.py``):

1. Debian 12's library packages, all of them: project and licence out of their copyright files, by the same rules that read such a file inside an
   artifact (``inspector/facts/licensing/debian_copyright/library_scope.py``); where that leaves a doubt, out of the library's own source files
   (``source_evidence.py``) and of the public headers (``headers.py``), too. What is measured came in when it had been measured;
   ``without_measured_half`` leaves it out again. Debian 12 goes first, as most bundles are built on systems of its age or older.
2. Debian 13's, the same.
3. Debian 11's, the same: bundles carry libraries of its age for many years.
4. Debian sid's, then experimental's, of source packages alone that nothing before has, or Debian 11 alone (which went on without them); and what
   Debian 13 has outside of main (contrib, non-free): CUDA, MKL, NVIDIA's drivers, which bundles carry.
5. Libraries that applications bring for themselves in the loader's directories (``own_libraries.py``), of Debian 12 and what Debian 13 alone has: of
   SONAMEs that no library package has, whatever is said there of the licence, and whose name no file of another source package of the release has.
6. What two other distributions say (``other_distributions.csv``): SONAMEs in neither, and the licence where the copyright file leaves it open,
   if it is one licence or a choice: which part of "GPL AND LGPL" is the library's, a list for a whole package does not say.

The second has the private shared libraries of applications, of Debian 12 (``private_libraries.py``), of SONAMEs that nothing else has.

``reviewed.csv`` has what people read in the copyright files after the machine (``reviewed_rows.py``); ``adjudicated.toml`` overrules, with reasons.
``checked`` says what stands behind a row: "two sources" agree, or there is "one source", or it "differs: …" from what the other distributions say;
"reviewed" and "adjudicated" are a person's.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from corpus.contents import packages_with_libraries
from corpus.licenses.comparing import same_license
from corpus.licenses.copyright_rows import CHANGING, RELEASES, Row, is_known, rows_of_packages, rows_of_release
from corpus.licenses.kept_rows import known_families, named_by_hand
from corpus.licenses.own_libraries import own_libraries
from corpus.licenses.population import (
    FRESH_SETS,
    Half,
    IndexedPackage,
    all_libraries,
    bundle_libraries,
    fresh_libraries,
    half_of,
    more_bundle_libraries,
    new_libraries,
    read_index,
    returned_libraries,
    sampled_libraries,
)
from corpus.licenses.private_libraries import RELEASE, private_libraries
from corpus.licenses.reviewed_rows import as_reviewed, reviews
from inspector.facts.licensing.canonical_expressions import canonical_expression
from inspector.resources import data_directory

AS_OF = "2026-11-21"
_HALVES_OF_OWN_LIBRARIES: tuple[Half, ...] = ("catalogue", "measured")
"""Of the libraries that applications bring for themselves; the other half comes in when it has been measured."""
_LARGEST_APPLICATION = 200_000_000  # bytes of an application's tarball that is still downloaded for the libraries in it
_OLDEST = "bullseye"
COLUMNS = ["soname", "project", "spdx", "source_package", "checked", "source"]
OTHERS = Path(__file__).with_name("other_distributions.csv")
ADJUDICATED = Path(__file__).with_name("adjudicated.toml")

_HEAD = f"""\
# Shared libraries by SONAME, as distributions package them. Made by corpus/licenses/catalogue.py; corrections: corpus/licenses/adjudicated.toml.
# as_of = {AS_OF}
# Read by inspector/facts/licensing/library_licenses.py, after the exact names and before the patterns of libraries.csv.
# spdx: empty where the source leaves open which of several licences is the library's.  source_package: of Debian, else another distribution's recipe.
# checked: "two sources" agree, "one source", "differs: …" (what the other says), "reviewed" and "adjudicated" (read by a person:
#   corpus/licenses/reviewed.csv, adjudicated.toml)
"""

_PRIVATE_HEAD = f"""\
# Shared libraries that applications keep in directories of their own, by SONAME. Made by corpus/licenses/catalogue.py.
# as_of = {AS_OF}
# Read by inspector/facts/licensing/private_libraries.py, for names that no other table has; columns as of packaged_libraries.csv.
"""


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
    rows = _best(_debian_rows(without_measured_half=without_measured_half))
    own = _best(_own_rows(without_measured_half=without_measured_half))
    # A library package's row stays, whatever it says.
    rows |= {soname: row for soname, row in own.items() if soname not in rows}
    finished = [_checked(row, others.get(row.soname), adjudicated) for row in rows.values()]
    for soname, other in others.items():
        if soname not in rows:
            source = f"AerynOS recipe {other.recipe} {other.version}"
            finished.append(Row(soname, other.recipe, other.spdx, other.recipe, "one source", source))
    named, family = named_by_hand(read_index("bookworm")), known_families()
    read_by_people = reviews()
    finished = [row if row.checked == "adjudicated" else as_reviewed(row, read_by_people) for row in finished]
    kept = [row for row in finished if not named(row.soname, row.spdx, row.source_package)]
    return sorted(
        (replace(row, project=family(row.soname, row.source_package) or row.project) for row in kept),
        key=lambda row: row.soname,
    )


def _best(rows: Iterable[Row]) -> dict[str, Row]:
    """One row of each SONAME: the first whose licence is known, else the first that has one, else the first."""
    found: dict[str, Row] = {}
    for row in rows:
        before = found.get(row.soname)
        if before is None or (not before.spdx and row.spdx) or (not is_known(before.spdx) and is_known(row.spdx)):
            found[row.soname] = row
    return found


def _debian_rows(*, without_measured_half: bool) -> Iterator[Row]:
    """The rows of library packages."""
    settled: set[str] = set()
    for release in RELEASES:
        index = read_index(release)
        chosen = _new_packages(index, release) if release in CHANGING else chosen_packages(index)
        measured = _measured_sources(index) if without_measured_half else set()
        yield from rows_of_release(chosen, index, release, settled, measured)


def _own_rows(*, without_measured_half: bool) -> list[Row]:
    """The rows of libraries that applications bring for themselves."""
    halves = [half for half in _HALVES_OF_OWN_LIBRARIES if half == "catalogue" or not without_measured_half]
    chosen = [own_libraries(half) for half in halves]
    rows: list[Row] = []
    settled: set[str] = set()
    for release in dict.fromkeys(release for packages in chosen for release in packages):
        index = read_index(release)
        packages = [package for one in chosen for package in one[release]]
        found = rows_of_release(packages, index, release, settled, set(), _LARGEST_APPLICATION)
        rows += unshared(list(found), _owners_of_names(index, release))
    return rows


def make_private_rows(others: Iterable[Row]) -> list[Row]:
    """The rows of private shared libraries by SONAME.

    :param others: the rows of the other table; what it has, and what a person keeps a row of, is left out.
    """
    taken = {row.soname for row in others}
    index = read_index(RELEASE)
    named, read_by_people = named_by_hand(index), reviews()
    rows = _best(rows_of_packages(private_libraries(), index, RELEASE, set(), _LARGEST_APPLICATION)).values()
    finished = [as_reviewed(replace(row, checked="one source"), read_by_people) for row in rows]
    return [row for row in finished if row.soname not in taken and not named(row.soname, row.spdx, row.source_package)]


def unshared(rows: Sequence[Row], owners: Mapping[str, Collection[str]]) -> list[Row]:
    """The rows of one release without those of a SONAME that two of its source packages have, as one or as a file's name: whose it is, the name does
    not tell. Of two releases one may have it under another source package's name.

    :param owners: source packages by the names of their files.
    """
    found = {name: set(sources) for name, sources in owners.items()}
    for row in rows:
        found.setdefault(row.soname, set()).add(row.source_package)
    return [row for row in rows if len(found[row.soname]) == 1]


def _owners_of_names(index: Mapping[str, IndexedPackage], release: str) -> dict[str, set[str]]:
    """The source packages that have a file of a name in the loader's directories, development files aside."""
    found: dict[str, set[str]] = {}
    for name, paths in packages_with_libraries(release).items():
        if name in index and not name.endswith("-dev"):
            for path in paths:
                found.setdefault(path.rpartition("/")[2], set()).add(index[name].source)
    return found


def chosen_packages(index: Mapping[str, IndexedPackage]) -> list[IndexedPackage]:
    """The packages of a release that are read: all library packages, and what the first sets took beside them."""
    sets = [all_libraries(index), bundle_libraries(index), sampled_libraries(index), more_bundle_libraries(index)]
    return list({package.name: package for chosen in sets for package in chosen}.values())


def _new_packages(index: Mapping[str, IndexedPackage], release: str) -> list[IndexedPackage]:
    """The library packages of source packages that no release has, nor what stands before this one; and new ones of those that the oldest release
    alone has: what they were then is no word on what they are."""
    readable = {package.name for package in all_libraries(index)}
    before = [place for place in RELEASES if place not in CHANGING or place in CHANGING[: CHANGING.index(release)]]
    packages = new_libraries(index, [read_index(place) for place in before])
    packages += returned_libraries(index, read_index(_OLDEST), [read_index(one) for one in before if one != _OLDEST])
    return [package for package in packages if package.name in readable]


def _measured_sources(index: Mapping[str, IndexedPackage]) -> set[str]:
    """Source packages of the measured halves and of the fresh sets."""
    fresh = {package.source for set_ in FRESH_SETS for package in fresh_libraries(index, set_)}
    return fresh | {package.source for package in index.values() if half_of(package.source) == "measured"}


def _checked(row: Row, other: OtherDistribution | None, adjudicated: dict[str, dict[str, str]]) -> Row:
    for pattern, decided in adjudicated.get(row.source_package, {}).items():
        if fnmatchcase(row.soname, pattern):
            return replace(row, spdx=decided, checked="adjudicated")
    if other is None or not other.spdx:
        return replace(row, checked="one source")
    if not is_known(row.spdx):
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


def table_of(rows: Iterable[Row], head: str = _HEAD) -> str:
    """A table's text; its lines are in the order of their characters, as they are looked for by halving."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([getattr(row, column) for column in COLUMNS] for row in rows)
    return f"{head}{','.join(COLUMNS)}\n" + "".join(sorted(text.getvalue().splitlines(keepends=True)))


def main() -> None:
    """Write the tables."""
    rows = make_rows()
    private = make_private_rows(rows)
    for name, made, head in (
        ("packaged_libraries.csv", rows, _HEAD),
        ("private_libraries.csv", private, _PRIVATE_HEAD),
    ):
        (data_directory("rules") / "licenses" / name).write_text(table_of(made, head), encoding="utf-8")
        print(f"{name}: {len(made):,} SONAMEs of {len({row.source_package for row in made}):,} source packages")


if __name__ == "__main__":
    main()
