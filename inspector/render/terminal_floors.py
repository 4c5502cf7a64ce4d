"""The floors: which versions the artifact asks for, whether the host or the bundle answers, and who asks."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from inspector.render.escaping import escape
from inspector.render.quantities import format_amount
from inspector.render.terminal_page import Cell, Column, Page, list_names, shorten_middle
from inspector.result import Floor, FloorCause, Result

_CAUSES_SHOWN = 2
_ANSWERED_SHOWN = 8
_WIDEST_NAME = 20
_NARROWEST_FILE = 20


def write_floors(page: Page, result: Result, *, full: bool) -> None:
    """One row a namespace of the host with its causes; those that the bundle answers share a line."""
    if not result.floors:
        if result.files.elf_count:
            page.heading("Version floors", "no object asks for a versioned symbol")
        return
    page.heading("Version floors", _describe_tag(result))
    ordered = sorted(
        result.floors.items(), key=lambda item: (item[1].host_version is None, item[0] != "GLIBC", item[0])
    )
    rows = [item for item in ordered if full or _concerns_the_host(item[1])]
    in_detail = [item for item in rows if full or item[0] == "GLIBC" or item[1].host_version is None or len(rows) == 1]
    names = [shorten_middle(escape(name), _WIDEST_NAME) for name, _ in rows]
    widest = max(map(cell_len, names), default=0)
    for name, floor in in_detail:
        _write_floor(page, set_cell_size(shorten_middle(escape(name), _WIDEST_NAME), widest), floor, full=full)
    others = [item for item in rows if item not in in_detail]
    if others:
        _write_in_a_row_each(page, others)
    answered = [
        text
        for name, floor in ordered
        if (name, floor) not in rows
        for text in ([f"{name} {floor.version}"] if floor.version else floor.markers)
    ]
    if answered:
        shown = list_names(answered, len(answered), 0, least=len(answered) if full else _ANSWERED_SHOWN)
        page.line(("the bundle answers ", "dim"), shown, hanging=2)


def _write_in_a_row_each(page: Page, floors: list[tuple[str, Floor]]) -> None:
    """Namespace, version that the host must have, and the first who asks: a desktop library brings many."""
    rows: list[list[Cell]] = []
    for name, floor in floors:
        row: list[Cell] = [(name, "bold"), (floor.host_version or "", "bold")]
        cause = next((cause for cause in floor.causes if cause.from_host), None)
        if cause is not None:
            row.append(cause.file.rpartition("/")[2])
            row.append((list_names(cause.symbols, cause.symbol_count, page.width // 3), "dim"))
        rows.append(row)
    page.line(("and the host must have", "yellow"))
    page.table([Column(fit="middle"), Column(), Column(fit="middle"), Column(fit="middle")], rows)


def _concerns_the_host(floor: Floor) -> bool:
    return floor.host_version is not None or any(cause.from_host for cause in floor.causes)


def _write_floor(page: Page, name: str, floor: Floor, *, full: bool) -> None:
    margin = 4 + cell_len(name)
    of_host = floor.host_version is not None
    version: list[Cell] = [(floor.version, "bold" if of_host else ""), "  "] if floor.version is not None else []
    page.line((name, "bold"), "  ", *version, *_describe_answer(floor), hanging=margin - 2)
    causes = [cause for cause in floor.causes if full or (of_host and cause.from_host)]
    shown = causes if full else causes[:_CAUSES_SHOWN]
    _write_causes(page, name, shown, floor, margin, full=full)
    if len(causes) > len(shown):
        page.line((f"and {format_amount(len(causes) - len(shown), 'more cause')} (-v)", "dim"), indent=margin)
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


def _write_causes(page: Page, name: str, causes: list[FloorCause], floor: Floor, margin: int, *, full: bool) -> None:
    room = page.width - margin
    file_room = max([_NARROWEST_FILE, *(min(cell_len(escape(cause.file)), room * 2 // 5) for cause in causes)])
    rows: list[tuple[Cell, Cell]] = []
    for cause in causes:
        asked = f"{name.rstrip()}_{floor.host_version}"  # a cause has the version's full name
        version = "" if cause.version in (asked, floor.host_version) else f" {cause.version}"
        library = f"{cause.library}{version}{' (weak)' if cause.weak else ''}: "
        left = room - file_room - 2 - cell_len(escape(library))
        names = list_names(cause.symbols, cause.symbol_count, left, least=len(cause.symbols) if full else 1)
        rows.append((cause.file if full else shorten_middle(escape(cause.file), file_room), (library + names, "dim")))
    page.table([Column(fit="middle", minimum=_NARROWEST_FILE), Column(fit="wrap", minimum=24)], rows, indent=margin)
