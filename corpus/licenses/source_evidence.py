"""Where a copyright file leaves more than one licence possible: what the library's own source files decide.

A careful reader of a copyright file who has the sources looks at which files the library is built from. The rules here do the same, and change
what was read of the file only where paragraphs and files agree, or where the file itself leaves the question open.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from corpus.licenses.comparing import alternatives, same_license
from corpus.licenses.headers import has_terms_of_its_own, same_family, understood
from corpus.licenses.own_files import OwnFiles, joined_grants, own_files, stricter_within
from inspector.facts.licensing.debian_copyright.copyright_file import CopyrightFile
from inspector.facts.licensing.debian_copyright.library_names import lies_in_directory_named_after
from inspector.facts.licensing.debian_copyright.license_names import read_license_name
from inspector.facts.licensing.debian_copyright.paragraphs import LibraryReading
from inspector.facts.licensing.debian_copyright.places import is_aside
from inspector.facts.licensing.debian_copyright.running_texts import recognise_text
from inspector.facts.licensing.license_classes import CLASS_ORDER, LicenseClass, license_class

_FEWEST_PATTERNS = 3
"""Patterns of single files that make a licence one that could be the library's; a pattern of a directory does alone."""
_FEWEST_FILES = 5
"""Files without which a list of a library's files does not overrule what the copyright file says of some of them."""
_FEW = 0.05
"""Share of a library's files that may be borrowed code of a stricter licence."""
_BINDING: dict[LicenseClass, LicenseClass] = {"permissive": "strong-copyleft", "strong-copyleft": "network-copyleft"}
"""The class of source files that bind a library of the first class."""
_COMMON_LICENSE = re.compile(r"\S*/usr/share/common-licenses/\S+")
_WITHOUT_VERSION = re.compile(r"L?GPL(?:[\s,-]+and[\s-]+L?GPL)+", re.IGNORECASE)
_MOST_FILES = 300
"""Files of a library beyond which its list is rather that of the whole tree."""


def wants_sources(file: CopyrightFile, reading: LibraryReading | None) -> bool:
    """Whether more than one licence of the copyright file could be the library's."""
    if (
        reading is None
        or not reading.expression
        or not file.machine_readable
        or reading.unknown
        or reading.contradicted
    ):
        return True
    if reading.scope != "default" or " AND " in reading.expression:
        return True
    patterns: Counter[str] = Counter()
    for paragraph in file.paragraphs:
        if is_aside(paragraph) or "*" in paragraph.patterns:
            continue
        other = _named(paragraph.license_name)
        if other != reading.expression:
            patterns[other] += sum(_FEWEST_PATTERNS if one.endswith(("*", "/")) else 1 for one in paragraph.patterns)
    return any(count >= _FEWEST_PATTERNS for count in patterns.values())


def decided_by_sources(
    file: CopyrightFile, reading: LibraryReading | None, files: Sequence[tuple[str, str]], *, same_release: bool = True
) -> str:
    """The licence that a library's source files decide on; "" where they leave it at what was read.

    So they do where nothing was read, a name was not understood that is none of a licence of its own, or a file that is written freely has several:
    what the files grant themselves. Where a text grants another version than its name says: the same, if it is of that family. Where a paragraph
    other than the one that was read covers most files: its licence, if the files say the same themselves and none of them has a stricter one that
    was read. Where what was read is permissive and several source files are of a strong copyleft: both; and where it is a strong one and they are of
    one that networks reach.
    """
    if not files or has_terms_of_its_own(file, reading):
        return ""
    own = own_files(file, files)
    said = own.said if license_class(own.said) not in ("unknown", "public-domain") else ""
    if reading is None or not reading.expression or not understood(reading):
        # Projects change their licence from one release to the next: what another one says must be named in the file, where it names any.
        return said if same_release or not file.machine_readable else ""
    if not file.machine_readable:
        return "" if reading.scope == "sentence" or (len(reading.mentioned) == 1 and _is_granted(file.text)) else said
    if reading.contradicted:
        if " OR " in reading.contradicted and said in reading.contradicted.split(" OR "):
            return reading.contradicted
        return said if said and same_family(said, reading.contradicted) else ""
    kind = _BINDING.get(license_class(reading.expression))
    stricter = stricter_within(file, files, kind) if kind is not None else ""
    if stricter:
        return (
            f"({reading.expression}) AND {stricter}"
            if " OR " in reading.expression
            else f"{reading.expression} AND {stricter}"
        )
    if own.is_default and _names_no_version(file) and same_license(own.covered, reading.expression):
        both = joined_grants(files)
        return both if not said or license_class(both) == "strong-copyleft" != license_class(said) else said
    if not own.covered or same_license(own.covered, reading.expression) or "LicenseRef-Debian-" in own.covered:
        return said if reading.scope == "paragraph" and own.is_default and _is_part(said, own) else ""
    is_of_both = reading.scope == "paragraph" and " AND " in reading.expression
    if (is_of_both and len(files) < _FEWEST_FILES) or _has_stricter_files(reading.expression, own.covered, files):
        return ""
    if said and same_license(said, own.covered):
        return own.covered
    if reading.scope == "paragraph" and not own.is_default and len(files) <= _MOST_FILES and not own.said:
        return own.covered
    return ""


def _names_no_version(file: CopyrightFile) -> bool:
    """Whether the paragraph for everything joins GNU licences without a version: "GPL and LGPL", as each file has it."""
    default = file.default()
    return default is not None and _WITHOUT_VERSION.fullmatch(default.license_name.strip()) is not None


def _has_stricter_files(expression: str, milder: str, files: Sequence[tuple[str, str]]) -> bool:
    """Whether some of the files have the licence that was read, or another version of a part of another class, and that asks for more than most."""
    if not _is_stricter(expression, milder):
        return False
    parts = [part for choice in alternatives(expression) for part in choice]
    stricter = sum(
        bool(said)
        and any(
            (same_license(said, part) or (same_family(said, part) and license_class(part) != license_class(milder)))
            and _is_stricter(part, milder)
            for part in parts
        )
        for _, said in files
    )
    return stricter > (0 if len(parts) > 1 else _FEW * len(files))


def confirmed_by_sources(file: CopyrightFile, reading: LibraryReading | None, files: Sequence[tuple[str, str]]) -> bool:
    """Whether most of a library's source files are covered by what was read of the copyright file and say the same themselves, or the strong
    copyleft that is a part of it."""
    if not files or reading is None or not reading.expression or not file.machine_readable:
        return False
    own = own_files(file, files)
    if " AND " in reading.expression and license_class(own.said) == "strong-copyleft":
        return own.said in {part for choice in alternatives(reading.expression) for part in choice}
    return bool(own.said and own.covered) and all(
        same_license(one, reading.expression) for one in (own.said, own.covered)
    )


def holds_own_directory(
    file: CopyrightFile, reading: LibraryReading | None, files: Sequence[tuple[str, str]], soname: str
) -> bool:
    """Whether several source files in the directory that is called like a library say the strong copyleft that everything has: the headers of a weak
    one that stand beside them do not take it from the library."""
    own = [(path, said) for path, said in files if lies_in_directory_named_after(path, soname)]
    if reading is None or reading.scope != "default" or not file.machine_readable:
        return False
    return bool(own) and stricter_within(file, own, "strong-copyleft") == reading.expression


def _is_stricter(one: str, other: str) -> bool:
    """Whether a licence asks for more than another: one of a stricter class, or one version where the other gives that or a later one."""
    classes = CLASS_ORDER.index(license_class(one)), CLASS_ORDER.index(license_class(other))
    if classes[0] != classes[1]:
        return classes[0] > classes[1]
    return one.endswith("-only") and other.endswith("-or-later") and same_family(one, other)


def _is_granted(text: str) -> bool:
    """Whether a text grants its licence in words and does not only name the place of a GNU licence's text."""
    return bool(recognise_text(_COMMON_LICENSE.sub(" ", text)))


def _is_part(said: str, own: OwnFiles) -> bool:
    """Whether what the files say is one of several licences that their paragraph joins."""
    return bool(said) and "LicenseRef-Debian-" in own.covered and said in own.covered.split(" AND ")


@lru_cache(maxsize=4096)
def _named(name: str) -> str:
    named = read_license_name(name)
    return name if named is None else named.expression
