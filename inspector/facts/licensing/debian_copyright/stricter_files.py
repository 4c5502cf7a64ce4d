"""Files of a library that ask for more than the paragraph that was chosen for it: their licence holds for the whole, too."""

from __future__ import annotations

import re

from msgspec.structs import replace

from inspector.facts.licensing.debian_copyright.copyright_file import CopyrightFile
from inspector.facts.licensing.debian_copyright.library_names import (
    MOST_ALTERNATIVES,
    has_name_at_its_end,
    is_called_like,
    lies_in_directory_named_after,
)
from inspector.facts.licensing.debian_copyright.paragraphs import LibraryReading, paragraph_reading
from inspector.facts.licensing.debian_copyright.places import is_aside
from inspector.facts.licensing.license_classes import LicenseClass, license_class
from inspector.patterns import lazy_pattern

FEWEST_FILES = 3
"""Source files in a directory called like the library, listed one by one, that make a paragraph the library's; one or two are borrowed code."""
_OWN_SOURCE = lazy_pattern(
    r"(?!(?:.*/)?(?:test|bench|example|demo|tools?/|doc|prog|plugin|contrib|driver|module|qml|imports|daemon|data/))(?!.*(?:\.tab\.|pars|gram|yacc)[^/]*$)"
    r".*(?:\.(?:c|cc|cpp|cxx|vala|h|hh|hpp|hxx|[*?]|\[ch\])|\*)",
    re.IGNORECASE,
)
IN_SOURCES = lazy_pattern(r"(?:src|lib|source)/[^/*]+\.(?:c|cc|cpp|cxx|vala|h|hh|hpp|hxx)")
_HEADER_OR_TEST = lazy_pattern(r".*(?:\.(?:h|hh|hpp|hxx)|[-_]test\.[^/]*)")
ENDING = lazy_pattern(r"\.[^./]*$")
_STRICTER: dict[LicenseClass, tuple[LicenseClass, ...]] = {
    "permissive": ("weak-copyleft", "strong-copyleft"),
    "weak-copyleft": ("strong-copyleft",),
}
STRONG_NAME = lazy_pattern(r"(?<!l)gpl", re.IGNORECASE)


def with_copyleft_below(file: CopyrightFile, soname: str, reading: LibraryReading) -> LibraryReading | None:
    """The same with the stricter copyleft of several source files that are listed in the one directory whose paragraph is permissive, or in the
    directory that is called like the library, whose may be of a weak copyleft: it holds for the library, too. None where there are none."""
    if reading.scope != "paragraph" or reading.expression is None:
        return None
    stricter = _STRICTER.get(license_class(reading.expression), ())
    directories = [pattern.removesuffix("*") for pattern in reading.patterns if pattern.endswith("/*")]
    if len(reading.patterns) > 1 or license_class(reading.expression) != "permissive":
        directories = [one for one in directories if is_called_like(one.split("/")[-2], soname)]
    directory = min(directories, key=len, default="")
    if not stricter or not directory or not all(one.startswith(directory) for one in directories):
        return None
    found: dict[str, None] = {}
    for paragraph in file.paragraphs:
        own = [
            one
            for one in paragraph.patterns[:MOST_ALTERNATIVES]
            if one.startswith(directory) and _OWN_SOURCE.fullmatch(one.removeprefix(directory))
        ]
        # Nothing of headers alone is in the library: they are of a binding for another language, as often as not.
        if len({ENDING.sub("", one) for one in own}) < FEWEST_FILES or all(map(_HEADER_OR_TEST.fullmatch, own)):
            continue
        other = paragraph_reading(file, paragraph, "paragraph")
        if other is None or other.expression is None or " " in other.expression or other.unknown:
            continue
        if license_class(other.expression) in stricter:
            found[other.expression] = None
    own_license = f"({reading.expression})" if " OR " in reading.expression else reading.expression
    return replace(reading, expression=" AND ".join((own_license, *found))) if found else None


def with_stricter_files(file: CopyrightFile, soname: str, reading: LibraryReading) -> LibraryReading | None:
    """The same with the strong copyleft that several files of a directory called like the library have, or of the one for sources where the library
    is called like the project: it holds for the whole, too. Grammars leave their generator's licence, which has an exception for that, aside. None
    where there are none."""
    if reading.scope not in ("default", "majority") or reading.expression is None or " " in reading.expression:
        return None
    if license_class(reading.expression) != "weak-copyleft":
        return None
    is_project = has_name_at_its_end(soname, file.upstream_name)
    for paragraph in file.paragraphs:
        if "*" in paragraph.patterns or is_aside(paragraph) or not STRONG_NAME.search(paragraph.license_name):
            continue
        own = [
            one
            for one in paragraph.patterns[:MOST_ALTERNATIVES]
            if _OWN_SOURCE.fullmatch(one)
            and (
                lies_in_directory_named_after(one, soname, without_family=True)
                or (is_project and IN_SOURCES.fullmatch(one))
            )
        ]
        if len(own) < 2 and not any(one.endswith("*") for one in own):
            continue
        other = paragraph_reading(file, paragraph, "paragraph")
        if other is None or other.expression is None or " " in other.expression or other.unknown:
            continue
        if license_class(other.expression) == "strong-copyleft":
            return replace(reading, expression=f"{reading.expression} AND {other.expression}", scope="paragraph")
    return None
