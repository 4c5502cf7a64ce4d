"""Licence exposure: which copyleft component is in the artifact, and the chain by which the application reaches it."""

from __future__ import annotations

from collections import defaultdict

from inspector.quantities import format_amount, format_count
from inspector.render.terminal_page import Column, Page
from inspector.result import Exposure, Result

_ARROW = " → "


def write_licenses(page: Page, result: Result) -> None:
    """One entry an exposed component, with every chain to it."""
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
    for exposures in groups.values():
        first = exposures[0]
        page.table(
            [Column(), Column(fit="wrap", minimum=30)],
            [
                (
                    (first.component, "bold"),
                    f"{first.license or 'licence not stated'}, {first.license_class}, {first.linkage}",
                )
            ],
        )
        for exposure in exposures:
            page.line((_ARROW.join(exposure.chain), "dim"), indent=4, hanging=2)
