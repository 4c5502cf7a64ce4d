"""Which licence of a copyright file is a library's own.

A source package is more than its library: programs, tests, build systems and the packaging have licences of their own, and the one of "Files: *" is
often that of the programs (libuuid of util-linux, libacl, libfuse). Rules, in this order:

1. The paragraph for a directory that is called like the library, else the one that covers a place where source trees keep this library
   (``rules/licenses/library_sources.toml``), if it is not "Files: *" and its patterns are directories: ``lib/*`` yes, ``lib/md5.c`` no.
2. Where "Files: *" is of a strong copyleft: the paragraph of a weak one that has the public headers or several files of a directory that is
   called like the library, or most of all listed sources in the one directory for sources; the rest is the programs. Not so where a strong one
   has more public headers, or other files of that one directory. Where it is of a GNU licence in any later version: the paragraph of that version
   alone that has several files of such a directory.
3. "Files: *"; but the License field of the header paragraph where a name in the former is not understood.
4. The License field of the header paragraph.
5. The directories at the tree's top, where they have one licence and all that is listed lies below them, or are called like machines. Else
   what at least three fifths of the listed source files have in common, those in a directory that is called like the library before all, then
   those below ``lib``. Where the licence of 3 to 5 is of a weak copyleft and several files of such a directory are of a strong one: both.
6. In a file that is written freely: the one licence that is recognised in it, what it says of the packaging left out; of several, the one of a
   sentence that names the library, the one for "everything else", the one of a sentence "This library is free software", or the one that stands
   first, where it gives no choice and no weak copyleft follows a strong one; several permissive ones together; where none is told by a version or a
   text, "under the GNU General Public License" in words, or that it is a proprietary one. Else none: which of them is the library's, the file does
   not say to a program.
"""

from __future__ import annotations

import re
from collections import Counter

from inspector.facts.licensing.debian_copyright.copyright_file import CopyrightFile, FilesParagraph
from inspector.facts.licensing.debian_copyright.grants import (
    TOLD_APART,
    first_quoted_license,
    longer_license,
    quoted_license,
)
from inspector.facts.licensing.debian_copyright.library_names import (
    MOST_ALTERNATIVES,
    has_directory_with_lib,
    has_name_in_common,
    is_library_of_project,
    lies_below_another_library,
    lies_in_directory_named_after,
)
from inspector.facts.licensing.debian_copyright.packaging_sentences import without_packaging
from inspector.facts.licensing.debian_copyright.paragraphs import LibraryReading, joined, paragraph_reading
from inspector.facts.licensing.debian_copyright.places import (
    covering_paragraph,
    is_aside,
    is_aside_path,
)
from inspector.facts.licensing.debian_copyright.running_texts import recognise_text
from inspector.facts.licensing.debian_copyright.sentences import (
    first_grant,
    granted_by_field,
    granted_by_name,
    granted_to_library,
    granted_to_rest,
    is_restricted,
    unversioned_grant,
    unversioned_grant_before,
)
from inspector.facts.licensing.debian_copyright.stricter_files import (
    ENDING,
    FEWEST_FILES,
    IN_SOURCES,
    STRONG_NAME,
    with_copyleft_below,
    with_stricter_files,
)
from inspector.facts.licensing.debian_copyright.whole_tree import reading_of_whole
from inspector.facts.licensing.license_classes import license_class
from inspector.patterns import lazy_pattern

__all__ = ["LibraryReading", "library_reading"]

RESTRICTED = "LicenseRef-proprietary"
"""What is written freely, is no licence that is known, and keeps a use for its owner."""
_MOST_FILES = 4000  # patterns of source files that are counted where no paragraph speaks for the whole
_MAJORITY = 0.6
_SOURCE = lazy_pattern(r".*(?:\.(?:c|cc|cpp|cxx|h|hh|hpp|hxx|[chf]|f90|vala|[*?]|\[ch\])|/\*|/)")
_HEADERS = lazy_pattern(
    r"(?:.*/)?(?:include|includes|inc)/(?:(?P<below>[^/]+)/)?(?:.*/)?(?:\*|[^/]*\.(?:h|hh|hpp|hxx))"
)

_SOURCE_FILE = lazy_pattern(r".*\.(?:c|cc|cpp|cxx|vala|h|hh|hpp|hxx)")
_VARIANT = lazy_pattern(r"[-_](?:win|win32|windows|unix|posix|linux|mac|macos|osx|x11|wayland|android)$", re.IGNORECASE)
_MANY_FILES = 5
_LIBRARY_DIRECTORIES = ("lib/", "libs/", "src/lib/")


def library_reading(file: CopyrightFile, soname: str) -> LibraryReading | None:
    """The licence of the library with that SONAME (or file name); None where the file says nothing that is understood."""
    if not file.machine_readable:
        return _of_text(file.text, soname)
    reading = _of_paragraphs(file, soname)
    if reading is None:
        return None
    return with_stricter_files(file, soname, reading) or with_copyleft_below(file, soname, reading) or reading


def _of_paragraphs(file: CopyrightFile, soname: str) -> LibraryReading | None:
    default = file.default()
    chosen = covering_paragraph(file, soname)
    if chosen is not None and chosen is not default and chosen.license_name:
        covered = paragraph_reading(file, chosen, "paragraph")
        if not _is_of_programs(file, chosen, covered):
            return covered
    header = paragraph_reading(file, FilesParagraph((), file.license_name), "header") if file.license_name else None
    if default is not None and (default.license_name or default.license_text):
        reading = paragraph_reading(file, default, "default")
        if header is not None and not header.unknown and (reading is None or reading.unknown or not reading.expression):
            return header
        return _beside_programs(file, soname, reading) or _of_own_files(file, soname, reading) or reading
    return header or reading_of_whole(file) or _of_most_files(file, soname)


def _is_of_programs(file: CopyrightFile, chosen: FilesParagraph, covered: LibraryReading | None) -> bool:
    """Whether ``src/*`` is of a strong copyleft, with tools and the like beside it, and everything else of a weak one: the programs' then."""
    default = file.default()
    if "src/*" not in chosen.patterns or covered is None or default is None:
        return False
    beside = [pattern for pattern in chosen.patterns if pattern != "src/*"]
    if not beside or not all(is_aside_path(pattern) for pattern in beside):
        return False
    rest = paragraph_reading(file, default, "default")
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
    # "example" beside "libexample" is the program.
    with_lib = has_directory_with_lib(file, soname)
    strong_headers = _strong_public_headers(file, soname)
    for paragraph in file.paragraphs:
        if is_aside(paragraph) or "*" in paragraph.patterns:
            continue
        patterns = paragraph.patterns[:MOST_ALTERNATIVES]
        public = [pattern for pattern in patterns if _is_public_header(pattern, soname)]
        if len(public) < strong_headers:
            public = []
        # A source file and its header are one, and so are its variants for several systems.
        own = len(
            {
                _VARIANT.sub("", ENDING.sub("", pattern))
                for pattern in patterns
                if (
                    lies_in_directory_named_after(pattern, soname, of_libraries=with_lib, or_its_end=True)
                    and not lies_below_another_library(pattern, soname)
                )
                or any(is_library_of_project(part, soname, file.upstream_name) for part in pattern.split("/")[:-1])
            }
        )
        if _is_most_of_sources(file, paragraph):
            own = max(own, FEWEST_FILES)
        if own < FEWEST_FILES and len(public) < 2 and not any(pattern.endswith("/*") for pattern in public):
            continue
        reading = paragraph_reading(file, paragraph, "paragraph")
        if reading is None or reading.expression is None or reading.unknown:
            continue
        if license_class(reading.expression) == "weak-copyleft":
            found.setdefault(reading.expression, reading)
            votes[reading.expression] += own + len(public)
    if not votes:
        return None
    expression, most = votes.most_common(1)[0]
    return found[expression] if most >= _MAJORITY * votes.total() else None


def _strong_public_headers(file: CopyrightFile, soname: str) -> int:
    """How many public headers are listed as of a strong copyleft: those of a weak one are not the library's where they are fewer."""
    return sum(
        _is_public_header(pattern, soname)
        for paragraph in file.paragraphs
        if "*" not in paragraph.patterns and STRONG_NAME.match(paragraph.license_name)
        for pattern in paragraph.patterns[:MOST_ALTERNATIVES]
    )


def _is_most_of_sources(file: CopyrightFile, paragraph: FilesParagraph) -> bool:
    """Whether a paragraph lists at least five files of the one directory for sources, and these are most of what is listed one by one; not where
    others there are listed as of a strong copyleft: it is the directory of the programs then, too."""
    own = sum(IN_SOURCES.fullmatch(pattern) is not None for pattern in paragraph.patterns[:MOST_ALTERNATIVES])
    if own < _MANY_FILES or any(
        STRONG_NAME.match(other.license_name)
        and len({ENDING.sub("", pattern) for pattern in other.patterns if IN_SOURCES.fullmatch(pattern)}) > 1
        for other in file.paragraphs
    ):
        return False
    listed = sum(
        _SOURCE_FILE.fullmatch(pattern) is not None and not is_aside_path(pattern)
        for other in file.paragraphs
        for pattern in other.patterns[:MOST_ALTERNATIVES]
    )
    return own >= _MAJORITY * listed


def _of_own_files(file: CopyrightFile, soname: str, default: LibraryReading | None) -> LibraryReading | None:
    """The one version of a GNU licence that files of the library's own directory have where "Files: *" grants it or any later: it binds them all."""
    if default is None or default.expression is None or not default.expression.endswith("-or-later"):
        return None
    wanted = default.expression.replace("-or-later", "-only")
    for paragraph in file.paragraphs:
        if "*" in paragraph.patterns or len(paragraph.patterns) < FEWEST_FILES or is_aside(paragraph):
            continue
        patterns = paragraph.patterns[:MOST_ALTERNATIVES]
        own = sum(lies_in_directory_named_after(pattern, soname) for pattern in patterns)
        if own < FEWEST_FILES or own * 2 < len(paragraph.patterns):
            continue
        reading = paragraph_reading(file, paragraph, "paragraph")
        if reading is not None and reading.expression == wanted:
            return reading
    return None


def _is_public_header(pattern: str, soname: str) -> bool:
    """Whether a pattern names headers that a library installs, its own by the directory below "include" where there is one."""
    match = _HEADERS.fullmatch(pattern)
    if match is None or lies_below_another_library(pattern, soname):
        return False
    return not match["below"] or has_name_in_common(match["below"], soname)


def _of_most_files(file: CopyrightFile, soname: str) -> LibraryReading | None:
    """What most of the listed source files have, where no paragraph speaks for the whole."""
    counted: Counter[FilesParagraph] = Counter()
    own: Counter[FilesParagraph] = Counter()
    in_library: Counter[FilesParagraph] = Counter()
    left = _MOST_FILES
    for paragraph in file.paragraphs:
        for pattern in paragraph.patterns[:left]:
            if _SOURCE.fullmatch(pattern) and not is_aside_path(pattern):
                counted[paragraph] += 1
                own[paragraph] += lies_in_directory_named_after(pattern, soname)
                in_library[paragraph] += pattern.startswith(_LIBRARY_DIRECTORIES)
        left = max(0, left - len(paragraph.patterns))
    chosen = own if own.total() else in_library if in_library.total() >= _MANY_FILES else counted
    readings: dict[str, LibraryReading] = {}
    votes: Counter[str] = Counter()
    for paragraph, count in chosen.items():
        reading = paragraph_reading(file, paragraph, "majority") if count else None
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
        granted = granted or (RESTRICTED if is_restricted(text) else None)
        mentioned = (granted,) if granted is not None and granted in (quoted, RESTRICTED) else ()
        return None if granted is None else LibraryReading(granted, "text", mentioned=mentioned)
    if all(license_class(name) in ("permissive", "public-domain") for name in mentioned):
        whole = unversioned_grant_before(text, mentioned)
        if whole is not None:
            return LibraryReading(whole, "text", mentioned=(whole, *mentioned))
    if len(mentioned) == 1:
        only = (longer_license(text, most_rest=1.0) if mentioned[0] in TOLD_APART else None) or mentioned[0]
        return LibraryReading(only, "text", mentioned=(only,))
    said = granted_by_name(text, soname) or granted_to_rest(text) or granted_by_field(text)
    if said is not None:
        return LibraryReading(said, "sentence", mentioned=mentioned)
    expression = granted_to_library(text) or first_grant(text)
    return LibraryReading(expression or joined(mentioned), "text", mentioned=mentioned)
