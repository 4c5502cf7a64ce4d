"""Libraries and search paths: what is missing, what the host must bring, what the bundle carries in the host's place, which RPATHs lead out."""

from __future__ import annotations

from collections import Counter, defaultdict

from inspector.quantities import format_amount, format_count
from inspector.render.terminal_page import Cell, Column, Page
from inspector.result import Result

_HOST_LIBRARY_RULE = "host-library-bundled"


def write_libraries(page: Page, result: Result) -> None:
    """A summary, then one row a subject."""
    if not result.libraries:
        return
    origins = Counter(needed.origin for library in result.libraries for needed in library.needed)
    aside = f"{format_amount(len(result.libraries), 'ELF object')}; needed: {format_count(origins['bundle'])} bundled, "
    page.heading(
        "Libraries", f"{aside}{format_count(origins['host'])} host, {format_count(origins['missing'])} missing"
    )
    rows: list[tuple[Cell, Cell]] = []
    rows += _missing_rows(result)
    rows += _host_rows(result)
    rows += _replaced_rows(result)
    rows += _search_path_rows(result)
    page.table([Column(), Column(fit="wrap", minimum=30)], rows)


def _missing_rows(result: Result) -> list[tuple[Cell, Cell]]:
    needed_by: dict[str, list[str]] = defaultdict(list)
    for library in result.libraries:
        for needed in library.needed:
            if needed.origin == "missing":
                needed_by[needed.name].append(library.path)
    if not needed_by:
        return [(("missing", "dim"), "none")]
    rows: list[tuple[Cell, Cell]] = []
    ordered = sorted(needed_by.items(), key=lambda item: (-len(item[1]), item[0]))
    for name, paths in ordered:
        others = f" and {format_amount(len(paths) - 1, 'other')}" if len(paths) > 1 else ""
        rows.append((("missing", "red"), f"{name}, needed by {paths[0]}{others}"))
    return rows


def _host_rows(result: Result) -> list[tuple[Cell, Cell]]:
    wanted = Counter(
        needed.name for library in result.libraries for needed in library.needed if needed.origin == "host"
    )
    if not wanted:
        return []
    names = [name for name, _ in sorted(wanted.items(), key=lambda item: (-item[1], item[0]))]
    return [(("from the host", "dim"), ", ".join(names))]


def _replaced_rows(result: Result) -> list[tuple[Cell, Cell]]:
    subjects = [
        finding.subject
        for finding in result.findings
        if finding.rule == _HOST_LIBRARY_RULE and finding.suppressed is None
    ]
    if not subjects:
        return []
    names = [subject.rpartition("/")[2] for subject in subjects]
    return [(("host's, bundled", "yellow"), ", ".join(names))]


def _search_path_rows(result: Result) -> list[tuple[Cell, Cell]]:
    outside: Counter[str] = Counter()
    for library in result.libraries:
        value = library.runpath if library.runpath is not None else library.rpath
        if value is not None:
            outside.update(
                {element for element in value.split(":") if not element.startswith(("$ORIGIN", "${ORIGIN}"))}
            )
    rpaths = sum(library.rpath is not None for library in result.libraries)
    runpaths = sum(library.runpath is not None for library in result.libraries)
    if not rpaths and not runpaths:
        return [(("search paths", "dim"), "no RPATH, no RUNPATH")]
    rows: list[tuple[Cell, Cell]] = [
        (("search paths", "dim"), f"RUNPATH in {format_amount(runpaths, 'object')}, RPATH in {format_count(rpaths)}"),
    ]
    ordered = sorted(outside.items(), key=lambda item: (-item[1], item[0]))
    described = [f"{_describe_element(element)} ({format_count(count)})" for element, count in ordered]
    if described:
        rows.append((("not $ORIGIN", "yellow"), ", ".join(described)))
    return rows


def _describe_element(element: str) -> str:
    if not element:
        return "an empty element"
    return element if element.startswith("/") else f"{element}, relative"
