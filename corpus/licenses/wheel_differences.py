"""Where the papers that a wheel ships differ from its files, and why: its SBOMs, its declaration, its licence files."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from corpus.licenses.comparing import plain_name
from inspector.facts.licensing.library_components import LibraryComponent
from inspector.facts.licensing.library_licenses import plain_library_name
from inspector.facts.licensing.license_classes import CLASS_ORDER, license_class

EXPLANATIONS = Path(__file__).with_name("wheel_differences.toml")
_COPYLEFT = ("weak-copyleft", "strong-copyleft", "network-copyleft")
_PACKAGE_ENDING = re.compile(
    r"(?:-(?:libs?|devel|static|common|gnutls|x11|cpp|c\+\+|tools|util|base|core|client|openssl|legacy|compat))+$"
)


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


def sbom_differences(
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


def declaration_differences(
    wheel: str, declared: str | None, scratch: Path, libraries: Sequence[VendoredLibrary]
) -> Iterator[Difference]:
    """Copyleft libraries that the wheel declares less than, and those that no licence file of it names.

    :param declared: the expression of its metadata, or None.
    :param scratch: the directory that the wheel was unpacked to.
    """
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
    found: dict[str, dict[str, list[str]]] = tomllib.loads(EXPLANATIONS.read_text(encoding="utf-8"))
    return found


def explanation(difference: Difference) -> str | None:
    """Why a difference is no mistake of ours: of this very one, else of its kind in this wheel, else of its kind and subject, else of its kind."""
    rows = tomllib.loads(EXPLANATIONS.read_text(encoding="utf-8"))["differences"]
    for row in rows:
        fits = (
            row["kind"] == difference.kind
            and fnmatchcase(difference.wheel, row.get("wheel", "*"))
            and any(fnmatchcase(difference.subject, pattern) for pattern in row.get("subjects", ["*"]))
        )
        if fits:
            return str(row["explanation"])
    return None
