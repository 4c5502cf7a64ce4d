from __future__ import annotations

import pytest

from inspector.errors import ExitCode
from inspector.model import Finding, Problem, Severity
from inspector.policy.gate import FailOn, exit_code, judge, most_severe
from inspector.result import HostVerdict


def finding(severity: Severity, rule: str = "some-rule", suppressed: str | None = None) -> Finding:
    return Finding(rule=rule, severity=severity, confidence="high", subject="", message="m", suppressed=suppressed)


PROBLEM = Problem(kind="corrupt-member", subject="a", message="m")


@pytest.mark.parametrize(
    ("fail_on", "severity", "code"),
    [
        ("error", "error", ExitCode.GATE_FAILED),
        ("error", "warning", ExitCode.PASSED),
        ("error", "info", ExitCode.PASSED),
        ("warning", "error", ExitCode.GATE_FAILED),
        ("warning", "warning", ExitCode.GATE_FAILED),
        ("warning", "info", ExitCode.PASSED),
        ("info", "info", ExitCode.GATE_FAILED),
        ("never", "error", ExitCode.PASSED),
    ],
)
def test_a_severity_fails_the_gate_from_the_level_on(fail_on: FailOn, severity: Severity, code: ExitCode) -> None:
    findings = [finding(severity)]
    assert exit_code(findings, [], fail_on=fail_on) == code
    assert judge(findings, [], fail_on=fail_on).gate == ("failed" if code else "passed")


def test_every_severity_that_fails_is_a_reason_and_names_its_rules() -> None:
    findings = [
        finding("error", "b-rule"),
        finding("error", "a-rule"),
        finding("error", "a-rule"),
        finding("warning", "c-rule"),
    ]
    assert judge(findings, [], fail_on="warning").reasons == (
        "3 findings of severity error: a-rule, b-rule",
        "1 finding of severity warning: c-rule",
    )


def test_many_rules_are_counted() -> None:
    verdict = judge([finding("error", f"rule-{number}") for number in range(9)], [])
    assert verdict.reasons == ("9 findings of severity error: rule-0, rule-1, rule-2, rule-3, rule-4 and 4 more rules",)


def test_suppressed_findings_do_not_fail() -> None:
    assert exit_code([finding("error", suppressed="known, expires never")], []) == ExitCode.PASSED


def test_problems_fail_only_where_the_policy_says_so() -> None:
    assert judge([], [PROBLEM]).gate == "passed"
    assert exit_code([], [PROBLEM]) == ExitCode.PASSED
    verdict = judge([], [PROBLEM], incomplete_fails=True)
    assert verdict.gate == "failed"
    assert "1 problem" in verdict.reasons[0]
    assert exit_code([], [PROBLEM], incomplete_fails=True) == ExitCode.INCOMPLETE
    assert exit_code([finding("error")], [PROBLEM], incomplete_fails=True) == ExitCode.GATE_FAILED


def test_nothing_is_no_failure() -> None:
    verdict = judge([], [])
    assert verdict.gate == "passed"
    assert verdict.reasons == ()


def test_precedence_of_exit_codes() -> None:
    order = [
        ExitCode.INTERNAL,
        ExitCode.USAGE,
        ExitCode.NOTHING_INSPECTED,
        ExitCode.GATE_FAILED,
        ExitCode.INCOMPLETE,
        ExitCode.PASSED,
    ]
    assert [int(code) for code in order] == [70, 2, 3, 1, 4, 0]
    for place, code in enumerate(order):
        assert most_severe(reversed(order[place:])) == code
    assert most_severe([]) == ExitCode.PASSED
    assert set(order) == set(ExitCode)


def host(name: str, verdict: str, message: str = "") -> HostVerdict:
    return HostVerdict(id=name, name=name, variant="desktop", basis="measured", verdict=verdict, message=message)  # type: ignore[arg-type]


def test_unnamed_systems_fail_the_gate_only_where_none_starts() -> None:
    some = (host("a", "starts"), host("b", "fails", "no libfoo"))
    none = (host("a", "fails", "no libfoo"), host("b", "fails", "no libfoo"))
    assert judge((), (), hosts=some).gate == "passed"
    assert judge((), (), hosts=(host("a", "degraded"),)).gate == "passed"
    assert judge((), (), hosts=(host("a", "unknown"),)).gate == "passed"
    assert judge((), (), hosts=none).reasons == ("starts on none of 2 systems: no libfoo",)
    assert judge((), (), hosts=none, fail_on="never").gate == "passed"
    assert exit_code((), (), hosts=none) == ExitCode.GATE_FAILED


def test_each_named_system_must_start() -> None:
    some = (host("a", "starts"), host("b", "fails", "no libfoo"))
    assert judge((), (), hosts=some, hosts_named=True).reasons == ("does not start on b (no libfoo)",)
    assert judge((), (), hosts=(host("a", "degraded"),), hosts_named=True).gate == "passed"
