"""The list of formats on a terminal."""

from __future__ import annotations

from collections.abc import Collection

from inspector.artifact.format_list import FormatList, KnownFormat
from inspector.render.terminal_identity import FORMAT_NAMES
from inspector.render.terminal_page import Cell, Page

_NAME, _TITLE = 25, 46  # cells of the first two columns where there is room


def render_formats(known: FormatList, rewritten: Collection[str], width: int, color: bool, *, limitations: bool) -> str:
    """Four parts: opened, audited without their payload, refused with advice, known by name.

    :param rewritten: names of the formats that ``inspect slim`` can write.
    :param limitations: whether what each reader cannot do is told.
    """
    page = Page(width, color=color)
    page.heading("Opened", "name in reports, what it is, whether inspect slim can write it again")
    for one in known.opened:
        _write(page, one, "slim" if one.format in rewritten else "", limitations=limitations)
    page.heading("Named, payload not read", "the program is audited, what it carries is not")
    for one in known.recognised:
        if one.audited_as:
            _write(page, one, f"as {FORMAT_NAMES[one.audited_as]}", limitations=limitations)
    page.heading("Recognised, not read", "refused with a piece of advice")
    for one in known.recognised:
        if not one.audited_as:
            _write(page, one, "", limitations=limitations)
    page.heading("Known by name only", "so that the refusal says what the file is")
    page.line("; ".join(known.named))
    if not limitations:
        page.heading("Next")
        page.line("inspect formats -v    what the reader of each format cannot do")
    return page.text()


def _write(page: Page, one: KnownFormat, besides: str, *, limitations: bool) -> None:
    name = (one.format or "-").ljust(_NAME)
    row: list[Cell] = [(name, "bold" if one.format else "dim"), one.title.ljust(_TITLE)]
    page.line(*row, (f"  {besides}", "green") if besides else "", hanging=_NAME)
    if limitations:
        for sentence in one.limitations:
            page.line((sentence, "dim"), indent=4, hanging=2)
