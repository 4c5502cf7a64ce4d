"""Which licence the files have that a library is built from: by the paragraph of the copyright file that covers each, and by what each grants."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from inspector.facts.licensing.debian_copyright import CopyrightFile, FilesParagraph
from inspector.facts.licensing.debian_copyright_paragraphs import paragraph_reading

_MAJORITY = 0.7
"""Share of the files that must have the same licence."""
_FEWEST_SAID = 0.5  # share of the files that must say something themselves


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """What a library's own files say.

    :ivar covered: the expression of the paragraphs that most of them are covered by, or "".
    :ivar is_default: whether that is the paragraph for everything.
    :ivar said: the expression that most of them grant themselves, or "" where they differ or most say nothing.
    """

    covered: str
    is_default: bool
    said: str


def own_files(file: CopyrightFile, files: Sequence[tuple[str, str]]) -> OwnFiles:
    """The votes of a library's source files.

    :param files: path in the source tree and the licence that the file itself grants, or "".
    """
    matchers = [(paragraph, _matcher(paragraph.patterns)) for paragraph in file.paragraphs]
    deciding: Counter[FilesParagraph | None] = Counter(
        next((one for one, matcher in reversed(matchers) if matcher.fullmatch(path)), None) for path, _ in files
    )
    covered: Counter[str] = Counter()
    by_default = 0
    for paragraph, count in deciding.items():
        reading = paragraph_reading(file, paragraph) if paragraph is not None else None
        if paragraph is not None and reading is not None and reading.expression:
            covered[reading.expression] += count
            by_default += count if "*" in paragraph.patterns else 0
    said = Counter(expression for _, expression in files if expression)
    expression = _most(covered, len(files))
    return OwnFiles(
        expression,
        by_default > covered.total() / 2,
        _most(said, said.total()) if said.total() >= _FEWEST_SAID * len(files) else "",
    )


def _most(counted: Counter[str], total: int) -> str:
    if not counted:
        return ""
    expression, most = counted.most_common(1)[0]
    return expression if most >= _MAJORITY * total else ""


@lru_cache(maxsize=20_000)
def _matcher(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """copyright-format 1.0, "Files": stars and question marks match slashes, too."""
    parts = []
    for pattern in patterns:
        plain = pattern.removeprefix("./")
        plain = plain + "*" if plain.endswith("/") else plain
        parts.append(re.escape(plain).replace(r"\*", ".*").replace(r"\?", "."))
    return re.compile("|".join(parts))


def paragraph_expressions(file: CopyrightFile) -> set[str]:
    """The licences that the paragraphs of a file have."""
    readings = (paragraph_reading(file, paragraph) for paragraph in _distinct(file))
    return {reading.expression for reading in readings if reading is not None and reading.expression}


def _distinct(file: CopyrightFile) -> list[FilesParagraph]:
    return list({(one.license_name, one.license_text): one for one in file.paragraphs}.values())
