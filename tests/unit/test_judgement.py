"""A Result weighed by a project's configuration: severities, accepted findings, baselines, budgets, floors."""

from __future__ import annotations

import datetime as dt

import pytest

from inspector.errors import ExitCode
from inspector.model import ByteCount, Finding, Severity
from inspector.policy.baseline import finding_changes
from inspector.policy.configuration import Budget, Configuration, Ignore
from inspector.policy.judgement import Judgement, judge_result
from inspector.render.registry import RenderOptions, load_renderer
from inspector.result import (
    ArtifactInfo,
    FilesInfo,
    Floor,
    FloorCause,
    Result,
    SizeRow,
    SizesInfo,
    ToolInfo,
)

TODAY = dt.date(2026, 11, 21)


def finding(rule: str, subject: str = "a", severity: Severity = "error", mark: str = "") -> Finding:
    return Finding(rule=rule, severity=severity, confidence="high", subject=subject, message="m", fingerprint=mark)


def result(*findings: Finding, size: int = 1000, sizes: SizesInfo | None = None, glibc: str | None = None) -> Result:
    causes = (
        FloorCause(file="lib/a.so", library="libc.so.6", version=f"GLIBC_{glibc}", symbols=("f",), symbol_count=1, from_host=True, weak=False),
        FloorCause(file="lib/b.so", library="libc.so.6", version="GLIBC_2.5", symbols=("g",), symbol_count=1, from_host=True, weak=False),
    )  # fmt: skip
    return Result(
        tool=ToolInfo(name="t", version="1", data={}), rules={}, findings=findings, sizes=sizes or SizesInfo(),
        artifact=ArtifactInfo(
            id="i", path="p", format="appdir", arch="x86_64", size=size, unpacked_size=size, sha256=None, envelope=None
        ),
        files=FilesInfo(count=1, elf_count=1),
        floors={"GLIBC": Floor(version=glibc, host_version=glibc, causes=causes)} if glibc else {},
    )  # fmt: skip


def judged(given: Result, configuration: Configuration, **more: object) -> Judgement:
    return judge_result(given, configuration, today=TODAY, **more)  # type: ignore[arg-type]


def test_an_accepted_finding_is_shown_with_its_reason_and_fails_nothing() -> None:
    entry = Ignore(rule="rpath-absolute", path="usr/lib/*", reason="by design", expires=dt.date(2026, 11, 22))
    given = result(finding("rpath-absolute", "usr/lib/dri/x.so"))
    found = judged(given, Configuration(ignores=(entry,)))
    assert found.code == ExitCode.PASSED
    assert found.result.findings[0].suppressed == "by design (until 2026-11-22)"
    assert found.result.verdict.notices == ()
    other = judged(result(finding("rpath-absolute", "bin/x")), Configuration(ignores=(entry,)))
    assert other.code == ExitCode.GATE_FAILED
    assert other.result.verdict.notices == (
        "ignore[1] (rpath-absolute, usr/lib/*) matches no finding any more; remove it",
    )


def test_on_the_day_it_expires_it_counts_again() -> None:
    entry = Ignore(rule="RPT001", reason="by design", expires=TODAY)
    found = judged(result(finding("rpath-absolute"), finding("rpath-absolute", "b")), Configuration(ignores=(entry,)))
    assert found.code == ExitCode.GATE_FAILED
    assert found.result.verdict.notices == (
        "ignore[1] (RPT001) expired on 2026-11-21: 2 findings again; it said: by design",
    )


def test_one_finding_can_be_meant() -> None:
    entry = Ignore(rule="rpath-absolute", reason="r", fingerprint="f1")
    given = result(finding("rpath-absolute", mark="f1"), finding("rpath-absolute", mark="f2"))
    found = judged(given, Configuration(ignores=(entry,)))
    assert [each.suppressed for each in found.result.findings] == ["r", None]


def test_severities_are_the_projects() -> None:
    given = result(finding("rpath-absolute", severity="warning"), finding("missing-library"))
    found = judged(given, Configuration(levels={"RPT001": "error", "missing-library": "off"}))
    assert [(each.rule, each.severity) for each in found.result.findings] == [("rpath-absolute", "error")]
    assert found.code == ExitCode.GATE_FAILED


def test_rules_newer_than_the_edition_only_warn() -> None:
    given = result(finding("missing-library"))
    old = judged(given, Configuration(edition="0.0.1"))
    assert (old.code, old.result.findings[0].severity) == (ExitCode.PASSED, "warning")
    assert old.result.findings[0].message.startswith("upcoming (since ")
    assert judged(given, Configuration(edition="99.0")).code == ExitCode.GATE_FAILED


@pytest.mark.parametrize(
    ("fail_on", "severity", "seen"),
    [
        ("error", "error", "warning"), ("error", "warning", "warning"), ("warning", "error", "info"), ("warning", "warning", "info"),
        ("info", "error", "info"), ("info", "info", "info"), ("never", "error", "warning"),
    ],
)  # fmt: skip
def test_they_fail_at_no_level(fail_on: str, severity: Severity, seen: str) -> None:
    given = result(finding("missing-library", severity=severity), finding("missing-library", "b", severity, "b"))
    found = judged(given, Configuration(edition="0.0.1", fail_on=fail_on))  # type: ignore[arg-type]
    assert found.code == ExitCode.PASSED
    assert [each.severity for each in found.result.findings] == [seen, seen]
    assert not any(found.result.verdict.is_failed_by(each) for each in found.result.findings)
    again = judged(found.result, Configuration(edition="0.0.1", fail_on=fail_on))  # type: ignore[arg-type]
    assert again.result == found.result
    own = Configuration(edition="0.0.1", fail_on=fail_on, levels={"LIB001": "error"})  # type: ignore[arg-type]
    assert judged(given, own).code == (ExitCode.PASSED if fail_on == "never" else ExitCode.GATE_FAILED)


def test_a_demand_of_a_newer_rule_fails_at_no_level_either() -> None:
    for fail_on in ("error", "warning", "info"):
        configuration = Configuration(edition="0.0.1", fail_on=fail_on, budget=Budget(total=1))  # type: ignore[arg-type]
        found = judged(result(), configuration)
        assert (found.code, [each.rule for each in found.result.findings]) == (ExitCode.PASSED, ["size-over-budget"])
        assert "size-over-budget" in found.result.rules


def test_only_new_findings_are_judged_where_that_is_asked() -> None:
    old = result(finding("missing-library", "libold.so", mark="1"))
    same = result(finding("missing-library", "libold.so", mark="1"))
    more = result(*same.findings, finding("missing-library", "libnew.so", mark="2"))
    asked = Configuration(new_only=True)
    assert judged(same, asked, baseline=old).code == ExitCode.PASSED
    assert judged(same, Configuration(), baseline=old).code == ExitCode.GATE_FAILED
    assert judged(more, asked, baseline=old).result.verdict.reasons == ("1 finding of severity error: missing-library",)


def test_reports_know_what_the_gate_did_not_judge() -> None:
    """A test case that fails, or an annotation, for what the gate lets through would be a second, harder gate."""
    old = result(finding("missing-library", "libold.so", mark="1"))
    more = result(finding("missing-library", "libold.so", mark="1"), finding("rpath-absolute", "b", "warning", "2"))
    verdict = judged(more, Configuration(new_only=True, fail_on="warning"), baseline=old).result.verdict
    assert (verdict.known, verdict.fail_on) == (("missing-library 1",), "warning")
    assert [verdict.is_failed_by(each) for each in more.findings] == [False, True]
    calm = judged(more, Configuration(new_only=True), baseline=old).result
    junit = load_renderer("junit")([calm], RenderOptions()).decode()
    assert 'failures="0"' in junit
    assert "<failure" not in junit
    assert b"libold.so" not in load_renderer("github")([calm], RenderOptions())
    strict = judged(more, Configuration(fail_on="warning")).result
    junit = load_renderer("junit")([strict], RenderOptions()).decode()
    assert junit.count("<failure") == 3  # two rules and the gate
    assert judged(more, Configuration(fail_on="never")).result.verdict.is_failed_by(more.findings[0]) is False


def test_changes_are_counted_finding_by_finding() -> None:
    a, b = finding("x-y", "1", mark="m"), finding("x-y", "2", mark="m")
    changes = finding_changes([a, a], [a, b, finding("x-y", mark="n")])
    assert (len(changes.new), len(changes.same), len(changes.fixed)) == (1, 2, 0)
    assert finding_changes([a, a], [a]).fixed == (a,)


@pytest.mark.parametrize(("target", "code"), [("2.38", 0), ("2.37", 1), ("2.4", 1), ("2.100", 0)])
def test_the_newest_glibc_that_may_be_asked_for(target: str, code: int) -> None:
    found = judged(result(glibc="2.38"), Configuration(glibc=target))
    assert found.code == code
    if code:
        assert (
            found.result.verdict.reasons == (f"needs glibc 2.38, and the target has {target}: lib/a.so",)
            or target == "2.4"
        )


def test_budgets() -> None:
    sizes = SizesInfo(
        by_component=(SizeRow(name="Qt5", raw=700, stored=300), SizeRow(name="Qt5 plugins", raw=100, stored=50)),
        duplicate_bytes=ByteCount(raw=5), debug_bytes=ByteCount(raw=6), test_bytes=ByteCount(raw=7),
    )  # fmt: skip
    given = result(sizes=sizes)
    budget = Budget(total=900, components={"Qt*": 750}, duplicates=4, debug=6, tests=0)
    assert judged(given, Configuration(budget=budget)).result.verdict.reasons == (
        "1.0 kB is 100 B over the budget of 900 B; the largest component is Qt5 (700 B)",
        "Qt*: 800 B is 50 B over its budget of 750 B",
        "duplicates: 5 B is 1 B over the budget of 4 B",
        "tests: 7 B is 7 B over the budget of 0 B",
    )


@pytest.mark.parametrize(
    ("budget", "limit"),
    [
        (Budget(growth_percent=5), "5 %"),
        (Budget(growth_bytes=60), "60 B"),
        (Budget(growth_percent=50, growth_bytes=99), "99 B"),
        (Budget(growth_percent=10), None),
        (Budget(), None),
    ],
)
def test_growth_is_measured_against_the_baseline(budget: Budget, limit: str | None) -> None:
    before = result(size=1000, sizes=SizesInfo(by_component=(SizeRow(name="b", raw=1, stored=1),)))
    after = result(size=1100, sizes=SizesInfo(by_component=(SizeRow(name="b", raw=91, stored=1),)))
    reasons = judged(after, Configuration(budget=budget), baseline=before).result.verdict.reasons
    assert reasons == (
        ()
        if limit is None
        else (
            f"grew by 100 B (10.0 %) since the baseline, more than the {limit} that the budget allows; most of it is b (+90 B)",
        )
    )
    assert judged(after, Configuration(budget=budget)).code == ExitCode.PASSED


def test_required_and_forbidden_rules() -> None:
    given = result(finding("rpath-absolute", severity="info"))
    asked = Configuration(require=("missing-library",), forbid=("RPT001",))
    assert judged(given, asked).result.verdict.reasons == (
        "forbidden here: rpath-absolute",
        "required and not found: missing-library",
    )
    assert judged(given, replace_fail_on(asked)).code == ExitCode.PASSED


def replace_fail_on(configuration: Configuration) -> Configuration:
    """The same, failing on nothing."""
    return Configuration(fail_on="never", require=configuration.require, forbid=configuration.forbid)


def test_a_result_can_be_judged_again() -> None:
    entry = Ignore(rule="missing-library", reason="r")
    first = judged(result(finding("missing-library")), Configuration(ignores=(entry,)))
    assert judged(first.result, Configuration(ignores=(entry,))).code == ExitCode.PASSED
    assert judged(first.result, Configuration()).code == ExitCode.PASSED  # the document itself says that it is accepted
