"""A rule's severity in this project: what its configuration says, and no more than a warning for rules newer than its edition."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from inspector.catalogue import load_rules
from inspector.model import Finding
from inspector.policy.configuration import Configuration
from inspector.policy.suppressions import canonical_rule


def severities_of(findings: Sequence[Finding], configuration: Configuration) -> tuple[Finding, ...]:
    """The findings as this project weighs them; those of rules that are off are left out."""
    if not configuration.levels and configuration.edition is None:
        return tuple(findings)  # without reading the catalogue, which an audit has no other use for
    from packaging.version import InvalidVersion, Version

    levels = {canonical_rule(name): level for name, level in configuration.levels.items()}
    rules = load_rules()
    try:
        edition = Version(configuration.edition) if configuration.edition is not None else None
    except InvalidVersion:
        edition = None
    weighed: list[Finding] = []
    for finding in findings:
        level = levels.get(finding.rule)
        if level == "off":
            continue
        if level is not None:
            weighed.append(finding if level == finding.severity else replace(finding, severity=level))
            continue
        rule = rules.get(finding.rule)
        upcoming = edition is not None and rule is not None and Version(rule.since) > edition
        if upcoming and finding.severity == "error":
            message = f"upcoming (since {rule.since if rule else ''}): {finding.message}"
            weighed.append(replace(finding, severity="warning", message=message))
        else:
            weighed.append(finding)
    return tuple(weighed)
