"""Licences that the artifact exposes: the strong ones with the chain that reaches them, the weak ones in a row."""

from __future__ import annotations

from rich.cells import cell_len

from inspector.patterns import lazy_pattern
from inspector.quantities import format_amount, format_count
from inspector.render.escaping import escape
from inspector.render.terminal_page import Cell, Column, Page, list_names, shorten_end, shorten_middle
from inspector.result import Exposure, Result

_STRONG = ("network-copyleft", "strong-copyleft")
_RULES = {"network-copyleft-reached", "strong-copyleft-reached", "weak-copyleft-bundled", "license-unknown"}
_LEAST_NAME = 6  # cells below which a shortened name tells nothing
_ARROW = " → "
_ABI_SUFFIX = lazy_pattern(r"\.(?:cpython-[^.]+|abi3)\.so$")  # of an extension module's file name (PEP 3149)


def write_licenses(page: Page, result: Result, most: int) -> set[str]:
    """One line a strong component, the worst class first; those beyond ``most`` and the weak ones are named."""
    if not result.components and not result.licenses.exposures:
        return set()
    unknown = sum(component.licenses is None for component in result.components)
    aside = format_amount(len(result.components), "component")
    aside += f", {format_count(unknown)} of unknown licence" if unknown else ""
    groups: dict[tuple[str, str], list[Exposure]] = {}
    for exposure in result.licenses.exposures:
        groups.setdefault((exposure.component, exposure.license), []).append(exposure)
    firsts = [group[0] for group in groups.values()]
    strong = sorted(
        (first for first in firsts if first.license_class in _STRONG),
        key=lambda first: _STRONG.index(first.license_class),
    )
    weak = [first for first in firsts if first not in strong]
    if not firsts:
        page.heading("Licences", f"{aside}; no copyleft is known in it")
        return _RULES
    page.heading("Licences", f"{aside}; {format_count(len(strong))} strong copyleft, {format_count(len(weak))} weak")
    if strong:
        _write_strong(page, strong, most)
    if weak:
        names = list(dict.fromkeys(first.component for first in weak))
        page.line(("weak: ", "dim"), list_names(names, len(names), page.width - 10), hanging=2)
    return _RULES


def _write_strong(page: Page, strong: list[Exposure], most: int) -> None:
    shown = strong if len(strong) <= most + 1 else strong[:most]
    component_room = min(page.width // 4, max(cell_len(escape(first.component)) for first in shown))
    license_room = min(page.width * 3 // 10, max(cell_len(_short(first.license, page)) for first in shown))
    chain_room = page.width - component_room - license_room - 6
    rows: list[list[Cell]] = [
        [
            (shorten_end(escape(first.component), component_room), "bold"),
            shorten_end(_short(first.license, page), license_room),
            (_write_chain(first, chain_room), "dim"),
        ]
        for first in shown
    ]
    page.table([Column(), Column(), Column(fit="middle", minimum=8)], rows)
    left = len(strong) - len(shown)
    if left:
        names = [first.component for first in strong[most:]]
        page.line(("and ", "dim"), list_names(names, len(names), page.width - 10), hanging=2)


def _write_chain(exposure: Exposure, room: int) -> str:
    """The chain in one line: file names, and where they do not fit its ends."""
    steps = [escape(_ABI_SUFFIX.sub("….so", step.rpartition("/")[2] or step)) for step in exposure.chain]
    if len(steps) == 1:
        return shorten_middle("a Python package" if exposure.linkage == "python" else steps[0], room)
    for kept in (steps, [steps[0], "…", steps[-1]]):
        text = _ARROW.join(kept)
        if cell_len(text) <= room:
            return text
    last = shorten_middle(steps[-1], max(12, room - len(_ARROW) - 1))
    first_room = room - cell_len(last) - 2 * len(_ARROW) - 1
    if first_room >= _LEAST_NAME:
        return _ARROW.join([shorten_middle(steps[0], first_room), "…", last])
    return f"…{_ARROW}{last}"


def _short(license_expression: str, page: Page) -> str:
    text = escape(license_expression or "licence not stated").replace("LicenseRef-", "")
    return shorten_end(text, page.width * 3 // 10)
