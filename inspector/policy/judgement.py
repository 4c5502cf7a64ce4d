"""The gate of a project: a Result as its configuration weighs it, against its last release, with every reason for a failure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from inspector.catalogue import load_rule
from inspector.errors import ExitCode
from inspector.model import SEVERITY_ORDER, Finding
from inspector.policy.baseline import finding_changes
from inspector.policy.configuration import Configuration
from inspector.policy.demands import DEMAND_RULES, demand_findings, demand_reasons, demands_made, without_demands
from inspector.policy.gate import fails, gate_reasons, most_severe, verdict_of
from inspector.policy.license_policy import license_notices
from inspector.policy.severities import severities_of, upcoming_rules
from inspector.policy.suppressions import accept, canonical_rule
from inspector.result import Result, RuleInfo


class Judgement(Struct, frozen=True):
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
    result = without_demands(result)
    demanded = tuple(demand_findings(result, configuration, baseline, today))
    accepted = accept(severities_of((*demanded, *result.findings), configuration), configuration.ignores, today)
    demands = [each for each in accepted.findings if each.rule in DEMAND_RULES]
    judged: Sequence[Finding] = [each for each in accepted.findings if each.rule not in DEMAND_RULES]
    spared: list[Finding] = []
    if configuration.new_only and baseline is not None:
        changes = finding_changes(baseline.findings, judged)
        judged, spared = changes.new, list(changes.same)
    if (
        configuration.fail_on == "info"
    ):  # there is nothing milder that findings of rules newer than the edition could be
        upcoming = upcoming_rules(configuration)
        spared += [each for each in (*demands, *judged) if each.rule in upcoming]
        judged = [each for each in judged if each.rule not in upcoming]
        demands = [each for each in demands if each.rule not in upcoming]
    known = tuple(dict.fromkeys(f"{each.rule} {each.fingerprint or each.subject}" for each in spared))
    reasons = gate_reasons(
        judged,
        result.problems,
        configuration.fail_on,
        configuration.incomplete_fails,
        result.hosts,
        hosts_named=hosts_named,
    )
    if configuration.fail_on != "never":
        failing = [each for each in demands if fails(each, configuration.fail_on)]
        texts = [
            *demand_reasons(failing, result, configuration),
            *_named_rules([*demands, *judged], configuration),
        ]
        reasons = [*reasons, *((ExitCode.GATE_FAILED, text) for text in texts)]
    notices = [*accepted.notices, *license_notices(result, configuration.licenses, today)]
    findings = sorted(accepted.findings, key=lambda each: SEVERITY_ORDER[each.severity])
    coverage = replace(result.coverage, rules_run=(*_checks_run(result), *demands_made(configuration)))
    judged_result = replace(
        result,
        findings=tuple(findings),
        rules=_rules_of(result, [each for each in accepted.findings if each.rule in DEMAND_RULES]),
        coverage=coverage,
        verdict=replace(verdict_of(reasons, notices), fail_on=configuration.fail_on, known=known),
    )
    return Judgement(judged_result, most_severe(code for code, _ in reasons))


def _checks_run(result: Result) -> list[str]:
    return [name for name in result.coverage.rules_run if name not in DEMAND_RULES]


def _rules_of(result: Result, demands: Sequence[Finding]) -> dict[str, RuleInfo]:
    """The rules that fired, those of this family among them."""
    infos = {name: info for name, info in result.rules.items() if name not in DEMAND_RULES}
    for name in sorted({each.rule for each in demands}):
        rule = load_rule(name)
        infos[name] = RuleInfo(code=rule.code, severity=rule.severity, summary=rule.summary)
    return infos


def _named_rules(findings: Sequence[Finding], configuration: Configuration) -> list[str]:
    """Rules that must have a finding, and rules that must have none."""
    live = {finding.rule for finding in findings if finding.suppressed is None}
    found = {finding.rule for finding in findings}
    forbidden = [name for name in map(canonical_rule, configuration.forbid) if name in live]
    missing = [name for name in map(canonical_rule, configuration.require) if name not in found]
    return [f"forbidden here: {name}" for name in forbidden] + [f"required and not found: {name}" for name in missing]
