"""Where the bytes are: components, types, and what could go; raw as a program reads them, stored as they lie in the container."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.model import ByteCount
from inspector.render.quantities import format_amount, format_share, format_size
from inspector.render.terminal_page import Cell, Column, Page
from inspector.result import Result, SizeRow

_COMPONENTS_SHOWN, _TYPES_SHOWN, _FILES_SHOWN = 8, 5, 3
_BAR_CELLS = 12
_NAME_MINIMUM = 20


def write_sizes(page: Page, result: Result, *, full: bool) -> None:
    """One table, so that all numbers line up; the stored column only where something is compressed."""
    sizes = result.sizes
    if not sizes.total.raw:
        return
    compressed = sizes.total.stored != sizes.total.raw
    whole = sizes.total.stored if compressed else sizes.total.raw
    totals = f"{format_size(sizes.total.raw)} raw" + (
        f", {format_size(sizes.total.stored)} stored" if compressed else ""
    )
    page.heading("Where the bytes are", totals)
    table = _SizeTable(whole, compressed=compressed)
    table.title("component")
    table.rows_of(sizes.by_component, None if full else _COMPONENTS_SHOWN, "more component")
    table.title("type")
    table.rows_of(sizes.by_type, None if full else _TYPES_SHOWN, "more type")
    table.title("largest file")
    table.rows_of(sizes.largest, None if full else _FILES_SHOWN, None)
    table.title("of all that")
    table.amount("duplicates", sizes.duplicate_bytes)
    table.amount("debug information", sizes.debug_bytes)
    table.amount("tests", sizes.test_bytes)
    table.amount("Python bytecode", sizes.bytecode_bytes)
    table.amount("static libraries", sizes.static_library_bytes)
    table.write(page)


class _SizeTable:
    """Rows of name, raw, stored, share and a bar; titles without rows are left out."""

    def __init__(self, whole: int, *, compressed: bool) -> None:
        self._whole = whole
        self._compressed = compressed
        self._rows: list[list[Cell]] = []
        self._title: str | None = None

    def title(self, text: str) -> None:
        self._title = text

    def rows_of(self, rows: Sequence[SizeRow], most: int | None, noun: str | None) -> None:
        shown = rows if most is None else rows[:most]
        for row in shown:
            self._add(row.name, row.raw, row.stored, bar=True)
        left = rows[len(shown) :]
        if left and noun:
            self._add(
                f"{format_amount(len(left), noun)}",
                sum(row.raw for row in left),
                sum(row.stored for row in left),
                style="dim",
            )

    def amount(self, name: str, size: ByteCount) -> None:
        if size.raw:
            self._add(name, size.raw, size.stored)

    def write(self, page: Page) -> None:
        columns = [Column(fit="middle", minimum=_NAME_MINIMUM), Column(align="right")]
        columns += [Column(align="right")] if self._compressed else []
        page.table([*columns, Column(align="right"), Column()], self._rows)

    def _add(self, name: str, raw: int, stored: int, *, bar: bool = False, style: str = "") -> None:
        if self._title is not None:
            head: list[Cell] = [(self._title, "dim"), ("raw", "dim")] if not self._rows else [(self._title, "dim")]
            self._rows.append(head + ([("stored", "dim")] if self._compressed and not self._rows else []))
            self._title = None
        part = stored if self._compressed else raw
        row: list[Cell] = [(f"  {name}", style), (format_size(raw), style)]
        if self._compressed:
            row.append((format_size(stored), style))
        row.append((format_share(part, self._whole), "dim"))
        if bar:
            row.append((_draw_bar(part, self._whole), "blue"))
        self._rows.append(row)


def _draw_bar(part: int, whole: int) -> str:
    """Eighths of a cell, from U+2588 FULL BLOCK to U+258F LEFT ONE EIGHTH BLOCK."""
    eighths = min(_BAR_CELLS * 8, round(_BAR_CELLS * 8 * part / whole)) if whole > 0 else 0
    rest = chr(0x2590 - eighths % 8) if eighths % 8 else ""
    return "█" * (eighths // 8) + rest
