"""The gate of a project: a Result as its configuration weighs it, against its last release, with every reason for a failure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from inspector.errors import ExitCode
from inspector.model import Finding
from inspector.policy.baseline import new_findings
from inspector.policy.budgets import exceeded_budgets
from inspector.policy.configuration import Configuration
from inspector.policy.gate import gate_reasons, most_severe, verdict_of
from inspector.policy.severities import severities_of
from inspector.policy.suppressions import accept, canonical_rule
from inspector.result import Result

_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Judgement:
    """A Result with this project's verdict in it, and the exit code that it means."""

    result: Result
    code: ExitCode


def judge_result(
    result: Result,
    configuration: Configuration,
    *,
    baseline: Result | None = None,
    hosts_named: bool = False,
    today: dt.date | None = None,
) -> Judgement:
    """Weigh a Result.  It may have been judged before: only its facts and findings count.

    :param hosts_named: whether the systems of the Result are those that the project must start on.
    :param today: the day that exceptions are compared with; now's by default.
    """
    today = today or dt.datetime.now(dt.UTC).date()
    accepted = accept(severities_of(result.findings, configuration), configuration.ignores, today)
    judged: Sequence[Finding] = accepted.findings
    if configuration.new_only and baseline is not None:
        judged = new_findings(baseline, accepted.findings)
    reasons = gate_reasons(
        judged,
        result.problems,
        configuration.fail_on,
        configuration.incomplete_fails,
        result.hosts,
        hosts_named=hosts_named,
    )
    if configuration.fail_on != "never":
        texts = [
            *_glibc_reasons(result, configuration),
            *exceeded_budgets(result, configuration.budget, baseline),
            *_named_rules(judged, configuration),
        ]
        reasons = [*reasons, *((ExitCode.GATE_FAILED, text) for text in texts)]
    verdict = verdict_of(reasons, accepted.notices)
    return Judgement(
        replace(result, findings=accepted.findings, verdict=verdict), most_severe(code for code, _ in reasons)
    )


def _glibc_reasons(result: Result, configuration: Configuration) -> list[str]:
    from packaging.version import Version

    floor = result.floors.get("GLIBC")
    if configuration.glibc is None or floor is None or floor.host_version is None:
        return []
    if Version(floor.host_version) <= Version(configuration.glibc):
        return []
    above = [
        cause
        for cause in floor.causes
        if cause.from_host and not cause.weak and _number(cause.version) is not None
        and Version(_number(cause.version) or "0") > Version(configuration.glibc)
    ]  # fmt: skip
    files = sorted({cause.file for cause in above})
    named = ", ".join(files[:_MOST_NAMED]) + (
        f" and {len(files) - _MOST_NAMED} more" if len(files) > _MOST_NAMED else ""
    )
    who = f": {named}" if files else ""
    return [f"needs glibc {floor.host_version}, and the target has {configuration.glibc}{who}"]


def _number(version: str) -> str | None:
    """ "2.38" of "GLIBC_2.38"; None for names without a number."""
    number = version.rpartition("_")[2]
    return number if number[:1].isdigit() else None


def _named_rules(findings: Sequence[Finding], configuration: Configuration) -> list[str]:
    """Rules that must have a finding, and rules that must have none."""
    live = {finding.rule for finding in findings if finding.suppressed is None}
    found = {finding.rule for finding in findings}
    forbidden = [name for name in map(canonical_rule, configuration.forbid) if name in live]
    missing = [name for name in map(canonical_rule, configuration.require) if name not in found]
    return [f"forbidden here: {name}" for name in forbidden] + [f"required and not found: {name}" for name in missing]
