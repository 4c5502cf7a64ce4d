"""Which licence of a copyright file is a library's own.

A source package is more than its library: programs, tests, build systems and the packaging have licences of their own, and the one of "Files: *" is
often that of the programs (libuuid of util-linux, libacl, libfuse). Rules, in this order:

1. The paragraph for a directory that is called like the library, else the one that covers a place where source trees keep this library
   (``rules/licenses/library_sources.toml``), if it is not "Files: *" and its patterns are directories: ``lib/*`` yes, ``lib/md5.c`` no.
2. Where "Files: *" is of a strong copyleft: the paragraph of a weak one that has the public headers or several files of a directory that is
   called like the library; the rest is the programs.
3. "Files: *"; but the License field of the header paragraph where a name in the former is not understood.
4. The License field of the header paragraph.
5. What at least three fifths of the listed source files have in common, those in a directory that is called like the library before all.
6. In a file that is written freely: the one licence that is recognised in it, what it says of the packaging left out; of several, the one that a
   sentence "This library is free software" grants; several permissive ones together. Else none:
   which of them is the library's, the file does not say to a program.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

from inspector.facts.licensing.debian_copyright import CopyrightFile, FilesParagraph
from inspector.facts.licensing.debian_copyright_names import read_license_name
from inspector.facts.licensing.debian_copyright_texts import granted_to_library, recognise_text, without_packaging
from inspector.facts.licensing.license_classes import license_class
from inspector.resources import load_table

_STEM = re.compile(r"(?:lib)?(.+?)(?:[-_.]?\d[\d.]*)?\.so(?:\..*)?")

_MOST_PATTERNS = 20_000
"""Patterns of one file that are compared with a library's places; Chromium's copyright file has 2,600."""
_MOST_ALTERNATIVES = 200  # of one paragraph
_SHORTEST_PART = 4  # letters of a directory's name that may stand for the end of a library's

_NO_LIBRARY = (
    "test",
    "doc",
    "example",
    "sample",
    "demo",
    "bench",
    "java",
    "jni",
    "python",
    "bindings",
    "bin",
    "plugin",
)
"""How directories begin whose subdirectories are called like what they are for."""

_MOST_FILES = 4000  # patterns of source files that are counted where no paragraph speaks for the whole
_MAJORITY = 0.6
_FEWEST_FILES = 3
"""Source files in a directory called like the library, listed one by one, that make a paragraph the library's; one or two are borrowed code."""
_SOURCE = re.compile(r".*(?:\.(?:c|cc|cpp|cxx|h|hh|hpp|hxx|[chf]|f90|vala|[*?]|\[ch\])|/\*|/)")
_HEADERS = re.compile(r"(?:.*/)?(?:include|includes|inc)/(?:.*/)?(?:\*|.*\.(?:h|hh|hpp|hxx))")

Scope = Literal["paragraph", "default", "header", "majority", "text"]


@dataclass(frozen=True, slots=True)
class LibraryReading:
    """What a copyright file says of one library.

    :ivar expression: SPDX; None where several licences are named and nothing says which is the library's.
    :ivar scope: which rule decided: the "paragraph" of its directory, the "default" paragraph, the "header", what most source
        files have ("majority"), or recognised "text".
    :ivar patterns: of the paragraph that decided.
    :ivar mentioned: the licences that were recognised where ``scope`` is "text".
    :ivar unknown: names that were not understood; they are ``LicenseRef-Debian-…`` in the expression.
    """

    expression: str | None
    scope: Scope
    patterns: tuple[str, ...] = ()
    mentioned: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def library_reading(file: CopyrightFile, soname: str) -> LibraryReading | None:
    """The licence of the library with that SONAME (or file name); None where the file says nothing that is understood."""
    if not file.machine_readable:
        return _of_text(file.text)
    default = file.default()
    chosen = _covering(file, soname)
    if chosen is not None and chosen is not default and chosen.license_name:
        return _of_paragraph(file, chosen, "paragraph")
    header = _of_paragraph(file, FilesParagraph((), file.license_name), "header") if file.license_name else None
    if default is not None and default.license_name:
        reading = _of_paragraph(file, default, "default")
        if header is not None and not header.unknown and (reading is None or reading.unknown or not reading.expression):
            return header
        return _beside_programs(file, soname, reading) or reading
    return header or _of_most_files(file, soname)


def _beside_programs(file: CopyrightFile, soname: str, default: LibraryReading | None) -> LibraryReading | None:
    """The weak copyleft that the library's own files have where "Files: *" is of a strong one; None where that is not so or two differ."""
    if default is None or default.expression is None or license_class(default.expression) != "strong-copyleft":
        return None
    found: dict[str, LibraryReading] = {}
    for paragraph in file.paragraphs:
        if _is_aside(paragraph) or "*" in paragraph.patterns:
            continue
        patterns = paragraph.patterns[:_MOST_ALTERNATIVES]
        headers = sum(_HEADERS.fullmatch(pattern) is not None for pattern in patterns)
        own = sum(_lies_in_directory_named_after(pattern, soname) for pattern in patterns)
        if (
            own < _FEWEST_FILES
            and headers < 2
            and not any(_HEADERS.fullmatch(pattern) and pattern.endswith("/*") for pattern in patterns)
        ):
            continue
        reading = _of_paragraph(file, paragraph, "paragraph")
        if reading is None or reading.expression is None or reading.unknown:
            continue
        if license_class(reading.expression) == "weak-copyleft":
            found.setdefault(reading.expression, reading)
    return next(iter(found.values())) if len(found) == 1 else None


def _of_most_files(file: CopyrightFile, soname: str) -> LibraryReading | None:
    """What most of the listed source files have, where no paragraph speaks for the whole."""
    counted: Counter[FilesParagraph] = Counter()
    own: Counter[FilesParagraph] = Counter()
    left = _MOST_FILES
    for paragraph in file.paragraphs:
        for pattern in paragraph.patterns[:left]:
            if _SOURCE.fullmatch(pattern) and not _is_aside_path(pattern):
                counted[paragraph] += 1
                own[paragraph] += _lies_in_directory_named_after(pattern, soname)
        left = max(0, left - len(paragraph.patterns))
    chosen = own if own.total() else counted
    readings: dict[str, LibraryReading] = {}
    votes: Counter[str] = Counter()
    for paragraph, count in chosen.items():
        reading = _of_paragraph(file, paragraph, "majority") if count else None
        if reading is not None and reading.expression is not None:
            readings.setdefault(reading.expression, reading)
            votes[reading.expression] += count
    if not votes:
        return None
    expression, most = votes.most_common(1)[0]
    return readings[expression] if most >= _MAJORITY * chosen.total() else None


def _lies_in_directory_named_after(pattern: str, soname: str) -> bool:
    """Whether a pattern names something in a directory that is called like the library, punctuation and "lib" aside."""
    *above, _ = pattern.split("/")
    wanted = _plain(soname.partition(".so")[0])
    return len(wanted) >= 2 and any(_plain(part) == wanted for part in above)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]|\d[\d.]*$", "", name.lower().removeprefix("lib"))


def _of_text(text: str) -> LibraryReading | None:
    text = without_packaging(text)
    mentioned = recognise_text(text)
    if not mentioned:
        return None
    return LibraryReading(_joined(mentioned) or granted_to_library(text), "text", mentioned=mentioned)


def _joined(mentioned: tuple[str, ...]) -> str | None:
    """One licence, or several permissive ones: whoever keeps to all of them errs in nothing. None where one of several asks for more."""
    mild = all(license_class(name) in ("permissive", "public-domain") for name in mentioned)
    return " AND ".join(mentioned) if mentioned and (mild or len(mentioned) == 1) else None


def _of_paragraph(file: CopyrightFile, paragraph: FilesParagraph, scope: Scope) -> LibraryReading | None:
    def text_of(name: str) -> str | None:
        text = file.text_of(paragraph, name)
        mentioned = recognise_text(text) if text else ()
        return _joined(mentioned)

    named = read_license_name(paragraph.license_name, text_of)
    if named is None:
        mentioned = recognise_text(paragraph.license_text)
        if not mentioned:
            return None
        return LibraryReading(_joined(mentioned), scope, paragraph.patterns, mentioned)
    return LibraryReading(named.expression, scope, paragraph.patterns, unknown=named.unknown)


def _covering(file: CopyrightFile, soname: str) -> FilesParagraph | None:
    """The paragraph that decides about the first place for which one of a directory decides."""
    match = _STEM.fullmatch(soname)
    if match is None:
        return None
    stem = soname.removeprefix("lib").partition(".so")[0]
    matchers = []
    compared = 0
    for paragraph in file.paragraphs:
        compared += len(paragraph.patterns)
        if compared > _MOST_PATTERNS:
            break
        if not _is_aside(paragraph):
            matchers.append((paragraph, _directories(paragraph.patterns)))
    for whole_name in (True, False):
        for paragraph, _ in reversed(matchers):
            if _is_named_after(paragraph.patterns, stem, match[1], whole_name=whole_name):
                return paragraph
    for place in load_table("licenses/library_sources.toml")["places"]:
        path = place.format(stem=stem, base=match[1])
        for paragraph, directories in reversed(matchers):
            if directories is not None and directories.fullmatch(path):
                return paragraph
    return None


def _is_named_after(patterns: tuple[str, ...], stem: str, base: str, *, whole_name: bool) -> bool:
    """Whether one of the directories has the library's name, wherever it is (``src/lib/lttng-ust-ctl/*``), or, not ``whole_name``, a part of it:
    ``tools/libs/guest/*`` for libxenguest, ``lib/colord/*`` for libcolordprivate."""
    for pattern in patterns[:_MOST_ALTERNATIVES]:
        *above, name = pattern.removesuffix("/*").split("/")
        if (
            not pattern.endswith("/*")
            or "*" in name
            or "?" in name
            or any(part.startswith(_NO_LIBRARY) for part in above)
        ):
            continue
        plain = name.removeprefix("lib")
        if plain and plain in (stem, base):
            return True
        if whole_name:
            continue
        if len(plain) >= _SHORTEST_PART and (
            stem.endswith(f"-{plain}")
            or (above and above[-1] in ("lib", "libs") and (stem.endswith(plain) or stem.startswith(plain)))
        ):
            return True
    return False


@lru_cache(maxsize=4096)
def _directories(patterns: tuple[str, ...]) -> re.Pattern[str] | None:
    """A matcher for those patterns that speak of whole directories, "*" itself left out; ``*.h`` speaks of files."""
    wanted = [pattern.removeprefix("./") for pattern in patterns if pattern != "*" and len(pattern) < 300]
    wanted = [pattern + "*" if pattern.endswith("/") else pattern for pattern in wanted]
    wanted = [pattern for pattern in wanted if pattern.endswith(("/*", "/*.c", "/*.[ch]", "/*.cpp"))]
    if not wanted:
        return None
    return re.compile("|".join(_expression(pattern) for pattern in wanted[:_MOST_ALTERNATIVES]))


def _expression(pattern: str) -> str:
    """copyright-format 1.0, "Files": ``*`` and ``?`` match any characters, slashes included; a backslash escapes.

    What stands between two stars is matched where it comes first and never tried again (an atomic group), so that no pattern takes long.
    """
    pieces = [""]
    at = 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "*":
            pieces.append("")
        elif sign == "\\" and at + 1 < len(pattern):
            at += 1
            pieces[-1] += re.escape(pattern[at])
        else:
            pieces[-1] += "." if sign == "?" else re.escape(sign)
        at += 1
    first, *between = pieces
    if not between:
        return first
    return first + "".join(f"(?>.*?{piece})" for piece in between[:-1] if piece) + ".*" + between[-1]


def _is_aside(paragraph: FilesParagraph) -> bool:
    return (
        bool(paragraph.patterns)
        and "*" not in paragraph.patterns
        and all(_is_aside_path(pattern) for pattern in paragraph.patterns)
    )


def _is_aside_path(pattern: str) -> bool:
    return pattern.removeprefix("./").lstrip("*/").startswith(_aside_starts())


@cache
def _aside_starts() -> tuple[str, ...]:
    return tuple(load_table("licenses/library_sources.toml")["aside"])
