"""The floors: which versions the artifact asks for, whether the host or the bundle answers, and who asks."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from inspector.render.escaping import escape
from inspector.render.terminal_page import Cell, Column, Page, shorten_middle
from inspector.result import Floor, Result

_WIDEST_NAME = 20
_NARROWEST_FILE = 20


def write_floors(page: Page, result: Result) -> None:
    """Every namespace with all of its causes; those that the host must answer first."""
    if not result.floors:
        if result.files.elf_count:
            page.heading("Version floors", "no object asks for a versioned symbol")
        return
    page.heading("Version floors", _describe_tag(result))
    ordered = sorted(
        result.floors.items(), key=lambda item: (item[1].host_version is None, item[0] != "GLIBC", item[0])
    )
    names = [shorten_middle(escape(name), _WIDEST_NAME) for name, _ in ordered]
    widest = max(map(cell_len, names), default=0)
    for (_, floor), name in zip(ordered, names, strict=True):
        _write_floor(page, set_cell_size(name, widest), floor)


def _write_floor(page: Page, name: str, floor: Floor) -> None:
    margin = 4 + cell_len(name)
    of_host = floor.host_version is not None
    version: list[Cell] = [(floor.version, "bold" if of_host else ""), "  "] if floor.version is not None else []
    page.line((name, "bold"), "  ", *version, *_describe_answer(floor), hanging=margin - 2)
    _write_causes(page, name, floor, margin)
    if floor.remedy and of_host:
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
        cells.append((f"{', and ' if cells else 'asks for '}{', '.join(floor.markers)}", "dim"))
    return cells


def _write_causes(page: Page, name: str, floor: Floor, margin: int) -> None:
    rows: list[tuple[Cell, Cell]] = []
    for cause in floor.causes:
        asked = f"{name.rstrip()}_{floor.host_version}"  # a cause has the version's full name
        version = "" if cause.version in (asked, floor.host_version) else f" {cause.version}"
        library = f"{cause.library}{version}{' (weak)' if cause.weak else ''}: "
        left = cause.symbol_count - len(cause.symbols)
        names = ", ".join(cause.symbols) + (f" and {left:,} more" if left > 0 else "")
        rows.append((cause.file, (library + names, "dim")))
    page.table([Column(fit="middle", minimum=_NARROWEST_FILE), Column(fit="wrap", minimum=24)], rows, indent=margin)
