"""Licence texts as words, as they are compared: SPDX 2.3, annex B.3 to B.11 (case, blanks, punctuation, hyphens, quotes, varietal spelling)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple
from zlib import crc32

from inspector.patterns import lazy_pattern
from inspector.resources import load_table

SHINGLE = 4
"""Words of a shingle: texts are found by runs of so many words that they have in common."""

_WORD = lazy_pattern(r"[^\W_]+")
_COPYRIGHT = lazy_pattern(
    r"^[^\w(©]*(?:(?:portions |parts )?copyright\b|\(c\)|©|all rights reserved|(?:19|20)\d\d\b)", re.IGNORECASE
)
_NOT_A_NOTICE = lazy_pattern(
    r"copyright (?:notice|holder|owner|interest|law|licen[cs]e|statement|and|or|treat|act\b|protection|in|is|to|by law)",
    re.IGNORECASE,
)
_LONGEST_NOTICE = 200  # characters of a line that may be a copyright notice


class Word(NamedTuple):
    """A word of a text.

    :ivar text: lower case, in the spelling that stands for its variants.
    :ivar start: offset of its first character; ``end`` behind its last.
    :ivar notice: whether its line is a copyright notice.
    """

    text: str
    start: int
    end: int
    notice: bool = False


def words_of(text: str) -> list[Word]:
    """All words with their places."""
    found: list[Word] = []
    spelling = _spelling()
    for start, end, notice in _lines(text):
        for match in _WORD.finditer(text, start, end):
            word = match[0].lower()
            found.append(Word(spelling.get(word, word), match.start(), match.end(), notice))
    return found


def _lines(text: str) -> Iterator[tuple[int, int, bool]]:
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end + 1
        head = text[at : min(end, at + _LONGEST_NOTICE)]
        notice = (
            end - at <= _LONGEST_NOTICE and _COPYRIGHT.match(head) is not None and _NOT_A_NOTICE.search(head) is None
        )
        yield at, end, notice
        at = end


def is_filler(text: str) -> bool:
    """Whether a word says nothing: the number of a clause, a single letter, part of an address."""
    return len(text) == 1 or (len(text) <= 4 and not text.strip("ivx")) or text.isdecimal() or text in _filler()


def shingles_of(words: Sequence[str]) -> list[int]:
    """Every run of :data:`SHINGLE` words, in order, as a number that is the same for equal runs in this process; a tenth of the cost of
    :func:`shingle_hashes`, which is wanted only where hashes are stored."""
    return list(map(hash, zip(*(words[at:] for at in range(SHINGLE)), strict=False)))


def shingle_hashes(words: Sequence[str]) -> list[int]:
    """CRC-32 of every run of :data:`SHINGLE` words, in order."""
    return [crc32(" ".join(words[at : at + SHINGLE]).encode()) for at in range(len(words) - SHINGLE + 1)]


@cache
def _filler() -> frozenset[str]:
    return frozenset(load_table("licenses/text_matching.toml")["filler"])


@cache
def _spelling() -> dict[str, str]:
    return dict(load_table("licenses/text_matching.toml")["spelling"])
