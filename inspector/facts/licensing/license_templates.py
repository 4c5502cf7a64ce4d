"""The templates of the SPDX License List: of each text its words, what of them may be left out, and what may be another.

Data: ``rules/licenses/texts/templates.json.xz``, one compressed file that is read whole when the first text is compared.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal

from inspector.errors import InstallationError
from inspector.facts.licensing.license_words import is_filler, shingle_hashes
from inspector.resources import data_directory

TextKind = Literal["license", "exception", "header"]
"""``header`` is the sentence by which a licence is granted without its text being quoted."""

_PATH = "licenses/texts/templates.json.xz"


@dataclass(frozen=True, slots=True)
class Alternative:
    """Words that may be others.

    :ivar start: index of the first of them; ``end`` behind the last.
    :ivar expression: what may stand there, a regular expression of the list's.
    """

    start: int
    end: int
    expression: re.Pattern[str]


class Template:
    """One text.

    :ivar identifiers: of the SPDX list, all that share the text ("GPL-2.0-only", "GPL-2.0-or-later").
    :ivar sketch: the smallest hashes of its shingles.
    """

    def __init__(
        self, identifiers: Iterable[str], kind: TextKind, tokens: str, expressions: list[str], sketch: list[int]
    ) -> None:
        self.identifiers = tuple(identifiers)
        self.kind: TextKind = kind
        self.sketch = frozenset(sketch)
        self._tokens = tokens
        self._expressions = expressions

    @cached_property
    def _read(self) -> tuple[list[str], bytearray, list[Alternative]]:
        words: list[str] = []
        optional = bytearray()
        alternatives: list[Alternative] = []
        depth = 0
        open_alternatives: list[tuple[int, int]] = []
        for token in self._tokens.split(" "):
            if token == "[":  # noqa: S105 - a bracket, not a password
                depth += 1
            elif token == "]":  # noqa: S105
                depth -= 1
            elif token[0] == "{":
                open_alternatives.append((int(token[1:]), len(words)))
            elif token == "}":  # noqa: S105
                number, start = open_alternatives.pop()
                pattern = re.compile(self._expressions[number], re.IGNORECASE | re.DOTALL)
                alternatives.append(Alternative(start, len(words), pattern))
            else:
                words.append(token)
                optional.append(depth > 0)
        return words, optional, alternatives

    @cached_property
    def shingles(self) -> dict[int, int]:
        """Where each run of words stands first, by its hash."""
        hashes = shingle_hashes(self.words)
        return {shingle: at for at, shingle in reversed(list(enumerate(hashes)))}

    @cached_property
    def fixed(self) -> int:
        """How many words must be there as they are: none that may be left out or be another, no fillers."""
        loose = bytearray(self.optional)
        for alternative in self.alternatives:
            loose[alternative.start : alternative.end] = b"\1" * (alternative.end - alternative.start)
        return sum(not free and not is_filler(word) for word, free in zip(self.words, loose, strict=True))

    @property
    def most_words(self) -> int:
        """At least as many as it has words; known without reading it."""
        return self._tokens.count(" ") + 1

    @property
    def words(self) -> list[str]:
        """All of them, what may be left out included."""
        return self._read[0]

    @property
    def optional(self) -> bytearray:
        """Of each word, whether it may be left out."""
        return self._read[1]

    @property
    def alternatives(self) -> list[Alternative]:
        """Words that may be others, inner ones first."""
        return self._read[2]


@cache
def _templates() -> tuple[tuple[Template, ...], dict[int, array[int]]]:
    import json
    import lzma

    try:
        rows = json.loads(lzma.decompress((data_directory("rules") / _PATH).read_bytes()))
    except (OSError, lzma.LZMAError, ValueError) as error:
        raise InstallationError(f"rules/{_PATH} cannot be read: {error}", "reinstall bundle-inspect") from error
    templates = tuple(
        Template(row["identifiers"], row["kind"], row["words"], row["alternatives"], row["sketch"]) for row in rows
    )
    owners: dict[int, array[int]] = {}
    for number, row in enumerate(rows):
        for shingle in row["sketch"]:
            known = owners.get(shingle)
            if known is None:
                owners[shingle] = array("H", (number,))
            else:
                known.append(number)
    return templates, owners


def templates_like(hashes: Iterable[int], least: float) -> list[Template]:
    """Templates of whose sketch at least that share is among the hashes of a text, the likest first."""
    templates, owners = _templates()
    seen: Counter[int] = Counter()
    for shingle in set(hashes):
        numbers = owners.get(shingle)
        if numbers is not None:
            seen.update(numbers)
    shares = [(count / len(templates[number].sketch), number) for number, count in seen.items()]
    shares = [entry for entry in shares if entry[0] >= least]
    shares.sort(key=lambda entry: (-entry[0], entry[1]))
    return [templates[number] for _, number in shares]
