"""What a project asks beyond the rules, as findings: one can be accepted and the next is still seen; judging again judges anew."""

from __future__ import annotations

import datetime as dt

import pytest
from msgspec.structs import replace

from inspector.errors import ExitCode
from inspector.model import ByteCount
from inspector.policy.configuration import Budget, Configuration, Ignore
from inspector.policy.judgement import judge_result
from inspector.result import Floor, FloorRequest, Result, SizesInfo
from tests.unit.test_judgement import TODAY, judged, result


def asking(**versions: str) -> Result:
    """Files that ask for a glibc."""
    requests = sorted(
        (FloorRequest(file=f"lib/{name}.so", version=version) for name, version in versions.items()),
        key=lambda each: [int(part) for part in each.version.split(".")], reverse=True,
    )  # fmt: skip
    highest = requests[0].version
    return replace(
        result(glibc=highest), floors={"GLIBC": Floor(version=highest, host_version=highest, requests=tuple(requests))}
    )


TARGET = Configuration(glibc="2.31")


def test_each_file_above_the_target_is_a_finding() -> None:
    found = judged(asking(a="2.38", b="2.34", c="2.31", d="2.4"), TARGET)
    assert [(each.rule, each.subject, each.severity) for each in found.result.findings] == [
        ("glibc-above-target", "lib/a.so", "error"),
        ("glibc-above-target", "lib/b.so", "error"),
    ]
    assert found.result.verdict.reasons == ("needs glibc 2.38, and the target has 2.31: lib/a.so, lib/b.so",)
    assert found.result.rules["glibc-above-target"].code == "POL001"


def test_an_accepted_file_does_not_hide_the_next_one() -> None:
    entry = Ignore(rule="glibc-above-target", path="lib/a.so", reason="a plugin", expires=dt.date(2027, 1, 1))
    found = judged(asking(a="2.38", b="2.34"), Configuration(glibc="2.31", ignores=(entry,)))
    assert found.result.verdict.reasons == ("needs glibc 2.34, and the target has 2.31: lib/b.so",)
    assert judged(asking(a="2.38", c="2.31"), Configuration(glibc="2.31", ignores=(entry,))).code == ExitCode.PASSED


def test_many_files_are_counted() -> None:
    versions = {f"x{number}": "2.35" for number in range(5)}
    found = judged(asking(**versions), TARGET)
    assert found.result.verdict.reasons == (
        "needs glibc 2.35, and the target has 2.31: lib/x0.so, lib/x1.so, lib/x2.so and 2 more",
    )


def test_judging_again_makes_them_anew() -> None:
    once = judged(asking(a="2.38"), Configuration(glibc="2.31", budget=Budget(total=10))).result
    assert {each.rule for each in once.findings} == {"glibc-above-target", "size-over-budget"}
    assert once.coverage.rules_run == ("glibc-above-target", "size-over-budget")
    again = judged(once, Configuration()).result
    assert (again.findings, again.rules, again.coverage.rules_run) == ((), {}, ())
    assert again.verdict.gate == "passed"
    same = judged(once, Configuration(glibc="2.31", budget=Budget(total=10))).result
    assert same == once


def test_a_budget_can_be_accepted_by_its_name() -> None:
    sizes = SizesInfo(test_bytes=ByteCount(raw=7))
    given = result(sizes=sizes)
    budget = Budget(total=10, tests=0)
    entry = Ignore(rule="POL002", path="total", reason="until the split")
    found = judged(given, Configuration(budget=budget, ignores=(entry,)))
    assert found.result.verdict.reasons == ("tests: 7 B is 7 B over the budget of 0 B",)
    assert [each.suppressed for each in found.result.findings] == ["until the split", None]


@pytest.mark.parametrize(
    ("level", "fail_on", "code"), [("warning", "error", 0), ("warning", "warning", 1), ("off", "info", 0)]
)
def test_their_severity_is_the_projects_too(level: str, fail_on: str, code: int) -> None:
    configuration = Configuration(glibc="2.31", levels={"glibc-above-target": level}, fail_on=fail_on)  # type: ignore[arg-type,dict-item]
    found = judged(asking(a="2.38"), configuration)
    assert found.code == code
    assert [each.severity for each in found.result.findings] == ([] if level == "off" else ["warning"])


def test_a_baseline_forgives_findings_and_no_demand() -> None:
    """A target holds for every release, whatever the last one did."""
    given = asking(a="2.38")
    last = judged(given, TARGET).result
    found = judge_result(given, Configuration(glibc="2.31", new_only=True), baseline=last, today=TODAY)
    assert found.code == ExitCode.GATE_FAILED


def test_forbidding_and_requiring_them_works_as_for_any_rule() -> None:
    configuration = Configuration(glibc="2.31", forbid=("POL001",), levels={"glibc-above-target": "info"})
    assert judged(asking(a="2.38"), configuration).result.verdict.reasons == ("forbidden here: glibc-above-target",)
