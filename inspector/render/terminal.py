"""The Result on a screen: what it is, the verdict, floors, libraries, licences, bytes, findings, and the next command, in that order."""

from __future__ import annotations

from collections.abc import Sequence

from inspector.render.registry import Detail, RenderOptions
from inspector.render.terminal_findings import write_findings, write_problems
from inspector.render.terminal_floors import write_floors
from inspector.render.terminal_identity import write_identity, write_nested, write_title, write_verdict
from inspector.render.terminal_libraries import write_libraries
from inspector.render.terminal_licenses import write_licenses
from inspector.render.terminal_next import write_coverage, write_next
from inspector.render.terminal_page import Page
from inspector.render.terminal_sizes import write_sizes
from inspector.result import Result

_LONGEST_IN_FULL = 8192


def render(results: Sequence[Result], options: RenderOptions) -> bytes:
    """The reports one after another, as UTF-8."""
    pages = [render_text(result, options.width, color=options.color, detail=options.detail) for result in results]
    return ("\n".join(pages) + ("\n" + _summary(results, options) if len(pages) > 1 else "")).encode()


def render_text(result: Result, width: int, *, color: bool, detail: Detail = "normal") -> str:
    """One report.

    :param width: columns that no line exceeds, unless a single word of ours does.
    :param detail: ``"brief"``: findings and verdict; ``"full"``: no list is capped, findings show their evidence.
    """
    page = Page(width, color=color, longest=_LONGEST_IN_FULL if detail == "full" else None)
    write_title(page, result)
    if detail != "brief":
        write_identity(page, result)
    write_verdict(page, result)
    if detail != "brief":
        full = detail == "full"
        write_floors(page, result, full=full)
        write_libraries(page, result, full=full)
        write_licenses(page, result, full=full)
        write_sizes(page, result, full=full)
        write_nested(page, result)
    write_findings(page, result, detail)
    write_problems(page, result, detail)
    if detail != "brief":
        write_coverage(page, result, detail)
        write_next(page, result, detail)
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
