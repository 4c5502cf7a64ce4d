"""The Result as text: the one screen, the brief form, or everything, in the order of what decides a release."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.render.overview.findings import write_fixes
from inspector.render.overview.screen import ROOMS, write_overview
from inspector.render.registry import Detail, RenderOptions
from inspector.render.terminal_findings import write_findings, write_problems
from inspector.render.terminal_floors import write_floors
from inspector.render.terminal_hosts import write_hosts
from inspector.render.terminal_identity import (
    write_identity,
    write_incomplete,
    write_nested,
    write_title,
    write_verdict,
)
from inspector.render.terminal_libraries import write_libraries
from inspector.render.terminal_licenses import write_licenses
from inspector.render.terminal_next import write_coverage, write_next
from inspector.render.terminal_page import Page
from inspector.render.terminal_sizes import write_sizes
from inspector.result import Result

_LONGEST_IN_FULL = 8192
_SCREEN_LINES = 50


def render(results: Sequence[Result], options: RenderOptions) -> bytes:
    """The reports one after another, as UTF-8."""
    pages = [render_text(result, options.width, color=options.color, detail=options.detail) for result in results]
    return ("\n".join(pages) + ("\n" + _summary(results, options) if len(pages) > 1 else "")).encode()


def render_text(result: Result, width: int, *, color: bool, detail: Detail = "normal") -> str:
    """One report.

    :param width: columns that no line exceeds, unless a single word of ours does.
    :param detail: ``"normal"``: one screen; ``"brief"``: findings and verdict; ``"full"``: no list is capped, findings show their evidence.
    """
    if detail == "normal":
        for room in ROOMS:
            page = Page(width, color=color)
            write_overview(page, result, room)
            if page.line_count <= _SCREEN_LINES:
                break
        return page.text()
    full = detail == "full"
    page = Page(width, color=color, longest=_LONGEST_IN_FULL if full else None)
    write_title(page, result)
    if full:
        write_identity(page, result)
    write_verdict(page, result)
    write_incomplete(page, result)
    if full:
        for write in (write_hosts, write_floors, write_libraries, write_licenses, write_sizes, write_nested):
            write(page, result)
    write_findings(page, result, detail)
    write_problems(page, result, detail)
    if full:
        write_coverage(page, result)
        write_next(page, result)
    elif result.verdict.gate == "failed":
        write_fixes(page, result)
    return page.text()


def _summary(results: Sequence[Result], options: RenderOptions) -> str:
    """One line an artifact, after several reports."""
    from inspector.render.terminal_identity import count_by_severity
    from inspector.render.terminal_page import Column

    page = Page(options.width, color=options.color)
    page.heading(f"{len(results)} artifacts")
    page.table(
        [Column(), Column(fit="middle", minimum=20), Column()],
        [
            (
                (result.verdict.gate, "bold red" if result.verdict.gate == "failed" else "bold green"),
                result.artifact.path,
                (count_by_severity(result.findings), "dim"),
            )
            for result in results
        ],
    )
    return page.text()
