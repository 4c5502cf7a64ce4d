"""Components inside executables and libraries: linked statically, so that no SONAME names them.

Evidence is what only the component's own code carries: a text or a table in read-only data, or a function that is defined in the file.  A version is
believed only where such evidence is; what merely mentions a component ("built with zlib 1.2.13", an imported function) proves nothing.  What leaves
no text and was stripped cannot be seen: silence is no proof of absence.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from inspector.artifact.tree import Tree
from inspector.errors import FormatError
from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.licensing.fingerprints import (
    LONGEST_LITERAL,
    Catalogue,
    Fingerprint,
    VersionText,
    load_fingerprints,
)
from inspector.facts.licensing.library_licenses import identify_library
from inspector.facts.licensing.license_classes import license_class
from inspector.facts.licensing.read_only_data import constant_ranges, constants
from inspector.facts.licensing.symbol_names import SymbolNames, symbol_tables
from inspector.formats.elf import ElfFile
from inspector.limits import Limits
from inspector.model import Problem
from inspector.source import Source

EvidenceKind = Literal["text", "table", "function", "version text", "licence text"]
StaticKind = Literal["library", "rust-crate", "go-module", "interpreter"]

_MOST_PLACES = 256  # occurrences of one literal that are looked at
_AROUND = 512  # bytes on each side of a literal in which its pattern is matched
_BESIDE = 16  # bytes that may lie between a literal and what its pattern matches
_LONGEST_TEXT = 120  # characters of a text that evidence quotes
_SEARCHED = 16 * 1024 * 1024  # bytes of a file in which a version without a literal is searched


@dataclass(frozen=True, slots=True)
class StaticEvidence:
    """What proves a component, or says its version or licence.

    :ivar text: what was found, printable.
    :ivar offset: in the file, or None for a symbol.
    """

    kind: EvidenceKind
    text: str
    offset: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticComponent:
    """A component whose code is inside one file.

    :ivar name: the project, as the library catalogue calls it; of crates and modules the name in their registry.
    :ivar version: the release, or None where nothing in the file says it.
    :ivar licenses: an SPDX expression, or None where nothing tells.
    :ivar stated: whether the build itself says the licence (FFmpeg), the catalogue's word otherwise.
    :ivar path: tree path of the file.
    :ivar whole_file: the file is the component's own shared library or program, not a host of it: nothing is linked statically then.
    :ivar package_url: with the version where it is known, or "".
    """

    name: str
    version: str | None
    licenses: str | None
    license_class: str
    path: str
    kind: StaticKind = "library"
    stated: bool = False
    whole_file: bool = False
    package_url: str = ""
    evidence: tuple[StaticEvidence, ...] = ()


@dataclass(frozen=True, slots=True)
class StaticScan:
    """What a scan found.

    :ivar components: static ones, by path and name.
    :ivar own: of files that are a component themselves (``libz.so.1``): the same with its version, by path.
    :ivar problems: files that could not be looked at in whole.
    """

    components: tuple[StaticComponent, ...] = ()
    own: Mapping[str, StaticComponent] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def find_static_components(tree: Tree, objects: Sequence[ElfObject], limits: Limits | None = None) -> StaticScan:
    """Scan the ELF files of a tree."""
    limits = limits or Limits()
    catalogue = load_fingerprints()
    found: list[StaticComponent] = []
    own: dict[str, StaticComponent] = {}
    problems: list[Problem] = []
    scanned: dict[str, list[StaticComponent]] = {}
    by_path = {candidate.path: candidate for candidate in objects}
    for node in tree.files_in_read_order():
        candidate = by_path.get(node.path)
        if candidate is None:
            continue
        components = scanned.get(candidate.identity)
        if components is None:
            try:
                components = scan_file(node, candidate.elf, candidate.path, catalogue, limits)
            except (FormatError, OSError) as error:
                problems.append(Problem(kind="unreadable-member", subject=candidate.path, message=str(error)))
                components = []
            scanned[candidate.identity] = components
        for component in components:
            if component.whole_file:
                own[candidate.path] = _at(component, candidate.path)
            else:
                found.append(_at(component, candidate.path))
    found.sort(key=lambda component: (component.path, component.name.lower(), component.version or ""))
    return StaticScan(tuple(found), own, tuple(problems))


def _at(component: StaticComponent, path: str) -> StaticComponent:
    if component.path == path:
        return component
    return replace(component, path=path)


def scan_file(
    source: Source, elf: ElfFile, path: str, catalogue: Catalogue | None = None, limits: Limits | None = None
) -> list[StaticComponent]:
    """The components inside one ELF file, also of what is no member of a tree (an AppImage's runtime).

    :param path: tree path, or what stands for it; its last part names a library without SONAME.
    :raises FormatError: where the content cannot be decoded.
    :raises OSError: where the medium fails.
    """
    if elf.type not in ("EXEC", "DYN"):
        return []
    catalogue = catalogue or load_fingerprints()
    ranges = constant_ranges(elf)
    if not ranges:
        return []
    scan = _FileScan(source, ranges, catalogue)
    functions = SymbolNames(symbol_tables(source, elf, limits or Limits()), catalogue).defined()
    own_project = _own_project(elf, path)
    proved = scan.anchored()
    for name, function in catalogue.of_functions(functions).items():
        proved.setdefault(name, [StaticEvidence("function", function.decode("latin-1"))])
    for fingerprint in catalogue.of_library(own_project):
        proved.setdefault(fingerprint.name, [])  # its name says it
    fingerprints = [catalogue.fingerprints[name] for name in proved]
    fingerprints = [one for one in fingerprints if not any(other in proved for other in one.unless)]
    versions = {one.name: scan.version(one) or _version_of_functions(one, functions) for one in fingerprints}
    _drop_shared_numbers(versions)
    return [
        _component(one, proved[one.name], versions[one.name], scan, path, whole_file=own_project in one.library_names)
        for one in fingerprints
    ]


def _drop_shared_numbers(versions: dict[str, _FoundVersion | None]) -> None:
    """A bare number that is another component's version too, by its own words or as bare, is nobody's."""
    claims = Counter(found.release for found in versions.values() if found is not None)
    for name, found in versions.items():
        if found is not None and found.bare and claims[found.release] > 1:
            versions[name] = None


def _own_project(elf: ElfFile, path: str) -> str | None:
    """The project that the file itself is, by its SONAME or name."""
    if elf.type != "DYN" or elf.is_program:
        return None
    name = path.rpartition("/")[2]
    identified = (identify_library(elf.soname) if elf.soname else None) or identify_library(name)
    return identified.project if identified is not None else None


def _component(
    fingerprint: Fingerprint,
    evidence: list[StaticEvidence],
    found: _FoundVersion | None,
    scan: _FileScan,
    path: str,
    *,
    whole_file: bool,
) -> StaticComponent:
    version = found.release if found is not None else None
    said = found.evidence if found is not None else None
    licenses, statement = scan.statement(fingerprint)
    stated = licenses is not None
    if licenses is None:
        licenses = fingerprint.license_of(version)
    url = fingerprint.package_url
    return StaticComponent(
        name=fingerprint.name,
        version=version,
        licenses=licenses,
        license_class=license_class(licenses),
        path=path,
        stated=stated,
        whole_file=whole_file,
        package_url=f"{url}@{version}" if url and version else url,
        evidence=tuple(entry for entry in (*evidence, said, statement) if entry is not None),
    )


@dataclass(frozen=True, slots=True)
class _FoundVersion:
    """A version, and whether nothing but the number itself was found (no words around it that name the component)."""

    release: str
    evidence: StaticEvidence
    bare: bool = False


def _version_of_functions(fingerprint: Fingerprint, functions: Mapping[bytes, None]) -> _FoundVersion | None:
    for pattern in fingerprint.symbol_versions:
        for name in functions:
            match = pattern.fullmatch(name)
            if match is not None:
                return _FoundVersion(match[1].decode("latin-1"), StaticEvidence("function", name.decode("latin-1")))
    return None


class _FileScan:
    """The literals of all fingerprints in one file, with the bytes around those that say versions."""

    def __init__(self, source: Source, ranges: Sequence[tuple[int, int]], catalogue: Catalogue) -> None:
        self._source = source
        self._ranges = ranges
        self._catalogue = catalogue
        places: dict[int, list[int]] = {}
        for start, content in constants(source, ranges, LONGEST_LITERAL):
            for index, at, _ in catalogue.find_texts(content):
                known = places.get(index)
                if known is None:
                    places[index] = [start + at]
                elif len(known) < _MOST_PLACES and known[-1] != start + at:
                    known.append(start + at)
        self._places = {catalogue.texts[index]: offsets for index, offsets in places.items()}

    def anchored(self) -> dict[str, list[StaticEvidence]]:
        """The components that texts and tables prove, by name, each with the first group of literals that does."""
        proved: dict[str, list[StaticEvidence]] = {}
        for fingerprint in self._catalogue.candidates(self._places):
            for group in fingerprint.anchors:
                if all(literal in self._places for literal in group):
                    evidence = [StaticEvidence(*_quoted(literal, self._places[literal][0])) for literal in group]
                    proved[fingerprint.name] = evidence
                    break
        return proved

    def version(self, fingerprint: Fingerprint) -> _FoundVersion | None:
        """What the first of the component's version texts that says one says."""
        for text in fingerprint.versions:
            if text.literal is None:
                found = self._searched(text)
                if found is not None:
                    return found
                continue
            for offset in self._places.get(text.literal, ()):
                for match, start in self._around(text.literal, text.pattern, offset):
                    release = text.read(match)
                    if release is not None:
                        return _FoundVersion(release, StaticEvidence("version text", _printable(match[0]), start))
        return None

    def statement(self, fingerprint: Fingerprint) -> tuple[str | None, StaticEvidence | None]:
        """The licence that the build itself says."""
        for statement in fingerprint.statements:
            for offset in self._places.get(statement.literal, ()):
                for match, start in self._around(statement.literal, statement.pattern, offset):
                    said = statement.licenses.get(match[1].decode("latin-1"))
                    if said is not None:
                        return said, StaticEvidence("licence text", _printable(match[0]), start)
        return None, None

    def _around(self, literal: bytes, pattern: re.Pattern[bytes], offset: int) -> Iterable[tuple[re.Match[bytes], int]]:
        start, end = next((first, first + size) for first, size in self._ranges if first <= offset < first + size)
        first = max(start, offset - _AROUND)
        window = self._source.read_at(first, min(end, offset + len(literal) + _AROUND) - first)
        for match in pattern.finditer(window):
            if match.start() <= offset - first + len(literal) + _BESIDE and match.end() >= offset - first - _BESIDE:
                yield match, first + match.start()

    def _searched(self, text: VersionText) -> _FoundVersion | None:
        """The one version that the pattern finds in all constants; of several, nobody knows which is the component's."""
        left = _SEARCHED
        found: dict[str, StaticEvidence] = {}
        for start, content in constants(self._source, self._ranges, LONGEST_LITERAL):
            for match in text.pattern.finditer(content):
                release = text.read(match)
                if release is not None and release not in found:
                    found[release] = StaticEvidence("version text", _printable(match[0]), start + match.start())
            left -= len(content)
            if left <= 0 or len(found) > 1:
                break
        return next(
            (_FoundVersion(release, said, bare=True) for release, said in found.items() if len(found) == 1), None
        )


def _quoted(literal: bytes, offset: int) -> tuple[EvidenceKind, str, int]:
    words = literal.strip(b"\0")
    if all(0x20 <= byte < 0x7F or byte in b"\n\t" for byte in words):
        return "text", _printable(words), offset
    return "table", words[:16].hex(" "), offset


def _printable(content: bytes) -> str:
    text = content.strip(b"\0").decode("latin-1")
    return "".join(sign if sign.isprintable() else " " for sign in text)[:_LONGEST_TEXT].strip()
