"""Rule family licenses: copyleft that the artifact reaches, licences that are not known, and words for them that do not agree."""

from __future__ import annotations

from collections.abc import Iterator

from inspector.checks.finding import finding
from inspector.facts.facts import Facts
from inspector.facts.licensing.exposures import LicenseExposure
from inspector.facts.licensing.license_disagreements import LicenseDisagreement, find_disagreements
from inspector.facts.licensing.native_licenses import python_module_license
from inspector.model import Finding, Fix
from inspector.quantities import format_amount

RULES = (
    "strong-copyleft-reached",
    "network-copyleft-reached",
    "weak-copyleft-bundled",
    "license-unknown",
    "license-disagreement",
)

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
    for disagreement in find_disagreements(facts.components, facts.owners, facts.graph):
        yield _disagreement(disagreement)
    unknown = [
        component
        for component in facts.components
        if component.license_class == "unknown" and component.kind in ("python", "library", "javascript")
    ]
    if unknown:
        names = ", ".join(component.name for component in unknown[:5])
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        yield finding(
            "license-unknown",
            "",
            f"the licence of {format_amount(len(unknown), 'component')} is not known: {names}{more}",
        )


def _disagreement(found: LicenseDisagreement) -> Finding:
    if not found.carrier_of:
        message = f"{found.component} declares {found.stated}, and ships the text of {found.found}"
    elif found.source.endswith("its own words"):
        message = (
            f"{found.component} says of itself {found.stated}, and is linked with {found.carrier_of} ({found.found})"
        )
    else:
        message = f"{found.component} declares {found.stated}, and carries {found.carrier_of} ({found.found})"
    return finding(
        "license-disagreement",
        found.subject,
        message,
        evidence=found.evidence,
        severity=None if found.stricter else "info",
        key=f"{found.component} {found.carrier_of}",
    )


def _exposure(rule: str, exposure: LicenseExposure) -> Finding:
    where = "" if exposure.bundled else ", which the host supplies"
    return finding(
        rule,
        exposure.subject,
        f"{exposure.component} is {exposure.license}{where}",
        evidence=[" -> ".join(exposure.chain)],
        severity=None if exposure.bundled else "info",
        fix=_fix(exposure),
        key=exposure.component,
    )


def _fix(exposure: LicenseExposure) -> Fix | None:
    """What Python's own modules offer: to leave the module out, or to build it with another library."""
    for path in exposure.chain[:-1]:
        module = python_module_license(path.rpartition("/")[2])
        if module is not None:
            instead = (
                f", or take a Python whose {module.module} uses {module.alternatives[0]}" if module.alternatives else ""
            )
            return Fix(text=f"remove {path}{instead}; it is imported by {module.imported_by}", action="drop-license")
    return None
