"""Rule family licenses: copyleft that the artifact reaches, and components whose licence nobody tells."""

from __future__ import annotations

from collections.abc import Iterator

from inspector.checks.finding import finding
from inspector.facts.exposures import LicenseExposure
from inspector.facts.facts import Facts
from inspector.model import Finding

RULES = ("strong-copyleft-reached", "network-copyleft-reached", "weak-copyleft-bundled", "license-unknown")

_RULE_BY_CLASS = {
    "strong-copyleft": "strong-copyleft-reached",
    "network-copyleft": "network-copyleft-reached",
    "weak-copyleft": "weak-copyleft-bundled",
}


def check(facts: Facts) -> Iterator[Finding]:
    """Findings of this family."""
    for exposure in facts.exposures:
        rule = _RULE_BY_CLASS.get(exposure.license_class)
        if rule is not None:
            yield _exposure(rule, exposure)
    unknown = [
        component
        for component in facts.components
        if component.license_class == "unknown" and component.kind in ("python", "library")
    ]
    if unknown:
        names = ", ".join(component.name for component in unknown[:5])
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        yield finding("license-unknown", "", f"the licence of {len(unknown)} components is not known: {names}{more}")


def _exposure(rule: str, exposure: LicenseExposure) -> Finding:
    where = "" if exposure.bundled else ", which the host supplies"
    return finding(
        rule,
        exposure.subject,
        f"{exposure.component} is {exposure.license}{where}",
        evidence=[" -> ".join(exposure.chain)],
        severity=None if exposure.bundled else "info",
        key=exposure.component,
    )
