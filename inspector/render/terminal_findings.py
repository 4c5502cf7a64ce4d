"""Findings, grouped by rule and the worst first, and problems: what could not be read."""

from __future__ import annotations

from collections import defaultdict

from rich.cells import cell_len

from inspector.model import SEVERITY_ORDER, Finding, Severity
from inspector.quantities import format_count, format_size
from inspector.render.escaping import escape
from inspector.render.registry import Detail
from inspector.render.terminal_identity import count_by_severity
from inspector.render.terminal_page import SEVERITY_STYLE, SEVERITY_WORD, Cell, Column, Page, shorten_end, shorten_paths
from inspector.result import Result

_SHOWN: dict[Severity, int] = {"error": 3, "warning": 1, "info": 1}
_PROBLEMS_SHOWN = 5
_MARGIN = 11  # severities stand in a column of their own


def write_findings(page: Page, result: Result, detail: Detail) -> None:
    """A line a rule with its summary, and below it as many findings as the severity deserves."""
    groups: dict[str, list[Finding]] = defaultdict(list)
    for finding in result.findings:
        if finding.suppressed is None or detail == "full":
            groups[finding.rule].append(finding)
    if not groups:
        return
    page.heading("Findings", count_by_severity(result.findings))
    for findings in sorted(groups.values(), key=_worst_first):
        _write_group(page, result, findings, detail)


def write_problems(page: Page, result: Result, detail: Detail) -> None:
    """What could not be read; the rest was audited all the same."""
    if not result.problems:
        return
    page.heading("Not readable", "the rest was audited all the same")
    shown = result.problems if detail == "full" else result.problems[:_PROBLEMS_SHOWN]
    rows: list[tuple[Cell, Cell]] = [
        ((problem.kind, "yellow"), f"{problem.subject}: {problem.message}".removeprefix(": ")) for problem in shown
    ]
    page.table([Column(), Column(fit="wrap", minimum=30)], rows)
    if len(result.problems) > len(shown):
        page.line((f"and {format_count(len(result.problems) - len(shown))} more (-v)", "dim"))


def _worst_first(findings: list[Finding]) -> tuple[int, str]:
    return min(SEVERITY_ORDER[finding.severity] for finding in findings), findings[0].rule


def _write_group(page: Page, result: Result, findings: list[Finding], detail: Detail) -> None:
    findings = sorted(findings, key=lambda finding: (SEVERITY_ORDER[finding.severity], finding.subject))
    worst = findings[0].severity
    amount = f" ({format_count(len(findings))})" if len(findings) > 1 else ""
    word = SEVERITY_WORD[worst].ljust(_MARGIN - 2)
    full = detail == "full"
    head: list[Cell] = [(word, SEVERITY_STYLE[worst]), (findings[0].rule, "bold"), amount]
    if len(findings) == 1 and not full:
        message = shorten_paths(_message(findings[0]), page.width // 2)
        if _MARGIN + cell_len(findings[0].rule) + 2 + cell_len(escape(message)) <= page.width:
            page.line(*head, f"  {message}")
            return
    page.line(*head, *_summarize(page, result, findings, full=full))
    shown = findings if full else findings[: _SHOWN[worst]]
    for number, finding in enumerate(shown, 1):
        left = len(findings) - number if number == len(shown) else 0
        _write_finding(page, finding, f" and {format_count(left)} more (-v)" if left else "", full=full)


def _summarize(page: Page, result: Result, findings: list[Finding], *, full: bool) -> list[Cell]:
    """The rule's summary, where it says more than the one message below it and fits the line."""
    info = result.rules.get(findings[0].rule)
    if info is None or (len(findings) == 1 and not full):
        return []
    room = page.width - _MARGIN - len(findings[0].rule) - 12
    return [(f"  {shorten_end(escape(info.summary), room)}", "dim")] if room > 20 else []


def _message(finding: Finding) -> str:
    """The message, with the subject before it where it does not name its subject."""
    named = (
        not finding.subject
        or finding.subject in finding.message
        or finding.subject.rpartition("/")[2] in finding.message
    )
    return finding.message if named else f"{finding.subject}: {finding.message}"


def _write_finding(page: Page, finding: Finding, more: str, *, full: bool) -> None:
    note = f" [suppressed: {finding.suppressed}]" if finding.suppressed is not None else ""
    message = _message(finding)
    page.line(
        message if full else shorten_paths(message, page.width // 2), (note + more, "dim"), indent=_MARGIN, hanging=2
    )
    if not full:
        return
    for step in finding.evidence:
        page.line((step, "dim"), indent=_MARGIN + 2, hanging=2)
    if finding.confidence != "high":
        page.line((f"confidence {finding.confidence}", "dim"), indent=_MARGIN + 2)
    if finding.fix is not None:
        saves = f" (saves {format_size(finding.fix.saves)})" if finding.fix.saves else ""
        page.line(("fix: ", "green"), f"{finding.fix.text}{saves}", indent=_MARGIN + 2, hanging=2)
