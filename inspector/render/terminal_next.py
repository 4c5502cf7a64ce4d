"""The foot of the full report: what was looked at, what is worth mending first, and what to type next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from inspector.quantities import format_amount, format_count, format_size
from inspector.render.escaping import escape
from inspector.render.fix_ranking import FIXES_SHOWN, next_command, rank_fixes
from inspector.render.terminal_page import Cell, Page
from inspector.result import Result


def write_coverage(page: Page, result: Result) -> None:
    """How much was seen and analysed, what was skipped, and which data the judgement rests on."""
    coverage = result.coverage
    looked = f"{format_amount(coverage.seen, 'member')} seen, {format_count(coverage.analysed)} analysed"
    ran = format_amount(len(coverage.rules_run), "rule") + " run"
    off = f", {format_count(len(coverage.rules_off))} off" if coverage.rules_off else ""
    page.heading("Coverage", f"{looked}; {ran}{off}")
    if coverage.bytes:
        page.line(*byte_account(coverage.bytes, result.artifact.size), hanging=2)
    for skipped in coverage.skipped:
        page.line("skipped ", skipped.path, (f": {skipped.why}", "dim"), hanging=2)
    for name, date in sorted(result.tool.data.items()):
        page.line((f"data {name}: {date}", "dim"))


def byte_account(counts: Mapping[str, int], size: int) -> list[Cell]:
    """Every byte of a file by its purpose, in a sentence that adds up to the file's size; what nothing explains stands out."""
    parts = ", ".join(
        f"{name} {format_size(counts[name])}"
        for name in ("headers", "entries", "padding", "appended")
        if counts.get(name)
    )
    unexplained = counts.get("unexplained", 0)
    told: list[Cell] = [f"bytes of the file: {format_size(size)} = {parts}"]
    told.append(
        (f", unexplained {format_size(unexplained)}", "yellow") if unexplained else ("; none is unexplained", "dim")
    )
    return told


def write_next(page: Page, result: Result) -> None:
    """The most valuable fixes in full, and the commands that lead on."""
    fixes = rank_fixes(result)[:FIXES_SHOWN]
    if fixes:
        page.heading("Mend first")
    for number, fix in enumerate(fixes, 1):
        saves = f" (saves {format_size(fix.saves.raw)})" if fix.saves.raw else ""
        more = f"; {format_count(fix.count - 1)} more like it" if fix.count > 1 else ""
        page.line(f"{number}. ", fix.text, more, saves, (f"  {fix.finding.rule}", "dim"), hanging=3)
    page.heading("Next")
    if fixes:
        page.command(f"inspect explain {fixes[0].finding.rule}", "what it means, what to do")
    following = next_command(result, fixes)
    if following is not None and following[0].startswith("inspect slim "):
        page.command(escape(following[0]), following[1])
    page.command(f"inspect audit -o result.json {shlex.quote(escape(result.artifact.path))}", "for other programs")
