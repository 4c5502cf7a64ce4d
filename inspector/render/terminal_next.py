"""The foot of the screen: what was looked at, what is worth mending first, and what to type next."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence

from inspector.model import SEVERITY_ORDER, Finding
from inspector.render.escaping import escape
from inspector.render.quantities import format_amount, format_count, format_size
from inspector.render.registry import Detail
from inspector.render.terminal_page import Page
from inspector.result import Result

_FIXES_SHOWN = 3
_SKIPPED_SHOWN = 3


def write_coverage(page: Page, result: Result, detail: Detail) -> None:
    """How much was seen and analysed, what was skipped, and which data the judgement rests on."""
    coverage = result.coverage
    looked = f"{format_amount(coverage.seen, 'member')} seen, {format_count(coverage.analysed)} analysed"
    ran = format_amount(len(coverage.rules_run), "rule") + " run"
    off = f", {format_count(len(coverage.rules_off))} off" if coverage.rules_off else ""
    reasons = Counter(skipped.why for skipped in coverage.skipped).most_common()
    named = "; ".join(f"{format_count(count)} {why}" for why, count in reasons[:_SKIPPED_SHOWN])
    more = "; …" if len(reasons) > _SKIPPED_SHOWN else ""
    page.heading("Coverage", f"{looked}; {ran}{off}")
    if detail == "full":
        for skipped in coverage.skipped:
            page.line("skipped ", skipped.path, (f": {skipped.why}", "dim"), hanging=2)
        for name, date in sorted(result.tool.data.items()):
            page.line((f"data {name}: {date}", "dim"))
    elif coverage.skipped:
        page.line(f"skipped {format_count(len(coverage.skipped))}: {named}{more}", hanging=2)


def write_next(page: Page, result: Result, detail: Detail) -> None:
    """The most valuable fixes, and the commands that lead on."""
    findings = _most_valuable_first(result.findings)
    fixes = _first_fixes(findings)
    if fixes:
        page.heading("Mend first")
        for number, (rule, text) in enumerate(fixes, 1):
            page.line(
                f"{number}. ",
                text,
                (f"  {rule}", "dim"),
                hanging=3,
            )
    page.heading("Next")
    path = shlex.quote(escape(result.artifact.path))
    commands = [(f"inspect explain {findings[0].rule}", "what it means, what to do")] if findings else []
    if detail != "full" and findings:
        commands.append((f"inspect audit -v {path}", "every finding with its evidence"))
    else:
        commands.append((f"inspect audit -o result.json {path}", "for other programs"))
    for command, purpose in commands:
        if len(command) + len(purpose) + 6 <= page.width:
            page.line(command, (f"    {purpose}", "dim"))
        else:
            page.command(command)


def _most_valuable_first(findings: Sequence[Finding]) -> list[Finding]:
    """Errors and warnings by how many findings their rule has, notes by the bytes that mending saves."""
    standing = [finding for finding in findings if finding.suppressed is None]
    amounts = Counter(finding.rule for finding in standing)

    def order(finding: Finding) -> tuple[int, int, str, str]:
        saves = finding.fix.saves if finding.fix else 0
        worth = saves if finding.severity == "info" else amounts[finding.rule]
        return SEVERITY_ORDER[finding.severity], -worth, finding.rule, finding.subject

    return sorted(standing, key=order)


def _first_fixes(findings: list[Finding]) -> list[tuple[str, str]]:
    """At most one fix a rule: its text, and what it saves."""
    fixes: dict[str, str] = {}
    for finding in findings:
        worth_it = finding.severity != "info" or (finding.fix is not None and finding.fix.saves)
        if finding.fix is not None and worth_it and finding.rule not in fixes:
            saves = f" (saves {format_size(finding.fix.saves)})" if finding.fix.saves else ""
            fixes[finding.rule] = finding.fix.text + saves
    return list(fixes.items())[:_FIXES_SHOWN]
