"""What the text beside a GNU licence's short name grants: "LGPL-2.1" over a text with "or any later version" is LGPL-2.1-or-later.

In a machine-readable copyright file (copyright-format 1.0, "License specification") the short name is a nickname and the text beside it, or in the
stand-alone paragraph of that name, is the grant. Where the two differ, the text goes before: a version, an exception that stands behind it, and of
short texts that are much alike the one that is there word for word. Where there is no text, or only where to find one, the
name says it: "LGPL-2.1" is that version alone, "LGPL-2.1+" that one or a later.
"""

from __future__ import annotations

import re

from inspector.facts.licensing.debian_copyright.license_names import read_license_name
from inspector.facts.licensing.debian_copyright.running_texts import gnu_grants, recognise_text
from inspector.facts.licensing.debian_copyright.sentences import first_grant
from inspector.facts.licensing.license_classes import license_class
from inspector.patterns import lazy_pattern
from inspector.resources import load_table

_LONGEST = 64 * 1024
"""Characters of a text that are looked at; a grant stands at its beginning."""
_TERMS = lazy_pattern(
    r"how to apply these terms|terms and conditions for copying|\bpreamble\b|general public licen[sc]e\s+version \d(?:\.\d)?, \d+ [a-z]+ \d{4}",
    re.IGNORECASE,
)
"""Where a complete licence text begins or ends: what follows speaks of any program, not of this one."""
_POINTER = lazy_pattern(r"(?:\A|(?<=[.;:]\s))(?:[^.;:]|[.;:](?!\s))*/common-licenses/\S*")
"""A sentence that names the place of a text."""
_GRANT = lazy_pattern(
    r"under\s+(?:the\s+)?(?:same\s+)?(?:terms|conditions|gnu|version|lesser|either)|terms\s+(?:and\s+conditions\s+)?of|licen[cs]ed\s+(?:under|as)|either\s+version",
    re.IGNORECASE,
)
_EXCEPTED = ("Apache-2.0",)
"""Licences beside the GNU ones that texts of exceptions stand behind."""
_CECILL_VERSION = lazy_pattern(r"CECILL-\d\.\d")
_LATER_CECILL = ("CECILL-2.1",)  # versions that only a name with a number means
_GNU = lazy_pattern(r"(?P<family>A?GPL|LGPL)-(?P<version>\d\.\d)-(?P<ending>only|or-later)")
TOLD_APART = frozenset(
    (
        "MIT",
        "X11",
        "ISC",
        "HPND",
        "HPND-sell-variant",
        "BSD-1-Clause",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSD-4-Clause",
        "Zlib",
        "NCSA",
        "BSL-1.0",
        "0BSD",
        "Minpack",
        "SMLNJ",
        "X11-distribute-modifications-variant",
    )
)
"""Short texts that are taken for each other: a text that is recognised as one of them goes before a name that means another."""
_LATER = lazy_pattern(
    r"\blater|newer|higher|greater|\b(?:or|and)\s+above|subsequent|upwards?\b|any version|\d\+", re.IGNORECASE
)
_EXCEPTION = lazy_pattern(r"\bexception\b|\bin addition\b|\badditional permission|\bgives? permission\b", re.IGNORECASE)
_ALTERNATIVELY = lazy_pattern(
    r"\balternatively,?\s+(?:provided\s+that\s[^,.]{1,80},\s+)?(?:this|the)\s+(?:product|software|work|file|code|program)\s+may\s+be\s+(?:distributed|used)\s+"
    r"under\s+the\s+terms\s+of\s+(?=the\s+(?:gnu\s+general\s+public|gnu\s+gpl|gpl))",
    re.IGNORECASE,
)
_BSD_OPENING = (
    "Redistribution and use in source and binary forms, with or without modification,"
    " are permitted provided that the following conditions are met:\n"
)
_BSD = lazy_pattern(r"redistribution\s+and\s+use\s+in\s+source\s+and\s+binary\s+forms", re.IGNORECASE)
_BEHIND_OPENING = lazy_pattern(
    r"\s*(?:(?:with\s+or\s+without\s+)?modification,\s+are\s+permitted\s+provided\s+that\s+the\s+following\s+conditions\s+are\s+met:"
    r"|(?=\W*(?:1\W+)?redistributions\s+of\s+source\s+code\s+must\s+retain))",
    re.IGNORECASE,
)
"""Where a BSD licence goes on whose first line was lost between a file and what it was copied to."""
_ACKNOWLEDGED = lazy_pattern(
    r"\bfollowing\s+acknowledge?ment", re.IGNORECASE
)  # one that BSD's three clauses do not ask for
_HEADING = lazy_pattern(r"^[ \t]*license:[ \t]*$", re.IGNORECASE | re.MULTILINE)
"""What stands before the licence in dh_make's old template, which some files have as the text of "Files: *"; licences of single files follow it."""
_ENDORSE = lazy_pattern(r"\bendorse\s+or\s+promote\b", re.IGNORECASE)
_GPL_VERSION = lazy_pattern(r"gpl-?v?([123](?:\.0)?\+?)(?![\w.])", re.IGNORECASE)
_MOST_REST = 0.3  # share of a licence's text that may be something else
_MANY_VERSIONS = lazy_pattern(r"(?:A|L)?GPL-|GFDL-")
_COPYRIGHT = lazy_pattern(r"^\W*(?:copyright|\(c\)|©|all rights reserved).{0,120}$", re.IGNORECASE | re.MULTILINE)


def granted_expression(named: str, text: str) -> str:
    """The licence that ``text`` grants, of the family that ``named`` is of; ``named`` where the text does not say another.

    :param named: SPDX identifier that the short name stands for; one that is neither of the GNU licences, nor of CeCILL's, nor of the short texts
        that are taken for each other (MIT, X11, BSD with two or three clauses) is given back as it is.
    :param text: the licence text that the file has for it, or "".
    """
    if not text:
        return named
    if named in TOLD_APART:
        return _told_apart(named, text[:_LONGEST])
    if named.startswith("CECILL-"):
        return _version_of_text(named, text[:_LONGEST])
    name = _GNU.fullmatch(named)
    if name is None:
        return named + _exception_beside(text[:_LONGEST], named) if named in _EXCEPTED else named
    granted = _granted_version(named, name, text)
    return granted if " OR " in granted else granted + _exception_beside(text[:_LONGEST], granted)


def _version_of_text(named: str, text: str) -> str:
    """The version of a licence whose complete text stands there: "CeCILL" is the name of four, and read as version 2.0. Where a name says a later one
    than the text, the name: an older text may have been left over from before, and no name comes before its time."""
    found = [one for one in recognise_text(text) if one.startswith(named.partition("-")[0])]
    if len(found) == 1 and _CECILL_VERSION.fullmatch(found[0]) and named > found[0] and named in _LATER_CECILL:
        return named
    return found[0] if len(found) == 1 else named


def _granted_version(named: str, name: re.Match[str], text: str) -> str:
    text = _TERMS.split(text[:_LONGEST], maxsplit=1)[0]
    text = _POINTER.sub(" ", text) if "/common-licenses/" in text else text
    if _GRANT.search(text) is None:
        return named
    grants = gnu_grants(text)
    family = {grant for grant in grants if grant.startswith(f"{name['family']}-")}
    if len(family) != 1:
        # The text of the GPL stands below the LGPL's name by oversight: of the same version, it says whether a later one may be taken.
        is_of_sibling = name["family"] == "LGPL" and grants == (f"GPL-{name['version']}-or-later",)
        return f"LGPL-{name['version']}-or-later" if is_of_sibling else named
    granted = family.pop()
    if " OR " not in granted and granted.endswith("-only") and name["ending"] == "or-later" and _LATER.search(text):
        # A later version is spoken of in words that the grammar does not have.
        return granted.replace("-only", "-or-later")
    return granted


def _exception_beside(text: str, granted: str) -> str:
    """What stands behind a grant as " WITH …": the one exception of the SPDX list whose text is there, word for word; those for the output of build
    systems left out, and all where the text quotes grants of several GNU licences, of which the exception may belong to another."""
    if _EXCEPTION.search(text) is None or len({grant.partition("-")[0] for grant in gnu_grants(text)}) > 1:
        return ""
    from inspector.facts.licensing.text_recognition import recognise_license_texts

    table = load_table("licenses/license_phrases.toml")
    texts = [one for one in recognise_license_texts(text).texts if one.kind == "exception" and one.exact]
    names = {table["same_exceptions"].get(one.identifiers[0], one.identifiers[0]) for one in texts}
    if not names:
        told = recognise_text(text)
        names = {told[0].partition(" WITH ")[2]} if len(told) == 1 and told[0].startswith(f"{granted} WITH ") else names
    names -= set(table["exceptions_of_build_systems"]["names"])
    if len(names) != 1:
        return ""
    name = names.pop()
    if name == "Classpath-exception-2.0" and granted.startswith("LGPL"):
        return " WITH LGPL-3.0-linking-exception" if granted.startswith("LGPL-3.0") else ""
    return f" WITH {name}"


def choice_of_texts(text: str, name: str = "") -> str | None:
    """A BSD licence or the GPL, where a text goes on "Alternatively, this product may be distributed under the terms of the GNU General Public
    License"; None where it does not.

    :param name: the short name, which may say the version: "BSD-or-GPL2".
    """
    parts = _ALTERNATIVELY.split(text[:_LONGEST], maxsplit=1)
    if len(parts) != 2 or _BSD.search(parts[0]) is None:
        return None
    clauses = "BSD-3-Clause" if _ENDORSE.search(parts[0]) else "BSD-2-Clause"
    granted = [one for one in gnu_grants(parts[1]) if one.startswith("GPL-")]
    version = _GPL_VERSION.search(name)
    gnu = read_license_name(f"GPL-{version[1]}") if version else None
    said = gnu.expression if gnu is not None else granted[0] if len(granted) == 1 else "GPL-1.0-or-later"
    return f"{clauses} OR {said}"


def _told_apart(named: str, text: str) -> str:
    """Of short texts that are taken for each other the one that stands there: word for word where the list has it, else by its phrases."""
    if named.startswith("BSD-"):
        text = _BEHIND_OPENING.sub(_BSD_OPENING, text, count=1) if _BEHIND_OPENING.match(text) else text
    choice = choice_of_texts(text) if named.startswith("BSD-") else None
    if choice is not None:
        return choice
    told = recognise_text(text)
    heading = _HEADING.search(text) if len(told) > 1 and named in told else None
    first = first_grant(text[heading.end() :]) if heading is not None else None
    if first in TOLD_APART:
        return first
    if told == (named,) and not _is_longer_than(named, text) and _ACKNOWLEDGED.search(text) is None:
        return named
    return longer_license(text) or (told[0] if len(told) == 1 and told[0] in TOLD_APART else named)


def longer_license(text: str, most_rest: float = _MOST_REST) -> str | None:
    """The licence of the SPDX list whose text a file has, where it is one that has all phrases of a better known one and says more; else None."""
    quoted = quoted_license(text, most_rest)
    return None if quoted is None or quoted in TOLD_APART else quoted


def _is_longer_than(named: str, text: str) -> bool:
    """Whether a text has more words than the standard one, its copyright lines left out: it may be another licence's, which has all its phrases."""
    most: int = load_table("licenses/license_phrases.toml")["words"].get(named, 0)
    return len(_COPYRIGHT.sub("", text).split()) > most


def first_quoted_license(text: str) -> str | None:
    """The licence whose standard text stands first, word for word, where all texts of a file are of permissive licences: that of the whole, those of
    single files follow it."""
    from inspector.facts.licensing.text_recognition import recognise_license_texts

    texts = [one for one in recognise_license_texts(text).texts if one.kind == "license"]
    classes = {license_class(one.identifiers[0]) for one in texts}
    if not texts or not texts[0].exact or len(texts[0].identifiers) != 1 or classes != {"permissive"}:
        return None
    return texts[0].identifiers[0]


def quoted_license(text: str, most_rest: float = _MOST_REST) -> str | None:
    """The one licence whose standard text makes up most of a text, or stands there word for word among others; None for GNU licences, whose version
    the text does not tell."""
    from inspector.facts.licensing.text_recognition import recognise_license_texts

    found = recognise_license_texts(text)
    if len(found.identifiers) != 1 or found.rest > most_rest:
        return None
    if found.rest > _MOST_REST and not all(one.exact for one in found.texts):
        return None
    names = found.identifiers[0]
    if len(names) != 1 or _MANY_VERSIONS.match(names[0]):
        return None
    named = read_license_name(names[0])
    return named.expression if named is not None and not named.unknown else None
