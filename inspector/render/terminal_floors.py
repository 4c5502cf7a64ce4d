"""The floors: which versions the artifact asks for, whether the host or the bundle answers, and who asks."""

from __future__ import annotations

from inspector.render.quantities import format_amount
from inspector.render.terminal_page import Cell, Column, Page, shorten_middle
from inspector.result import Floor, FloorCause, Result

_CAUSES_SHOWN = 2
_SYMBOLS_SHOWN = 3


def write_floors(page: Page, result: Result, *, full: bool) -> None:
    """One row a namespace, the host's first, each with its causes."""
    if not result.floors:
        if result.files.elf_count:
            page.heading("Version floors", "no object asks for a versioned symbol")
        return
    page.heading("Version floors", _describe_tag(result))
    ordered = sorted(
        result.floors.items(), key=lambda item: (item[1].host_version is None, item[0] != "GLIBC", item[0])
    )
    name_width = max(len(name) for name, _ in ordered)
    version_width = max(len(floor.version or "") for _, floor in ordered)
    margin = 2 + name_width + 2
    for name, floor in ordered:
        version = (floor.version or "").ljust(version_width)
        asked_of_host = floor.host_version is not None
        page.line(
            (name.ljust(name_width + 2), "bold"),
            (version, "bold" if asked_of_host else ""),
            "  ",
            *_describe_answer(floor),
            hanging=margin,
        )
        shown = [cause for cause in floor.causes if full or (asked_of_host and cause.from_host)]
        _write_causes(page, shown if full else shown[:_CAUSES_SHOWN], margin, full=full)
        if len(floor.causes) > len(shown[:_CAUSES_SHOWN]) and not full and asked_of_host:
            left = len(floor.causes) - len(shown[:_CAUSES_SHOWN])
            page.line((f"and {format_amount(left, 'more cause', 'more causes')} (-v)", "dim"), indent=margin)
        if floor.remedy and asked_of_host:
            page.line(("lower it: ", "cyan"), floor.remedy, indent=margin, hanging=2)


def _describe_tag(result: Result) -> str:
    tag = result.tag
    if tag.claimed and tag.claimed != tag.allowed:
        return f"allow {tag.allowed or 'no platform tag'}, claimed is {tag.claimed}"
    return f"allow {tag.allowed}" if tag.allowed else ""


def _describe_answer(floor: Floor) -> list[Cell]:
    cells: list[Cell] = []
    if floor.host_version is None:
        if floor.version is not None:
            cells.append(("the bundle answers", "dim"))
    elif floor.host_version == floor.version:
        cells.append(("the host must have it", "yellow"))
    else:
        cells += [
            ("the host must have ", "yellow"),
            (floor.host_version, "bold yellow"),
            (", the bundle answers the rest", "dim"),
        ]
    if floor.markers:
        cells.append((f"{'; ' if cells else ''}asks for {', '.join(floor.markers)}", "dim"))
    return cells


def _write_causes(page: Page, causes: list[FloorCause] | tuple[FloorCause, ...], margin: int, *, full: bool) -> None:
    rows: list[tuple[Cell, Cell]] = []
    for cause in causes:
        shown = cause.symbols if full else cause.symbols[:_SYMBOLS_SHOWN]
        symbols = ", ".join(shown)
        if cause.symbol_count > len(shown):
            symbols += f"{' and ' if shown else ''}{cause.symbol_count - len(shown):,} more"
        weak = ", weak" if cause.weak else ""
        rows.append((cause.file, (f"{cause.library} {cause.version}{weak}: {symbols}", "dim")))
    room = page.width - margin
    rows = [(shorten_middle(str(file), max(24, room // 2)), text) for file, text in rows]
    page.table([Column(fit="middle", minimum=20), Column(fit="wrap", minimum=24)], rows, indent=margin)
