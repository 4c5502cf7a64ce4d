"""Which row of the library catalogue speaks for a shared library of an artifact, and what says so.

Its SONAME or file name; exported functions, where they are another project's (libedit installed as libreadline.so) or the name is not known; and
for the private libraries of applications the company that they are in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.licensing.exported_symbols import exporting_project, promised_project
from inspector.facts.licensing.library_licenses import LibraryLicense, identify_library, plain_library_name
from inspector.facts.licensing.private_libraries import names_its_application, private_library, vouched_by
from inspector.patterns import lazy_pattern

EvidenceKind = Literal[
    "SONAME",
    "file name",
    "exported functions",
    "package note",
    "copyright file",
    "version text",
    "symbol versions",
    "licence text",
    "build ID",
]

_WHEEL_LIBRARIES = lazy_pattern(r"(?:^|/)([^/]+)\.libs/[^/]+$")
"""Where auditwheel puts what it copies into a wheel."""


class LibraryEvidence(Struct, frozen=True):
    """One thing that says what a library is.

    :ivar text: what it says, as it stands there; a sentence for people is :meth:`sentence`.
    """

    kind: EvidenceKind
    text: str

    def sentence(self) -> str:
        """One clause: "SONAME libssl.so.3"."""
        return f"{self.kind} {self.text}"


def catalogue_row(library: ElfObject, paths: Sequence[str]) -> tuple[LibraryLicense | None, list[LibraryEvidence]]:
    """The row and its evidence; None and nothing where no name is known.

    :param paths: tree paths of all ELF files of the artifact.
    """
    row, evidence = _row_of_name(library)
    if row is None or row.matched != "name":
        private, beside = _private_row(library, paths)
        if private is not None:  # the very name says more than another version of another library
            return private, beside
    return row, evidence


def _row_of_name(library: ElfObject) -> tuple[LibraryLicense | None, list[LibraryEvidence]]:
    """The row of the name; that of the exported functions where they are another project's, or the name is not known."""
    row, evidence = None, []
    names: list[tuple[EvidenceKind, str]] = [("file name", library.name)]
    if library.elf.soname:
        names.insert(0, ("SONAME", library.elf.soname))
    for kind, name in names:
        row = identify_library(name) or identify_library(_without_owner(name, library.path))
        if row is not None:
            evidence.append(_name_evidence(kind, name))
            break
    promised = promised_project(plain_library_name(library.elf.soname or library.name))
    if row is None or promised is not None:
        exporting = exporting_project(library.elf)
        if exporting is not None and exporting != promised:
            row = identify_library(exporting.soname)
            evidence.append(LibraryEvidence("exported functions", ", ".join(exporting.symbols)))
        elif exporting is not None:
            evidence.append(LibraryEvidence("exported functions", ", ".join(exporting.symbols)))
    return row, evidence


def _private_row(library: ElfObject, paths: Sequence[str]) -> tuple[LibraryLicense | None, list[LibraryEvidence]]:
    """The row of an application's private library, where its name or something beside it says which application it is of."""
    name = library.elf.soname or library.name
    row = private_library(name)
    if row is None:
        return None, []
    said = _name_evidence("SONAME" if library.elf.soname else "file name", name)
    if names_its_application(name, row):
        return row, [said]
    beside = vouched_by(row, paths)
    if beside is None:
        return None, []
    return row, [LibraryEvidence(said.kind, f"{said.text}, in one artifact with {beside}")]


def _without_owner(name: str, path: str) -> str:
    """``libproj-fiona-3ec30893.so.25`` in ``fiona.libs`` is ``libproj.so.25``: some builders name libraries after the wheel; "" for any other."""
    owner = _WHEEL_LIBRARIES.search(path)
    plain = plain_library_name(name)
    marked = f"-{owner[1]}.so" if owner is not None else ""
    return plain.replace(marked, ".so", 1) if marked and marked in plain else ""


def _name_evidence(kind: EvidenceKind, name: str) -> LibraryEvidence:
    plain = plain_library_name(name)
    return LibraryEvidence(kind, name if plain == name else f"{name}, which a wheel repair tool made of {plain}")
