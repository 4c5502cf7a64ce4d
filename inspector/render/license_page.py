"""The screen of ``inspect licenses``: verdict, copyleft with the chains to it and what removes it, and every component by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from shlex import join

from msgspec.structs import replace

from inspector.catalogue import load_rule
from inspector.facts.binaries.floors import RUNTIME
from inspector.facts.licensing.obligations import disclaimer
from inspector.quantities import format_amount
from inspector.render.component_links import ComponentLinks, component_links, how_reached
from inspector.render.component_words import STRICT, file_name, license_words
from inspector.render.license_tree import write_tree
from inspector.render.registry import Detail, RenderOptions
from inspector.render.terminal_findings import write_findings
from inspector.render.terminal_identity import write_incomplete, write_title, write_verdict
from inspector.render.terminal_page import Cell, Column, Page, list_names, shorten_end, shorten_middle, shorten_paths
from inspector.result import ComponentInfo, Exposure, LicenseStatement, Result, ShippedBill

CLASS_WORDS = {
    "network-copyleft": "network copyleft",
    "strong-copyleft": "strong copyleft",
    "proprietary": "proprietary",
    "unknown": "unknown",
    "weak-copyleft": "weak copyleft",
    "permissive": "permissive",
    "public-domain": "public domain",
}
"""Licence classes in the order of the screen, what needs a decision first, and their words."""

_STYLES = {
    "network-copyleft": "bold red",
    "strong-copyleft": "bold red",
    "proprietary": "bold red",
    "unknown": "yellow",
}
_FAMILIES, _POLICY_RULE = ("licenses", "components"), "license-not-allowed"  # whose findings belong on this screen
_EXPOSURE_RULES = {"network-copyleft-reached", "strong-copyleft-reached", "weak-copyleft-bundled"}
_LINKAGE_WORDS = {
    "dynamic": "loaded as a library",
    "dlopen": "opened by name at run time",
    "static": "linked statically",
    "python": "a Python package",
    "executable": "run as a program",
}
_REFERENCE = "LicenseRef-"  # in front of names that are not on the SPDX list (SPDX 2.3, 10.1)
_ARROW = " → "
_MOST_CHAINS = 3
_WIDE = 72  # cells below which the table tells no longer how components are reached; --tree does
_LONGEST_COMMAND = 160  # cells; a longer one is shown where everything is
_LONGEST_IN_FULL = 8192


def render(results: Sequence[Result], options: RenderOptions) -> bytes:
    """The screens one after another, as UTF-8."""
    return "\n".join(render_licenses(result, options) for result in results).encode()


def render_licenses(result: Result, options: RenderOptions, *, tree: bool = False) -> str:
    """One artifact's screen.

    :param tree: the chains as a tree instead of the table; with detail "full" those of every component.
    """
    full = options.detail == "full"
    result = replace(result, findings=tuple(found for found in result.findings if _is_about_licenses(found.rule)))
    page = Page(options.width, color=options.color, longest=_LONGEST_IN_FULL if full else None)
    write_title(page, result)
    write_verdict(page, result)
    write_incomplete(page, result)
    links = component_links(result)
    if tree:
        write_tree(page, result, links, every=full)
    else:
        write_exposures(page, result, options.detail)
        write_obligations(page, result)
        told = tuple(found for found in result.findings if found.rule not in _EXPOSURE_RULES)
        write_findings(page, replace(result, findings=told), options.detail)
        if options.detail != "brief":
            write_components(page, result, links, evidence=full)
            write_shipped_bills(page, result.licenses.shipped_bills, full=full)
    page.blank()
    page.line((disclaimer(), "dim"), indent=0)
    return page.text()


def _is_about_licenses(rule: str) -> bool:
    return rule == _POLICY_RULE or load_rule(rule).family in _FAMILIES


def write_exposures(page: Page, result: Result, detail: Detail) -> None:
    """Each copyleft component once: licence, linkage, the chains to it, what removes it."""
    groups: dict[tuple[str, str], list[Exposure]] = {}
    for exposure in result.licenses.exposures:
        groups.setdefault((exposure.component, exposure.license), []).append(exposure)
    if not groups:
        page.heading("Copyleft", "none is known in it")
        return
    page.heading("Copyleft", format_amount(len(groups), "component"))
    versions = {(component.name, component.license_class): component.version or "" for component in result.components}
    for exposures in groups.values():
        _write_exposure(page, result, exposures, versions, detail)


def _write_exposure(
    page: Page, result: Result, exposures: Sequence[Exposure], versions: Mapping[tuple[str, str], str], detail: Detail
) -> None:
    first = exposures[0]
    linkages = ", ".join(dict.fromkeys(_LINKAGE_WORDS[exposure.linkage] for exposure in exposures))
    page.line(
        (first.component, _STYLES.get(first.license_class, "bold")),
        f" {versions.get((first.component, first.license_class), '')}".rstrip(),
        f"  {first.license.replace(_REFERENCE, '') or 'licence not stated'}",
        (f"  {CLASS_WORDS.get(first.license_class, first.license_class)}, {linkages}", "dim"),
        hanging=4,
    )
    lines = dict.fromkeys(_way(exposure, page, short=detail != "full") for exposure in exposures)
    ways = [line for line in lines if line]
    most = len(ways) if detail == "full" else _MOST_CHAINS if first.license_class in STRICT else 1
    for way in ways[:most]:
        page.line((way, "dim"), indent=4, hanging=2)
    if len(ways) > most:
        page.line((f"and {format_amount(len(ways) - most, 'more file')}", "dim"), indent=4)
    imported = {exposure.imported for exposure in exposures} - {None}
    if imported == {False}:
        page.line(("the application does not import it", "green"), indent=4)
    for text in removals(result, exposures):
        words = shorten_paths(text.replace(RUNTIME, "the AppImage runtime"), page.width - 12)
        page.line(("fix: ", "cyan"), words, indent=4, hanging=5)
    options = next((exposure.slim_options for exposure in exposures if exposure.slim_options), ())
    command = f"inspect slim {join((result.artifact.path, *options))}"
    if options and (detail == "full" or len(command) <= _LONGEST_COMMAND):
        page.command(command, indent=9)


def write_obligations(page: Page, result: Result) -> None:
    """What the licences ask of whoever passes the artifact on, each clause once, with the components that it is about."""
    about: dict[str, dict[str, None]] = {}
    for exposure in result.licenses.exposures:
        for clause in exposure.obligations:
            about.setdefault(clause, {})[exposure.component] = None
    if not about:
        return
    page.heading("What these licences ask of whoever passes it on")
    for clause, names in about.items():
        page.line((f"{list_names(list(names), len(names), page.width // 2)}: ", "bold"), clause, hanging=2)


def removals(result: Result, exposures: Sequence[Exposure]) -> list[str]:
    """What would remove a component: what the exposures know, else what the findings about it say."""
    known = list(dict.fromkeys(text for exposure in exposures for text in exposure.removed_by))
    if known:
        return known
    subjects = {step for exposure in exposures for step in exposure.chain}
    texts = [
        finding.fix.text
        for finding in result.findings
        if finding.fix is not None
        and finding.rule in _EXPOSURE_RULES
        and finding.subject in subjects
        and finding.message.startswith(f"{exposures[0].component} ")
    ]
    return list(dict.fromkeys(texts))


def _way(exposure: Exposure, page: Page, *, short: bool) -> str:
    """The chain, or that nothing leads to the file; "" of a Python package, which has none."""
    if len(exposure.chain) > 1:
        return _chain(exposure, page, short=short)
    return f"{exposure.chain[0]}, which nothing loads" if exposure.linkage != "python" else ""


def _chain(exposure: Exposure, page: Page, *, short: bool) -> str:
    steps = [file_name(step) for step in exposure.chain] if short else list(exposure.chain)
    return _ARROW.join(shorten_middle(step, page.width - 8) for step in steps)


def write_components(page: Page, result: Result, links: ComponentLinks, *, evidence: bool) -> None:
    """Every component by class: name, version, licence, how it is reached."""
    page.heading("Components", format_amount(len(result.components), "component"))
    by_class: dict[str, list[ComponentInfo]] = {}
    for component in result.components:
        by_class.setdefault(component.license_class, []).append(component)
    rows: list[list[Cell]] = [[("component", "dim"), ("version", "dim"), ("licence", "dim"), ("reached", "dim")]]
    for name in sorted(by_class, key=_class_rank):
        group = sorted(by_class[name], key=lambda component: (component.name.casefold(), component.version or ""))
        title = (f"{CLASS_WORDS.get(name, name)} ({len(group):,})", _STYLES.get(name, "bold"))
        if evidence:
            page.line(title)
            for component in group:
                _write_component(page, result, component, links)
        else:
            rows.append([title])
            rows += [_row(page, result, component, links) for component in group]
    if not evidence:
        columns = _COLUMNS if page.width >= _WIDE else _COLUMNS[:-1]
        page.table(columns, [row[: len(columns)] for row in rows])


_COLUMNS = (
    Column(fit="middle", minimum=14),
    Column(fit="middle", minimum=6),
    Column(fit="wrap", minimum=22),
    Column(fit="middle", minimum=20),
)


def _row(page: Page, result: Result, component: ComponentInfo, links: ComponentLinks) -> list[Cell]:
    return [
        f"  {shorten_end(component.name, page.width // 3)}",
        (shorten_end(component.version or "-", 12), "dim"),
        license_words(component),
        (reach_words(result, component, links, page.width * 3 // 10), "dim"),
    ]


def reach_words(result: Result, component: ComponentInfo, links: ComponentLinks, room: int = 10_000) -> str:
    """How a component is reached, in at most ``room`` cells: "by libQt5Gui.so.5 +3"."""
    word, path, more = how_reached(result, component, links)
    if not path:
        return word
    tail = f" +{more:,}" if more else ""
    return f"{word} {shorten_middle(file_name(path), room - len(word) - len(tail) - 1)}{tail}"


def _write_component(page: Page, result: Result, component: ComponentInfo, links: ComponentLinks) -> None:
    page.line(
        (component.name, "bold"),
        f" {component.version or ''}".rstrip(),
        f"  {license_words(component)}",
        indent=4,
        hanging=4,
    )
    rows: list[tuple[Cell, Cell]] = [(("reached", "dim"), reach_words(result, component, links))]
    if component.part_of:
        rows.append((("part of", "dim"), component.part_of))
    if component.declared is not None:
        rows.append((("declared", "dim"), _statement(component.declared)))
    rows += [(("found", "dim"), _statement(each)) for each in component.found]
    rows += [(("evidence", "dim"), text) for text in component.evidence]
    if component.end_of_life:
        rows.append((("supported", "dim"), f"until {component.end_of_life}"))
    if component.package_url:
        rows.append((("package", "dim"), component.package_url))
    if component.kind != "python" and component.kind != "interpreter":
        rows += [(("file", "dim"), path) for path in component.files]
    page.table([Column(), Column(fit="wrap", minimum=30)], rows, indent=8)


def write_shipped_bills(page: Page, bills: Sequence[ShippedBill], *, full: bool) -> None:
    """Bills of materials that the artifact carries, each with what its files confirm, and what they do not."""
    if not bills:
        return
    page.heading("Bills of materials in it", format_amount(len(bills), "document"))
    for bill in bills:
        page.line((shorten_middle(bill.path, page.width - 4), "bold"))
        about = f"{bill.format}{f', of {bill.of}' if bill.of else ''}: {format_amount(len(bill.confirmed), 'entry', 'entries')} confirmed"
        page.line(about, indent=4)
        for names, words in (
            (bill.absent, "listed, not in the bundle: "),
            (bill.unlisted, "in the bundle, not listed: "),
        ):
            if names:
                shown = ", ".join(names) if full else list_names(names, len(names), 2 * page.width)
                page.line((words, "yellow"), shown, indent=4, hanging=2)


def _statement(said: LicenseStatement) -> str:
    words = f"“{said.words}”" if said.words else f"one or more of {', '.join(said.mentioned)}"
    return f"{said.expression or words} ({said.source})"


def _class_rank(name: str) -> int:
    return list(CLASS_WORDS).index(name) if name in CLASS_WORDS else len(CLASS_WORDS)
