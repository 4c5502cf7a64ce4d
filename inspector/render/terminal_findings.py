"""Findings, grouped by rule and the worst first, and problems: what could not be read."""

from __future__ import annotations

from collections import defaultdict

from inspector.model import SEVERITY_ORDER, Finding
from inspector.render.quantities import format_count, format_size
from inspector.render.registry import Detail
from inspector.render.terminal_identity import count_by_severity
from inspector.render.terminal_page import SEVERITY_STYLE, SEVERITY_WORD, Cell, Column, Page
from inspector.result import Result

_SHOWN = {"error": 4, "warning": 2, "info": 1}
_PROBLEMS_SHOWN = 5
_MARGIN = 4


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
    info = result.rules.get(findings[0].rule)
    amount = f" ({format_count(len(findings))})" if len(findings) > 1 else ""
    summary = f"  {info.summary}" if info else ""
    page.line(
        (SEVERITY_WORD[worst], SEVERITY_STYLE[worst]),
        " ",
        (findings[0].rule, "bold"),
        amount,
        (summary, "dim"),
        hanging=2,
    )
    shown = findings if detail == "full" else findings[: _SHOWN[worst]]
    for finding in shown:
        _write_finding(page, finding, full=detail == "full")
    if len(findings) > len(shown):
        page.line((f"and {format_count(len(findings) - len(shown))} more (-v)", "dim"), indent=_MARGIN)


def _write_finding(page: Page, finding: Finding, *, full: bool) -> None:
    where = f"{finding.subject}: " if finding.subject and finding.subject not in finding.message else ""
    note = f" [suppressed: {finding.suppressed}]" if finding.suppressed is not None else ""
    page.line("- ", where, finding.message, (note, "dim"), indent=_MARGIN, hanging=2)
    if not full:
        return
    for step in finding.evidence:
        page.line((step, "dim"), indent=_MARGIN + 2, hanging=2)
    if finding.confidence != "high":
        page.line((f"confidence {finding.confidence}", "dim"), indent=_MARGIN + 2)
    if finding.fix is not None:
        saves = f" (saves {format_size(finding.fix.saves)})" if finding.fix.saves else ""
        page.line(("fix: ", "green"), f"{finding.fix.text}{saves}", indent=_MARGIN + 2, hanging=2)
