"""Which licence of a copyright file is a library's own.

A source package is more than its library: programs, tests, build systems and the packaging have licences of their own, and the one of "Files: *" is
often that of the programs (libuuid of util-linux, libacl, libfuse). Rules, in this order:

1. The paragraph for a directory that is called like the library, else the one that covers a place where source trees keep this library
   (``rules/licenses/library_sources.toml``), if it is not "Files: *" and its patterns are directories: ``lib/*`` yes, ``lib/md5.c`` no.
2. Where "Files: *" is of a strong copyleft: the paragraph of a weak one that has the public headers or several files of a directory that is
   called like the library; the rest is the programs. Where it is of a GNU licence in any later version: the paragraph of that version alone that has
   several files of such a directory.
3. "Files: *"; but the License field of the header paragraph where a name in the former is not understood.
4. The License field of the header paragraph.
5. What at least three fifths of the listed source files have in common, those in a directory that is called like the library before all.
6. In a file that is written freely: the one licence that is recognised in it, what it says of the packaging left out; of several, the one of a
   sentence that names the library, the one for "everything else", the one of a sentence "This library is free software", or the one that stands
   first, where it gives no choice and no weak copyleft follows a strong one; several permissive ones together; where none is told by a version or a
   text, "under the GNU General Public License" in words. Else none: which of them is the library's, the file does not say to a program.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

from msgspec import Struct

from inspector.facts.licensing.debian_copyright import CopyrightFile, FilesParagraph
from inspector.facts.licensing.debian_copyright_grants import (
    TOLD_APART,
    first_quoted_license,
    granted_expression,
    longer_license,
    quoted_license,
)
from inspector.facts.licensing.debian_copyright_names import read_license_name, without_unknown_choices
from inspector.facts.licensing.debian_copyright_places import (
    MOST_ALTERNATIVES,
    covering_paragraph,
    has_name_in_common,
    is_aside,
    is_aside_path,
    lies_in_directory_named_after,
)
from inspector.facts.licensing.debian_copyright_texts import (
    first_grant,
    granted_by_name,
    granted_to_library,
    granted_to_rest,
    recognise_text,
    unversioned_grant,
    without_packaging,
)
from inspector.facts.licensing.license_classes import license_class
from inspector.patterns import lazy_pattern

_MOST_FILES = 4000  # patterns of source files that are counted where no paragraph speaks for the whole
_MAJORITY = 0.6
_FEWEST_FILES = 3
"""Source files in a directory called like the library, listed one by one, that make a paragraph the library's; one or two are borrowed code."""
_SOURCE = lazy_pattern(r".*(?:\.(?:c|cc|cpp|cxx|h|hh|hpp|hxx|[chf]|f90|vala|[*?]|\[ch\])|/\*|/)")
_HEADERS = lazy_pattern(
    r"(?:.*/)?(?:include|includes|inc)/(?:(?P<below>[^/]+)/)?(?:.*/)?(?:\*|[^/]*\.(?:h|hh|hpp|hxx))"
)

Scope = Literal["paragraph", "default", "header", "majority", "text", "sentence"]


class LibraryReading(Struct, frozen=True):
    """What a copyright file says of one library.

    :ivar expression: SPDX; None where several licences are named and nothing says which is the library's.
    :ivar scope: which rule decided: the "paragraph" of its directory, the "default" paragraph, the "header", what most source
        files have ("majority"), recognised "text", or in it a "sentence" that names the library or speaks of everything else.
    :ivar patterns: of the paragraph that decided.
    :ivar mentioned: the licences that were recognised where ``scope`` is "text" or "sentence".
    :ivar unknown: names that were not understood; they are ``LicenseRef-Debian-…`` in the expression.
    :ivar contradicted: the expression that the short names alone stand for, where the texts grant another version or less; "" where they agree.
    """

    expression: str | None
    scope: Scope
    patterns: tuple[str, ...] = ()
    mentioned: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    contradicted: str = ""


def library_reading(file: CopyrightFile, soname: str) -> LibraryReading | None:
    """The licence of the library with that SONAME (or file name); None where the file says nothing that is understood."""
    if not file.machine_readable:
        return _of_text(file.text, soname)
    default = file.default()
    chosen = covering_paragraph(file, soname)
    if chosen is not None and chosen is not default and chosen.license_name:
        covered = _of_paragraph(file, chosen, "paragraph")
        if not _is_of_programs(file, chosen, covered):
            return covered
    header = _of_paragraph(file, FilesParagraph((), file.license_name), "header") if file.license_name else None
    if default is not None and (default.license_name or default.license_text):
        reading = _of_paragraph(file, default, "default")
        if header is not None and not header.unknown and (reading is None or reading.unknown or not reading.expression):
            return header
        return _beside_programs(file, soname, reading) or _of_own_files(file, soname, reading) or reading
    return header or _of_most_files(file, soname)


def _is_of_programs(file: CopyrightFile, chosen: FilesParagraph, covered: LibraryReading | None) -> bool:
    """Whether ``src/*`` is of a strong copyleft, with tools and the like beside it, and everything else of a weak one: the programs' then."""
    default = file.default()
    if "src/*" not in chosen.patterns or covered is None or default is None:
        return False
    beside = [pattern for pattern in chosen.patterns if pattern != "src/*"]
    if not beside or not all(is_aside_path(pattern) for pattern in beside):
        return False
    rest = _of_paragraph(file, default, "default")
    return (
        rest is not None
        and license_class(covered.expression or "") == "strong-copyleft"
        and license_class(rest.expression or "") == "weak-copyleft"
    )


def _beside_programs(file: CopyrightFile, soname: str, default: LibraryReading | None) -> LibraryReading | None:
    """The weak copyleft that the library's own files have where "Files: *" is of a strong one; None where that is not so or two differ."""
    if default is None or default.expression is None or license_class(default.expression) != "strong-copyleft":
        return None
    found: dict[str, LibraryReading] = {}
    votes: Counter[str] = Counter()
    for paragraph in file.paragraphs:
        if is_aside(paragraph) or "*" in paragraph.patterns:
            continue
        patterns = paragraph.patterns[:MOST_ALTERNATIVES]
        public = [pattern for pattern in patterns if _is_public_header(pattern, soname)]
        own = sum(lies_in_directory_named_after(pattern, soname) for pattern in patterns)
        if own < _FEWEST_FILES and len(public) < 2 and not any(pattern.endswith("/*") for pattern in public):
            continue
        reading = _of_paragraph(file, paragraph, "paragraph")
        if reading is None or reading.expression is None or reading.unknown:
            continue
        if license_class(reading.expression) == "weak-copyleft":
            found.setdefault(reading.expression, reading)
            votes[reading.expression] += own + len(public)
    if not votes:
        return None
    expression, most = votes.most_common(1)[0]
    return found[expression] if most >= _MAJORITY * votes.total() else None


def _of_own_files(file: CopyrightFile, soname: str, default: LibraryReading | None) -> LibraryReading | None:
    """The one version of a GNU licence that files of the library's own directory have where "Files: *" grants it or any later: it binds them all."""
    if default is None or default.expression is None or not default.expression.endswith("-or-later"):
        return None
    wanted = default.expression.replace("-or-later", "-only")
    for paragraph in file.paragraphs:
        if "*" in paragraph.patterns or len(paragraph.patterns) < _FEWEST_FILES or is_aside(paragraph):
            continue
        patterns = paragraph.patterns[:MOST_ALTERNATIVES]
        own = sum(lies_in_directory_named_after(pattern, soname) for pattern in patterns)
        if own < _FEWEST_FILES or own * 2 < len(paragraph.patterns):
            continue
        reading = _of_paragraph(file, paragraph, "paragraph")
        if reading is not None and reading.expression == wanted:
            return reading
    return None


def _is_public_header(pattern: str, soname: str) -> bool:
    """Whether a pattern names headers that a library installs, its own by the directory below "include" where there is one."""
    match = _HEADERS.fullmatch(pattern)
    return match is not None and (not match["below"] or has_name_in_common(match["below"], soname))


def _of_most_files(file: CopyrightFile, soname: str) -> LibraryReading | None:
    """What most of the listed source files have, where no paragraph speaks for the whole."""
    counted: Counter[FilesParagraph] = Counter()
    own: Counter[FilesParagraph] = Counter()
    left = _MOST_FILES
    for paragraph in file.paragraphs:
        for pattern in paragraph.patterns[:left]:
            if _SOURCE.fullmatch(pattern) and not is_aside_path(pattern):
                counted[paragraph] += 1
                own[paragraph] += lies_in_directory_named_after(pattern, soname)
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


def _of_text(text: str, soname: str) -> LibraryReading | None:
    text = without_packaging(text)
    mentioned = recognise_text(text)
    if not mentioned:
        quoted = quoted_license(text, most_rest=1.0) or first_quoted_license(text)
        granted = quoted or unversioned_grant(text)
        mentioned = () if quoted is None else (quoted,)
        return None if granted is None else LibraryReading(granted, "text", mentioned=mentioned)
    if len(mentioned) == 1:
        only = (longer_license(text, most_rest=1.0) if mentioned[0] in TOLD_APART else None) or mentioned[0]
        return LibraryReading(only, "text", mentioned=(only,))
    said = granted_by_name(text, soname) or granted_to_rest(text)
    if said is not None:
        return LibraryReading(said, "sentence", mentioned=mentioned)
    expression = granted_to_library(text) or first_grant(text)
    return LibraryReading(expression or _joined(mentioned), "text", mentioned=mentioned)


def _joined(mentioned: tuple[str, ...]) -> str | None:
    """One licence, or several permissive ones: whoever keeps to all of them errs in nothing. None where one of several asks for more."""
    mild = all(license_class(name) in ("permissive", "public-domain") for name in mentioned)
    return " AND ".join(mentioned) if mentioned and (mild or len(mentioned) == 1) else None


def _of_paragraph(file: CopyrightFile, paragraph: FilesParagraph, scope: Scope) -> LibraryReading | None:
    def text_of(name: str) -> str | None:
        text = file.text_of(paragraph, name)
        if not text:
            return None
        return _joined(recognise_text(text)) or quoted_license(text)

    overruled: list[str] = []

    def grant_of(name: str, named: str) -> str:
        granted = granted_expression(named, file.text_of(paragraph, name) or paragraph.license_text)
        # Nothing contradicts what is there word for word.
        is_whole_text = named in TOLD_APART and granted not in TOLD_APART
        if granted.partition(" WITH ")[0] not in (named, named.replace("-only", "-or-later")) and not is_whole_text:
            overruled.append(name)
        return granted

    named = read_license_name(paragraph.license_name, text_of, grant_of)
    if named is None:
        mentioned = recognise_text(paragraph.license_text)
        if not mentioned:
            return None
        return LibraryReading(_joined(mentioned), scope, paragraph.patterns, mentioned)
    chosen = without_unknown_choices(named)
    contradicted = ""
    if overruled:
        by_name = read_license_name(paragraph.license_name, text_of)
        contradicted = by_name.expression if by_name is not None else ""
    return LibraryReading(
        chosen.expression, scope, paragraph.patterns, unknown=chosen.unknown, contradicted=contradicted
    )


def paragraph_reading(file: CopyrightFile, paragraph: FilesParagraph) -> LibraryReading | None:
    """What one paragraph says of the files that it covers."""
    return _of_paragraph(file, paragraph, "paragraph")
