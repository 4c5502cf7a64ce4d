"""The one screen: its length, what must stand on it, and that nothing stands on it twice."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from inspector.model import ByteCount, Finding, Fix
from inspector.render.fix_ranking import rank_fixes
from inspector.render.overview.floors import shorten_remedy
from inspector.render.terminal import render_text
from inspector.result import Result, RuleInfo, Verdict
from tests import render_samples

_ONE_SCREEN = 50


def screen(result: Result, width: int = 80) -> str:
    return render_text(result, width, color=False)


def judged() -> Result:
    result = render_samples.pyqt5_appimage()
    return replace(result, hosts=render_samples.judged_hosts(result))


def test_everything_that_decides_stands_on_one_screen() -> None:
    text = screen(judged())
    assert text.count("\n") <= _ONE_SCREEN
    wanted = [
        "dist/Demo-Application-1.4.0-x86_64.AppImage",
        "AppImage type 2, x86_64, 187.4 MB",
        "FAILED  1 error, 15 warnings, 2 notes (1 suppressed)",
        "not read: opt/demo/share/broken.png: block 3 does not decompress",
        "Starts on 4 of 6 supported systems (1 degraded, 1 assumed)",
        "musl: starts on none of 3 systems; libc.so.6 wanted by AppRun",
        "Needs glibc 2.34 or newer  fits manylinux_2_34_x86_64",
        "wants pthread_create and 13 more",
        "lower it    build on a distribution with glibc 2.31 or older",
        "GLIBCXX 3.4.21",
        "missing     libxcb-cursor.so.0, needed by libqxcb.so",
        "host's own  3 bundled in the host's place: libstdc++.so.6, libgcc_s.so.1",
        "has RPATH /home/build/qt5/lib",
        "readline 8.2   GPL-3.0-or-later  AppRun → … → libreadline.so.8",
        "weak: Qt 5.15.2",
        "Where the bytes are  490.2 MB raw, 186.9 MB stored",
        "PyQt5-Qt5 5.15.2",
        "Mend first",
        "inspect audit -v dist/Demo-Application-1.4.0-x86_64.AppImage",
    ]
    places = [text.index(part) for part in wanted]
    assert places == sorted(places)
    for kind in ("tests", "duplicates", "debug information"):
        assert re.search(rf" {kind} +[\d.]+ MB", text)


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_no_finding_is_told_twice(width: int) -> None:
    result = judged()
    text = screen(result, width)
    told, _, mending = text.partition("\nMend first\n")
    lines = [line for line in text.split("\n") if line]
    assert Counter(lines).most_common(1)[0][1] == 1
    assert told.count("libxcb-cursor.so.0") == 1
    assert told.count("libstdc++.so.6") <= 1  # on a narrow screen it may be among those that are counted
    assert told.count("/home/build/qt5/lib") == 1
    assert told.count("libreadline.so.8") == 1
    for rule in {finding.rule for finding in result.findings}:
        named = told.replace("of severity error: missing-library", "")
        assert rule not in named
        assert mending.count(rule) <= 1


def test_a_rule_that_no_section_tells_has_a_line_of_its_own() -> None:
    result = render_samples.tiny_elf()
    stack = Finding(
        rule="executable-stack",
        severity="warning",
        confidence="high",
        subject="hello",
        message="asks for an executable stack",
    )
    rules = {
        "executable-stack": RuleInfo(
            code="HRD001", severity="warning", summary="An object asks for an executable stack"
        )
    }
    one = screen(replace(result, rules=rules, findings=(stack,)))
    assert "Also found\n  warning  executable-stack  hello: asks for an executable stack\n" in one
    several = screen(replace(result, rules=rules, findings=(stack, replace(stack, subject="other"))))
    assert "  warning  executable-stack (2)  An object asks for an executable stack\n" in several


def test_what_is_in_order_takes_few_lines() -> None:
    text = screen(render_samples.tiny_elf())
    assert text.count("\n") <= 15
    assert "missing     nothing" in text
    for absent in ("Also found", "Mend first", "Where the bytes are", "Licences"):
        assert absent not in text


def test_a_bundle_of_which_there_is_too_much_to_say_still_fits() -> None:
    result = judged()
    exposure = result.licenses.exposures[0]
    exposures = tuple(replace(exposure, component=f"library {number}") for number in range(30))
    more = tuple(
        Finding(
            rule=f"other-rule-{number}",
            severity="warning",
            confidence="high",
            subject=f"file-{number}",
            message="is odd",
        )
        for number in range(9)
    )
    full = replace(result, licenses=replace(result.licenses, exposures=exposures), findings=(*result.findings, *more))
    text = screen(full)
    assert text.count("\n") <= _ONE_SCREEN
    assert "library 2" in text
    assert "28 more" in text or "and library 2" in text


def test_many_reasons_are_counted() -> None:
    reasons = tuple(f"does not start on system {number}" for number in range(9))
    result = replace(render_samples.tiny_elf(), verdict=Verdict(gate="failed", reasons=reasons))
    assert "does not start on system 2\n        and 6 more reasons\n" in screen(result)
    assert "system 8" in render_text(result, 80, color=False, detail="full")


def test_nothing_is_said_by_colour_alone() -> None:
    plain = screen(judged())
    colored = render_text(judged(), 80, color=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == plain


def test_a_remedy_says_what_to_do_before_why() -> None:
    remedy = (
        "GLIBC_2.34 came with glibc 2.34 of 2021-08-01. dlopen, dlsym and 4 more: libdl became a part of libc in 2.34. "
        "__libc_start_main: every program that is linked with glibc 2.34 starts through it. "
        "Link in an image with an older glibc; the source needs no change. Link the program there: no change helps."
    )
    assert shorten_remedy(remedy, 200, 3).startswith("dlopen, dlsym and 4 more: libdl became")
    short = shorten_remedy(remedy, 60, 3)
    assert short.startswith("Link in an image with an older glibc") or "Link in an image" in short
    assert len(shorten_remedy(remedy, 40, 1)) <= 40
    assert shorten_remedy("", 60, 3) == ""


def fix(rule: str, severity: str, subject: str = "", saves: int = 0) -> Finding:
    return Finding(
        rule=rule,
        severity=severity,  # type: ignore[arg-type]
        confidence="high",
        subject=subject,
        message="m",
        fix=Fix(text=f"mend {rule}", saves=saves),
    )


def test_fixes_are_ranked_by_what_they_are_worth() -> None:
    result = judged()
    rules = {
        "a-note": RuleInfo(code="SIZ001", severity="info", summary="s"),
        "missing-library": RuleInfo(code="LIB001", severity="error", summary="s"),
        "glibc-floor": RuleInfo(code="FLR001", severity="info", summary="s"),
        "runtime-needs-libfuse2": RuleInfo(code="APP001", severity="warning", summary="s"),
        "host-library-bundled": RuleInfo(code="LIB002", severity="warning", summary="s"),
        "rpath-absolute": RuleInfo(code="RPT001", severity="error", summary="s"),
        "strong-copyleft-reached": RuleInfo(code="LIC001", severity="warning", summary="s"),
    }
    findings = (
        fix("a-note", "info"),
        fix("tests-shipped", "info", saves=31_000_000),
        fix("duplicate-files", "info", saves=900_000_000),  # the image stores them once
        fix("spare-bytecode-shipped", "info", saves=80_000_000),
        fix("strong-copyleft-reached", "warning", "GPL"),
        fix("host-library-bundled", "warning", "usr/lib/libX11.so.6"),
        fix("runtime-needs-libfuse2", "warning"),
        fix("missing-library", "warning", "libxcb-cursor.so.0"),
        fix("glibc-floor", "info"),
        fix("rpath-absolute", "error", "opt/x"),
    )
    sizes = replace(result.sizes, duplicate_bytes=ByteCount(raw=900_000_000, stored=0))
    ranked = rank_fixes(replace(result, rules=rules, findings=findings, sizes=sizes))
    assert [entry.finding.rule for entry in ranked] == [
        "rpath-absolute",
        "glibc-floor",
        "missing-library",
        "runtime-needs-libfuse2",
        "host-library-bundled",
        "spare-bytecode-shipped",
        "tests-shipped",
        "strong-copyleft-reached",
        "duplicate-files",
    ]
    assert [entry.systems for entry in ranked[:4]] == [0, 2, 2, 0]


def test_a_fix_that_is_a_command_is_the_command() -> None:
    result = render_samples.tiny_elf()
    command = "patchelf --set-rpath '$ORIGIN' opt/demo/lib/with/a/rather/long/path/that/must/not/be/broken/library.so.1"
    finding = replace(fix("rpath-absolute", "error", "opt/library.so.1"), fix=Fix(text=command))
    text = screen(replace(result, findings=(finding,)))
    assert f"  1. mend opt/library.so.1\n     {command}\n" in text


@pytest.mark.corpus
@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("pyqt5-widgets.AppImage", marks=pytest.mark.heavy),
        "flask-app.AppImage",
        "libappimage/appimagetool-x86_64.AppImage",
    ],
)
def test_real_bundles_fit_the_screen(name: str, width: int) -> None:
    corpus = pytest.importorskip("corpus", reason="the corpus is not beside this checkout")
    from inspector.pipeline import audit

    try:
        path = Path(corpus.artifact(name))
    except corpus.Unavailable as reason:
        pytest.skip(f"{name} cannot be built here: {reason}")
    text = screen(audit(path), width)
    assert text.count("\n") <= _ONE_SCREEN
    lines = [line for line in text.split("\n") if line]
    assert Counter(lines).most_common(1)[0][1] == 1


def test_one_fix_is_named_once_though_two_rules_ask_for_it() -> None:
    result = render_samples.tiny_elf()
    rules = {
        name: RuleInfo(code=code, severity="warning", summary="s")
        for name, code in (("host-library-bundled", "LIB002"), ("bundled-library-older-than-host", "LIB007"))
    }
    same = Fix(text="remove usr/lib/libz.so.1 from the bundle", saves=100)
    other = Fix(text="remove usr/lib/libX11.so.6 from the bundle", saves=100)
    findings = (
        replace(fix("host-library-bundled", "warning", "usr/lib/libz.so.1"), fix=same),
        replace(fix("host-library-bundled", "warning", "usr/lib/libX11.so.6"), fix=other),
        replace(fix("bundled-library-older-than-host", "warning", "usr/lib/libz.so.1"), fix=same),
    )
    ranked = rank_fixes(replace(result, rules=rules, findings=findings))
    assert [(entry.finding.rule, entry.count) for entry in ranked] == [("host-library-bundled", 2)]


def test_the_systems_that_lack_something_are_those_of_the_fix_that_is_named() -> None:
    result = judged()
    error = fix("missing-library", "error", "libnobody-measured.so.1")
    warning = fix("missing-library", "warning", "libxcb-cursor.so.0")
    ranked = rank_fixes(replace(result, findings=(error, warning)))
    assert [(entry.finding.subject, entry.stopped, entry.systems, entry.count) for entry in ranked] == [
        ("libnobody-measured.so.1", 0, 0, 2)
    ]
    assert "systems lack it" not in screen(replace(result, findings=(error, warning)))
