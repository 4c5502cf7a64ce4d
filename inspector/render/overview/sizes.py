"""Where the bytes are: the largest components, and beside them the kinds that could go."""

from __future__ import annotations

from msgspec import Struct

from inspector.model import ByteCount
from inspector.quantities import format_size
from inspector.render.fix_ranking import wasted_bytes
from inspector.render.terminal_page import Cell, Column, Page
from inspector.result import Result

_UNITS = (("GB", 10**9), ("MB", 10**6), ("kB", 10**3))
_NAME_MINIMUM = 14
_COULD_GO = "could go (may overlap)"


def write_sizes(page: Page, result: Result, most: int) -> set[str]:
    """Two tables side by side, in one unit; the stored columns only where something is compressed.

    :param most: components that are named.
    """
    total = result.sizes.total
    if not total.raw or result.artifact.format == "elf":
        return set()
    unit = _unit_for(total)
    compressed = total.stored != total.raw
    wasted = wasted_bytes(result)
    shown = {
        rule: kind for rule, kind in wasted.items() if kind[1].raw * 20 >= unit.bytes
    }  # what is not written as 0.0
    components = result.sizes.by_component
    largest = f"; largest of {len(components):,} components" if len(components) > most else ""
    page.heading("Where the bytes are", _describe_total(total, compressed=compressed) + largest)
    left = [(row.name, ByteCount(raw=row.raw, stored=row.stored)) for row in components[:most]]
    right = sorted(shown.values(), key=lambda kind: -kind[1].raw)
    head = ["raw", "stored"] if compressed else ["raw"]
    rows: list[list[Cell]] = [[("", ""), *((name, "dim") for name in head)]]
    if right:
        rows[0] += ["", (_COULD_GO, "yellow"), *((name, "dim") for name in head)]
    for number in range(max(len(left), len(right))):
        row: list[Cell] = [""] * (len(head) + 1)
        if number < len(left):
            row = _cells(left[number], unit, compressed=compressed)
        if number < len(right):
            row += ["", *_cells(right[number], unit, compressed=compressed)]
        rows.append(row)
    numbers = [Column(align="right") for _ in head]
    names = [Column(fit="middle", minimum=minimum) for minimum in (_NAME_MINIMUM, len(_COULD_GO))]
    page.table([names[0], *numbers, Column(), names[1], *numbers], rows)
    return set(shown)


class _Unit(Struct, frozen=True):
    name: str
    bytes: int

    def write(self, count: int, *, named: bool) -> str:
        value = count / self.bytes
        text = "0" if not count else f"{value:,.1f}" if value >= 0.05 else "<0.1"
        return f"{text} {self.name}" if named else text


def _unit_for(total: ByteCount) -> _Unit:
    return next((_Unit(name, count) for name, count in _UNITS if total.raw >= 2 * count), _Unit("B", 1))


def _cells(row: tuple[str, ByteCount], unit: _Unit, *, compressed: bool) -> list[Cell]:
    name, count = row
    cells: list[Cell] = [name, unit.write(count.raw, named=True)]
    return [*cells, unit.write(count.stored, named=False)] if compressed else cells


def _describe_total(total: ByteCount, *, compressed: bool) -> str:
    return f"{format_size(total.raw)} raw" + (f", {format_size(total.stored)} stored" if compressed else "")
