"""Which licence the files have that a library is built from: by the paragraph of the copyright file that covers each, and by what each grants."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from inspector.facts.licensing.debian_copyright.copyright_file import CopyrightFile, FilesParagraph
from inspector.facts.licensing.debian_copyright.paragraphs import paragraph_reading
from inspector.facts.licensing.license_classes import LicenseClass, license_class

_MAJORITY = 0.7
"""Share of the files that must have the same licence."""
_FEWEST_STRONG = (
    2  # source files of a strong copyleft that bind a permissive library; one may be what the packagers leave out
)
_COMPILED = re.compile(r"(?:.*/)?(?!test)[^/]*\.(?:c|cc|cpp|cxx|vala)")
_GNU = re.compile(r"L?GPL-\d\.\d-(?:only|or-later)")
_FEW = 0.1
"""Share of the files that may be borrowed code."""
_MOST_JOINED = 3
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


def stricter_within(file: CopyrightFile, files: Sequence[tuple[str, str]], kind: LicenseClass) -> str:
    """The one licence of a stricter class that two or more of a library's source files, without headers, say themselves and have by their paragraph,
    or ""; of one that networks reach by any paragraph that covers them.

    :param kind: that class.
    """
    compiled = [(path, said) for path, said in files if said and _COMPILED.fullmatch(path)]
    compiled = [(path, said) for path, said in compiled if license_class(said) == kind]
    if not compiled:
        return ""
    matchers = [(paragraph, _matcher(paragraph.patterns)) for paragraph in file.paragraphs]
    counted: Counter[str] = Counter()
    for path, said in compiled:
        covering = [one for one, matcher in reversed(matchers) if matcher.fullmatch(path)]
        readings = [paragraph_reading(file, one) for one in (covering if kind == "network-copyleft" else covering[:1])]
        counted[said] += any(reading is not None and reading.expression == said for reading in readings)
    found = [expression for expression, count in counted.items() if count >= _FEWEST_STRONG]
    return found[0] if len(found) == 1 else ""


def joined_grants(files: Sequence[tuple[str, str]]) -> str:
    """The GNU licences that more than a few of the files grant themselves, joined, the most frequent first; "" where most say nothing or others."""
    said = Counter(expression for _, expression in files if expression)
    often = [expression for expression, count in said.most_common() if count > _FEW * said.total()]
    if said.total() < _FEWEST_SAID * len(files) or not all(_GNU.fullmatch(expression) for expression in often):
        return ""
    return " AND ".join(often) if len(often) <= _MOST_JOINED else ""


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
