"""Licence names of Debian's copyright files as SPDX expressions: "GPL-2+ with OpenSSL exception", "LGPL-2.1+ or GPL-2", "Expat, and BSD-3-clause".

Precedence as the format has it (copyright-format 1.0, "License specification", Syntax): "and" binds before "or", and a comma before either of them
makes it bind last: "A or B, and C" is "(A or B) AND C".  The names are ``rules/licenses/debian_names.toml``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from msgspec import Struct

from inspector.facts.licensing.debian_copyright.single_names import (
    GNU_NAME,
    is_ambiguous,
    known_license,
    known_names,
    listed_exceptions,
)
from inspector.patterns import lazy_pattern
from inspector.resources import load_table

_LONGEST = 2000  # characters of a name; the longest of Debian 12 has 300
_DEEPEST = 16
_TOKEN = lazy_pattern(r"\s*(,\s*(?:and|or)\b|\band\b|\bor\b|[(),|]|[^\s,()|]+)", re.IGNORECASE)
_JOINED = lazy_pattern(r"(?<=[^\s_-])[_-]+(with|or|and)[_-]+(?!later)(?=[^\s])", re.IGNORECASE)
_VARIANT = lazy_pattern(r"([al]?gpl-\d(?:\.\d)?\+?|bsd-[234]-clause|expat|public-domain)[-~](?!.*except)[a-z0-9.~-]+")
"""A known name with a holder's or a variant's name behind it ("BSD-3-clause-Google"): the same terms, other words."""
_EXCEPTED = lazy_pattern(
    r"(?P<base>(?:[al]?gpl|apache|mpl)(?:[-_ ]?v?\d(?:\.\d)*)?(?:-only|-or-later|\+)?)(?:[-_~+ ]*)(?:with[-_~ ]+)?"
    r"(?P<exception>(?!with)[a-z][a-z0-9._~+-]*excep[a-z0-9._~+-]*|excep[a-z0-9._~+-]*)",
    re.IGNORECASE,
)
"""An exception behind a name, however it is joined to it: "GPL-2.0+exceptions", "GPL-2+~OpenSSL-Exception", "LGPL-2.1-QTexception-1.1"."""
_ADDED = lazy_pattern(
    r",?\s+and\s+(?:(exception)s?[-_ ]([a-z0-9._+-]+)|([a-z0-9._+-]*exception[a-z0-9._+-]*))(?=\s|$)", re.IGNORECASE
)
"""An exception that stands behind "and" as if it were a licence of its own: "GPL-2 and exception-universal-FOSS"."""
_IN_BRACKETS = lazy_pattern(r"\s*\(\s*with\s+([^()]*)\)", re.IGNORECASE)
_POINTER = lazy_pattern(r"\s*\(\s*see\s[^()]*\)", re.IGNORECASE)  # "LGPL-2.1 (see COPYING)"
_VERSION = lazy_pattern(r"v?[1-3](?:\.[01])?\+?", re.IGNORECASE)
_SEPARATORS = lazy_pattern(r"[\s_~-]+")
_EXCEPTION_WORD = lazy_pattern(r"(?:\b|(?<=[a-z]))exceptions?\b")
PUBLIC_DOMAIN = "LicenseRef-PublicDomain"
_REFERENCE = lazy_pattern(r"[^A-Za-z0-9.]+")

TextOf = Callable[[str], str | None]
"""From a short name that the table does not have to the expression that its licence text is recognised as, or None."""
GrantOf = Callable[[str, str], str]
"""From a short name and the licence that it stands for to what the licence text grants, which may be another version."""


class NamedLicense(Struct, frozen=True):
    """What a License field's first line says.

    :ivar expression: a valid SPDX expression; names that nobody knows are ``LicenseRef-Debian-…``, so that AND and OR are kept.
    :ivar unknown: the names and exceptions that could not be read, as written; an exception that is not known is left out of the expression, which
        then asks for more than the licence does, never for less.
    """

    expression: str
    unknown: tuple[str, ...] = ()


def read_license_name(text: str, text_of: TextOf | None = None, grant_of: GrantOf | None = None) -> NamedLicense | None:
    """The SPDX expression of a License field's first line; None for an empty one or one that is no list of names."""
    if not text.strip() or len(text) > _LONGEST:
        return None
    whole = known_names().get(" ".join(text.lower().split()))
    if whole is not None and not (text_of is not None and is_ambiguous(text)):
        return NamedLicense(grant_of(text, whole) if grant_of is not None and " " not in whole else whole)
    plain = _ADDED.sub(
        lambda added: f" with {added[2] or added[3]}", _IN_BRACKETS.sub(r" with \1", _POINTER.sub("", text))
    )
    reader = _Reader(_JOINED.sub(r" \1 ", plain), text_of, grant_of)
    tree = reader.read()
    return None if tree is None else NamedLicense(_written(tree), tuple(dict.fromkeys(reader.unknown)))


def without_unknown_choices(named: NamedLicense, has_text: Callable[[str], bool]) -> NamedLicense:
    """The same without the alternatives that nobody knows, where others are known: who may choose may leave them.

    :param has_text: whether a file has a licence text for a name. Such an alternative is a licence of its own that one may choose: it stays.
    """
    if not named.unknown or " OR " not in named.expression or "(" in named.expression:
        return named
    choices = named.expression.split(" OR ")
    known = [choice for choice in choices if "LicenseRef-Debian-" not in choice]
    if not known or len(known) == len(choices):
        return named
    kept = {_reference(name) for name in named.unknown if "excep" not in name.lower() and has_text(name)}
    found = [choice for choice in choices if choice in known or choice in kept]
    return NamedLicense(" OR ".join(found), tuple(name for name in named.unknown if name.startswith("with ")))


_Tree = tuple[str, tuple["_Tree | str", ...]]
"""("AND" or "OR", operands), each operand a tree or a simple expression."""


class _Reader:
    def __init__(self, text: str, text_of: TextOf | None, grant_of: GrantOf | None) -> None:
        self._tokens = [
            re.sub(r",\s*", ",", token).lower() if token[0] == "," else token for token in _TOKEN.findall(text)
        ]
        self._next = 0
        self._text_of = text_of
        self._grant_of = grant_of
        self._family = ""  # of the GNU licence that was read last: "GPL-2 or 3" is "GPL-2 or GPL-3"
        self.unknown: list[str] = []

    def read(self) -> _Tree | str | None:
        found = self._level(0, 0)
        return None if self._next < len(self._tokens) else found

    def _level(self, level: int, depth: int) -> _Tree | str | None:
        """Operators from the one that binds last (level 0: those with a comma) to "and" (level 2)."""
        if level == 3:
            return self._primary(depth)
        operators = ({",and": "AND", ",or": "OR", ",": "AND"}, {"or": "OR", "|": "OR"}, {"and": "AND"})[level]
        found = self._level(level + 1, depth)
        while found is not None and self._next < len(self._tokens):
            operator = operators.get(self._tokens[self._next].lower())
            if operator is None:
                break
            self._next += 1
            other = self._level(level + 1, depth)
            found = None if other is None else _joined(operator, found, other)
        return found

    def _primary(self, depth: int) -> _Tree | str | None:
        if self._next >= len(self._tokens):
            return None
        if self._tokens[self._next] == "(":
            if depth >= _DEEPEST:
                return None
            self._next += 1
            found = self._level(0, depth + 1)
            if found is None or self._next >= len(self._tokens) or self._tokens[self._next] != ")":
                return None
            self._next += 1
            return found
        words: list[str] = []
        while self._next < len(self._tokens) and not self._ends_name(words):
            words.append(self._tokens[self._next])
            self._next += 1
        return self._named(words) if words else None

    def _ends_name(self, words: list[str]) -> bool:
        word = self._tokens[self._next].lower()
        if word == "or" and words and self._tokens[self._next + 1 : self._next + 2] in (["later"], ["newer"]):
            return False
        return word[0] in ",()|" or word in ("and", "or")

    def _named(self, words: list[str]) -> _Tree | str:
        lowered = [word.lower() for word in words]
        name = " ".join(words)
        if "with" in lowered[1:]:
            at = lowered.index("with", 1)
            return self._excepted(name, " ".join(words[:at]), " ".join(words[at + 1 :]))
        joined = _EXCEPTED.fullmatch(name) if known_license(name) is None else None
        if joined is not None and known_license(joined["base"]) is not None:
            return self._excepted(name, joined["base"], joined["exception"])
        return self._simple(name)

    def _excepted(self, name: str, base_name: str, exception_name: str) -> _Tree | str:
        """A licence with an exception; one that nobody knows is left out, and what the text grants stays."""
        base = self._simple(base_name, name)
        granted = base if isinstance(base, str) else ""
        base = base.partition(" WITH ")[0] if isinstance(base, str) else base
        if not isinstance(base, str) or " " in base or base.startswith("LicenseRef-"):
            return base
        wanted = _SEPARATORS.sub(" ", exception_name.lower()).strip()
        plain = _EXCEPTION_WORD.sub(" ", wanted).strip()
        known = load_table("licenses/debian_names.toml")["exceptions"]
        for found in (
            exception_name.lower(),
            wanted,
            plain,
            plain.replace(" ", "-"),
            exception_name.lower().split()[-1],
        ):
            exception = (
                known.get(found) or listed_exceptions().get(found) or listed_exceptions().get(f"{found}-exception")
            )
            if exception is not None:
                named = f"{base} WITH {exception}"
                return granted if _is_told_by_text(granted, named, exception_name) else named
        if granted != base:
            return granted
        told = self._text_of(name) if self._text_of is not None else None
        if told is not None and told.startswith(f"{base} WITH ") and told.count(" ") == 2:
            return told
        self.unknown.append(f"with {exception_name}")
        return base

    def _simple(self, name: str, whole: str = "") -> _Tree | str:
        """A licence by its short name, or by the text that the file has for it.

        :param whole: the name with the exception behind it, under which the file has its text.
        """
        gnu = GNU_NAME.match(name.lower())
        if gnu is not None:
            self._family = gnu["family"]
        elif self._family and _VERSION.fullmatch(name):
            name = f"{self._family}-{name}"
        found = known_license(name)
        if self._text_of is not None and (found is None or found.startswith("LicenseRef-") or is_ambiguous(name)):
            told = self._text_of(name)
            # A file's own name stands for what its text is; of those only a plain dedication to the public domain has another name.
            if (
                told is not None
                and (found is None or " " not in told)
                and (told == PUBLIC_DOMAIN or not (found or "").startswith("LicenseRef-"))
            ):
                found = told
        if found is None:
            variant = _VARIANT.match(name.lower())
            found = None if variant is None else known_license(variant[1])
        if found is None:
            self.unknown.append(name)
            return _reference(name)
        if self._grant_of is not None and " " not in found:
            granted = self._grant_of(whole or name, found)
            found = self._grant_of(name, found) if whole and granted == found else granted
        return (("OR" if " OR " in found else "AND"), (f"({found})",)) if " OR " in found or " AND " in found else found


def _is_told_by_text(granted: str, named: str, exception_name: str) -> bool:
    """Whether a text has another exception than its name stands for, of the same class, and the name says no version: "OpenSSL exception" above
    what is the GPL-3.0-linking-exception with OpenSSL's name."""
    if " WITH " not in granted or any(sign.isdigit() for sign in exception_name):
        return False
    from inspector.facts.licensing.license_classes import license_class

    return license_class(granted) == license_class(named)


def _reference(name: str) -> str:
    return f"LicenseRef-Debian-{_REFERENCE.sub('-', name).strip('-.') or 'unnamed'}"[:120]


def _joined(operator: str, one: _Tree | str, other: _Tree | str) -> _Tree:
    operands: list[_Tree | str] = []
    for part in (one, other):
        inner = part[1] if isinstance(part, tuple) and part[0] == operator else (part,)
        operands += [operand for operand in inner if operand not in operands]
    return operator, tuple(operands)


def _written(tree: _Tree | str, outer: str = "") -> str:
    if isinstance(tree, str):
        return tree if outer or not tree.startswith("(") else tree[1:-1]
    operator, operands = tree
    if len(operands) == 1:
        return _written(operands[0], outer)
    text = f" {operator} ".join(_written(operand, operator) for operand in operands)
    return f"({text})" if outer and outer != operator else text
