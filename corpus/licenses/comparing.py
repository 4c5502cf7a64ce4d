"""When two licence expressions say the same, and when two names mean the same project.

Expressions are compared as sets of alternatives (the disjunctive normal form): order, repetition and parentheses do not matter, and branches that
leave the choice to somebody else are dropped (``LicenseRef-Qt-Commercial``, KDE's "or any version accepted"). Nothing else is forgiven:
LGPL-2.0-or-later and LGPL-2.1-or-later are two licences.
"""

from __future__ import annotations

import re
from functools import lru_cache

_TOKEN = re.compile(r"\(|\)|[^\s()]+")
_DROPPED = re.compile(r"LicenseRef-(?:Qt-Commercial|KDE-Accepted-L?GPL)")

Alternatives = frozenset[frozenset[str]]


def same_license(one: str, other: str) -> bool:
    """Whether two SPDX expressions give the same choices."""
    return alternatives(one) == alternatives(other)


@lru_cache(maxsize=4096)
def alternatives(expression: str) -> Alternatives:
    """The choices that an expression gives, each a set of licences that hold together."""
    tokens = _TOKEN.findall(expression)
    found, rest = _either(tokens, 0)
    if rest != len(tokens):
        raise ValueError(f"no SPDX expression: {expression!r}")
    kept = frozenset(choice for choice in found if not any(_DROPPED.fullmatch(name) for name in choice))
    return kept or found


def _either(tokens: list[str], at: int) -> tuple[Alternatives, int]:
    found, at = _both(tokens, at)
    while at < len(tokens) and tokens[at].upper() == "OR":
        more, at = _both(tokens, at + 1)
        found |= more
    return found, at


def _both(tokens: list[str], at: int) -> tuple[Alternatives, int]:
    found, at = _one(tokens, at)
    while at < len(tokens) and tokens[at].upper() == "AND":
        more, at = _one(tokens, at + 1)
        found = frozenset(a | b for a in found for b in more)
    return found, at


def _one(tokens: list[str], at: int) -> tuple[Alternatives, int]:
    if at >= len(tokens):
        raise ValueError("an expression ends too early")
    if tokens[at] == "(":
        found, at = _either(tokens, at + 1)
        if at >= len(tokens) or tokens[at] != ")":
            raise ValueError("a parenthesis is not closed")
        return found, at + 1
    name, at = tokens[at], at + 1
    if at + 1 < len(tokens) and tokens[at].upper() == "WITH":
        name, at = f"{name} WITH {tokens[at + 1]}", at + 2
    return frozenset([frozenset([name])]), at


def plain_name(name: str) -> str:
    """A project's name without case, punctuation, "lib" before it and a version behind it."""
    plain = re.sub(r"\([^)]*\)", "", name.lower())
    plain = re.sub(r"-(?:opensource|everywhere)-src$|-kf[56]$", "", plain.strip())
    plain = re.sub(r"[^a-z0-9+]", "", plain)
    plain = re.sub(r"^(?:lib|gnu)(?=.{2})", "", plain)
    return re.sub(r"(?<=[a-z+])\d+$", "", plain)
