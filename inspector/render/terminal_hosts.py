"""The matrix: system by system whether it starts, on what that judgement rests, and what would be seen where it fails."""

from __future__ import annotations

from inspector.quantities import format_count
from inspector.render.host_summary import HostFailure, failures, is_musl, summarize_hosts
from inspector.render.terminal_page import Cell, Column, Page, list_names
from inspector.result import HostVerdict, Result

_STYLES = {"starts": "green", "degraded": "yellow", "fails": "bold red", "unknown": "magenta"}
_SYMBOLS_SHOWN = 20
_OBJECTS_SHOWN = 3


def write_hosts(page: Page, result: Result) -> None:
    """The sentence that sums it up, a row a system, and then what fails, systems that fail alike together."""
    if not result.hosts:
        return
    page.heading("Systems", "verdict, what the judgement rests on, root objects judged")
    for sentence in summarize_hosts(result):
        page.line(sentence, hanging=2)
    ordered = sorted(result.hosts, key=is_musl)
    columns = [Column(fit="middle", minimum=20), Column(), Column(), Column(), Column(), Column(align="right")]
    page.table(columns, [_row(host) for host in ordered], indent=4)
    for hosts in _alike([host for host in ordered if host.verdict != "starts"]):
        _write_failures(page, result, hosts)


def _alike(hosts: list[HostVerdict]) -> list[list[HostVerdict]]:
    """Systems with the same verdict, message and objects, together."""
    groups: list[list[HostVerdict]] = []
    for host in hosts:
        for group in groups:
            first = group[0]
            if (first.verdict, first.message, first.objects) == (host.verdict, host.message, host.objects):
                group.append(host)
                break
        else:
            groups.append([host])
    return groups


def _row(host: HostVerdict) -> list[Cell]:
    return [
        (host.name, "bold"),
        (host.verdict, _STYLES[host.verdict]),
        (host.basis, "yellow" if host.basis == "assumed" else "dim"),
        (host.variant, "dim"),
        ("musl" if is_musl(host) else "glibc", "dim"),
        (format_count(host.judged), "dim"),
    ]


def _write_failures(page: Page, result: Result, hosts: list[HostVerdict]) -> None:
    """The loader's message, then each thing that is missing once, with the objects that do not load for want of it."""
    page.line((", ".join(host.name for host in hosts), "bold"), f": {hosts[0].verdict}", hanging=2)
    if hosts[0].message:
        page.line(hosts[0].message, indent=4, hanging=2)
    alike: dict[tuple[str, str, str], list[tuple[HostFailure, str]]] = {}
    for failed in hosts[0].objects:
        for failure in failures(result, failed):
            alike.setdefault((failure.kind, failure.wanted, failure.provider), []).append((failure, failed.path))
    for group in alike.values():
        _write_lack(page, group)


def _write_lack(page: Page, group: list[tuple[HostFailure, str]]) -> None:
    """One thing that is not there: who wants it, with the symbols behind it, and what does not load for want of it."""
    first = max((failure for failure, _ in group), key=lambda failure: failure.symbol_count)
    lacking = f"{first.provider} has" if first.kind == "version" else f"there is no {first.kind}"
    what = f"{lacking} no {first.wanted}" if first.kind == "version" else f"{lacking} {first.wanted}"
    page.line(what, indent=4, hanging=2)
    wanting = list(dict.fromkeys(failure.needed_by for failure, _ in group))
    if first.symbols:
        wanting = [first.needed_by, *(path for path in wanting if path != first.needed_by)]
        names = list_names(first.symbols, first.symbol_count, 0, least=_SYMBOLS_SHOWN)
        wanting[0] += f" ({names})"
    page.line(("wanted by ", "dim"), list_names(wanting, len(wanting), 0, least=_OBJECTS_SHOWN), indent=6, hanging=2)
    roots = list(dict.fromkeys(path for _, path in group))
    if roots != [first.needed_by]:
        page.line(
            ("does not load: ", "dim"), list_names(roots, len(roots), 0, least=_OBJECTS_SHOWN), indent=6, hanging=2
        )
