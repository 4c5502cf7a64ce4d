"""Licence texts recognised by the SPDX License List: which licences a file quotes or grants, where, and how surely.

A text is the licence where every word is the template's, but for what the template allows to be left out or to be another (SPDX 2.3, annex B), for
copyright notices and numbers of clauses. A few words may differ besides, as they do in many a copy, unless one of them carries meaning ("not",
"commercial"). What differs more is no licence that is known, and nothing is guessed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from inspector.facts.licensing.license_templates import Template, TextKind, templates_like
from inspector.facts.licensing.license_words import SHINGLE, Word, shingle_hashes, words_of
from inspector.resources import load_table

LONGEST = 1024 * 1024
"""Characters of a file that are read; the longest notices file of a wheel that was seen has 300,000."""

_MOST_CANDIDATES = 60  # templates that are compared with one file
_LEAST_SHARE = 0.3  # of a template's sketch that must be in the file
_MOST_PLACES = 200  # of one template in one file
_SLACK = 60  # words around the place where a text is thought to lie
_ISLAND = 30  # words in a row that are foreign at the edge of a text end it
_MOST_DIFFERENT = 0.02  # share of the words that may differ
_LONGEST_FOREIGN = 6  # words in a row that may be added
_LONGEST_ALTERNATIVE = 120  # words in place of an alternative
_TAG = re.compile(r"SPDX-License-Identifier:[ \t]*([^\n*]{1,200})")


@dataclass(frozen=True, slots=True)
class RecognisedText:
    """A licence that a file quotes or grants.

    :ivar identifiers: what the text is of, by the SPDX list; several where licences share one text ("GPL-2.0-only", "GPL-2.0-or-later").
    :ivar kind: the text itself, an exception's, or the header that grants it.
    :ivar exact: whether it is the template's by the list's guidelines; False where a few words differ.
    :ivar start: offset in characters of its first word; ``end`` behind its last.
    """

    identifiers: tuple[str, ...]
    kind: TextKind
    exact: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class RecognisedFile:
    """What a file says of licences.

    :ivar texts: in the order of the file; where one lies in another, the larger alone.
    :ivar tags: expressions behind ``SPDX-License-Identifier:``, each once.
    :ivar rest: share of the words that belong to no text and to no copyright notice.
    """

    texts: tuple[RecognisedText, ...] = ()
    tags: tuple[str, ...] = ()
    rest: float = 0.0

    @property
    def identifiers(self) -> tuple[tuple[str, ...], ...]:
        """Those of each licence, once; headers only of licences whose text is not there."""
        texts = [text.identifiers for text in self.texts if text.kind == "license"]
        known = {name for names in texts for name in names}
        granted = [text.identifiers for text in self.texts if text.kind == "header"]
        narrowed = [_narrowed(names, granted) for names in texts]
        return tuple(dict.fromkeys([*narrowed, *(names for names in granted if not known & set(names))]))

    @property
    def exceptions(self) -> tuple[str, ...]:
        """Identifiers of exceptions whose text is there."""
        return tuple(dict.fromkeys(text.identifiers[0] for text in self.texts if text.kind == "exception"))


def _narrowed(names: tuple[str, ...], granted: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Of licences with one text, those that a header beside it grants; the header that the text itself quotes as an example is no grant."""
    for header in granted:
        common = tuple(name for name in names if name in header)
        if common:
            return common
    return names


def recognise_license_texts(text: str) -> RecognisedFile:
    """The licences of a file.

    :param text: of the file; what is behind :data:`LONGEST` characters is not read.
    """
    text = text[:LONGEST]
    words = words_of(text)
    tags = tuple(dict.fromkeys(match[1].strip() for match in _TAG.finditer(text)))
    if len(words) < SHINGLE:
        return RecognisedFile(tags=tags)
    plain = [word.text for word in words]
    hashes = shingle_hashes(plain)
    found: list[_Match] = []
    for template in templates_like(hashes, _LEAST_SHARE)[:_MOST_CANDIDATES]:
        found += _matches(template, text, words, plain, hashes)
    chosen = _chosen(found)
    covered = sum(match.stop - match.first for match in chosen)
    notices = sum(word.notice for word in words)
    rest = max(0, len(words) - covered - notices) / len(words)
    texts = tuple(
        RecognisedText(match.identifiers, match.kind, not match.different, words[match.first].start, words[match.stop - 1].end)
        for match in chosen
    )  # fmt: skip
    return RecognisedFile(texts, tags, rest)


class _Match(NamedTuple):
    """A template that was found: words ``first`` to ``stop``, ``same`` of them the template's, ``different`` neither allowed nor equal."""

    identifiers: tuple[str, ...]
    kind: TextKind
    first: int
    stop: int
    same: int
    different: int


def _chosen(found: list[_Match]) -> list[_Match]:
    """Of matches that overlap the one with the most words of its own; of equals all their identifiers."""
    found.sort(key=lambda match: (-(match.same - 4 * match.different), match.kind != "license", match.first))
    chosen: list[_Match] = []
    for match in found:
        rivals = [at for at, other in enumerate(chosen) if match.first < other.stop and other.first < match.stop]
        if not rivals:
            chosen.append(match)
            continue
        rival = chosen[rivals[0]]
        equal = len(rivals) == 1 and rival.kind == match.kind and rival.different == match.different
        if equal and rival.same == match.same:
            chosen[rivals[0]] = rival._replace(identifiers=tuple(dict.fromkeys(rival.identifiers + match.identifiers)))
    return sorted(chosen, key=lambda match: match.first)


def _matches(template: Template, text: str, words: list[Word], plain: list[str], hashes: list[int]) -> list[_Match]:
    found = []
    behind = 0
    for place in _places(template, hashes):
        begin, end = max(place - _SLACK, behind), min(place + len(template.words) + _SLACK * 2, len(plain))
        match = _compare(template, text, words, plain, begin, end) if begin < end else None
        if match is not None:
            found.append(match)
            behind = match.stop
    return found


def _places(template: Template, hashes: list[int]) -> list[int]:
    """Where in the file the template can begin: the offsets that most of its shingles agree upon."""
    at_home: dict[int, int] = {}
    for at, shingle in enumerate(shingle_hashes(template.words)):
        at_home.setdefault(shingle, at)
    offsets: Counter[int] = Counter()
    for at, shingle in enumerate(hashes):
        home = at_home.get(shingle)
        if home is not None:
            offsets[(at - home) // _SLACK] += 1
    least = max(2, len(at_home) // 20)
    wanted = sorted(band for band, count in offsets.items() if count >= least or offsets[band - 1] + count >= least)
    places: list[int] = []
    for band in wanted[:_MOST_PLACES]:
        if not places or band * _SLACK - places[-1] > len(template.words) // 2:
            places.append(band * _SLACK)
        # Bands further on within the text are the same place, shifted by what was inserted.
    return places


def _compare(template: Template, text: str, words: list[Word], plain: list[str], begin: int, end: int) -> _Match | None:
    """The template against words ``begin`` to ``end`` of the file; None where it is not the text."""
    from rapidfuzz.distance import Indel

    theirs = template.words
    matched = [-1] * len(theirs)  # index of the file's word that each of the template's is
    for operation in Indel.opcodes(theirs, plain[begin:end]):
        if operation.tag == "equal":
            for step in range(operation.src_end - operation.src_start):
                matched[operation.src_start + step] = begin + operation.dest_start + step
    _cut_islands(matched)
    _extend(matched, theirs, plain)
    required = [at for at, place in enumerate(matched) if place >= 0 and not template.optional[at]]
    wanted = len(theirs) - sum(template.optional)
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
        if place < 0 and not template.optional[at] and at not in free.template and not _is_filler_text(theirs[at])
    ]
    different = _different(missing, [plain[at] for at in foreign])
    if different is None or _longest_run(foreign) > _LONGEST_FOREIGN:
        return None
    if different > max(1 if wanted > 40 else 0, _MOST_DIFFERENT * wanted):
        return None
    return _Match(template.identifiers, template.kind, places[0], places[-1] + 1, len(places), different)


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
    return word.notice or _is_filler_text(word.text)


def _is_filler_text(text: str) -> bool:
    return (
        len(text) == 1
        or (len(text) <= 4 and not text.strip("ivx"))
        or text.isdecimal()
        or text in _table_words("filler")
    )


@cache
def _table_words(name: str) -> frozenset[str]:
    return frozenset(load_table("licenses/text_matching.toml")[name])
