"""Texts and tables of Markdown; every string of an artifact passes here."""

from __future__ import annotations

import re
from collections.abc import Sequence

from inspector.patterns import lazy_pattern
from inspector.render.escaping import escape

_SPECIAL = lazy_pattern(r"([\\`*_\[\]<>|~])")
_REFERENCE = lazy_pattern(r"(?<![A-Za-z0-9])([@#])(?=[A-Za-z0-9])")
"""GitHub and GitLab make links of ``@name`` and ``#12`` after they have read the Markdown; an empty comment keeps them from it."""
_MOST = 300


def markdown_text(text: str) -> str:
    """A text of which Markdown, HTML in it and mentions read nothing; at most 300 characters."""
    shown = escape(text)
    escaped = _SPECIAL.sub(r"\\\1", shown if len(shown) <= _MOST else f"{shown[: _MOST - 1]}…")
    return _REFERENCE.sub(r"\1<!-- -->", escaped)


def markdown_code(text: str) -> str:
    """A code span (CommonMark 0.31, 6.1): fenced by more backquotes than the text has in a row; nothing in it is read as Markdown."""
    shown = escape(text)[:_MOST]
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table, an empty one before it; none where there are no rows.  Cells are Markdown already."""
    if not rows:
        return []
    lines = ["", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]
