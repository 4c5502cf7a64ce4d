"""The verdict for somebody who reads only a log: what holds it up, what is worth mending first, what to type next."""

from __future__ import annotations

from inspector.quantities import format_count, format_size
from inspector.render.escaping import escape
from inspector.render.fix_ranking import FIXES_SHOWN, GLIBC_FLOOR, RankedFix, next_command, rank_fixes
from inspector.render.terminal_identity import count_by_severity
from inspector.render.terminal_page import shorten_end, shorten_paths
from inspector.result import Result

_REASONS = 5
_LONGEST = 160


def verdict_lines(result: Result) -> list[str]:
    """The artifact with its verdict; indented below it reasons, notices, the three most valuable fixes with the bytes they save, and a command."""
    lines = [f"{escape(result.artifact.path)}: {result.verdict.gate}, {count_by_severity(result.findings)}"]
    lines += [f"  {shorten_end(escape(reason), _LONGEST)}" for reason in result.verdict.reasons[:_REASONS]]
    if len(result.verdict.reasons) > _REASONS:
        lines.append(f"  and {len(result.verdict.reasons) - _REASONS} more reasons")
    lines += [f"  {shorten_end(escape(notice), _LONGEST)}" for notice in result.verdict.notices[:_REASONS]]
    fixes = rank_fixes(result)[:FIXES_SHOWN]
    if fixes:
        lines.append("  mend first:")
        lines += [f"    {number}. {_short(result, fix)}" for number, fix in enumerate(fixes, 1)]
    following = next_command(result, fixes)
    if following is not None:
        lines.append(f"  next: {escape(following[0])}")
    return lines


def _short(result: Result, fix: RankedFix) -> str:
    text = fix.text
    if fix.finding.rule == GLIBC_FLOOR:
        floor = result.floors.get("GLIBC")
        text = f"lower the glibc floor, {floor.host_version if floor is not None else ''}"
    text = shorten_end(shorten_paths(escape(text), 40).partition(". ")[0], 90)
    if fix.count > 1:
        text += f"; {format_count(fix.count - 1)} more like it"
    return text + (f" (saves {format_size(fix.saves.raw)})" if fix.saves.raw else "")
