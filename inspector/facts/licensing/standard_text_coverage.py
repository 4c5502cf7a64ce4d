"""Whether a text that an artifact ships has a licence's standard text in it: word for word but for names, years and layout.

Runs of words are compared, not characters: copyright holders, line breaks, bullets and quotation marks differ from copy to copy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from inspector.facts.licensing.spdx_texts import spdx_text

_WORD = re.compile(r"[a-z0-9]+")
_RUN = 5  # words; shorter runs are shared by many licences
# A BSD text with another holder in each of its three places keeps nine tenths of its runs; a notice that only names a licence has none of them, and
# the first clauses of another BSD licence have at most three quarters.
_ENOUGH = 0.8

Runs = frozenset[int]


def runs_of(text: str) -> Runs:
    """Every run of five words, as hashes that hold for this process."""
    words = _WORD.findall(text.lower())
    return frozenset(hash(tuple(words[start : start + _RUN])) for start in range(len(words) - _RUN + 1))


def is_covered(identifier: str, texts: Iterable[Runs]) -> bool:
    """Whether one of the texts has the standard text of a licence or an exception in it; False for what the SPDX list does not have."""
    standard = _standard_runs(identifier)
    return bool(standard) and any(len(standard & runs) >= _ENOUGH * len(standard) for runs in texts)


@lru_cache(maxsize=256)
def _standard_runs(identifier: str) -> Runs:
    return runs_of(spdx_text(identifier) or "")
