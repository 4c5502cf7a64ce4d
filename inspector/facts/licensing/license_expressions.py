"""SPDX licence expressions as trees: which licences stand in them, and whether somebody who may use some of them may use the whole.

The grammar is SPDX 2.3, annex D, with the operators in any case, and ``AdditionRef-`` behind WITH (SPDX 3.0).  Identifiers are taken as they stand;
whether the list has them, :func:`inspector.facts.licensing.canonical_expressions.canonical_expression` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

from msgspec import Struct

from inspector.patterns import lazy_pattern

_TOKEN = lazy_pattern(r"\s*([()]|[A-Za-z0-9][A-Za-z0-9.+:-]*)")
LONGEST_EXPRESSION = 4096  # characters; the longest one of a PyPI wheel that was seen has 400
_DEEPEST = 32  # parentheses within parentheses


class LicenseTerm(Struct, frozen=True):
    """One licence.

    :ivar identifier: "GPL-2.0-or-later", "LicenseRef-…".
    :ivar exception: what stands behind WITH, or "".
    """

    identifier: str
    exception: str = ""

    def __str__(self) -> str:
        return f"{self.identifier} WITH {self.exception}" if self.exception else self.identifier


class AnyOf(Struct, frozen=True):
    """OR: whoever receives it chooses one."""

    parts: tuple[LicenseTree, ...]

    def __str__(self) -> str:
        return " OR ".join(map(str, self.parts))


class AllOf(Struct, frozen=True):
    """AND: all hold together."""

    parts: tuple[LicenseTree, ...]

    def __str__(self) -> str:
        return " AND ".join(f"({part})" if isinstance(part, AnyOf) else str(part) for part in self.parts)


LicenseTree = LicenseTerm | AnyOf | AllOf


class _NoExpression(Exception):
    """The text does not follow the grammar."""


@lru_cache(maxsize=4096)
def parse_license_expression(text: str | None) -> LicenseTree | None:
    """The tree of an expression; None for None, "NONE", "NOASSERTION" and what is no expression."""
    if not text or len(text) > LONGEST_EXPRESSION or text.strip().upper() in ("NONE", "NOASSERTION"):
        return None
    try:
        return _Parser(text).read()
    except _NoExpression:
        return None


def license_terms(tree: LicenseTree) -> Iterator[LicenseTerm]:
    """Every licence of a tree, in the order of the expression."""
    if isinstance(tree, LicenseTerm):
        yield tree
        return
    for part in tree.parts:
        yield from license_terms(part)


def may_be_used(tree: LicenseTree, allowed: Callable[[LicenseTerm], bool]) -> bool:
    """Whether the licences that are allowed suffice: of OR one branch, of AND all of them."""
    if isinstance(tree, LicenseTerm):
        return allowed(tree)
    if isinstance(tree, AnyOf):
        return any(may_be_used(part, allowed) for part in tree.parts)
    return all(may_be_used(part, allowed) for part in tree.parts)


def refused_terms(tree: LicenseTree, allowed: Callable[[LicenseTerm], bool]) -> tuple[LicenseTerm, ...]:
    """The licences that stand in the way of the whole; none where it may be used."""
    if may_be_used(tree, allowed):
        return ()
    if isinstance(tree, LicenseTerm):
        return (tree,)
    refused = [term for part in tree.parts for term in refused_terms(part, allowed)]
    return tuple(dict.fromkeys(refused))


class _Parser:
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

    def read(self) -> LicenseTree:
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

    def _or(self, depth: int) -> LicenseTree:
        parts = [self._and(depth)]
        while self._operator("OR"):
            parts.append(self._and(depth))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _and(self, depth: int) -> LicenseTree:
        parts = [self._simple(depth)]
        while self._operator("AND"):
            parts.append(self._simple(depth))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _simple(self, depth: int) -> LicenseTree:
        token = self._take()
        if token == "(":  # noqa: S105 - a parenthesis, not a password
            if depth >= _DEEPEST:
                raise _NoExpression
            found = self._or(depth + 1)
            if self._take() != ")":
                raise _NoExpression
            return found
        return LicenseTerm(self._name(token), self._name(self._take()) if self._operator("WITH") else "")

    @staticmethod
    def _name(token: str) -> str:
        if token in ("(", ")") or token.upper() in ("AND", "OR", "WITH"):
            raise _NoExpression
        return token
