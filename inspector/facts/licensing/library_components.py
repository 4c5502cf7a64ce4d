"""The shared libraries of an artifact: which project each is from, which release, under which licence, and what says so.

A SONAME names a project (``library_licenses``); exported functions correct it where they are another project's (libedit installed as
libreadline.so), and name a library whose name nobody knows; else the packager's note does, or the copyright file that the bundle carries for it. The
release comes from what says it most surely: the version text in the library's own data, the file name where it carries releases, the packager's note.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.licensing.bundled_copyright import BundledCopyright, BundledCopyrights
from inspector.facts.licensing.canonical_expressions import canonical_expression
from inspector.facts.licensing.library_licenses import LibraryLicense, plain_library_name
from inspector.facts.licensing.library_rows import LibraryEvidence, catalogue_row
from inspector.facts.licensing.library_versions import LibraryVersion, version_in_file_name, version_of_symbols
from inspector.facts.licensing.license_classes import LicenseClass, license_class
from inspector.facts.licensing.package_notes import PackageNote, read_package_note
from inspector.facts.licensing.package_urls import library_package_url

if TYPE_CHECKING:
    from inspector.facts.licensing.static_component import StaticComponent

ConcludedFrom = Literal["licence text", "catalogue", "copyright file", "package note"]

_NO_LICENSE = "NOASSERTION"


class FoundLicense(Struct, frozen=True):
    """A licence that something in the artifact states for a library.

    :ivar expression: SPDX, or None where several licences are named and nothing says which is the library's.
    :ivar source: tree path of a copyright file, or "package note", or "licence text" for words of the build itself.
    :ivar mentioned: all licences that the source names, where it leaves the choice open.
    """

    expression: str | None
    source: str
    mentioned: tuple[str, ...] = ()


class LibraryComponent(Struct, frozen=True, kw_only=True):
    """One shared library.

    :ivar path: tree path.
    :ivar project: as the library catalogue calls it, else as the note or the copyright file does.
    :ivar version: the project's release, or None.
    :ivar at_least: the oldest release that it can be, where symbol versions say more than nothing and ``version`` is None.
    :ivar licenses: the concluded SPDX expression, or None where nothing tells.
    :ivar concluded_from: what the conclusion rests on, or None: words of the build go before the catalogue, the catalogue's row for this very library
        before copyright files and notes, and those before its row for another version of it.
    :ivar found: what the artifact itself states, each with its source.
    :ivar package_url: https://github.com/package-url/purl-spec, with the release where it is known.
    :ivar renamed: the name before a wheel repair tool put hashes into it, or "".
    """

    path: str
    soname: str | None
    build_id: str | None
    project: str
    version: str | None
    at_least: str | None
    licenses: str | None
    license_class: LicenseClass
    concluded_from: ConcludedFrom | None
    found: tuple[FoundLicense, ...]
    package_url: str
    note: PackageNote | None
    renamed: str
    evidence: tuple[LibraryEvidence, ...]

    @property
    def disagreeing(self) -> tuple[FoundLicense, ...]:
        """What the artifact states and the conclusion does not."""
        return tuple(stated for stated in self.found if stated.expression not in (None, self.licenses))


class NamedLibrary(Struct, frozen=True):
    """A shared library of which something says which project it is from.

    :ivar row: of the library catalogue, or None.
    :ivar copyright: what the bundle's copyright file says of it, or None.
    :ivar evidence: what names it.
    """

    library: ElfObject
    project: str
    row: LibraryLicense | None
    note: PackageNote | None
    copyright: BundledCopyright | None
    evidence: tuple[LibraryEvidence, ...]


def named_libraries(
    objects: Sequence[ElfObject], copyrights: BundledCopyrights | None = None
) -> dict[str, NamedLibrary]:
    """Every shared library that something identifies, by tree path.

    :param objects: shared libraries, and programs, which are passed over and say which application a private library is of.
    :param copyrights: the copyright files of the same tree.
    """
    found = {}
    paths = [candidate.path for candidate in objects]
    for candidate in objects:
        if candidate.elf.type == "DYN" and not candidate.elf.is_program:
            named = _named(candidate, paths, copyrights)
            if named is not None:
                found[candidate.path] = named
    return found


def library_components(
    named: Mapping[str, NamedLibrary], own: Mapping[str, StaticComponent]
) -> dict[str, LibraryComponent]:
    """The libraries with their releases and licences, by tree path.

    :param own: what the scan of read-only data says of libraries that are a component themselves, by path.
    """
    return {path: _component(library, own.get(path)) for path, library in named.items()}


def _named(library: ElfObject, paths: Sequence[str], copyrights: BundledCopyrights | None) -> NamedLibrary | None:
    row, evidence = catalogue_row(library, paths)
    note = read_package_note(library.elf.notes.package)
    said = copyrights.of_library(library, row, note) if copyrights is not None else None
    if row is not None:
        project = row.project
    elif note is not None:
        project = note.name
    elif said is not None:
        project = said.project
    else:
        return None
    if note is not None:
        words = [note.type, note.name, note.version, f"of {note.os} {note.os_version}".strip() if note.os else ""]
        evidence.append(LibraryEvidence("package note", " ".join(word for word in words if word)))
    if said is not None:
        evidence.append(LibraryEvidence("copyright file", said.path))
    return NamedLibrary(library, project, row, note, said, tuple(evidence))


def _component(named: NamedLibrary, own: StaticComponent | None) -> LibraryComponent:
    library, row = named.library, named.row
    evidence = list(named.evidence)
    version, at_least = _version(library, own, named.note, evidence)
    found = _found(own, named.note, named.copyright, evidence)
    licenses, concluded_from = _concluded(row, found)
    if library.elf.build_id:
        evidence.append(LibraryEvidence("build ID", library.elf.build_id))
    plain = plain_library_name(library.name)
    return LibraryComponent(
        path=library.path,
        soname=library.elf.soname,
        build_id=library.elf.build_id,
        project=named.project,
        version=version,
        at_least=at_least,
        licenses=licenses,
        license_class=license_class(licenses),
        concluded_from=concluded_from,
        found=found,
        package_url=_package_url(named.project, version, row, named.note),
        note=named.note,
        renamed=plain if plain != library.name else "",
        evidence=tuple(evidence),
    )


def _version(
    library: ElfObject, own: StaticComponent | None, note: PackageNote | None, evidence: list[LibraryEvidence]
) -> tuple[str | None, str | None]:
    """The release, and the oldest that it can be where nothing says it."""
    if own is not None and own.version is not None:
        said = next((entry.text for entry in own.evidence if entry.kind == "version text"), own.version)
        evidence.append(LibraryEvidence("version text", said))
        return own.version, None
    in_name = version_in_file_name(library.name)
    if in_name is not None:
        if not any(entry.kind == "file name" for entry in evidence):
            evidence.append(LibraryEvidence("file name", library.name))
        return in_name.version, None
    if note is not None and note.version:
        return packaged_release(note.version), None
    oldest: LibraryVersion | None = version_of_symbols(
        library.elf.soname or library.name, (row.name for row in library.elf.verdef)
    )
    if oldest is None:
        return None, None
    evidence.append(LibraryEvidence("symbol versions", f"that begin with {oldest.version}"))
    return None, oldest.version


def packaged_release(version: str) -> str:
    """Upstream's part of a package version: "1:3.0.7-1.fc37" and "3.0.7+dfsg-2" are "3.0.7"."""
    plain = re.sub(r"^\d+:", "", version).partition("-")[0]
    return re.sub(r"[+~](?:dfsg|ds|git|really|repack|deb|b\d).*$", "", plain) or version


def _found(
    own: StaticComponent | None,
    note: PackageNote | None,
    named: BundledCopyright | None,
    evidence: list[LibraryEvidence],
) -> tuple[FoundLicense, ...]:
    found = []
    if own is not None and own.stated and own.licenses is not None:
        said = next((entry.text for entry in own.evidence if entry.kind == "licence text"), own.licenses)
        evidence.append(LibraryEvidence("licence text", said))
        found.append(FoundLicense(own.licenses, "licence text"))
    if named is not None and (named.expression is not None or named.mentioned):
        found.append(FoundLicense(named.expression, named.path, named.mentioned))
    if note is not None and note.license:
        stated = canonical_expression(note.license)
        found.append(FoundLicense(stated, "package note", () if stated else (note.license,)))
    return tuple(found)


def _concluded(row: LibraryLicense | None, found: tuple[FoundLicense, ...]) -> tuple[str | None, ConcludedFrom | None]:
    stated = [entry for entry in found if entry.expression is not None]
    if stated and stated[0].source == "licence text":
        return stated[0].expression, "licence text"
    known = row is not None and row.spdx != _NO_LICENSE
    if row is not None and known and (row.matched == "name" or not stated):
        return row.spdx, "catalogue"
    if stated:
        return stated[0].expression, "package note" if stated[0].source == "package note" else "copyright file"
    return None, None


def _package_url(project: str, version: str | None, row: LibraryLicense | None, note: PackageNote | None) -> str:
    if row is None and note is not None and note.package_url is not None:
        return note.package_url
    return library_package_url(project, version)
