"""Which language a file is a translation into, told by its path, and whether that language was asked for.

Places and codes are in ``rules/prune/languages.toml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from inspector.patterns import lazy_pattern
from inspector.resources import load_table

_LANGUAGE = lazy_pattern(
    r"(?P<base>[A-Za-z]+)(?:[_-](?P<script>[A-Z][a-z]{3}))?(?:[_-](?P<region>[A-Za-z]{2}|\d{3}))?"
    r"(?:\.[\w-]+)?(?:@(?P<variant>\w+))?"
)


class Language(NamedTuple):
    """A locale's name in its parts, the base in small letters, the region in capitals; "" for what is not there."""

    base: str
    script: str = ""
    region: str = ""
    variant: str = ""


def parse_language(text: str) -> Language | None:
    """The parts of ``de``, ``pt_BR``, ``zh-Hans-CN``, ``sr@latin``; None for what is no locale's name."""
    match = _LANGUAGE.fullmatch(text)
    if match is None:
        return None
    return Language(
        match["base"].lower(), match["script"] or "", (match["region"] or "").upper(), match["variant"] or ""
    )


def language_of(path: str) -> str | None:
    """The language that the file at a tree path translates into, as written; None for what is no translation."""
    shown = f"/{path}"
    for pattern, sure in _places():
        match = pattern.search(shown)
        if match is not None and (sure or _is_code(match["language"])):
            return match["language"]
    return None


class AskedLanguages:
    """The languages that a user names; English and the language of the source stay always."""

    def __init__(self, names: Iterable[str]) -> None:
        self._asked = [found for name in names if (found := parse_language(name)) is not None]
        self._always = frozenset(load_table("prune/languages.toml")["always"])

    def include(self, language: str) -> bool:
        """Whether a translation into this language stays: a wider or a narrower one than asked for stays too."""
        found = parse_language(language)
        if found is None or language in self._always or found.base in self._always:
            return True
        return any(_overlap(found, asked) for asked in self._asked)


def _overlap(one: Language, other: Language) -> bool:
    return one.base == other.base and all(
        not part or not wanted or part == wanted for part, wanted in zip(one[1:], other[1:], strict=True)
    )


@cache
def _places() -> tuple[tuple[re.Pattern[str], bool], ...]:
    return tuple((re.compile(row["path"]), row["sure"]) for row in load_table("prune/languages.toml")["place"])


@cache
def _codes() -> frozenset[str]:
    codes = load_table("prune/languages.toml")["codes"]
    return frozenset(f"{codes['iso_639_1']} {codes['others']}".split())


def _is_code(text: str) -> bool:
    found = parse_language(text)
    return found is not None and found.base in _codes()
