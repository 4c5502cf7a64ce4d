"""A rule's severity in this project: what its configuration says, and no more than a warning for rules newer than its edition."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from inspector.catalogue import load_rules
from inspector.model import SEVERITY_ORDER, Finding, Severity
from inspector.policy.configuration import Configuration
from inspector.policy.gate import FailOn
from inspector.policy.suppressions import canonical_rule

_CEILING: dict[FailOn, Severity] = {"error": "warning", "warning": "info", "info": "info", "never": "warning"}
"""By the mildest severity that fails, what findings of rules newer than the edition have at most: they warn, and fail nothing."""


def severities_of(findings: Sequence[Finding], configuration: Configuration) -> tuple[Finding, ...]:
    """The findings as this project weighs them; those of rules that are off are left out."""
    if not configuration.levels and configuration.edition is None:
        return tuple(findings)  # without reading the catalogue, which an audit has no other use for
    levels = {canonical_rule(name): level for name, level in configuration.levels.items()}
    upcoming = upcoming_rules(configuration)
    mildest = _CEILING[configuration.fail_on]
    weighed: list[Finding] = []
    for finding in findings:
        level = levels.get(finding.rule)
        if level == "off":
            continue
        if level is not None:
            weighed.append(finding if level == finding.severity else replace(finding, severity=level))
            continue
        since = upcoming.get(finding.rule)
        if since is not None and SEVERITY_ORDER[finding.severity] < SEVERITY_ORDER[mildest]:
            weighed.append(replace(finding, severity=mildest, message=f"upcoming (since {since}): {finding.message}"))
        else:
            weighed.append(finding)
    return tuple(weighed)


def upcoming_rules(configuration: Configuration) -> dict[str, str]:
    """Rules that came after the project's edition, with the version that they came with; those that it gave a severity itself are left out."""
    if configuration.edition is None:
        return {}
    from packaging.version import Version

    edition = Version(configuration.edition)
    own = {canonical_rule(name) for name in configuration.levels}
    return {
        rule.name: rule.since
        for rule in load_rules().values()
        if rule.name not in own and Version(rule.since) > edition
    }
