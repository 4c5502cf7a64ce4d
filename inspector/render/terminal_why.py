"""``inspect why`` on a screen: the way to a library, who loads it by which rule, what it needs, and what would break without it."""

from __future__ import annotations

from collections import Counter

from inspector.model import SEVERITY_ORDER
from inspector.quantities import format_amount, format_count, format_size
from inspector.render.load_reasons import LoadReasons, LoadStep
from inspector.render.terminal_page import SEVERITY_STYLE, SEVERITY_WORD, Cell, Column, Page, list_names, shorten_middle
from inspector.result import FloorCause

_SHOWN = 8
_ROLE_WORDS = {
    "entry": "started by a user",
    "extension": "a Python extension module, imported by name",
    "plugin": "a plugin, opened by name",
    "optional": "nothing known loads it",
    "library": "a library",
}
_ROLE_NOUNS: dict[str, str] = {
    "entry": "entry",
    "extension": "extension module",
    "plugin": "plugin",
    "optional": "object that nothing known loads",
}
_PLURALS = {"entry": "entries", "optional": "objects that nothing known loads"}


def render_reasons(reasons: LoadReasons, width: int, *, color: bool, full: bool) -> str:
    """The page.

    :param full: no list is capped.
    """
    page = Page(width, color=color)
    _write_head(page, reasons)
    _write_chain(page, reasons)
    _write_loaders(page, reasons, full=full)
    _write_needs(page, reasons, full=full)
    _write_losses(page, reasons, full=full)
    _write_requests(page, reasons.requests, full=full)
    _write_findings(page, reasons, full=full)
    return page.text()


def _write_head(page: Page, reasons: LoadReasons) -> None:
    page.line((shorten_middle(reasons.name, page.width), "bold"), indent=0)
    library = reasons.library
    if library is None:
        where = (
            "not in the bundle, and not expected on every host"
            if reasons.origin == "missing"
            else "supplied by the host"
        )
        page.line((where, "red" if reasons.origin == "missing" else ""), hanging=2)
        if reasons.lacking:
            shown = list_names(reasons.lacking, len(reasons.lacking), 0, least=_SHOWN)
            page.line(f"lacking on {format_amount(len(reasons.lacking), 'judged system')}: {shown}", hanging=2)
        return
    parts = [f"SONAME {library.soname}" if library.soname else "no SONAME"]
    if reasons.size is not None:
        stored = f" raw, {format_size(reasons.size.stored)} stored" if reasons.size.stored != reasons.size.raw else ""
        parts.append(f"{format_size(reasons.size.raw)}{stored}")
    if reasons.component is not None:
        parts.append(f"of {reasons.component.name}, {reasons.component.licenses or 'licence not known'}")
    page.line("; ".join(parts), hanging=2)
    for label, value in (("RUNPATH", library.runpath), ("RPATH", library.rpath)):
        if value is not None:
            page.line(f"{label} {value or '(empty)'}", hanging=2)
    for license_expression, license_class in dict.fromkeys(
        (each.license, each.license_class) for each in reasons.exposures
    ):
        page.line((f"{license_class}: {license_expression}", "yellow"), hanging=2)


def _write_chain(page: Page, reasons: LoadReasons) -> None:
    page.heading("Why it is loaded" if reasons.library is not None else "Why it is asked for")
    if reasons.root is not None:
        page.line(f"it is itself a root: {_ROLE_WORDS[reasons.root.role]}", hanging=2)
    if not reasons.chain:
        if reasons.root is None:
            page.line(
                "no object that a root reaches needs it; whether a program opens it by name is not known", hanging=2
            )
        return
    first = reasons.chain[0]
    page.line(first.loader, (f"  {_ROLE_WORDS.get(first.role, first.role)}", "dim"), hanging=2)
    targets = [*(step.loader for step in reasons.chain[1:]), reasons.name]
    for step, target in zip(reasons.chain, targets, strict=True):
        found = f"{step.name} is {target}" if target.rpartition("/")[2] != step.name else target
        page.line(f"→ {found}", (f"  {_rule(step)}", "dim"), indent=4, hanging=2)


def _write_loaders(page: Page, reasons: LoadReasons, *, full: bool) -> None:
    if not reasons.loaders:
        return
    page.heading(
        "Loaded by" if reasons.library is not None else "Needed by", format_amount(len(reasons.loaders), "object")
    )
    shown = reasons.loaders if full else reasons.loaders[:_SHOWN]
    rows: list[list[Cell]] = [[step.loader, (step.role, "dim"), (_rule(step), "dim")] for step in shown]
    page.table([Column(fit="middle", minimum=24), Column(), Column(fit="wrap", minimum=16)], rows)
    _count_rest(page, len(reasons.loaders) - len(shown))


def _write_needs(page: Page, reasons: LoadReasons, *, full: bool) -> None:
    if reasons.library is None or not reasons.library.needed:
        return
    needs = sorted(reasons.library.needed, key=lambda need: ("missing", "bundle", "host").index(need.origin))
    page.heading("Needs itself", format_amount(len(needs), "library", "libraries"))
    shown = needs if full else needs[:_SHOWN]
    rows: list[list[Cell]] = [
        [
            need.name,
            need.path if need.path is not None else (need.origin, "red" if need.origin == "missing" else ""),
            (need.via or "", "dim"),
        ]
        for need in shown
    ]
    page.table([Column(), Column(fit="middle", minimum=16), Column(fit="wrap", minimum=14)], rows)
    _count_rest(page, len(needs) - len(shown))


def _write_losses(page: Page, reasons: LoadReasons, *, full: bool) -> None:
    page.heading("Without it" if reasons.library is not None else "As long as it is not found")
    least = max(len(reasons.lost_objects), 1) if full else 3
    if reasons.host_has_it and reasons.library is not None:
        page.line(
            ("the host is expected to have a library of this name, and would supply it", "green"),
            "; on a host that lacks it:" if reasons.lost_objects else "",
            hanging=2,
        )
    if reasons.lost_roots:
        counts: Counter[str] = Counter(root.role for root in reasons.lost_roots)
        described = ", ".join(
            format_amount(counts[role], noun, _PLURALS.get(role)) for role, noun in _ROLE_NOUNS.items() if counts[role]
        )
        page.line(
            (f"{described} would not load: ", "red"),
            list_names([root.path for root in reasons.lost_roots], len(reasons.lost_roots), 0, least=max(least, 2)),
            hanging=2,
        )
    rooted = {root.path for root in reasons.lost_roots}
    others = [path for path in reasons.lost_objects if path not in rooted]
    if others:
        page.line(
            f"{format_amount(len(others), 'library', 'libraries')} on the way to it too: ",
            list_names(others, len(others), 0, least=max(least, 2)),
            hanging=2,
        )
    if not reasons.lost_roots and not others:
        page.line("nothing that is known to be loaded would miss it", hanging=2)
    if reasons.copies:
        page.line(
            "of the same name: ",
            list_names(reasons.copies, len(reasons.copies), 0, least=max(least, 2)),
            ("; whether a search path leads there then is not judged", "dim"),
            hanging=2,
        )
    if reasons.only_for_it:
        amount = format_amount(len(reasons.only_for_it), "library", "libraries")
        page.line(
            f"{amount} could go with it: ",
            list_names(reasons.only_for_it, len(reasons.only_for_it), 0, least=max(least, 2)),
            hanging=2,
        )


def _write_requests(page: Page, requests: tuple[FloorCause, ...], *, full: bool) -> None:
    if not requests:
        return
    page.heading("Versions asked of it", "the highest of each namespace")
    shown = requests if full else requests[:_SHOWN]
    rows: list[list[Cell]] = [
        [cause.version, cause.file, (list_names(cause.symbols, cause.symbol_count, page.width // 3), "dim")]
        for cause in shown
    ]
    page.table([Column(), Column(fit="middle", minimum=20), Column(fit="middle", minimum=16)], rows)
    _count_rest(page, len(requests) - len(shown))


def _write_findings(page: Page, reasons: LoadReasons, *, full: bool) -> None:
    if not reasons.findings:
        return
    page.heading("Findings about it")
    ordered = sorted(reasons.findings, key=lambda finding: (SEVERITY_ORDER[finding.severity], finding.rule))
    shown = ordered if full else ordered[:_SHOWN]
    for finding in shown:
        word = (SEVERITY_WORD[finding.severity].ljust(9), SEVERITY_STYLE[finding.severity])
        page.line(word, (finding.rule, "bold"), f"  {finding.message}", hanging=9)
        if finding.fix is not None:
            page.line(("fix: ", "green"), finding.fix.text, indent=11, hanging=2)
    _count_rest(page, len(ordered) - len(shown))


def _rule(step: LoadStep) -> str:
    """The loader's rule; that an object with this SONAME is in the process already is a rule too."""
    return "found nowhere" if step.via is None else step.via


def _count_rest(page: Page, left: int) -> None:
    if left > 0:
        page.line((f"and {format_count(left)} more (-v)", "dim"))
