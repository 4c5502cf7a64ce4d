"""``python -m corpus.licenses.libraries``: the catalogue on the measured half, with every mistake.

Needs no network: the measured set, its labels and the catalogue are files of this checkout.  README.md says what the figures mean.
"""

from __future__ import annotations

import argparse
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from corpus.licenses.comparing import plain_name, same_license
from corpus.licenses.measured_set import SETS, MeasuredLibrary, measured_libraries
from inspector.facts.licensing.library_licenses import LibraryLicense, identify_library
from inspector.facts.licensing.license_classes import license_class
from inspector.facts.licensing.private_libraries import private_library

LABELS = Path(__file__).with_name("labels.toml")

_BY_KIND_OF_FILE = SETS[SETS.index("fifth") :]
"""Sets that are parted by the kind of copyright file; the bar is asked of those with a machine-readable one."""
_MACHINE_READABLE = "machine-readable copyright file"
_JUDGED = ("bundles", *(f"{name}, {_MACHINE_READABLE}" for name in _BY_KIND_OF_FILE))
"""The sets that --check holds to the bar."""

Verdict = Literal["right", "wrong", "no answer"]


@dataclass(frozen=True, slots=True)
class Judged:
    """One library of the measured set with what the catalogue says.

    :ivar licenses: the expressions that are right.
    :ivar class_right: whether the class of the licence is that of one of them.
    """

    library: MeasuredLibrary
    licenses: tuple[str, ...]
    found: LibraryLicense | None
    project: Verdict
    license: Verdict
    class_right: bool


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of one question.  precision: right of those answered; recall: right of all."""

    right: int
    wrong: int
    unanswered: int

    @property
    def precision(self) -> float:
        """Right answers of the answers; 1 without any."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """Right answers of all libraries."""
        total = self.right + self.wrong + self.unanswered
        return self.right / total if total else 1.0


def identify_by_name(soname: str) -> LibraryLicense | None:
    """The catalogue's row for a SONAME alone, of whichever table; one of another version of the library goes last."""
    found = identify_library(soname)
    return found if found is not None and found.matched == "name" else private_library(soname) or found


def judge(
    libraries: Sequence[MeasuredLibrary], identify: Callable[[str], LibraryLicense | None] = identify_by_name
) -> list[Judged]:
    """Ask the catalogue for each library by its SONAME alone; a set that is drawn and has no labels yet is left out as a whole."""
    labels = tomllib.loads(LABELS.read_text(encoding="utf-8"))
    waiting = {library.set for library in libraries if library.source not in labels["licenses"]}
    return [_judged(library, identify(library.soname), labels) for library in libraries if library.set not in waiting]


def score(verdicts: Iterator[Verdict]) -> Score:
    """Count verdicts."""
    counted = Counter(verdicts)
    return Score(counted["right"], counted["wrong"], counted["no answer"])


def _judged(library: MeasuredLibrary, found: LibraryLicense | None, labels: dict[str, Any]) -> Judged:
    licenses = tuple(
        next(
            (right for pattern, right in labels["sonames"].items() if fnmatchcase(library.soname, pattern)),
            labels["licenses"][library.source],
        )
    )
    if found is None:
        return Judged(library, licenses, None, "no answer", "no answer", class_right=False)
    project: Verdict = "right" if _same_project(library, found, labels["projects"]) else "wrong"
    verdict: Verdict = "no answer"
    if found.spdx != "NOASSERTION":
        verdict = "right" if any(same_license(found.spdx, right) for right in licenses) else "wrong"
    class_right = found.license_class in {license_class(right) for right in licenses}
    return Judged(library, licenses, found, project, verdict, class_right=class_right)


def _same_project(library: MeasuredLibrary, found: LibraryLicense, projects: dict[str, list[str]]) -> bool:
    if (
        library.source in (found.source_package, *projects.get(found.project, ()))
        or library.package == found.debian_package
    ):
        return True
    return plain_name(library.source) in {plain_name(found.project), plain_name(found.source_package)}


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 with --check when a figure of the judged sets is below 0.98."""
    parser = argparse.ArgumentParser(prog="python -m corpus.licenses.libraries", description=__doc__)
    parser.add_argument(
        "--unseen",
        action="store_true",
        help="with a catalogue that took nothing from Debian for the measured packages (needs Debian's mirror)",
    )
    parser.add_argument(
        "--check", action="store_true", help="end with 1 when a figure of a set that is judged is below 0.98"
    )
    options = parser.parse_args(arguments)
    identify = _unseen_catalogue() if options.unseen else identify_by_name
    judged = judge(measured_libraries(), identify)
    low = False
    labels = tomllib.loads(LABELS.read_text(encoding="utf-8"))
    for title, chosen in _sets(judged, set(labels["free_form"])):
        if not chosen:  # a set that has no labels yet
            continue
        print(f"\n{title}: {len(chosen)} libraries of {len({row.library.source for row in chosen})} source packages")
        for question, verdicts in (
            ("project", [row.project for row in chosen]),
            ("licence", [row.license for row in chosen]),
        ):
            counted = score(iter(verdicts))
            print(
                f"  SONAME -> {question:8} precision {counted.precision:.4f}  recall {counted.recall:.4f}"
                f"   right {counted.right}, wrong {counted.wrong}, no answer {counted.unanswered}"
            )
            low = low or (title in _JUDGED and min(counted.precision, counted.recall) < 0.98)
        answered = [row for row in chosen if row.license != "no answer"]
        print(f"  the same class of licence: {sum(row.class_right for row in answered)} of {len(answered)} answered")
        print(f"  matched by: {dict(Counter(row.found.matched for row in chosen if row.found))}")
        for row in chosen:
            if (row.project, row.license) != ("right", "right"):
                print(f"  {_mistake(row)}")
    return 1 if options.check and low else 0


def _sets(judged: Sequence[Judged], free_form: set[str]) -> Iterator[tuple[str, list[Judged]]]:
    """The sets under their titles; the fifth and those after it parted by the kind of copyright file."""
    for name in SETS:
        rows = [row for row in judged if row.library.set == name]
        if name not in _BY_KIND_OF_FILE:
            yield name, rows
            continue
        yield f"{name}, {_MACHINE_READABLE}", [row for row in rows if row.library.source not in free_form]
        yield f"{name}, written freely", [row for row in rows if row.library.source in free_form]


def _mistake(row: Judged) -> str:
    head = f"{row.library.soname} ({row.library.source})"
    if row.found is None:
        return f"{head}: not known; {row.licenses[0]}"
    said = f"{row.found.project}, {row.found.spdx} [{row.found.matched}]"
    parts = []
    if row.project == "wrong":
        parts.append("another project")
    if row.license != "right":
        parts.append(f"the file says {' or '.join(repr(right) for right in row.licenses)}")
    return f"{head}: {said}: {'; '.join(parts)}"


def _unseen_catalogue() -> Callable[[str], LibraryLicense | None]:
    from corpus.licenses.catalogue import make_rows, table_of
    from inspector.facts.licensing import library_licenses, library_tables

    kept = library_tables.read_library_table(
        "licenses/libraries.csv", ["soname_glob", "project", "spdx", "debian_package", "checked", "note"]
    )
    packaged = library_tables.PackagedRows(table_of(make_rows(without_measured_half=True)).encode())
    catalogue = library_licenses.LibraryCatalogue(kept, packaged)
    return lambda name: library_licenses.identify_in(catalogue, name)


if __name__ == "__main__":
    raise SystemExit(main())
