"""What the text beside a GNU licence's short name grants: "LGPL-2.1" over a text with "or any later version" is LGPL-2.1-or-later.

In a machine-readable copyright file (copyright-format 1.0, "License specification") the short name is a nickname and the text beside it, or in the
stand-alone paragraph of that name, is the grant. Where the two differ, the text goes before. Where there is no text, or only where to find one, the
name says it: "LGPL-2.1" is that version alone, "LGPL-2.1+" that one or a later.
"""

from __future__ import annotations

import re

from inspector.facts.licensing.debian_copyright_texts import gnu_grants, recognise_text

_LONGEST = 64 * 1024
"""Characters of a text that are looked at; a grant stands at its beginning."""
_TERMS = re.compile(
    r"how to apply these terms|terms and conditions for copying|\bpreamble\b|general public licen[sc]e\s+version \d(?:\.\d)?, \d+ [a-z]+ \d{4}",
    re.IGNORECASE,
)
"""Where a complete licence text begins or ends: what follows speaks of any program, not of this one."""
_POINTER = re.compile(r"(?:\A|(?<=[.;:]\s))(?:[^.;:]|[.;:](?!\s))*/common-licenses/\S*")
"""A sentence that names the place of a text."""
_GRANT = re.compile(
    r"under\s+(?:the\s+)?(?:same\s+)?(?:terms|conditions|gnu|version|lesser|either)|terms\s+(?:and\s+conditions\s+)?of|licen[cs]ed\s+(?:under|as)|either\s+version",
    re.IGNORECASE,
)
_GNU = re.compile(r"(?P<family>A?GPL|LGPL)-(?P<version>\d\.\d)-(?P<ending>only|or-later)")
_TOLD_APART = frozenset(
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
_LATER = re.compile(r"\blater|newer|higher|greater|above|subsequent|upwards?\b|any version|\d\+", re.IGNORECASE)


def granted_expression(named: str, text: str) -> str:
    """The licence that ``text`` grants, of the family that ``named`` is of; ``named`` where the text does not say another.

    :param named: SPDX identifier that the short name stands for; one that is neither of the GNU licences nor of the short texts that are taken
        for each other (MIT, X11, BSD with two or three clauses) is given back as it is.
    :param text: the licence text that the file has for it, or "".
    """
    if not text:
        return named
    if named in _TOLD_APART:
        told = recognise_text(text[:_LONGEST])
        return told[0] if len(told) == 1 and told[0] in _TOLD_APART else named
    name = _GNU.fullmatch(named)
    if name is None:
        return named
    text = _POINTER.sub(" ", _TERMS.split(text[:_LONGEST], maxsplit=1)[0])
    if _GRANT.search(text) is None:
        return named
    family = {grant for grant in gnu_grants(text) if grant.startswith(f"{name['family']}-")}
    if len(family) != 1:
        return named
    granted = family.pop()
    if granted.endswith("-only") and name["ending"] == "or-later" and _LATER.search(text):
        # A later version is spoken of in words that the grammar does not have.
        return granted.replace("-only", "-or-later")
    return granted
