"""Where the bytes are: components, types, and what could go; raw as a program reads them, stored as they lie in the container."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.quantities import format_share, format_size
from inspector.render.terminal_page import Cell, Column, Page
from inspector.result import Result, SizeRow

_BARS_FROM = 90  # columns of a screen below which names need the room more
_BAR_CELLS = 12
_NAME_MINIMUM = 20


def write_sizes(page: Page, result: Result) -> None:
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
    table = _SizeTable(whole, compressed=compressed, bars=page.width >= _BARS_FROM)
    table.group("components", sizes.by_component)
    table.group("types", sizes.by_type)
    table.group("largest files", sizes.largest)
    waste = (
        ("duplicates", sizes.duplicate_bytes),
        ("debug information", sizes.debug_bytes),
        ("tests", sizes.test_bytes),
        ("Python bytecode", sizes.bytecode_bytes),
        ("static libraries", sizes.static_library_bytes),
    )
    table.group(
        "of all that", [SizeRow(name=name, raw=size.raw, stored=size.stored) for name, size in waste if size.raw]
    )
    table.write(page)


class _SizeTable:
    """Rows of group, name, raw, stored, share and a bar, under a head."""

    def __init__(self, whole: int, *, compressed: bool, bars: bool) -> None:
        self._whole = whole
        self._compressed = compressed
        self._bars = bars
        self._rows: list[list[Cell]] = [
            ["", "", ("raw", "dim"), ("stored", "dim")] if compressed else ["", "", ("raw", "dim")]
        ]

    def group(self, title: str, rows: Sequence[SizeRow]) -> None:
        """Add rows; the title stands before the first."""
        for row in rows:
            self._add(title, row)
            title = ""

    def write(self, page: Page) -> None:
        """Put the table on the page."""
        columns = [Column(), Column(fit="middle", minimum=_NAME_MINIMUM), Column(align="right")]
        columns += [Column(align="right")] if self._compressed else []
        columns += [Column(align="right"), Column()]
        page.table(columns, self._rows)

    def _add(self, title: str, row: SizeRow) -> None:
        part = row.stored if self._compressed else row.raw
        cells: list[Cell] = [(title, "dim"), row.name, format_size(row.raw)]
        if self._compressed:
            cells.append(format_size(row.stored))
        cells.append((format_share(part, self._whole), "dim"))
        if self._bars:
            cells.append((_draw_bar(part, self._whole), "blue"))
        self._rows.append(cells)


def _draw_bar(part: int, whole: int) -> str:
    """Eighths of a cell, from U+2588 FULL BLOCK to U+258F LEFT ONE EIGHTH BLOCK."""
    eighths = min(_BAR_CELLS * 8, round(_BAR_CELLS * 8 * part / whole)) if whole > 0 else 0
    rest = chr(0x2590 - eighths % 8) if eighths % 8 else ""
    return "█" * (eighths // 8) + rest
