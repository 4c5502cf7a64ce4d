"""A page of text for a terminal: headings, wrapped lines and tables that fit a width, plain or coloured through rich.

Every string passes :func:`inspector.render.escaping.escape` here, so no section can forget it.  Widths are terminal cells, in which many East
Asian characters take two and combining marks none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Literal

from msgspec import Struct
from rich.cells import cell_len, get_character_cell_size
from rich.console import Console
from rich.text import Text

from inspector.model import Severity
from inspector.patterns import lazy_pattern
from inspector.render.escaping import escape

Cell = str | tuple[str, str]
"""A text, or a text and its style ("dim", "bold red")."""

SEVERITY_STYLE: dict[Severity, str] = {"error": "bold red", "warning": "yellow", "info": "cyan"}
SEVERITY_WORD: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}

ELLIPSIS = "…"
_PATH = lazy_pattern(r"\S*/\S*")
_WORD = lazy_pattern(r"\S+")
_GAP = 2
_NARROWEST = 6
_SHRINKING, _EVERY = ("middle", "wrap"), ("keep", "middle", "wrap")


class Column(Struct, frozen=True):
    """How a table's column behaves.

    :ivar fit: what happens where the table is too wide: the text loses its middle (paths), goes on in the next line, or keeps
        its form for as long as others can give way.
    :ivar minimum: cells below which the column is not narrowed.
    """

    align: Literal["left", "right"] = "left"
    fit: Literal["keep", "middle", "wrap"] = "keep"
    minimum: int = 12


class Page:
    """Collects the lines of a report; :meth:`text` is the report.

    :param longest: cells that a word may have; longer ones, which nobody but an attacker makes, lose their middle.  A text of many words is cut
        at eight times as many.
    """

    def __init__(self, width: int, *, color: bool, longest: int | None = None) -> None:
        self.width = width
        self._color = color
        self._longest = longest or 2 * width
        self._lines: list[Text] = []

    @property
    def line_count(self) -> int:
        """Lines so far."""
        return len(self._lines)

    def heading(self, title: str, aside: str = "") -> None:
        """An empty line and a title; ``aside`` stands beside it, dimmed, and is shortened before it is broken."""
        if self._lines:
            self._lines.append(Text())
        line = Text(escape(title), style="bold")
        room = self.width - cell_len(line.plain) - _GAP
        if aside and room > 8:
            line.append("  " + shorten_end(escape(aside), room), style="not bold dim")
        self._lines.append(line)

    def line(self, *cells: Cell, indent: int = 2, hanging: int = 0) -> None:
        """A paragraph; lines after the first are indented by ``hanging`` more."""
        styled = Text()
        for cell in cells:
            text, style = self._clean(cell)
            styled.append(text, style=style or None)
        indent, hanging = min(indent, self.width // 2), min(hanging, self.width // 3)
        for number, part in enumerate(_wrap(styled, self.width - indent, self.width - indent - hanging)):
            margin = indent if number == 0 else indent + hanging
            self._lines.append(Text(" " * margin).append_text(part))

    def command(self, text: str, purpose: str = "", *, indent: int = 2) -> None:
        """Something to be pasted: in one line however long it is, as a broken one could not be; what it is for, where that fits."""
        line = Text(" " * indent).append(escape(text), style="cyan")
        if purpose and cell_len(line.plain) + 4 + cell_len(escape(purpose)) <= self.width:
            line.append("    " + escape(purpose), style="dim")
        self._lines.append(line)

    def blank(self) -> None:
        """An empty line."""
        self._lines.append(Text())

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[Cell]], *, indent: int = 2) -> None:
        """Rows in columns that line up; a row may have fewer cells than there are columns."""
        cleaned = [[self._clean(cell) for cell in row] for row in rows]
        widths = _column_widths(columns, cleaned, self.width - indent)
        for row in cleaned:
            blocks = [_fit(text, style, widths[place], columns[place]) for place, (text, style) in enumerate(row)]
            for number in range(max(map(len, blocks), default=0)):
                line = Text(" " * indent)
                for place, block in enumerate(blocks):
                    part = block[number] if number < len(block) else Text()
                    padding = " " * (widths[place] - cell_len(part.plain))
                    last = place == len(blocks) - 1
                    if columns[place].align == "right":
                        line.append(padding).append_text(part)
                    else:
                        line.append_text(part).append("" if last else padding)
                    line.append("" if last else " " * _GAP)
                line.rstrip()
                self._lines.append(line)

    def _clean(self, cell: Cell) -> tuple[str, str]:
        text, style = (cell, "") if isinstance(cell, str) else cell
        text = escape(text)
        if len(text) > self._longest:
            text = _WORD.sub(lambda match: shorten_middle(match.group(), self._longest), text)
        return shorten_end(text, 8 * self._longest), style

    def text(self) -> str:
        """The whole page, each line ended by a newline; with colour codes only where the page was made with colour."""
        stream = StringIO()
        console = Console(
            file=stream,
            width=self.width,
            force_terminal=self._color,
            color_system="standard" if self._color else None,
            force_jupyter=False,
            markup=False,
            emoji=False,
            highlight=False,
            legacy_windows=False,
            _environ={},
        )
        for line in self._lines:
            console.print(line, soft_wrap=True)
        return stream.getvalue()


def shorten_middle(text: str, width: int) -> str:
    """A path in at most ``width`` cells: whole components are left out of its middle, and the file name is the last to be cut."""
    if cell_len(text) <= width:
        return text
    if width < 5:
        return _take(text, width)
    head, *middle, tail = text.split("/") if text.count("/") > 1 else ["", text]
    if middle:
        front, back = [head], [tail]
        if cell_len(f"{head}/{ELLIPSIS}/{tail}") <= width:
            return _widen(front, middle, back, width)
        if cell_len(f"{ELLIPSIS}/{tail}") <= width:
            return f"{ELLIPSIS}/{tail}"
        text = tail
    keep = width - 1
    return f"{_take(text, keep // 2)}{ELLIPSIS}{_take_end(text, keep - keep // 2)}"


def shorten_paths(text: str, width: int) -> str:
    """Every word with a slash in at most ``width`` cells, for messages that name long paths."""
    return _PATH.sub(lambda match: shorten_middle(match.group(), width), text)


def list_names(names: Sequence[str], total: int, width: int, *, least: int = 1) -> str:
    """As many names as fit ``width`` cells, ``least`` in any case, and how many more there are: ``"dlopen, dlsym and 12 more"``.

    :param total: how many there are altogether; ``names`` may be the first of them only.
    """
    if names and least == 1 and cell_len(escape(_name_some(names[:1], total))) > width:
        rest = cell_len(_name_some((), total - 1)) + len(" and ") if total > 1 else 0
        return _name_some([shorten_middle(escape(names[0]), max(12, width - rest))], total)
    shown = 0
    for count in range(1, len(names) + 1):
        if count > least and cell_len(escape(_name_some(names[:count], total))) > width:
            break
        shown = count
    return _name_some(names[:shown], total)


def _name_some(names: Sequence[str], total: int) -> str:
    left = total - len(names)
    return ", ".join(names) + (f"{' and ' if names else ''}{left:,} more" if left > 0 else "")


def shorten_end(text: str, width: int) -> str:
    """A text in at most ``width`` cells, with an ellipsis where its end was cut."""
    return text if cell_len(text) <= width else f"{_take(text, width - 1)}{ELLIPSIS}"


def _widen(front: list[str], middle: list[str], back: list[str], width: int) -> str:
    """Put back components from both sides of the gap, the end first, while they fit."""
    while middle:
        for side, place in ((back, -1), (front, 0)):
            candidate_front = [*front, middle[0]] if side is front else front
            candidate_back = [middle[-1], *back] if side is back else back
            if cell_len("/".join([*candidate_front, ELLIPSIS, *candidate_back])) <= width:
                front, back = candidate_front, candidate_back
                middle.pop(place)
                break
        else:
            break
    return "/".join([*front, ELLIPSIS, *back])


def _take(text: str, width: int) -> str:
    """As much of the beginning as fits; whole characters only."""
    used = 0
    for place, character in enumerate(text):
        used += get_character_cell_size(character)
        if used > width:
            return text[:place]
    return text


def _take_end(text: str, width: int) -> str:
    return _take(text[::-1], width)[::-1]


def _column_widths(columns: Sequence[Column], rows: list[list[tuple[str, str]]], room: int) -> list[int]:
    """Natural widths, and where they do not fit, narrower ones: the widest column that may shrink gives first."""
    widths = [
        max((cell_len(row[place][0]) for row in rows if place < len(row)), default=0) for place in range(len(columns))
    ]
    excess = sum(widths) + _GAP * (len(columns) - 1) - room
    for may_shrink, floor in ((_SHRINKING, None), (_EVERY, _NARROWEST)):
        while excess > 0:
            able = [
                place
                for place, column in enumerate(columns)
                if column.fit in may_shrink and widths[place] > (floor or column.minimum)
            ]
            if not able:
                break
            widest = max(able, key=widths.__getitem__)
            next_widest = max((widths[place] for place in able if place != widest), default=0)
            step = min(excess, max(1, widths[widest] - max(next_widest, floor or columns[widest].minimum)))
            widths[widest] -= step
            excess -= step
    return widths


def _fit(text: str, style: str, width: int, column: Column) -> list[Text]:
    if column.fit == "wrap":
        return _wrap(Text(text, style=style), width, width)
    return [Text(shorten_middle(text, width), style=style)]


def _wrap(text: Text, first: int, others: int) -> list[Text]:
    """Break at spaces; a word that is longer than a line, such as a path, is broken where the line ends."""
    lines: list[Text] = []
    plain = text.plain
    start = 0
    while start < len(plain) or not lines:
        room = max(1, first if not lines else others)
        chunk = _take(plain[start:], room)
        end = start + max(1, len(chunk))
        if end < len(plain):
            space = plain.rfind(" ", start, end + 1)
            if (
                space - start > room // 4
            ):  # else a long word stands there, which is better broken than the line left empty
                end = space
        part = text[start:end]
        part.rstrip()
        lines.append(part)
        start = end
        while start < len(plain) and plain[start] == " ":
            start += 1
    return lines
