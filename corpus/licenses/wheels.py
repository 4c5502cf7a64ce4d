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
import json
import re
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from corpus.licenses.comparing import plain_name, same_license
from corpus.pypi import Wheel, download_wheel
from corpus.recipe import Unavailable
from corpus.store import scratch_directory
from inspector.artifact.opening import open_artifact
from inspector.facts.binaries.elf_objects import read_elf_objects
from inspector.facts.licensing.library_components import LibraryComponent, library_components
from inspector.facts.licensing.library_licenses import plain_library_name
from inspector.facts.licensing.license_classes import CLASS_ORDER, license_class
from inspector.facts.licensing.static_components import find_static_components
from inspector.facts.python.distributions import collect_python_distributions
from inspector.limits import Limits

HERE = Path(__file__).parent
_COPYLEFT = ("weak-copyleft", "strong-copyleft", "network-copyleft")
_FFMPEG = re.compile(rb"lib[a-z]+ license: ((?:L?GPL) version \d(?:\.\d)?|nonfree and unredistributable)")
_SAID = {
    "nonfree and unredistributable": "LicenseRef-FFmpeg-nonfree",
    "LGPL version 2.1": "LGPL-2.1-or-later",
    "LGPL version 3": "LGPL-3.0-or-later",
    "GPL version 2": "GPL-2.0-or-later",
    "GPL version 3": "GPL-3.0-or-later",
}
_PACKAGE_ENDING = re.compile(
    r"(?:-(?:libs?|devel|static|common|gnutls|x11|cpp|c\+\+|tools|util|base|core|client|openssl|legacy|compat))+$"
)


@dataclass(frozen=True, slots=True)
class Label:
    """What a person says of a library.

    :ivar projects: names that are right.
    :ivar licenses: expressions that are right; empty where the build itself says it.
    """

    projects: tuple[str, ...]
    licenses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VendoredLibrary:
    """One library of a wheel, with what was found."""

    path: str
    found: LibraryComponent | None
    project_right: bool
    license_right: bool
    truth: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the wheel's own papers and its files differ.

    :ivar kind: "not in the wheel", "not in the SBOM", "milder declaration" or "not named in its licence files".
    :ivar subject: a component's name.
    """

    wheel: str
    kind: str
    subject: str
    detail: str = ""


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
        scan = find_static_components(artifact.tree, every)
        components = library_components(objects, own=scan.own)
        libraries = tuple(
            _judged(found.path, components.get(found.path), known, scratch / found.path) for found in objects
        )
        distributions = collect_python_distributions(artifact.tree).distributions
        name = wheel.file_name.split("-")[0]
        differences = [
            *_sbom_differences(name, scratch, libraries, frozenset(plain_name(one.name) for one in scan.components)),
            *_declaration_differences(name, distributions[0].licenses if distributions else None, scratch, libraries),
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


def _sbom_differences(
    wheel: str, scratch: Path, libraries: Sequence[VendoredLibrary], linked_in: frozenset[str]
) -> Iterator[Difference]:
    """What an SBOM and the files say differently.

    :param linked_in: plain names of the components whose code is inside of the wheel's extension modules and libraries.
    """
    listed: dict[str, str] = {}
    for path in sorted(scratch.glob("*.dist-info/sboms/*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        for component in document.get("components", ()):
            if str(component.get("purl", "")).startswith(("pkg:cargo/", "pkg:pypi/")):
                continue  # crates are not linked as libraries of their own, and the wheel itself is none
            listed.setdefault(component["name"], path.name)
    if not listed:
        return
    named = {name: _package_names(name) for name in listed}
    for name, document_name in sorted(listed.items()):
        if not named[name] & linked_in and not any(named[name] & _library_names(library) for library in libraries):
            yield Difference(wheel, "not in the wheel", name, document_name)
    every = set().union(*named.values())
    omitted = {library.found.project for library in libraries if library.found and not _library_names(library) & every}
    for project in sorted(omitted):
        yield Difference(wheel, "not in the SBOM", project)


def _package_names(name: str) -> set[str]:
    """What a package's name may be called as a project: ``libX11-xcb`` is libX11, ``openssl-libs`` OpenSSL."""
    shorter = _PACKAGE_ENDING.sub("", name.lower())
    return {plain_name(form) for form in (name, shorter, re.sub(r"[-_.]?\d[\d.]*$", "", shorter)) if form}


def _library_names(library: VendoredLibrary) -> set[str]:
    stem = plain_library_name(library.path.rpartition("/")[2]).partition(".so")[0]
    names = {plain_name(stem), plain_name(re.sub(r"[-_.]?\d[\d.]*$", "", stem))}
    if library.found is not None:
        names |= {plain_name(library.found.project), plain_name(library.found.project.split()[-1])}
        names |= {plain_name(word) for word in _same_source().get(library.found.project, ())}
    return names


def _same_source() -> dict[str, list[str]]:
    found: dict[str, list[str]] = _explanations()["packages"]
    return found


def _declaration_differences(
    wheel: str, declared: str | None, scratch: Path, libraries: Sequence[VendoredLibrary]
) -> Iterator[Difference]:
    found = {
        library.found.project: library.found
        for library in libraries
        if library.found is not None and library.found.license_class in _COPYLEFT
    }
    texts = _license_texts(scratch)
    rank = CLASS_ORDER.index(license_class(declared))
    for project, component in sorted(found.items()):
        strict = component.license_class in _COPYLEFT[1:]
        if strict and CLASS_ORDER.index(component.license_class) > rank:
            yield Difference(
                wheel, "milder declaration", project, f"{declared or 'no expression'}, {component.licenses}"
            )
        words = [project.lower(), project.split()[-1].lower(), plain_name(project)]
        stems = [
            plain_library_name(library.path.rpartition("/")[2]).partition(".so")[0].lower()
            for library in libraries
            if library.found is not None and library.found.project == project
        ]
        if not any(word in texts for word in (*words, *stems) if len(word) > 2):
            yield Difference(wheel, "not named in its licence files", project, component.licenses or "")


def _license_texts(scratch: Path) -> str:
    """Everything in the dist-info directory that may be a licence file, in lower case."""
    files = [
        path
        for path in scratch.glob("*.dist-info/**/*")
        if path.is_file()
        and path.name not in ("RECORD", "WHEEL", "METADATA", "entry_points.txt", "top_level.txt")
        and "sboms" not in path.parts
    ]
    return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in sorted(files)).lower()


def _explanations() -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = tomllib.loads(
        (HERE / "wheel_differences.toml").read_text(encoding="utf-8")
    )
    return found


def explanation(difference: Difference) -> str | None:
    """Why a difference is no mistake of ours: of this very one, else of its kind in this wheel, else of its kind and subject, else of its kind."""
    rows = tomllib.loads((HERE / "wheel_differences.toml").read_text(encoding="utf-8"))["differences"]
    for row in rows:
        fits = (
            row["kind"] == difference.kind
            and fnmatchcase(difference.wheel, row.get("wheel", "*"))
            and any(fnmatchcase(difference.subject, pattern) for pattern in row.get("subjects", ["*"]))
        )
        if fits:
            return str(row["explanation"])
    return None


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
