"""Which of the licences in a copyright file that is written freely is the library's: what its sentences and headings say, and what stands first.

What is recognised at all, and where, tells ``running_texts.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from inspector.facts.licensing.debian_copyright.license_names import read_license_name
from inspector.facts.licensing.debian_copyright.running_texts import (
    LONGEST,
    NAMES_OF_GNU,
    family_of,
    gnu_grants_in,
    place_of,
    plain_without_pointers,
    recognise_text,
    recognised_in,
)
from inspector.facts.licensing.license_classes import license_class
from inspector.patterns import lazy_pattern

_CHOICE = lazy_pattern(
    r"alternatively|dual[- ]licen|under either|either of|(?:your|a) choice|one of the following|as an alternative"
    r"|[\s(]or (?:under )?(?:the )?(?:mpl|apache|mozilla|lgpl|bsd)"
)
_THIS_LIBRARY = lazy_pattern(r"this library is free software.{0,400}")
_FOLLOWED = r"[^.]{0,40} (?:is|are)(?: \w+){0,2} (?:under|covered by|licen[sc]ed as) .{0,400}"
_LIBRARIES = lazy_pattern(rf"(?<![\w/.-])lib[a-z][\w+-]{{2,}}{_FOLLOWED}")
_REST = lazy_pattern(
    r"(?:everything else|all (?:the )?other (?:files|code|parts)|the rest(?: of (?:the |this )?\w+(?: \w+)?)?"
    r"|the remaining (?:files|code)|remaining (?:files|code))"
    r"(?: in [^.]{0,40})? (?:is|are)(?: \w+)? (?:licen[sc]ed|under|available|covered|distributed|released|published).{0,400}"
)
_WITHOUT_VERSION = lazy_pattern(
    r"(?:under|terms of|licen[sc]e:|licen[sc]ed|subject to|conditions of)(?: the terms of| the conditions of| terms of)? "
    rf"(?:{NAMES_OF_GNU.format('4')}|(?:the )?(?:gnu )?(?P<short4>l?gpl)(?![\w-]))"
)
_ANY_VERSION = lazy_pattern(r"licen[sc]e.{0,80}\bversions? \d|\bl?gpl ?v\.? ?\d")
_SECTION = lazy_pattern(r"^License:[ \t]*\n((?:[ \t]*\n|[ \t]+\S[^\n]*\n)+)", re.MULTILINE)
_OTHER_SECTION = lazy_pattern(r"^[ \t]*licen[sc]e (?:of|for) [^\n]{1,100}:[ \t]*$", re.MULTILINE | re.IGNORECASE)
_FIELD = lazy_pattern(r"^License:[ \t]*(\S[^\n]{0,60}\d[^\n]{0,20})$", re.MULTILINE)
_PARTS = lazy_pattern(r"[-_]")
_SHORTEST_NAME = 5  # letters of a library's name, "lib" included, that a sentence may name it by
_RESTRICTED = lazy_pattern(
    r"(?<!commercial and )(?<!commercial or )(?<!commercial/)(?<!and/or )\bnon-?commercial (?:purposes?|use)\b(?! (?:and|or) )"
    r"|\b(?:not|nor|neither)\b[^.]{0,200}\b(?:reverse[- ]engineer|decompile|disassemble)"
)
_MOST_TERMS = 64 * 1024
"""Characters in which such terms stand."""
_NEAR = 200
"""Characters behind the beginning of a second licence in which its choice may be given."""


def granted_to_library(text: str) -> str | None:
    """The GNU licence of a sentence that begins "This library is free software": that of the library where a file speaks of programs too; None
    where there is no such sentence or two that differ."""
    plain = plain_without_pointers(text)
    found = {name for sentence in _THIS_LIBRARY.findall(plain) for name in gnu_grants_in(sentence)}
    return found.pop() if len(found) == 1 else None


def granted_by_name(text: str, soname: str) -> str | None:
    """The licence of the sentence that names a library: "libexample is under the GNU Lesser General Public License, v2.1", or of the grant that
    stands behind "the files required for libexample are available under the following license:" or "the files in lib/libexample/ have the
    following license:", where the project's name may stand before the directory's; None where there is none or two."""
    stem = soname.partition(".so")[0].lower().rstrip("0123456789.-")
    if len(stem) < _SHORTEST_NAME or not stem.startswith("lib"):
        return None
    plain = plain_without_pointers(text)
    directories = [re.escape(stem)]
    part = _PARTS.split(stem)[-1]
    if part != stem and len(part) >= _SHORTEST_NAME:
        directories.append(f"lib{re.escape(part)}")
    named = re.compile(
        rf"(?<![\w/.-]){re.escape(stem)}(?![\w/.-]){_FOLLOWED}"
        rf"|files in (?:[\w.-]{{1,40}}/){{0,3}}(?:{'|'.join(directories)})/ have the following licen[sc]e.{{0,400}}"
    )
    said = _only(_first_of(match[0]) for match in named.finditer(plain))
    return said or _unversioned_of_part(plain, f"lib{part.removeprefix('lib')}")


def _unversioned_of_part(plain: str, name: str) -> str | None:
    """The GNU licence, in words without a version, of the one sentence that names a library, or the last part of its name with "lib" before it:
    "libpart is licensed under the GNU LGPL" for libexample_part."""
    if len(name) < _SHORTEST_NAME + 1:
        return None
    sentence = re.compile(rf"(?<![\w/.-]){re.escape(name)} is licen[sc]ed ([^.]{{0,80}})\. ")
    said = {match[1] for match in sentence.finditer(plain)}
    return unversioned_grant(said.pop()) if len(said) == 1 else None


def granted_by_field(text: str) -> str | None:
    """The licence of the one heading "License:" of a file that is written freely, as dh_make's template has it with the text below, or of the one
    line "License: GPL-2", where its name says a version; None where there is none or two that differ."""
    sections = [match[1] for match in _SECTION.finditer(text[:LONGEST])]
    # "License of the library:" beside it says more.
    granted = recognise_text(sections[0]) if len(sections) == 1 and _OTHER_SECTION.search(text) is None else ()
    if len(granted) == 1:
        return granted[0]
    names = {match[1].strip() for match in _FIELD.finditer(text[:LONGEST])}
    named = read_license_name(names.pop()) if len(names) == 1 else None
    return None if named is None or named.unknown else named.expression


def _first_of(plain: str) -> str | None:
    """The licence that stands first in a piece of text."""
    return min(recognised_in(plain), key=lambda name: place_of(name, plain), default=None)


def _only(names: Iterator[str | None]) -> str | None:
    found = {name for name in names if name is not None}
    return found.pop() if len(found) == 1 else None


def granted_to_rest(text: str) -> str | None:
    """The licence that a text with several gives "everything else", where libraries are named that have another one or nothing is said to be a
    library's; None where it does not say so, or twice."""
    plain = plain_without_pointers(text)
    if "this library is free software" in plain and _LIBRARIES.search(plain) is None:
        return None
    return _only(_first_of(match[0]) for match in _REST.finditer(plain))


def unversioned_grant(text: str) -> str | None:
    """The GNU licence that a text grants in words without any version: any version then (section 9 of the GPL's version 2, 13 of the LGPL's)."""
    plain = plain_without_pointers(text)
    if _ANY_VERSION.search(plain) is not None:
        return None  # one that the grammar does not have, or that there never was
    families = {(match["short4"] or family_of(match["kind4"])).upper() for match in _WITHOUT_VERSION.finditer(plain)}
    named = read_license_name(families.pop()) if len(families) == 1 else None
    return named.expression if named is not None and not named.unknown else None


def unversioned_grant_before(text: str, names: Sequence[str]) -> str | None:
    """The same where it stands before all of some licences that were recognised in the text: that of the whole, those of single parts follow it."""
    granted = unversioned_grant(text)
    if granted is None:
        return None
    plain = plain_without_pointers(text)
    grant = _WITHOUT_VERSION.search(plain)
    return granted if grant is not None and all(grant.start() < place_of(name, plain) for name in names) else None


def is_restricted(text: str) -> bool:
    """Whether a text keeps commercial use, or what may be learned from the binary, for its owner; "commercial and non-commercial" use is any."""
    return _RESTRICTED.search(plain_without_pointers(text), 0, _MOST_TERMS) is not None


def first_grant(text: str) -> str | None:
    """The licence that stands first in a text that has several and gives no choice of them: that of the whole, those of single files follow it.

    None where it gives a choice; where the first is a strong copyleft and a weak one follows, which is as often the library's; and where the first
    is a permissive one and a copyleft follows.
    """
    plain = plain_without_pointers(text)
    found = recognised_in(plain)
    if len(found) < 2:
        return found[0] if found else None
    first, second = sorted(found, key=lambda name: place_of(name, plain))[:2]
    mild = license_class(first) in ("permissive", "public-domain")
    if _CHOICE.search(plain, 0, len(plain) if mild else place_of(second, plain) + _NEAR):
        return None
    classes = {license_class(name) for name in found}
    kind = license_class(first)
    if kind in ("permissive", "public-domain"):
        return first if classes <= {"permissive", "public-domain"} else None
    return None if kind == "unknown" or (kind == "strong-copyleft" and "weak-copyleft" in classes) else first
