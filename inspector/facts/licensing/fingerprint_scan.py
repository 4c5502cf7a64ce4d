"""The literals of all fingerprints in one file, and what hangs on them: which components they prove, versions, and licences that a build states."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from inspector.facts.licensing.fingerprints import LONGEST_LITERAL, Catalogue, Fingerprint, VersionText
from inspector.facts.licensing.read_only_data import constants
from inspector.source import Source

EvidenceKind = Literal["text", "table", "function", "version text", "licence text", "module", "build information"]

_MOST_PLACES = 256  # occurrences of one literal that are looked at
_AROUND = 512  # bytes on each side of a literal in which its pattern is matched
_BESIDE = 16  # bytes that may lie between a literal and what its pattern matches
_LONGEST_TEXT = 120  # characters of a text that evidence quotes
_SEARCHED = 64 * 1024 * 1024  # bytes of one file that are searched for bare numbers, all components together


class StaticEvidence(Struct, frozen=True):
    """What proves a component, or says its version or licence.

    :ivar text: what was found, printable.
    :ivar offset: in the file, or None for a symbol.
    """

    kind: EvidenceKind
    text: str
    offset: int | None = None


class FoundVersion(Struct, frozen=True):
    """A version, and whether nothing but the number itself was found (no words around it that name the component)."""

    release: str
    evidence: StaticEvidence
    bare: bool = False


class FileScan:
    """Reads a file's constants once, and again only around what was found.

    :raises FormatError: from every method, where the content cannot be decoded.
    """

    def __init__(self, source: Source, ranges: Sequence[tuple[int, int]], catalogue: Catalogue) -> None:
        self._source = source
        self._ranges = ranges
        self._catalogue = catalogue
        self._left = _SEARCHED
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

    def version(self, fingerprint: Fingerprint) -> FoundVersion | None:
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
                        return FoundVersion(release, StaticEvidence("version text", _printable(match[0]), start))
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

    def _searched(self, text: VersionText) -> FoundVersion | None:
        """The one version that the pattern finds in all constants; of several, nobody knows which is the component's."""
        found: dict[str, StaticEvidence] = {}
        for start, content in constants(self._source, self._ranges, LONGEST_LITERAL):
            for match in text.pattern.finditer(content):
                release = text.read(match)
                if release is not None and release not in found:
                    found[release] = StaticEvidence("version text", _printable(match[0]), start + match.start())
            self._left -= len(content)
            if self._left <= 0 or len(found) > 1:
                return None
        return next(
            (FoundVersion(release, said, bare=True) for release, said in found.items() if len(found) == 1), None
        )


def _quoted(literal: bytes, offset: int) -> tuple[EvidenceKind, str, int]:
    words = literal.strip(b"\0")
    if all(0x20 <= byte < 0x7F or byte in b"\0\n\t" for byte in words):
        return "text", _printable(words), offset
    return "table", words[:16].hex(" "), offset


def _printable(content: bytes) -> str:
    text = content.strip(b"\0").decode("latin-1")
    return "".join(sign if sign.isprintable() else " " for sign in text)[:_LONGEST_TEXT].strip()


def version_of_functions(fingerprint: Fingerprint, functions: Mapping[bytes, None]) -> FoundVersion | None:
    """The version in the name of a function that the file defines (``x264_encoder_open_164``)."""
    for pattern in fingerprint.symbol_versions:
        for name in functions:
            match = pattern.fullmatch(name)
            if match is not None:
                return FoundVersion(match[1].decode("latin-1"), StaticEvidence("function", name.decode("latin-1")))
    return None
