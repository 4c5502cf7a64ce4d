"""SPDX expressions taken apart: the identifiers in them, and whether something holds for enough of them (SPDX 2.3, annex D)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

_TOKEN = re.compile(r"[()]|[A-Za-z0-9][A-Za-z0-9.+:-]*")
_OPERATORS = ("AND", "OR", "WITH")
_LONGEST, _DEEPEST = 4096, 32


def identifiers_of(expression: str) -> tuple[str, ...]:
    """Licences and exceptions in the order in which they are written, each once; of a text that is no expression the words that look like them."""
    words = _TOKEN.findall(expression[:_LONGEST])
    return tuple(dict.fromkeys(word for word in words if word not in "()" and word.upper() not in _OPERATORS))


def is_satisfied(expression: str, holds: Callable[[str], bool]) -> bool:
    """Whether ``holds`` is true of all that the expression asks for together: of AND and WITH both sides, of OR one.

    Of what is no expression it is asked of every word.
    """
    tokens = _TOKEN.findall(expression[:_LONGEST])
    place, answer = _alternatives(tokens, 0, holds, 0)
    if answer is None or place != len(tokens):
        return all(holds(name) for name in identifiers_of(expression))
    return answer


_Read = tuple[int, bool | None]  # where the next token is, and the answer; None where the grammar is broken


def _alternatives(tokens: Sequence[str], place: int, holds: Callable[[str], bool], depth: int) -> _Read:
    place, answer = _conjunction(tokens, place, holds, depth)
    while answer is not None and place < len(tokens) and tokens[place].upper() == "OR":
        place, other = _conjunction(tokens, place + 1, holds, depth)
        answer = None if other is None else answer or other
    return place, answer


def _conjunction(tokens: Sequence[str], place: int, holds: Callable[[str], bool], depth: int) -> _Read:
    place, answer = _simple(tokens, place, holds, depth)
    while answer is not None and place < len(tokens) and tokens[place].upper() in ("AND", "WITH"):
        place, other = _simple(tokens, place + 1, holds, depth)
        answer = None if other is None else answer and other
    return place, answer


def _simple(tokens: Sequence[str], place: int, holds: Callable[[str], bool], depth: int) -> _Read:
    if place >= len(tokens) or tokens[place] == ")" or tokens[place].upper() in _OPERATORS or depth > _DEEPEST:
        return place, None
    if tokens[place] != "(":
        return place + 1, holds(tokens[place])
    place, answer = _alternatives(tokens, place + 1, holds, depth + 1)
    if answer is None or place >= len(tokens) or tokens[place] != ")":
        return place, None
    return place + 1, answer
