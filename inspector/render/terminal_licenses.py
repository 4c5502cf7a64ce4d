"""Licence exposure: which copyleft component is in the artifact, and the chain by which the application reaches it."""

from __future__ import annotations

from collections import defaultdict

from inspector.render.quantities import format_amount, format_count
from inspector.render.terminal_page import Column, Page
from inspector.result import Exposure, Result

_SHOWN = 4
_ARROW = " → "


def write_licenses(page: Page, result: Result, *, full: bool) -> None:
    """One entry an exposed component; further chains to it are counted."""
    unknown = sum(component.licenses is None for component in result.components)
    if not result.components and not result.licenses.exposures:
        return
    aside = format_amount(len(result.components), "component")
    page.heading(
        "Licence exposure",
        f"{aside}, {format_count(unknown)} of unknown licence" if unknown else f"{aside}, all of known licence",
    )
    groups: dict[tuple[str, str, str], list[Exposure]] = defaultdict(list)
    for exposure in result.licenses.exposures:
        groups[exposure.license, exposure.component, exposure.linkage].append(exposure)
    if not groups:
        page.line("no copyleft component is known in it")
        return
    entries = list(groups.values())
    for exposures in entries if full else entries[:_SHOWN]:
        first = exposures[0]
        others = f", {format_amount(len(exposures) - 1, 'more chain')}" if len(exposures) > 1 else ""
        page.table(
            [Column(), Column(fit="wrap", minimum=30)],
            [
                (
                    (first.component, "bold"),
                    f"{first.license or 'licence not stated'}, {first.license_class}, {first.linkage}{others}",
                )
            ],
        )
        for exposure in exposures if full else exposures[:1]:
            steps = exposure.chain if full else tuple(step.rpartition("/")[2] or step for step in exposure.chain)
            page.line((_ARROW.join(steps), "dim"), indent=4, hanging=2)
    if len(entries) > _SHOWN and not full:
        page.line((f"and {format_amount(len(entries) - _SHOWN, 'more component')} (-v)", "dim"))
