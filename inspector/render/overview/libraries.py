"""Libraries that it forgot, libraries that it should have left to the host, search paths that lead astray."""

from __future__ import annotations

from collections import Counter

from rich.cells import cell_len

from inspector.model import SEVERITY_ORDER, Finding
from inspector.quantities import format_amount, format_count
from inspector.render.escaping import escape
from inspector.render.fix_ranking import MISSING_LIBRARY
from inspector.render.overview.rows import Row, text_room, write_rows
from inspector.render.terminal_page import Page, list_names, shorten_middle, shorten_paths
from inspector.result import Result

_HOST_LIBRARY = "host-library-bundled"
_SEARCH_PATH_RULES = (
    "rpath-relative",
    "rpath-empty-element",
    "library-path-has-empty-element",
    "rpath-absolute",
    "rpath-leaks-build-path",
    "rpath-useless",
)
_NAMED_ALONE = 3  # missing libraries up to which each has a line of its own
_LINES = 2  # that a list of names may take
_RAGGED = 16  # cells that stay empty where a line ends before a long name


def write_libraries(page: Page, result: Result, lines: int) -> set[str]:
    """Missing libraries, the host's libraries that are bundled, wrong search paths; what is in order takes a line.

    :param lines: lines that the list of the host's libraries may take; that of the missing ones takes two.
    """
    if not result.libraries:
        return set()
    page.heading("Libraries", format_amount(len(result.libraries), "ELF object"))
    rows = _missing_rows(page, result)
    rows += _host_library_rows(page, result, lines)
    rows += _search_path_rows(page, result)
    write_rows(page, rows)
    return {MISSING_LIBRARY, _HOST_LIBRARY, *_SEARCH_PATH_RULES}


def _missing_rows(page: Page, result: Result) -> list[Row]:
    needed: dict[str, list[str]] = {}
    for library in result.libraries:
        for need in library.needed:
            if need.origin == "missing":
                needed.setdefault(need.name, []).append(library.path.rpartition("/")[2])
    findings = _standing(result, MISSING_LIBRARY)
    if not findings:
        unspoken = f"{format_amount(len(needed), 'library', 'libraries')} that no standing finding is about"
        return [Row("missing", unspoken if needed else "nothing")]
    findings.sort(
        key=lambda finding: (
            SEVERITY_ORDER[finding.severity],
            -len(needed.get(finding.subject, ())),
            finding.subject,
        )
    )
    names = [finding.subject for finding in findings]
    if len(names) <= _NAMED_ALONE:
        return [
            Row("missing" if not number else "", f"{name}{_needed_by(needed.get(name, []))}", "red")
            for number, name in enumerate(names)
        ]
    counted = [
        f"{name} ({format_count(len(needed.get(name, ())))}{' need it' if not number else ''})"
        for number, name in enumerate(names)
    ]
    stopping = sum(finding.severity == "error" for finding in findings)
    kept = f" ({format_count(stopping)} of them keep a program from starting)" if stopping else ""
    text = f"{format_amount(len(names), 'library', 'libraries')}{kept}: "
    return [
        Row(
            "missing",
            text + list_names(counted, len(counted), _LINES * text_room(page) - cell_len(text) - _RAGGED),
            "red",
        )
    ]


def _needed_by(paths: list[str]) -> str:
    if not paths:
        return ""
    return f", needed by {paths[0]}" + (f" and {format_amount(len(paths) - 1, 'other')}" if len(paths) > 1 else "")


def _host_library_rows(page: Page, result: Result, lines: int) -> list[Row]:
    findings = _standing(result, _HOST_LIBRARY)
    if not findings:
        return []
    names = [finding.subject.rpartition("/")[2] for finding in findings]
    text = f"{format_count(len(names))} bundled in the host's place: "
    return [
        Row(
            "host's own",
            text + list_names(names, len(names), lines * text_room(page) - cell_len(text) - _RAGGED * (lines - 1)),
            "yellow",
        )
    ]


def _search_path_rows(page: Page, result: Result) -> list[Row]:
    rows: list[Row] = []
    for rule in _SEARCH_PATH_RULES:
        findings = _standing(result, rule)
        if not findings:
            continue
        label = "" if rows else "RPATH" if rule.startswith("rpath") else "launcher"
        first = findings[0]
        more = f" (and {format_count(len(findings) - 1)} more)" if len(findings) > 1 else ""
        if first.severity == "info":
            rows.append(Row(label, f"{format_amount(len(findings), 'element')} without effect ({rule})"))
            continue
        name = first.subject.rpartition("/")[2]
        subject = "" if name in first.message else f"{shorten_middle(escape(name), text_room(page) // 2)} "
        message = shorten_paths(escape(first.message), text_room(page) // 2)
        if cell_len(f"{subject}{message}{more}") > text_room(page):
            message = message.partition(", ")[0]  # what it has without what that means, which -v tells
        rows.append(Row(label, f"{subject}{message}{more}", "yellow"))
    if rows:
        return rows
    used = Counter(
        kind
        for library in result.libraries
        for kind, value in (("RUNPATH", library.runpath), ("RPATH", library.rpath))
        if value is not None
    )
    described = ", ".join(f"{kind} in {format_amount(count, 'object')}" for kind, count in sorted(used.items()))
    return [Row("RPATH", f"none is wrong: {described}" if used else "none is set")]


def _standing(result: Result, rule: str) -> list[Finding]:
    return [finding for finding in result.findings if finding.rule == rule and finding.suppressed is None]
