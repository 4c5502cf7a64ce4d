"""What changed between two releases, on a screen: the sentence first, then findings, systems, floors, components, bytes."""

from __future__ import annotations

from inspector.difference import ComponentChange, Difference
from inspector.model import Finding
from inspector.quantities import format_amount, format_share, format_size
from inspector.render.terminal_page import SEVERITY_STYLE, SEVERITY_WORD, Cell, Column, Page

_ROWS = 15


def render_difference(found: Difference, width: int, *, color: bool, full: bool = False) -> str:
    """The report as text.

    :param full: no list is cut.
    """
    page = Page(width, color=color)
    most = None if full else _ROWS
    page.line((f"{found.artifact.old_path} → {found.artifact.new_path}", "bold"), indent=0, hanging=2)
    for line in headlines(found):
        page.line(line, hanging=2)
    _write_findings(page, "New findings", found.new_findings, most)
    _write_findings(page, "Fixed", found.fixed_findings, most)
    _write_hosts(page, found, most)
    _write_floors(page, found)
    _write_components(page, found, most)
    _write_sizes(page, found, most)
    return page.text()


def headlines(found: Difference) -> list[str]:
    """The whole in a few sentences, also for the head of other formats."""
    old, new = found.artifact.size
    grown = new - old
    direction = "the same size" if not grown else f"{format_size(abs(grown))} {'larger' if grown > 0 else 'smaller'}"
    share = f" ({'+' if grown > 0 else '-'}{format_share(abs(grown), old)})" if grown and old else ""
    lines = [f"{format_size(old)} → {format_size(new)}: {direction}{share}"]
    parts = [
        format_amount(len(found.new_findings), "new finding"),
        f"{len(found.fixed_findings)} fixed",
        f"{found.same_findings} as before",
    ]
    lines.append(", ".join(parts))
    worse = [host.name for host in found.hosts if host.direction == "worse"]
    better = [host.name for host in found.hosts if host.direction == "better"]
    if worse:
        lines.append(f"worse on {', '.join(worse)}")
    if better:
        lines.append(f"better on {', '.join(better)}")
    if found.licenses_appeared:
        lines.append(f"licences that appeared: {', '.join(found.licenses_appeared)}")
    return lines


def _write_findings(page: Page, title: str, findings: tuple[Finding, ...], most: int | None) -> None:
    if not findings:
        return
    page.heading(title, _cut(len(findings), most))
    rows: list[list[Cell]] = [
        [
            (SEVERITY_WORD[each.severity], SEVERITY_STYLE[each.severity]),
            each.rule,
            f"{each.subject}: {each.message}" if each.subject else each.message,
        ]
        for each in findings[:most]
    ]
    page.table([Column(), Column(fit="middle", minimum=14), Column(fit="wrap", minimum=30)], rows)


def _write_hosts(page: Page, found: Difference, most: int | None) -> None:
    if not found.hosts:
        return
    page.heading("Systems", _cut(len(found.hosts), most))
    rows: list[list[Cell]] = [
        [
            f"{host.name} {host.variant}",
            f"{host.old} → {host.new}",
            (host.direction, "red" if host.direction == "worse" else "green"),
            (host.message, "dim"),
        ]
        for host in found.hosts[:most]
    ]
    page.table([Column(), Column(), Column(), Column(fit="wrap", minimum=24)], rows)


def _write_floors(page: Page, found: Difference) -> None:
    if not found.floors:
        return
    page.heading("What it asks of the host")
    rows: list[list[Cell]] = [
        [
            floor.namespace,
            f"{floor.old or 'nothing'} → {floor.new or 'nothing'}",
            (floor.direction, "red" if floor.direction == "higher" else "green"),
            (", ".join(floor.files), "dim"),
        ]
        for floor in found.floors
    ]
    page.table([Column(), Column(), Column(), Column(fit="middle", minimum=24)], rows)


def _write_components(page: Page, found: Difference, most: int | None) -> None:
    if not found.components:
        return
    page.heading("Components", _cut(len(found.components), most))
    rows: list[list[Cell]] = [
        [each.change, each.name, change_of_versions(each), (change_of_licenses(each), "dim")]
        for each in found.components[:most]
    ]
    page.table([Column(), Column(fit="middle", minimum=16), Column(fit="middle"), Column(fit="wrap", minimum=16)], rows)


def change_of_versions(change: ComponentChange) -> str:
    """``"1.2 → 1.3"``; of what came or went its version."""
    old, new = change.versions
    if change.change == "updated" and old != new:
        return f"{old or 'unknown'} → {new or 'unknown'}"
    return new or old or ""


def change_of_licenses(change: ComponentChange) -> str:
    """``"MIT → GPL-3.0-only"`` where it changed; of what came its licence."""
    old, new = change.licenses
    if change.change == "updated":
        return f"{old or 'unknown'} → {new or 'unknown'}" if old != new else ""
    return (new if change.change == "added" else old) or "licence unknown"


def _write_sizes(page: Page, found: Difference, most: int | None) -> None:
    if not found.sizes:
        return
    page.heading("Bytes by component", _cut(len(found.sizes), most))
    rows: list[list[Cell]] = [["", ("raw", "dim"), ("change", "dim"), ("stored", "dim"), ("change", "dim")]]
    rows += [
        [
            each.name,
            format_size(each.new.raw),
            signed(each.new.raw - each.old.raw),
            format_size(each.new.stored),
            signed(each.new.stored - each.old.stored),
        ]
        for each in found.sizes[:most]
    ]
    page.table([Column(fit="middle", minimum=16), *[Column(align="right")] * 4], rows)


def signed(count: int) -> str:
    """Bytes with a sign: ``"+1.2 MB"``."""
    return f"{'+' if count > 0 else '-' if count < 0 else ''}{format_size(abs(count))}"


def _cut(count: int, most: int | None) -> str:
    return f"{most} of {count}; -v has all" if most is not None and count > most else ""
