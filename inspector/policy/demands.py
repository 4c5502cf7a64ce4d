"""What a project asks beyond the rules that judge every artifact: a target's glibc, size budgets and licences, as findings of the family
"policy".

They are findings, so that every report shows them and one of them can be accepted with a reason, and they are no checks, because they depend on the
configuration and the last release: they are made when a Result is judged, and made anew when it is judged again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from inspector.checks.finding import finding
from inspector.model import Finding, Fix
from inspector.policy.budgets import exceeded_budgets
from inspector.policy.configuration import Configuration
from inspector.policy.license_policy import LICENSE_NOT_ALLOWED, license_findings, license_reason
from inspector.result import Result

GLIBC_ABOVE_TARGET, SIZE_OVER_BUDGET = "glibc-above-target", "size-over-budget"
DEMAND_RULES = (GLIBC_ABOVE_TARGET, SIZE_OVER_BUDGET, LICENSE_NOT_ALLOWED)
_MOST_NAMED = 3


def without_demands(result: Result) -> Result:
    """The Result as it was before somebody judged it by a configuration."""
    findings = tuple(each for each in result.findings if each.rule not in DEMAND_RULES)
    return result if len(findings) == len(result.findings) else replace(result, findings=findings)


def demand_findings(
    result: Result, configuration: Configuration, baseline: Result | None, today: dt.date
) -> Iterator[Finding]:
    """One for each file above the target's glibc, one for each budget that is exceeded, and one for each component that may not be shipped.

    :param today: the day that exceptions are compared with.
    """
    floor = result.floors.get("GLIBC")
    target = configuration.glibc
    for file, version in _above_target(result, target):
        remedy = floor.remedy if floor is not None and version == floor.host_version else None
        yield finding(
            GLIBC_ABOVE_TARGET,
            file,
            f"asks for glibc {version}, and the target has {target}",
            fix=Fix(text=f"link {file} where glibc is no newer than {target}{f'. {remedy}' if remedy else ''}"),
        )
    for budget in exceeded_budgets(result, configuration.budget, baseline):
        yield finding(SIZE_OVER_BUDGET, budget.name, budget.message)
    yield from license_findings(result, configuration.licenses, today)


def demands_made(configuration: Configuration) -> tuple[str, ...]:
    """The rules of this family that the configuration asks for, whether anything was found or not."""
    asked = (
        configuration.glibc is not None,
        configuration.budget.asks_something,
        configuration.licenses.asks_something,
    )
    return tuple(rule for rule, is_asked in zip(DEMAND_RULES, asked, strict=True) if is_asked)


def demand_reasons(failing: Sequence[Finding], result: Result, configuration: Configuration) -> list[str]:
    """Why the gate fails of them: a sentence for all files above the target, one for each budget, one for licences."""
    versions = dict(_above_target(result, configuration.glibc))
    files = [each.subject for each in failing if each.rule == GLIBC_ABOVE_TARGET]
    reasons = [each.message for each in failing if each.rule == SIZE_OVER_BUDGET]
    licenses = [each for each in failing if each.rule == LICENSE_NOT_ALLOWED]
    if licenses:
        reasons.append(license_reason(licenses))
    if not files:
        return reasons
    named = ", ".join(files[:_MOST_NAMED])
    more = f" and {len(files) - _MOST_NAMED} more" if len(files) > _MOST_NAMED else ""
    return [f"needs glibc {versions[files[0]]}, and the target has {configuration.glibc}: {named}{more}", *reasons]


def _above_target(result: Result, target: str | None) -> list[tuple[str, str]]:
    """Files and the versions that they ask for, the highest first."""
    from packaging.version import Version

    floor = result.floors.get("GLIBC")
    if target is None or floor is None or floor.host_version is None or Version(floor.host_version) <= Version(target):
        return []
    asked = [(request.file, request.version) for request in floor.requests]
    if not asked:  # a Result of a version that did not keep them names who asks for the highest
        highest = f"GLIBC_{floor.host_version}"
        asked = [
            (cause.file, floor.host_version)
            for cause in floor.causes
            if cause.from_host and not cause.weak and cause.version == highest
        ]
    return [(file, version) for file, version in dict(asked).items() if Version(version) > Version(target)]
