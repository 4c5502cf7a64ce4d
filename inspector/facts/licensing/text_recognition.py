"""Licence texts recognised by the SPDX License List: which licences a file quotes or grants, where, and how surely.

A text is the licence where every word is the template's, but for what the template allows to be left out or to be another (SPDX 2.3, annex B), for
copyright notices and numbers of clauses. A few words may differ besides, as they do in many a copy, unless one of them carries meaning ("not",
"commercial"). What differs more is no licence that is known, and nothing is guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from inspector.facts.licensing.license_templates import Template, TextKind, templates_like
from inspector.facts.licensing.license_words import SHINGLE, Word, shingle_hashes, shingles_of, words_of
from inspector.facts.licensing.text_comparison import Match, compare, fewest_words
from inspector.patterns import lazy_pattern

LONGEST = 1024 * 1024
"""Characters of a file that are read; the longest notices file of a wheel that was seen has 300,000."""

_MOST_CANDIDATES = 60  # templates that are compared with one file
_LEAST_SHARE = 0.65  # of a template's sketch that must be in the file; of 2,704 texts in 1,509 copyright and licence files none has less than 0.72
_MOST_PLACES = 200  # of one template in one file
_WHOLE = 0.97  # of a file's words that belong to one text, where it is nothing else
_SLACK = 60  # words around the place where a text is thought to lie
_WORK_OF_A_PLACE = 1000  # to look one shingle's place up, against comparing two words
_MOST_WORK = 4_000_000_000  # of one file, see Work
_TAG = lazy_pattern(r"SPDX-License-Identifier:[ \t]*([^\n*]{1,200})")


class RecognisedText(Struct, frozen=True):
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


class RecognisedFile(Struct, frozen=True):
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


class Work(Struct):
    """How much may still be compared, in words of a template times words of a text: hostile files hold the pieces of many licences many times.

    The longest notices file that was seen takes 2 * 10^9; 10^9 take about half a second.
    """

    left: int = 20_000_000_000


def recognise_license_texts(text: str, work: Work | None = None) -> RecognisedFile:
    """The licences of a file.

    :param text: of the file; what is behind :data:`LONGEST` characters is not read.
    :param work: what is left for several files together; a file alone may take a fifth of the whole.  What is beyond it is not recognised.
    """
    work = work or Work()
    own = Work(min(work.left, _MOST_WORK))
    before = own.left
    try:
        return _recognise(text, own)
    finally:
        work.left -= before - own.left


def _recognise(text: str, work: Work) -> RecognisedFile:
    text = text[:LONGEST]
    words = words_of(text)
    tags = tuple(dict.fromkeys(match[1].strip() for match in _TAG.finditer(text)))
    if len(words) < SHINGLE:
        return RecognisedFile(tags=tags)
    plain = [word.text for word in words]
    hashes = shingle_hashes(plain)
    shingles: _Shingles = {}
    for at, shingle in enumerate(shingles_of(plain)):
        known = shingles.setdefault(shingle, [])
        if len(known) < _MOST_PLACES:
            known.append(at)
    found: list[Match] = []
    notices = sum(word.notice for word in words)
    whole = (
        0  # words of a text that is there word for word and is all that the file has: no shorter one can take its place
    )
    for template in templates_like(hashes, _LEAST_SHARE)[:_MOST_CANDIDATES]:
        if template.length < whole or fewest_words(template) > len(words):
            continue
        for match in _matches(template, found, text, words, plain, shingles, work):
            found.append(match)
            if not match.different and match.kind == "license":
                is_all = match.stop - match.first + notices >= _WHOLE * len(words)
                whole = max(whole, match.same) if is_all else whole
    chosen = _chosen(found)
    covered = sum(match.stop - match.first for match in chosen)
    rest = max(0, len(words) - covered - notices) / len(words)
    texts = tuple(
        RecognisedText(match.identifiers, match.kind, not match.different, words[match.first].start, words[match.stop - 1].end)
        for match in chosen
    )  # fmt: skip
    return RecognisedFile(texts, tags, rest)


_Shingles = dict[int, list[int]]
"""Where each shingle of a file lies; the first of many places."""


def _chosen(found: list[Match]) -> list[Match]:
    """Of matches that overlap the one with the most words of its own; of equals all their identifiers."""
    found.sort(key=lambda match: (-(match.same - 20 * match.different), match.kind != "license", match.first))
    chosen: list[Match] = []
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


def _matches(
    template: Template,
    known: list[Match],
    text: str,
    words: list[Word],
    plain: list[str],
    shingles: _Shingles,
    work: Work,
) -> list[Match]:
    found = []
    behind = 0
    for place in _places(template, shingles, work):
        if _is_beaten(template, place, known):
            continue
        begin, end = max(place - _SLACK, behind), min(place + len(template.words) + _SLACK * 2, len(plain))
        work.left -= (end - begin) * len(template.words)
        if work.left < 0:
            break
        match = compare(template, text, words, plain, begin, end) if begin < end else None
        if match is not None:
            found.append(match)
            behind = match.stop
    return found


def _is_beaten(template: Template, place: int, known: list[Match]) -> bool:
    """Whether a text that is there word for word has as many words as the template could have at its place."""
    end = place + len(template.words)
    return any(
        match.different == 0 and match.kind == "license" and match.same > len(template.words)
        and match.first <= place + _SLACK and end - _SLACK <= match.stop
        for match in known
    )  # fmt: skip


def _places(template: Template, shingles: _Shingles, work: Work) -> list[int]:
    """Where in the file the template can begin: the offsets that most of its shingles agree upon."""
    homes = template.shingles
    common = homes.keys() & shingles.keys()
    offsets = Counter([(at - homes[shingle]) // _SLACK for shingle in common for at in shingles[shingle]])
    work.left -= offsets.total() * _WORK_OF_A_PLACE
    least = max(2, len(template.shingles) // 20)
    wanted = sorted(band for band, hits in offsets.items() if hits >= least or offsets.get(band - 1, 0) + hits >= least)
    places: list[int] = []
    for band in wanted[:_MOST_PLACES]:
        if not places or band * _SLACK - places[-1] > len(template.words) // 2:
            places.append(band * _SLACK)
        # Bands further on within the text are the same place, shifted by what was inserted.
    return places
