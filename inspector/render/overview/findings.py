"""What no section told: other findings a line a rule, what could not be read, and what is worth mending first."""

from __future__ import annotations

import shlex

from rich.cells import cell_len

from inspector.model import SEVERITY_ORDER, Finding
from inspector.quantities import format_amount, format_count, format_size
from inspector.render.escaping import escape
from inspector.render.fix_ranking import FIXES_SHOWN, GLIBC_FLOOR, MISSING_LIBRARY, RankedFix, next_command, rank_fixes
from inspector.render.terminal_page import SEVERITY_STYLE, SEVERITY_WORD, Cell, Page, shorten_end, shorten_paths
from inspector.result import Result

_VERDICT_INDENT = 8
_LEAST_ASIDE = 16  # cells below which the beginning of a sentence tells nothing
_COMMANDS = ("patchelf ", "inspect ")


def write_other_findings(page: Page, result: Result, told: set[str], most: int) -> None:
    """One line a rule that no section told, the worst first; what is beyond ``most`` is named in one more."""
    groups: dict[str, list[Finding]] = {}
    for finding in result.findings:
        if finding.suppressed is None and finding.rule not in told:
            groups.setdefault(finding.rule, []).append(finding)
    if not groups:
        return
    page.heading("Also found")
    ordered = sorted(groups.values(), key=lambda group: (_severity(group), group[0].rule))
    for group in ordered[:most]:
        worst = min(group, key=lambda finding: (SEVERITY_ORDER[finding.severity], finding.subject))
        amount = f" ({format_count(len(group))})" if len(group) > 1 else ""
        head: list[Cell] = [
            (SEVERITY_WORD[worst.severity].ljust(9), SEVERITY_STYLE[worst.severity]),
            (worst.rule, "bold"),
            amount,
        ]
        room = page.width - 2 - 9 - cell_len(escape(worst.rule)) - len(amount) - 2
        if room > _LEAST_ASIDE:
            head.append((f"  {shorten_end(escape(_say(result, group, worst, room)), room)}", "dim"))
        page.line(*head)
    if len(ordered) > most:
        names = ", ".join(group[0].rule for group in ordered[most:])
        page.line((shorten_end(escape(f"and {names}"), page.width - 4), "dim"))


def write_unread(page: Page, result: Result) -> None:
    """The first thing that could not be read, and how many more there are; a line below the verdict."""
    if result.problems:
        first = result.problems[0]
        more = f" and {format_count(len(result.problems) - 1)} more" if len(result.problems) > 1 else ""
        text = shorten_paths(escape(f"{first.subject}: {first.message}".removeprefix(": ")), page.width // 3)
        room = page.width - _VERDICT_INDENT - len("not read: ") - len(more)
        page.line((f"not read: {shorten_end(text, room)}{more}", "yellow"), indent=_VERDICT_INDENT)


def write_fixes(page: Page, result: Result) -> None:
    """The three fixes that are worth most, each with what it saves and the command that leads on, and the one that does several at once."""
    artifact = shlex.quote(result.artifact.path)
    fixes = rank_fixes(result)[:FIXES_SHOWN]
    if fixes:
        page.heading("Mend first")
    for number, fix in enumerate(fixes, 1):
        _write_fix(page, result, number, fix, artifact)
    if not fixes:
        page.blank()
    following = next_command(result, fixes)
    if following is not None and following[0].startswith("inspect slim "):
        page.command(escape(following[0]), following[1])
    page.command(f"inspect audit -v {artifact}", "all of it, with evidence")


def _write_fix(page: Page, result: Result, number: int, fix: RankedFix, artifact: str) -> None:
    """The text in one line and the command in the next; a text that is a command is the command."""
    notes = []
    systems = fix.stopped or fix.systems
    if systems:
        notes.append(f"{format_amount(systems, 'system lacks', 'systems lack')} it")
    if fix.saves.raw:
        stored = f" ({format_size(fix.saves.stored)} stored)" if 0 < fix.saves.stored < fix.saves.raw else ""
        notes.append(f"saves {format_size(fix.saves.raw)}{stored}")
    note = "; ".join(notes)
    more = f"; {format_count(fix.count - 1)} more like it" if fix.count > 1 else ""
    text, command = _fix_text(result, fix), f"inspect explain {fix.finding.rule}"
    if fix.finding.rule == MISSING_LIBRARY:
        command = f"inspect why {artifact} {shlex.quote(fix.finding.subject)}"
    elif text.startswith(_COMMANDS):
        text, command = f"mend {fix.finding.subject}", text
    command = escape(command)
    beside_command = 5 + cell_len(command) + 4 + cell_len(note) <= page.width
    room = page.width - 5 - cell_len(more) - (0 if beside_command else cell_len(note) + 2)
    page.line(
        f"{number}. ", _shorten_sentence(escape(text), room), more, ("" if beside_command else f"  {note}", "green")
    )
    page.command(command, note if beside_command else "", indent=5)


def _shorten_sentence(text: str, room: int) -> str:
    """A sentence that fits: paths lose their middles, then clauses go from its end, then words."""
    if cell_len(text) > room:
        text = shorten_paths(text, max(24, room // 2))
    for separator in ("; ", ", "):
        while cell_len(text) > room and separator in text:
            text = text.rpartition(separator)[0]
    return shorten_end(text, max(24, room))


def _fix_text(result: Result, fix: RankedFix) -> str:
    if fix.finding.rule != GLIBC_FLOOR:
        return fix.text
    floor = result.floors.get("GLIBC")
    version = f", {floor.host_version}," if floor is not None and floor.host_version else ""
    return f"lower the glibc floor{version} as said above"


def _say(result: Result, group: list[Finding], worst: Finding, room: int) -> str:
    """The one finding's message, or for several the rule's summary."""
    info = result.rules.get(worst.rule)
    if len(group) > 1 and info is not None:
        return info.summary
    named = not worst.subject or worst.subject.rpartition("/")[2] in worst.message
    return shorten_paths(worst.message if named else f"{worst.subject.rpartition('/')[2]}: {worst.message}", room // 2)


def _severity(group: list[Finding]) -> int:
    return min(SEVERITY_ORDER[finding.severity] for finding in group)
