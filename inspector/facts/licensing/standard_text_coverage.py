"""Whether a text that an artifact ships has a licence's standard text in it: word for word but for names, years and layout.

Runs of words are compared, not characters: copyright holders, line breaks, bullets and quotation marks differ from copy to copy.  A clause that is
missing shows as a long gap, which a name in place of another never makes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache

from inspector.facts.licensing.spdx_texts import spdx_text
from inspector.patterns import lazy_pattern

_WORD = lazy_pattern(r"[a-z0-9]+")
_MOST = 1_000_000
_RUN = 5  # words; shorter runs are shared by many licences
_ENOUGH = 0.8  # of the runs; BSD with another holder in each of its three places keeps nine tenths
# Runs that may be missing in a row.  Another holder's name takes up to a dozen; the clause that BSD-3-Clause has and BSD-2-Clause has not is 28 long.
_LONGEST_GAP = 15
_LONG_TEXT, _APPENDIX = (
    1000,
    0.15,
)  # "How to apply these terms" at the end of long texts, which many copies leave out, is no part of the terms

Runs = frozenset[int]


def runs_of(text: str) -> Runs:
    """Every run of five words of the first million characters, as hashes that hold for this process."""
    return frozenset(_in_order(text[:_MOST]))


def is_covered(identifier: str, texts: Iterable[Runs]) -> bool:
    """Whether one of the texts has the standard text of a licence or an exception in it; False for what the SPDX list does not have."""
    standard = _standard_runs(identifier)
    return bool(standard) and any(_has(standard, runs) for runs in texts)


def _has(standard: tuple[int, ...], text: Collection[int]) -> bool:
    found = [run in text for run in standard]
    end = len(found)
    if end > _LONG_TEXT:
        while end > len(found) * (1 - _APPENDIX) and not found[end - 1]:
            end -= 1
    gap = 0
    for present in found[:end]:
        gap = 0 if present else gap + 1
        if gap > _LONGEST_GAP:
            return False
    return sum(found) >= _ENOUGH * len(found)


def _in_order(text: str) -> tuple[int, ...]:
    words = _WORD.findall(text.lower())
    return tuple(hash(tuple(words[start : start + _RUN])) for start in range(len(words) - _RUN + 1))


@lru_cache(maxsize=256)
def _standard_runs(identifier: str) -> tuple[int, ...]:
    return _in_order(spdx_text(identifier) or "")
