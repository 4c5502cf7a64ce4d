"""``python -m corpus.licenses.wheels``: every vendored library of 56 real wheels, if it is found and licensed, and how that agrees with the wheel.

Three questions a wheel, each with its mistakes printed:

1. Each ELF file in ``<project>.libs/``: project and licence as a person labelled them (``wheel_libraries.csv``) before the catalogue ran. What FFmpeg
   is licensed under, its own build says in its read-only data; the truth is read there by a search of its own.
2. Each SBOM in ``.dist-info/sboms/`` (PEP 770) that lists libraries: which of its components have no library in the wheel, and which it omits.
3. What the wheel declares and the licence files that it ships: whether its licence is milder than a vendored library's, and which copyleft libraries
   its licence files never name.

What differs under 2 and 3 is listed with its explanation from ``wheel_differences.toml``; one without an explanation makes the run fail.
"""

from __future__ import annotations

import argparse
import csv
import re
import tomllib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from corpus.licenses.comparing import plain_name, same_license
from corpus.licenses.wheel_differences import (
    Difference,
    VendoredLibrary,
    declaration_differences,
    explanation,
    sbom_differences,
)
from corpus.pypi import Wheel, download_wheel
from corpus.recipe import Unavailable
from corpus.store import scratch_directory
from inspector.artifact.opening import open_artifact
from inspector.facts.binaries.elf_objects import read_elf_objects
from inspector.facts.licensing.library_components import LibraryComponent, library_components, named_libraries
from inspector.facts.licensing.library_licenses import plain_library_name
from inspector.facts.licensing.static_components import StaticScanning
from inspector.facts.python.distributions import collect_python_distributions
from inspector.limits import Limits

HERE = Path(__file__).parent
_FFMPEG = re.compile(rb"lib[a-z]+ license: ((?:L?GPL) version \d(?:\.\d)?|nonfree and unredistributable)")
_SAID = {
    "nonfree and unredistributable": "LicenseRef-FFmpeg-nonfree",
    "LGPL version 2.1": "LGPL-2.1-or-later",
    "LGPL version 3": "LGPL-3.0-or-later",
    "GPL version 2": "GPL-2.0-or-later",
    "GPL version 3": "GPL-3.0-or-later",
}


@dataclass(frozen=True, slots=True)
class Label:
    """What a person says of a library.

    :ivar projects: names that are right.
    :ivar licenses: expressions that are right; empty where the build itself says it.
    """

    projects: tuple[str, ...]
    licenses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class JudgedWheel:
    """One wheel."""

    name: str
    libraries: tuple[VendoredLibrary, ...]
    sboms: tuple[str, ...]
    differences: tuple[Difference, ...]


def wheels() -> list[Wheel]:
    """The wheels of ``wheels.toml``."""
    rows = tomllib.loads((HERE / "wheels.toml").read_text(encoding="utf-8"))["wheels"]
    return [Wheel(row["file_name"], row["sha256"]) for row in rows]


def labels() -> list[tuple[str, Label]]:
    """Globs of names and their labels, in order."""
    with (HERE / "wheel_libraries.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(line for line in stream if not line.startswith("#")))
    return [
        (
            row["name_glob"],
            Label(
                tuple(row["projects"].split(" | ")),
                () if row["licenses"] == "build" else tuple(row["licenses"].split(" | ")),
            ),
        )
        for row in rows
    ]


def judge(wheel: Wheel) -> JudgedWheel:
    """Look into one wheel.

    :raises Unavailable: where the index does not give it.
    """
    known = labels()
    with scratch_directory() as scratch:
        with zipfile.ZipFile(download_wheel(wheel)) as archive:
            archive.extractall(scratch)
        artifact = open_artifact(scratch, Limits())
        every = list(read_elf_objects(artifact, Limits()))
        objects = [found for found in every if _is_vendored(found.path)]
        scanning = StaticScanning(artifact.tree, every)
        scan = scanning.gather([scanning.scan(number) for number in range(len(scanning))])
        components = library_components(named_libraries(objects), scan.own)
        libraries = tuple(
            _judged(found.path, components.get(found.path), known, scratch / found.path) for found in objects
        )
        distributions = collect_python_distributions(artifact.tree).distributions
        name = wheel.file_name.split("-")[0]
        differences = [
            *sbom_differences(name, scratch, libraries, frozenset(plain_name(one.name) for one in scan.components)),
            *declaration_differences(name, distributions[0].licenses if distributions else None, scratch, libraries),
        ]
        sboms = tuple(sorted(path.name for path in scratch.glob("*.dist-info/sboms/*.json")))
    return JudgedWheel(name, libraries, sboms, tuple(differences))


def _is_vendored(path: str) -> bool:
    return re.search(r"(?:^|/)[^/]+\.libs/[^/]+$", path) is not None


def _judged(
    path: str, found: LibraryComponent | None, known: Sequence[tuple[str, Label]], file: Path
) -> VendoredLibrary:
    name = plain_library_name(path.rpartition("/")[2])
    stem = name.partition(".so")[0]
    label = next((label for pattern, label in known if fnmatchcase(name if ".so" in pattern else stem, pattern)), None)
    truth = label.licenses if label is not None else ()
    if label is not None and not truth:
        banner = _FFMPEG.search(file.read_bytes())
        truth = (_SAID[banner[1].decode()],) if banner else ()
    if found is None or label is None:
        return VendoredLibrary(path, found, False, False, truth)
    said = {plain_name(word) for word in (found.project, *re.split(r"[ /]", found.project))}
    project = bool(said & {plain_name(name) for name in label.projects})
    right = found.licenses is not None and any(same_license(found.licenses, expected) for expected in truth)
    return VendoredLibrary(path, found, project, right, truth)


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 where a library was not found or licensed as labelled, or a difference has no explanation."""
    parser = argparse.ArgumentParser(prog="python -m corpus.licenses.wheels", description=__doc__)
    parser.add_argument("names", nargs="*", help="names of wheels to look at (default: all)")
    parser.add_argument("--differences", action="store_true", help="print every difference with its explanation")
    options = parser.parse_args(arguments)
    mistakes = unexplained = count = found = projects = licenses = 0
    kinds: dict[str, int] = {}
    for wheel in wheels():
        name = wheel.file_name.split("-")[0]
        if options.names and name not in options.names:
            continue
        try:
            judged = judge(wheel)
        except Unavailable as reason:
            print(f"{name}: left out: {reason}")
            continue
        rows = judged.libraries
        count += len(rows)
        found += sum(row.found is not None for row in rows)
        projects += sum(row.project_right for row in rows)
        licenses += sum(row.license_right for row in rows)
        versions = sum(row.found is not None and row.found.version is not None for row in rows)
        print(
            f"{name}: {len(rows)} libraries, {versions} with their release; SBOMs: {', '.join(judged.sboms) or 'none'}"
        )
        for row in rows:
            if not (row.project_right and row.license_right):
                mistakes += 1
                said = f"{row.found.project}, {row.found.licenses}" if row.found else "not known"
                print(f"  {row.path}: {said}; labelled {' or '.join(row.truth) or 'nothing'}")
        for difference in judged.differences:
            kinds[difference.kind] = kinds.get(difference.kind, 0) + 1
            why = explanation(difference)
            unexplained += why is None
            if options.differences or why is None:
                print(f"  {difference.kind}: {difference.subject} {difference.detail}: {why or 'NOT EXPLAINED'}")
    print(f"\n{count} libraries: {found} found, {projects} of the right project, {licenses} with the right licence")
    print(
        f"differences: {', '.join(f'{number} {kind}' for kind, number in sorted(kinds.items())) or 'none'}; {unexplained} unexplained"
    )
    return 1 if mistakes or unexplained else 0


if __name__ == "__main__":
    raise SystemExit(main())
