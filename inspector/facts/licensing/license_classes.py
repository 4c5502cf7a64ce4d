"""The class of an SPDX licence expression: how much it asks of whoever passes the code on.  Knows no library and reads no artifact.

Expressions follow SPDX 2.3, annex D, with the operators in any case; identifiers are classified by ``rules/licenses/classes.toml``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Literal

from inspector.resources import load_table

LicenseClass = Literal[
    "public-domain", "permissive", "weak-copyleft", "unknown", "strong-copyleft", "network-copyleft", "proprietary"
]

# From the mildest to the strictest.  "unknown" stands before the strong ones: MIT AND unknown is unknown, GPL AND unknown is strong copyleft at the
# least; and of an OR the known milder branch may be chosen, so that MIT OR unknown is permissive, but GPL OR unknown is unknown.
CLASS_ORDER: tuple[LicenseClass, ...] = (
    "public-domain",
    "permissive",
    "weak-copyleft",
    "unknown",
    "strong-copyleft",
    "network-copyleft",
    "proprietary",
)
_RANK = {name: rank for rank, name in enumerate(CLASS_ORDER)}

_TABLE = "licenses/classes.toml"
_TOKEN = re.compile(r"\s*([()]|[A-Za-z0-9][A-Za-z0-9.+:-]*)")
_LONGEST = 4096  # characters; the longest expression of a PyPI wheel that was seen has 400
_DEEPEST = 32  # parentheses within parentheses


class _NoExpression(Exception):
    """The text does not follow the grammar."""


@lru_cache(maxsize=4096)
def license_class(expression: str | None) -> LicenseClass:
    """The class of an expression: of OR the mildest branch, of AND the strictest; WITH as the table of exceptions says.

    None, the empty text, "NONE", "NOASSERTION" and what is no expression are "unknown".
    """
    if not expression or len(expression) > _LONGEST:
        return "unknown"
    try:
        return _Expression(expression).read()
    except _NoExpression:
        return "unknown"


def strictest(classes: list[LicenseClass]) -> LicenseClass:
    """The one that asks most; "unknown" of nothing."""
    return max(classes, key=_RANK.__getitem__, default="unknown")


class _Expression:
    """A recursive descent over the tokens of one expression; binds WITH before AND before OR (SPDX 2.3, D.4.5)."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        at = 0
        text = text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise _NoExpression
            self._tokens.append(match[1])
            at = match.end()
        self._next = 0

    def read(self) -> LicenseClass:
        found = self._or(0)
        if self._next != len(self._tokens):
            raise _NoExpression
        return found

    def _operator(self, name: str) -> bool:
        if self._next < len(self._tokens) and self._tokens[self._next].upper() == name:
            self._next += 1
            return True
        return False

    def _take(self) -> str:
        if self._next >= len(self._tokens):
            raise _NoExpression
        self._next += 1
        return self._tokens[self._next - 1]

    def _or(self, depth: int) -> LicenseClass:
        found = self._and(depth)
        while self._operator("OR"):
            found = min(found, self._and(depth), key=_RANK.__getitem__)
        return found

    def _and(self, depth: int) -> LicenseClass:
        found = self._simple(depth)
        while self._operator("AND"):
            found = max(found, self._simple(depth), key=_RANK.__getitem__)
        return found

    def _simple(self, depth: int) -> LicenseClass:
        token = self._take()
        if token == "(":  # noqa: S105 - a parenthesis, not a password
            if depth >= _DEEPEST:
                raise _NoExpression
            found = self._or(depth + 1)
            if self._take() != ")":
                raise _NoExpression
            return found
        if token == ")" or token.upper() in ("AND", "OR", "WITH"):  # noqa: S105
            raise _NoExpression
        found = _class_of_identifier(token)
        if self._operator("WITH"):
            return _class_with_exception(found, self._take())
        return found


def _class_of_identifier(identifier: str) -> LicenseClass:
    return _classifier("classes")(identifier.removesuffix("+")) or "unknown"


def _class_with_exception(base: LicenseClass, exception: str) -> LicenseClass:
    """An exception lowers copyleft at most; it never makes a permissive licence stricter, nor an unknown one known."""
    effect = _classifier("exceptions")(exception)
    if effect in ("permissive", "weak-copyleft") and base in ("weak-copyleft", "strong-copyleft", "network-copyleft"):
        return min(base, effect, key=_RANK.__getitem__)
    return base


@cache
def _classifier(section: str) -> Callable[[str], LicenseClass | None]:
    """A function from an identifier, in any case, to its class of one section of the table."""
    from fnmatch import translate

    exact: dict[str, LicenseClass] = {}
    patterns: list[tuple[Callable[[str], object], LicenseClass]] = []
    for name, identifiers in load_table(_TABLE)[section].items():
        globs = [identifier.lower() for identifier in identifiers if any(sign in identifier for sign in "*[")]
        exact.update((identifier.lower(), name) for identifier in identifiers if identifier.lower() not in globs)
        patterns.append((re.compile("|".join(translate(glob) for glob in globs)).fullmatch, name))

    @lru_cache(maxsize=1024)
    def classify(identifier: str) -> LicenseClass | None:
        lowered = identifier.lower()
        found = exact.get(lowered)
        if found is not None:
            return found
        return next((name for matches, name in patterns if matches(lowered)), None)

    return classify
