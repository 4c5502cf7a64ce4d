"""What slim did, or would do: the totals, the rules by what they save, components before and after, the proof."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from inspector.model import ByteCount
from inspector.quantities import format_amount, format_count, format_share, format_size
from inspector.render.terminal_page import Cell, Column, Page
from inspector.result import Result, SlimAction, SlimInfo, SlimKept

_ROWS = 12
_KEPT = 6
_OUTCOME_STYLE = {"passed": "green", "failed": "bold red", "not checked": "yellow"}
_CHECK_NAMES = {
    "tree": "the tree",
    "audit": "findings",
    "hosts": "systems",
    "imports": "imports",
    "smoke": "smoke test",
}


def render_slim(result: Result, width: int, *, color: bool, full: bool) -> str:
    """The report of one run as text.

    :param full: every action with its reasons, everything that was kept, no list cut.
    """
    info = result.slim or SlimInfo(input=result.artifact.path, level="moderate")
    page = Page(width, color=color, longest=8192 if full else None)
    page.line((slim_line(result), "bold"), indent=0, hanging=2)
    page.line((_taken_as(info), "dim"))
    if full and info.roots:
        page.heading("It starts from" if info.closed else "What makes it open")
        for root in info.roots:
            page.line(root, hanging=2)
    _write_rules(page, info, full=full)
    if full:
        _write_actions(page, info)
    _write_components(page, info, full=full)
    _write_kept(page, "Kept, although a rule would have taken it", info.kept, full=full)
    _write_kept(page, "Left out, because a check failed with it", info.left_out, full=True)
    if info.checks:
        page.heading("Proof")
        rows: list[list[Cell]] = [
            [_CHECK_NAMES[check.name], (check.outcome, _OUTCOME_STYLE[check.outcome]), check.detail]
            for check in info.checks
        ]
        page.table([Column(), Column(), Column(fit="wrap", minimum=24)], rows)
    if info.notices:
        page.heading("To know")
        for notice in info.notices:
            page.line(notice, hanging=2)
    if info.output is None and info.actions and not info.checks:
        page.heading("Nothing was written")
        page.line("Leave out --dry-run to do it.")
    return page.text()


def slim_line(result: Result) -> str:
    """The whole in one line: ``MyApp.AppImage: 63.1 MB, MyApp-slim.AppImage: 41.2 MB (35 % smaller)``."""
    info = result.slim
    if info is None:
        return result.artifact.path
    source = f"{info.input}: {format_size(info.size_before)}"
    if info.output is not None and info.size_after is not None:
        return (
            f"{source}, {info.output}: {format_size(info.size_after)} ({_smaller(info.size_before, info.size_after)})"
        )
    before, after = (info.before.stored, info.after.stored) if info.after.stored else (info.before.raw, info.after.raw)
    return f"{source}, about {_smaller(before, after)} by this plan"


def _smaller(before: int, after: int) -> str:
    if after > before:
        return f"{format_share(after - before, before)} larger"
    return f"{format_share(before - after, before) or '0 %'} smaller"


def _taken_as(info: SlimInfo) -> str:
    if info.closed and info.interpreter:
        taken = "taken as an application whose modules are known: what it cannot reach may go"
    elif info.closed:
        taken = "taken as an application of programs: what they cannot load may go"
    elif info.interpreter:
        taken = "taken as an open interpreter: whatever somebody may import stays (--entry tells what is started)"
    else:
        taken = "nothing tells what it starts: only what nobody can need goes"
    bytecode = f", bytecode {info.bytecode}" if info.interpreter else ""
    return f"level {info.level}{bytecode}; {taken}"


def _write_rules(page: Page, info: SlimInfo, *, full: bool) -> None:
    if not info.actions:
        page.heading("Nothing to do")
        page.line("No rule of this level found anything that can go.")
        return
    by_rule: dict[str, list[SlimAction]] = defaultdict(list)
    for action in info.actions:
        by_rule[action.rule].append(action)
    order = sorted(by_rule, key=lambda rule: (-_sum(by_rule[rule]).stored, -_sum(by_rule[rule]).raw, rule))
    page.heading("What goes" if info.output is None else "What went", "stored: as it lay in the container")
    rows: list[list[Cell]] = [["", ("files", "dim"), ("raw", "dim"), ("stored", "dim"), ("level", "dim")]]
    for rule in order if full else order[:_ROWS]:
        actions = by_rule[rule]
        saved = _sum(actions)
        rows.append(
            [
                rule,
                format_count(sum(action.files for action in actions)),
                format_size(saved.raw),
                format_size(saved.stored),
                (actions[0].level, "dim"),
            ]
        )
    rest = [] if full else order[_ROWS:]
    if rest:
        saved = _sum(action for rule in rest for action in by_rule[rule])
        files = sum(action.files for rule in rest for action in by_rule[rule])
        rows.append(
            [
                format_amount(len(rest), "rule more", "rules more"),
                format_count(files),
                format_size(saved.raw),
                format_size(saved.stored),
            ]
        )
    page.table([Column(fit="middle", minimum=16), *[Column(align="right")] * 3, Column()], rows)


def _write_actions(page: Page, info: SlimInfo) -> None:
    page.heading("Every action")
    for action in info.actions:
        saved = f"{format_size(action.saves.raw)} raw, {format_size(action.saves.stored)} stored"
        page.line(
            (action.rule, "bold"), f"  {action.subject}: {format_amount(action.files, 'file')}, {saved}", hanging=2
        )
        for reason in action.reasons:
            page.line((reason, "dim"), indent=4, hanging=2)
        if action.refuted_by:
            page.line((f"would be wrong for: {action.refuted_by}", "dim"), indent=4, hanging=2)


def _write_components(page: Page, info: SlimInfo, *, full: bool) -> None:
    changed = [row for row in info.by_component if row.before != row.after]
    if not changed:
        return
    page.heading("Before and after", "raw, and stored behind the bar")
    rows: list[list[Cell]] = [["", ("before", "dim"), ("after", "dim"), ("smaller", "dim")]]
    rows += [
        [row.name, _both(row.before), _both(row.after), _share_gone(row.before, row.after)]
        for row in (changed if full else changed[:_ROWS])
    ]
    rest = [] if full else changed[_ROWS:]
    if rest:
        before, after = _total(row.before for row in rest), _total(row.after for row in rest)
        name = format_amount(len(rest), "component more", "components more")
        rows.append([name, _both(before), _both(after), _share_gone(before, after)])
    rows.append(
        [
            ("all", "bold"),
            (_both(info.before), "bold"),
            (_both(info.after), "bold"),
            (_share_gone(info.before, info.after), "bold"),
        ]
    )
    page.table([Column(fit="middle", minimum=16), *[Column(align="right")] * 3], rows)


def _write_kept(page: Page, title: str, rows: Iterable[SlimKept], *, full: bool) -> None:
    everything = sorted(rows, key=lambda row: (-row.bytes.raw, row.rule, row.subject))
    if not everything:
        return
    shown = everything if full else everything[:_KEPT]
    page.heading(title, "" if len(shown) == len(everything) else f"{len(shown)} of {len(everything)}; -v has all")
    page.table(
        [Column(fit="middle", minimum=14), Column(fit="middle", minimum=14), Column(fit="wrap", minimum=24)],
        [[row.rule, row.subject, (row.reason, "dim")] for row in shown],
    )


def _sum(actions: Iterable[SlimAction]) -> ByteCount:
    return _total(action.saves for action in actions)


def _total(counts: Iterable[ByteCount]) -> ByteCount:
    listed = list(counts)
    return ByteCount(raw=sum(count.raw for count in listed), stored=sum(count.stored for count in listed))


def _both(count: ByteCount) -> str:
    return f"{format_size(count.raw)} | {format_size(count.stored)}"


def _share_gone(before: ByteCount, after: ByteCount) -> str:
    whole, rest = (before.stored, after.stored) if before.stored else (before.raw, after.raw)
    return format_share(whole - rest, whole) or "0 %"
