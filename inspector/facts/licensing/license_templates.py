"""The templates of the SPDX License List: of each text its words, what of them may be left out, and what may be another.

Data: ``rules/licenses/texts/templates.msgpack.zst``, one compressed file that is read whole when the first text is compared.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache, cached_property
from itertools import chain
from typing import Literal

import msgspec
from msgspec import Struct

from inspector.errors import FormatError, InstallationError
from inspector.facts.licensing.license_words import shingles_of
from inspector.formats.zstandard import decompressed
from inspector.resources import data_directory

TextKind = Literal["license", "exception", "header"]
"""``header`` is the sentence by which a licence is granted without its text being quoted."""

_PATH = "licenses/texts/templates.msgpack.zst"


class Alternative(Struct, frozen=True):
    """Words that may be others.

    :ivar start: index of the first of them; ``end`` behind the last.
    :ivar expression: what may stand there, a regular expression of the list's.
    """

    start: int
    end: int
    expression: re.Pattern[str]


class StoredTemplate(msgspec.Struct, array_like=True, frozen=True):
    """A template as it is stored.

    :ivar words: all its words with one blank between them.
    :ivar optional: what may be left out: index of the first word and behind the last, of each part in turn.
    :ivar alternatives: what may be another, likewise; ``expressions`` has what may stand in place of each.
    :ivar sketched: how many shingles of the text are in ``StoredTemplates.owners``, those with the smallest hashes.
    :ivar fixed: how many words must be there as they are: none that may be left out or be another, no fillers.
    """

    identifiers: tuple[str, ...]
    kind: TextKind
    words: str
    optional: tuple[int, ...]
    alternatives: tuple[int, ...]
    expressions: tuple[str, ...]
    sketched: int
    fixed: int


class StoredTemplates(msgspec.Struct, array_like=True, frozen=True):
    """The whole document; ``owners``: by the hash of a shingle the indices of the templates in whose sketch it is."""

    templates: list[StoredTemplate]
    owners: dict[int, list[int]]


class Template:
    """One text.

    :ivar identifiers: of the SPDX list, all that share the text ("GPL-2.0-only", "GPL-2.0-or-later").
    :ivar sketched: how many of its shingles, those with the smallest hashes, it is looked for by.
    :ivar fixed: how many words must be there as they are, see :class:`StoredTemplate`.
    """

    def __init__(self, stored: StoredTemplate) -> None:
        self.identifiers = stored.identifiers
        self.kind: TextKind = stored.kind
        self.sketched = stored.sketched
        self.fixed = stored.fixed
        self._stored = stored

    @cached_property
    def words(self) -> list[str]:
        """All of them, what may be left out included."""
        return self._stored.words.split(" ")

    @cached_property
    def optional(self) -> bytearray:
        """Of each word, whether it may be left out."""
        flags = bytearray(len(self.words))
        bounds = self._stored.optional
        for start, stop in zip(bounds[::2], bounds[1::2], strict=True):
            flags[start:stop] = b"\1" * (stop - start)
        return flags

    @cached_property
    def required(self) -> int:
        """How many of the words may not be left out."""
        return len(self.words) - sum(self.optional)

    @cached_property
    def alternatives(self) -> list[Alternative]:
        """Words that may be others, inner ones first."""
        bounds = self._stored.alternatives
        return [
            Alternative(start, stop, re.compile(expression, re.IGNORECASE | re.DOTALL))
            for start, stop, expression in zip(bounds[::2], bounds[1::2], self._stored.expressions, strict=True)
        ]

    @cached_property
    def shingles(self) -> dict[int, int]:
        """Where each run of words stands first."""
        found = shingles_of(self.words)
        return dict(zip(reversed(found), range(len(found) - 1, -1, -1), strict=True))

    @property
    def length(self) -> int:
        """How many words it has; known without taking them apart."""
        return self._stored.words.count(" ") + 1


@cache
def _templates() -> tuple[tuple[Template, ...], dict[int, list[int]]]:
    try:
        packed = data_directory("rules") / _PATH
        stored = msgspec.msgpack.decode(decompressed(packed.read_bytes()), type=StoredTemplates)
    except (OSError, FormatError, msgspec.DecodeError) as error:
        raise InstallationError(f"rules/{_PATH} cannot be read: {error}", "reinstall bundle-inspect") from error
    return tuple(Template(row) for row in stored.templates), stored.owners


def templates_like(hashes: Iterable[int], least: float) -> list[Template]:
    """Templates of whose sketch at least that share is among the hashes of a text, the likest first."""
    templates, owners = _templates()
    common = owners.keys() & hashes
    seen = Counter(chain.from_iterable(map(owners.__getitem__, common)))
    shares = [(count / templates[number].sketched, number) for number, count in seen.items()]
    shares = [entry for entry in shares if entry[0] >= least]
    shares.sort(key=lambda entry: (-entry[0], entry[1]))
    return [templates[number] for _, number in shares]
