"""Regular expressions that are compiled when they are first used, and globs that mostly need none.

Compiling the expressions of all modules took a fifth of a short audit, and an artifact needs few of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase, translate
from functools import lru_cache
from typing import Any, AnyStr, cast

_METHODS = (
    "match",
    "fullmatch",
    "search",
    "finditer",
    "findall",
    "split",
    "sub",
    "subn",
    "pattern",
    "flags",
    "groups",
    "groupindex",
)


class _PatternToCome:
    """Stands for a compiled expression; its attributes are those of the expression from the first use on."""

    __slots__ = ("_flags_given", "_text", *_METHODS)

    def __init__(self, text: str | bytes, flags: int) -> None:
        self._text = text
        self._flags_given = flags

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- asked for what is not set yet, which is once
        if name not in _METHODS:
            raise AttributeError(name)
        compiled = re.compile(self._text, self._flags_given)
        for method in _METHODS:
            setattr(self, method, getattr(compiled, method))
        return getattr(compiled, name)


def lazy_pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """What ``re.compile`` gives, but for being an instance of ``re.Pattern``; a mistake in the expression shows at its first use."""
    return cast("re.Pattern[AnyStr]", _PatternToCome(text, flags))


_GLOB_CHARACTERS = re.compile(r"[*?\[]")


def fits_glob(name: str, glob: str) -> bool:
    """What ``fnmatch.fnmatchcase`` says. Most names do not even begin like a glob of a catalogue, and stars need no expression to be compiled."""
    begin, middles, end = _glob_parts(glob)
    if not name.startswith(begin):
        return False
    if middles is None:
        return name == glob if begin == glob else fnmatchcase(name, glob)
    at, stop = len(begin), len(name) - len(end)
    if stop < at or not name.endswith(end):
        return False
    for middle in middles:
        found = name.find(middle, at, stop)
        if found < 0:
            return False
        at = found + len(middle)
    return True


@lru_cache(maxsize=8192)
def _glob_parts(glob: str) -> tuple[str, tuple[str, ...] | None, str]:
    """What stands before the first special character; then, where stars are all that is special, the texts between them and behind the last."""
    first = _GLOB_CHARACTERS.search(glob)
    if first is None:
        return glob, None, ""
    if "?" in glob or "[" in glob:
        return glob[: first.start()], None, ""
    begin, *middles, end = glob.split("*")
    return begin, tuple(middles), end


def glob_pattern(globs: Iterable[str]) -> re.Pattern[str]:
    """Matches, with ``match`` or ``fullmatch``, what fits one of several globs; compiled at its first use."""
    return lazy_pattern("|".join(translate(glob) for glob in globs))
