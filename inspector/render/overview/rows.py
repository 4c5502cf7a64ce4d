"""Rows of a label and a text, in columns that line up over all sections of the screen."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from inspector.render.terminal_page import Column, Page

_LABEL_CELLS = 10
_INDENT, _GAP = 2, 2


class Row(Struct, frozen=True):
    """A label with its style, and a text that goes on in its own column."""

    label: str
    text: str
    style: str = "dim"


def write_rows(page: Page, rows: Iterable[Row]) -> None:
    """Put rows on the page."""
    columns = [Column(minimum=_LABEL_CELLS), Column(fit="wrap", minimum=30)]
    page.table(columns, [((row.label.ljust(_LABEL_CELLS), row.style), row.text) for row in rows], indent=_INDENT)


def text_room(page: Page) -> int:
    """Cells of a line that a row's text has."""
    return page.width - _INDENT - _LABEL_CELLS - _GAP
