"""One text against one template, word by word: whether it is that licence, and how many words differ.

Allowed are what the template lets be left out or be another, copyright notices, numbers of clauses, and a few phrases that copies add
(``rules/licenses/text_matching.toml``).  A few more words may differ, unless one of them carries meaning.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import NamedTuple

from inspector.facts.licensing.license_templates import Template, TextKind
from inspector.facts.licensing.license_words import Word, is_filler
from inspector.resources import load_table

_ISLAND = 30  # words in a row that are foreign at the edge of a text end it
_MOST_DIFFERENT = 0.02  # share of the words that may differ
_LONGEST_FOREIGN = 6  # words in a row that may be added
_LONGEST_ALTERNATIVE = 120  # words in place of an alternative


class Match(NamedTuple):
    """A template that was found: words ``first`` to ``stop``, ``same`` of them the template's, ``different`` neither allowed nor equal."""

    identifiers: tuple[str, ...]
    kind: TextKind
    first: int
    stop: int
    same: int
    different: int


def compare(template: Template, text: str, words: list[Word], plain: list[str], begin: int, end: int) -> Match | None:
    """The template against words ``begin`` to ``end`` of the file; None where it is not the text."""
    from rapidfuzz.distance import Indel, LCSseq

    theirs = template.words
    window = plain[begin:end]
    least = template.fixed - _most_different(template.required)
    if LCSseq.similarity(theirs, window, score_cutoff=max(1, least)) < least:
        return None  # spares the alignment of most candidates
    matched = [-1] * len(theirs)  # index of the file's word that each of the template's is
    for operation in Indel.opcodes(theirs, window):
        if operation.tag == "equal":
            for step in range(operation.src_end - operation.src_start):
                matched[operation.src_start + step] = begin + operation.dest_start + step
    _cut_islands(matched)
    _extend(matched, theirs, plain)
    required = [at for at, place in enumerate(matched) if place >= 0 and not template.optional[at]]
    wanted = template.required
    if not required or 2 * len(required) < wanted:
        return None
    places = [place for place in matched if place >= 0]
    # Titles and closing remarks may be left out, and differ; what stands between the first and the last word that must be there is compared.
    first, stop = matched[required[0]], matched[required[-1]] + 1
    free = _allowed(template, matched, text, words, first, stop)
    taken = set(places)
    foreign = [
        at for at in range(first, stop) if at not in taken and at not in free.words and not _is_filler(words[at])
    ]
    foreign = _without_harmless(foreign, plain)
    missing = [
        theirs[at]
        for at, place in enumerate(matched)
        if place < 0 and not template.optional[at] and at not in free.template and not is_filler(theirs[at])
    ]
    different = _different(missing, [plain[at] for at in foreign])
    if different is None or _longest_run(foreign) > _LONGEST_FOREIGN:
        return None
    if different > _most_different(wanted):
        return None
    return Match(template.identifiers, template.kind, places[0], places[-1] + 1, len(places), different)


def fewest_words(template: Template) -> int:
    """So many words a text has at least that is the template's; known without reading the template."""
    return template.fixed - _most_different(template.length)


def _most_different(wanted: int) -> int:
    """How many words may differ of so many that must be there."""
    return int(max(1 if wanted > 40 else 0, _MOST_DIFFERENT * wanted))


def _cut_islands(matched: list[int]) -> None:
    """Forget words at either end that only happen to stand before or behind the text: few of them, and far from the rest."""
    for order in (range(len(matched)), range(len(matched) - 1, -1, -1)):
        run: list[int] = []
        last = None
        for at in order:
            place = matched[at]
            if place < 0:
                continue
            if last is not None and abs(place - last) > _ISLAND:
                if len(run) > max(10, len(matched) // 10):
                    break
                for index in run:
                    matched[index] = -1
                run = []
            run.append(at)
            last = place


def _extend(matched: list[int], theirs: list[str], plain: list[str]) -> None:
    """Words at either end that were matched with others like them further off."""
    known = [at for at, place in enumerate(matched) if place >= 0]
    if not known:
        return
    at, place = known[0] - 1, matched[known[0]] - 1
    while at >= 0 and place >= 0 and theirs[at] == plain[place]:
        matched[at] = place
        at, place = at - 1, place - 1
    at, place = known[-1] + 1, matched[known[-1]] + 1
    while at < len(theirs) and place < len(plain) and theirs[at] == plain[place]:
        matched[at] = place
        at, place = at + 1, place + 1


class _Free(NamedTuple):
    """Words of the template and of the file that need no partner, because an alternative allows them."""

    template: set[int]
    words: set[int]


def _allowed(template: Template, matched: list[int], text: str, words: list[Word], first: int, stop: int) -> _Free:
    free = _Free(set(), set())
    for alternative in template.alternatives:
        before = next((matched[at] for at in range(alternative.start - 1, -1, -1) if matched[at] >= 0), first - 1)
        behind = next((matched[at] for at in range(alternative.end, len(matched)) if matched[at] >= 0), stop)
        if behind - before - 1 > _LONGEST_ALTERNATIVE:
            continue
        inside = [word for word in words[before + 1 : behind] if not word.notice]
        while inside and _is_filler(inside[0]):
            inside.pop(0)  # the number of a clause
        said = " ".join(text[inside[0].start : inside[-1].end].split()) if inside else ""
        if _is_alternative(alternative.expression, said):
            free.template.update(range(alternative.start, alternative.end))
            free.words.update(range(before + 1, behind))
    return free


def _is_alternative(expression: re.Pattern[str], said: str) -> bool:
    if expression.pattern in (".+", ".*"):
        return bool(said) or expression.pattern == ".*"
    quiet = re.sub(r"[\"'`*_.,;:()\[\]]", "", said)
    return any(expression.fullmatch(form) is not None for form in (said, said + ".", quiet))


def _different(missing: list[str], foreign: list[str]) -> int | None:
    """How many words differ; None where one of them carries meaning."""
    if "".join(missing) == "".join(foreign):
        return 0  # "non-infringement" is "noninfringement"
    both = Counter(missing) & Counter(foreign)  # moved within the text
    odd = list((Counter(missing) - both).elements()) + list((Counter(foreign) - both).elements())
    weighty = _table_words("weighty")
    if any(word in weighty for word in odd):
        return None
    return max(len(missing), len(foreign))


def _without_harmless(foreign: list[int], plain: list[str]) -> list[int]:
    """Added words without those phrases that many copies add."""
    kept: list[int] = []
    at = 0
    while at < len(foreign):
        run = at
        while run + 1 < len(foreign) and foreign[run + 1] == foreign[run] + 1:
            run += 1
        phrase = " ".join(plain[place] for place in foreign[at : run + 1])
        if phrase not in _table_words("harmless"):
            kept += foreign[at : run + 1]
        at = run + 1
    return kept


def _longest_run(places: list[int]) -> int:
    longest = run = 0
    last = -2
    for place in places:
        run = run + 1 if place == last + 1 else 1
        longest = max(longest, run)
        last = place
    return longest


def _is_filler(word: Word) -> bool:
    return word.notice or is_filler(word.text)


@cache
def _table_words(name: str) -> frozenset[str]:
    return frozenset(load_table("licenses/text_matching.toml")[name])
