"""What a log says of a verdict: the reasons, the three most valuable fixes with their bytes, and the command to type next."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from inspector.model import Finding, Fix, Severity
from inspector.render.fix_ranking import SLIM_WRITES, next_command, rank_fixes
from inspector.render.markdown_text import markdown_code
from inspector.render.verdict_lines import verdict_lines
from inspector.result import Result, RuleInfo, SlimInfo, Verdict
from tests import render_samples


def found(rule: str, severity: Severity, subject: str = "", text: str = "mend it", saves: int = 0) -> Finding:
    return Finding(
        rule=rule, severity=severity, confidence="high", subject=subject, message="is so", fix=Fix(text=text, saves=saves)
    )  # fmt: skip


def sample(*findings: Finding, reasons: tuple[str, ...] = (), format_name: str = "appimage-2") -> Result:
    base = render_samples.tiny_elf()
    artifact = replace(base.artifact, path="dist/My App.AppImage", format=format_name)
    verdict = Verdict(gate="failed" if reasons else "passed", reasons=reasons)
    rules = {"missing-library": RuleInfo(code="LIB001", severity="error", summary="is missing")}
    return replace(base, findings=findings, verdict=verdict, artifact=artifact, floors={}, hosts=(), rules=rules)


MISSING = found("missing-library", "error", "libx.so.1", "bundle libx.so.1")
TESTS = found("tests-shipped", "info", "", "remove the test suites", 129_200_000)
HOST = found("host-library-bundled", "warning", "usr/lib/libX11.so.6", "remove usr/lib/libX11.so.6", 3_000_000)
OVER = found("size-over-budget", "error", "total")


def test_all_of_it() -> None:
    result = sample(MISSING, HOST, TESTS, reasons=("1 finding of severity error: missing-library",))
    assert verdict_lines(result) == [
        "dist/My App.AppImage: failed, 1 error, 1 warning, 1 note",
        "  1 finding of severity error: missing-library",
        "  mend first:",
        "    1. bundle libx.so.1",
        "    2. remove the test suites (saves 129.2 MB)",
        "    3. remove usr/lib/libX11.so.6 (saves 3.0 MB)",
        "  next: inspect slim 'dist/My App.AppImage' --fix portability",
    ]


def test_exceptions_that_are_over_are_told() -> None:
    result = replace(
        sample(), verdict=Verdict(gate="passed", notices=("ignore[1] (rpath-absolute, *) matches no finding any more",))
    )
    assert verdict_lines(result)[1:] == ["  ignore[1] (rpath-absolute, *) matches no finding any more"]


def test_nothing_to_mend_is_one_line() -> None:
    assert verdict_lines(sample()) == ["dist/My App.AppImage: passed, no findings"]


@pytest.mark.parametrize(
    ("findings", "format_name", "command"),
    [
        ((MISSING,), "appimage-2", "inspect why 'dist/My App.AppImage' libx.so.1"),
        ((TESTS,), "appdir", "inspect slim 'dist/My App.AppImage'"),
        ((TESTS,), "wheel", "inspect explain tests-shipped"),
        ((found("rpath-absolute", "error"),), "appimage-2", "inspect explain rpath-absolute"),
    ],
)
def test_the_next_command(findings: tuple[Finding, ...], format_name: str, command: str) -> None:
    result = sample(*findings, format_name=format_name)
    following = next_command(result, rank_fixes(result))
    assert following is not None
    assert following[0] == command


def test_slim_is_only_recommended_where_it_can_write() -> None:
    from inspector.slim.rebuilding.rebuild import rewritten_formats

    assert rewritten_formats() >= SLIM_WRITES


def test_what_slim_made_is_not_slimmed_again() -> None:
    result = replace(sample(TESTS), slim=SlimInfo(input="a", level="moderate"))
    following = next_command(result, rank_fixes(result))
    assert following == ("inspect explain tests-shipped", "what it means, what to do")


def test_a_size_over_budget_makes_bytes_worth_as_much_as_errors() -> None:
    optional = found("missing-library", "warning", "liboptional.so.1")
    over = replace(OVER, fix=None)

    def first(*findings: Finding) -> str:
        return rank_fixes(sample(optional, TESTS, *findings))[0].finding.rule

    assert first() == "missing-library"
    assert first(over) == "tests-shipped"
    assert first(replace(over, suppressed="by design")) == "missing-library"


def test_files_above_the_target_stand_for_the_floor() -> None:
    floor = found("glibc-floor", "info", "", "lower it")
    above = found("glibc-above-target", "error", "lib/a.so", "link lib/a.so where glibc is no newer than 2.31")
    assert [fix.finding.rule for fix in rank_fixes(sample(floor, above))] == ["glibc-above-target"]


def test_names_of_an_attacker_make_no_lines_of_their_own() -> None:
    for result in (render_samples.hostile_bundle(), render_samples.pyqt5_appimage()):
        lines = verdict_lines(result)
        assert all(line.isprintable() for line in lines)
        assert all(line.startswith("  ") for line in lines[1:])


@pytest.mark.parametrize(
    ("text", "written"),
    [("a b", "`a b`"), ("a`b", "``a`b``"), ("`", "`` ` ``"), ("a``b`", "``` a``b` ```"), ("x\ny", "`x\\x0ay`")],
)
def test_code_spans(text: str, written: str) -> None:
    assert markdown_code(text) == written
