"""What changed between two releases, on a screen: the sentence first, then findings, systems, floors, components, bytes."""

from __future__ import annotations

from inspector.difference import ComponentChange, Difference, HostChange, LibraryChange
from inspector.model import Finding
from inspector.quantities import format_amount, format_share, format_size
from inspector.render.escaping import escape
from inspector.render.terminal_page import SEVERITY_STYLE, SEVERITY_WORD, Cell, Column, Page, shorten_middle

_ROWS, _LIBRARIES_NAMED = 15, 12


def render_difference(found: Difference, width: int, *, color: bool, full: bool = False) -> str:
    """The report as text.

    :param full: no list is cut.
    """
    page = Page(width, color=color)
    most = None if full else _ROWS
    _write_head(page, found, width, full=full)
    _write_findings(page, "New findings", found.new_findings, most)
    _write_findings(page, "Fixed", found.fixed_findings, most)
    _write_hosts(page, found, most)
    _write_floors(page, found)
    _write_libraries(page, found, full=full)
    _write_components(page, found, most)
    _write_sizes(page, found, most)
    return page.text()


def render_headlines(found: Difference, width: int, *, color: bool) -> str:
    """The first few lines of :func:`render_difference`."""
    page = Page(width, color=color)
    _write_head(page, found, width, full=False)
    return page.text()


def _write_head(page: Page, found: Difference, width: int, *, full: bool) -> None:
    half = (width - 3) // 2
    old, new = (escape(path) for path in (found.artifact.old_path, found.artifact.new_path))
    if len(old) + len(new) + 3 <= width:
        page.line((f"{old} → {new}", "bold"), indent=0)
    elif not full and max(len(old), len(new)) > width - 2:
        page.line((f"{shorten_middle(old, half)} → {shorten_middle(new, half)}", "bold"), indent=0)
    else:
        page.line((old, "bold"), indent=0, hanging=2)
        page.line((f"→ {new}", "bold"), indent=0, hanging=2)
    for line in headlines(found):
        page.line(line, hanging=2)


def headlines(found: Difference) -> list[str]:
    """The whole in a few sentences, also for the head of other formats."""
    old, new = found.artifact.size
    grown = new - old
    direction = "the same size" if not grown else f"{format_size(abs(grown))} {'larger' if grown > 0 else 'smaller'}"
    share = f" ({'+' if grown > 0 else '-'}{format_share(abs(grown), old)})" if grown and old else ""
    lines = [f"{format_size(old)} → {format_size(new)}: {direction}{share}"]
    if found.verdict[0] != found.verdict[1]:
        lines.append(f"the gate: {found.verdict[0]} → {found.verdict[1]}")
    parts = [
        format_amount(len(found.new_findings), "new finding"),
        f"{len(found.fixed_findings)} fixed",
        f"{found.same_findings} as before",
    ]
    lines.append(", ".join(parts))
    glibc = next((floor for floor in found.floors if floor.namespace == "GLIBC"), None)
    if glibc is not None:
        lines.append(f"needs glibc {glibc.new or 'no longer'}, before {glibc.old or 'nothing of it'}")
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
    alike = hosts_alike(found)
    page.heading("Systems", _cut(len(alike), most))
    rows: list[list[Cell]] = [
        [
            f"{hosts[0].old} → {hosts[0].new}",
            (hosts[0].direction, "red" if hosts[0].direction == "worse" else "green"),
            names_of_hosts(hosts),
            (hosts[0].message, "dim"),
        ]
        for hosts in alike[:most]
    ]
    page.table([Column(), Column(), Column(fit="wrap", minimum=24), Column(fit="wrap", minimum=24)], rows)


def hosts_alike(found: Difference) -> list[list[HostChange]]:
    """Systems that fared the same for the same reason, together; those that got worse first."""
    groups: dict[tuple[str, str, str, str], list[HostChange]] = {}
    for host in found.hosts:
        groups.setdefault((host.direction, host.old, host.new, host.message), []).append(host)
    return sorted(groups.values(), key=lambda hosts: hosts[0].direction != "worse")


def names_of_hosts(hosts: list[HostChange]) -> str:
    """All of them; the variant is told where it is not the desktop."""
    return ", ".join(host.name if host.variant == "desktop" else f"{host.name} {host.variant}" for host in hosts)


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


def _write_libraries(page: Page, found: Difference, *, full: bool) -> None:
    """A line for those that came, one for those that went, one for those with another version."""
    if not found.libraries:
        return
    page.heading("Libraries")
    for change in ("added", "removed", "updated"):
        named = [describe_library(each) for each in found.libraries if each.change == change]
        if named:
            shown = named if full else named[:_LIBRARIES_NAMED]
            more = f" and {len(named) - len(shown)} more" if len(named) > len(shown) else ""
            page.line(f"{change.ljust(9)}{', '.join(shown)}{more}", hanging=9)


def describe_library(change: LibraryChange) -> str:
    """``"libavif.so.16.3.0"``; of one that has another version ``"libpng16.so 16.44.0 → 16.58.0"``."""
    old, new = change.versions
    if change.change == "updated":
        return f"{change.name} {old or 'no version'} → {new or 'no version'}"
    version = new if change.change == "added" else old
    return f"{change.name}.{version}" if version else change.name


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
    columns = 4 if tells_stored_bytes(found) else 2
    rows: list[list[Cell]] = [["", *[(word, "dim") for word in ("raw", "change", "stored", "change")[:columns]]]]
    for each in found.sizes[:most]:
        cells: list[Cell] = [
            format_size(each.new.raw),
            signed(each.new.raw - each.old.raw),
            format_size(each.new.stored),
            signed(each.new.stored - each.old.stored),
        ]
        rows.append([each.name, *cells[:columns]])
    page.table([Column(fit="middle", minimum=16), *[Column(align="right")] * columns], rows)


def tells_stored_bytes(found: Difference) -> bool:
    """Whether stored bytes are anything but the raw ones: they are the same in directories."""
    return any(count.raw != count.stored for each in found.sizes for count in (each.old, each.new))


def signed(count: int) -> str:
    """Bytes with a sign: ``"+1.2 MB"``."""
    return f"{'+' if count > 0 else '-' if count < 0 else ''}{format_size(abs(count))}"


def _cut(count: int, most: int | None) -> str:
    return f"{most} of {count}; -v has all" if most is not None and count > most else ""
