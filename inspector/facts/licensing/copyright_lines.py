"""Lines that say whose copyright it is, out of licence files and Debian's copyright files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from inspector.facts.licensing.debian_copyright.copyright_file import parse_copyright
from inspector.patterns import lazy_pattern

_LINE = lazy_pattern(r"^[\s*#/;.|>-]*((?:(?:portions|parts|all)\s+)?(?:copyright\b|\(c\)|©).*)$", re.IGNORECASE)
_YEAR = lazy_pattern(r"\b(?:19|20)\d\d\b")
_PLACEHOLDER = lazy_pattern(
    r"<[^>@]*>|\[(?:yyyy|year|name|fullname)[^\]]*\]|\{[^}]*\}|\byyyy\b|\bx{4}\b|year name of author", re.IGNORECASE
)
_BLANKS = lazy_pattern(r"\s+")
_LONGEST = 200  # characters; longer "lines" are paragraphs
_MOST = 200  # lines of one text

# What licence texts say of themselves, and no statement about the component: "Copyright (C) 2007 Free Software Foundation, Inc. <https://fsf.org/>".
_OF_THE_TEXT = lazy_pattern(
    r"copyright \(c\) (?:19|20)\d\d(?:, ?(?:19|20)\d\d)* (?:by )?free software foundation,? inc\.?(?:,? ?(?:<https?://fsf\.org/?>|\d+ \w+.*))?",
    re.IGNORECASE,
)


def copyright_lines(text: str, *, debian: bool = False) -> tuple[str, ...]:
    """Each line once, blanks joined, in the order of the text.

    :param debian: the text is a ``copyright`` file of a Debian package, whose fields are read where it has them.
    """
    found: dict[str, None] = {}
    for line in _debian_lines(text) if debian else text.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        words = _BLANKS.sub(" ", match[1]).strip()
        stated = _YEAR.search(words) is not None or "©" in words
        if stated and len(words) <= _LONGEST and not _PLACEHOLDER.search(words) and not _OF_THE_TEXT.fullmatch(words):
            found[words] = None
            if len(found) >= _MOST:
                break
    return tuple(found)


def _debian_lines(text: str) -> Iterable[str]:
    """The holders of every paragraph, each as a line of its own; the file's own lines where it is written freely."""
    parsed = parse_copyright(text)
    return (
        _holders(line for paragraph in parsed.paragraphs for line in paragraph.copyright.split("\n"))
        if parsed.machine_readable
        else text.splitlines()
    )


def _holders(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        words = line.strip()
        yield words if _LINE.match(words) else f"Copyright {words}"
