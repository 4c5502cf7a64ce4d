from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from inspector.model import Finding
from inspector.render.registry import Detail, RenderOptions, load_renderer
from inspector.render.terminal import render_text
from inspector.result import Floor, FloorCause, Result, Verdict
from tests import render_samples

SAMPLES = (render_samples.pyqt5_appimage, render_samples.tiny_elf, render_samples.hostile_bundle)


@pytest.mark.parametrize("detail", ["brief", "normal", "full"])
@pytest.mark.parametrize("width", [60, 80, 100, 120])
@pytest.mark.parametrize("sample", SAMPLES)
def test_every_line_is_printable_and_fits(sample: Callable[[], Result], width: int, detail: Detail) -> None:
    text = render_text(sample(), width, color=False, detail=detail)
    assert text.endswith("\n")
    for line in text[:-1].split("\n"):
        assert line.isprintable()
        assert cell_len(line) <= width or line.lstrip().startswith(
            ("inspect ", "patchelf ")
        )  # what is to be pasted is never broken
        assert line == line.rstrip()


@pytest.mark.parametrize("sample", SAMPLES)
def test_colour_changes_no_letter(sample: Callable[[], Result]) -> None:
    plain = render_text(sample(), 80, color=False)
    colored = render_text(sample(), 80, color=True)
    assert "\x1b[" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == plain


def test_a_hostile_name_cannot_forge_a_line_or_a_colour() -> None:
    for detail in ("brief", "normal", "full"):
        text = render_text(render_samples.hostile_bundle(), 100, color=True, detail=detail)
        assert not any(line.startswith("error forged-rule") for line in text.split("\n"))
        assert set(re.findall(r"\x1b.", text)) == {"\x1b["}
        assert "\x1b[2J" not in text
        assert "\u202e" not in text
        if detail != "normal":  # the one screen does not get to this name
            assert "[bold red]rich markup[/bold red]" in text


def test_a_report_of_huge_names_stays_short() -> None:
    assert len(render_text(render_samples.hostile_bundle(), 80, color=False)) < 40_000


def test_the_order_of_the_full_report() -> None:
    text = render_text(render_samples.pyqt5_appimage(), 80, color=False, detail="full")
    wanted = [
        "dist/Demo-Application-1.4.0-x86_64.AppImage",
        "AppImage type 2, x86_64, 187.4 MB",
        "runtime",
        "FAILED  1 error, 15 warnings, 2 notes (1 suppressed)",
        "1 finding of severity error: missing-library",
        "incomplete: 1 problem while reading",
        "Version floors  allow manylinux_2_34_x86_64",
        "Libraries  412 ELF objects; needed: 410 bundled, 1,654 host, 1 missing",
        "missing          libxcb-cursor.so.0",
        "host's, bundled  libstdc++.so.6, libgcc_s.so.1, libxcb.so.1",
        "not $ORIGIN      /home/build/qt5/lib (11), an empty element (1), /usr/lib (1)",
        "Licence exposure",
        "AppRun → opt/demo/bin/python3.11 →",
        "Where the bytes are  490.2 MB raw, 186.9 MB stored",
        "Findings",
        "error    missing-library",
        "warning  host-library-bundled (3)",
        "note     duplicate-files",
        "Not readable",
        "Coverage  9,871 members seen, 9,870 analysed; 34 rules run",
        "Mend first",
        "inspect explain missing-library",
    ]
    places = [text.index(part) for part in wanted]
    assert places == sorted(places)


def test_the_full_report_caps_no_list() -> None:
    result = render_samples.pyqt5_appimage()
    normal, full = (render_text(result, 100, color=False, detail=detail) for detail in ("normal", "full"))
    assert "(-v)" not in full
    for number in range(0, 409, 40):
        assert f"QtModule{number:03}.abi3.so: has RPATH" in full
    assert "QApplication loads the platform plugin xcb" in full
    assert "QApplication loads the platform plugin xcb" not in normal
    assert "[suppressed: never loaded]" in full
    assert "never loaded" not in normal


def test_brief_is_findings_and_verdict() -> None:
    text = render_text(render_samples.pyqt5_appimage(), 80, color=False, detail="brief")
    assert "FAILED" in text
    assert "missing-library" in text
    for section in ("Version floors", "Where the bytes are", "Coverage", "Next", "runtime"):
        assert section not in text


def test_a_passing_file_without_findings() -> None:
    text = render_text(render_samples.tiny_elf(), 80, color=False, detail="full")
    assert "PASSED  no findings" in text
    assert "GLIBC  2.17  the host must have it" in text
    assert "Findings" not in text
    assert "stored" not in text


def test_floors_say_who_must_answer() -> None:
    cause = FloorCause(
        file="app", library="libc.so.6", version="2.4", symbols=("__stack_chk_fail",), symbol_count=1, from_host=True
    )
    floors = {
        "GLIBC": Floor(version="2.36", host_version="2.4", causes=(cause,)),
        "GCC": Floor(version="7.0.0", host_version=None),
        "krb5": Floor(version=None, host_version=None, markers=("krb5_3_MIT",)),
        "FOO": Floor(
            version=None, host_version=None, markers=("FOO_PRIVATE",), causes=(replace(cause, version="FOO_PRIVATE"),)
        ),
    }
    text = render_text(replace(render_samples.tiny_elf(), floors=floors), 100, color=False, detail="full")
    assert "2.36  the host must have 2.4, the bundle answers the rest" in text
    assert "GCC    7.0.0  the bundle answers" in text
    assert "krb5   asks for krb5_3_MIT" in text
    assert "FOO    asks for FOO_PRIVATE" in text
    assert re.search(r"^ +app +libc\.so\.6: __stack_chk_fail$", text, re.MULTILINE)


def test_the_next_command_can_be_pasted() -> None:
    result = render_samples.tiny_elf()
    result = replace(result, artifact=replace(result.artifact, path="My App; rm -rf ~.AppImage"))
    assert "inspect audit -v 'My App; rm -rf ~.AppImage'" in render_text(result, 100, color=False)
    full = render_text(result, 100, color=False, detail="full")
    assert "inspect audit -o result.json 'My App; rm -rf ~.AppImage'" in full


def test_several_reports_end_with_a_line_each() -> None:
    failed = replace(
        render_samples.tiny_elf(),
        findings=(Finding(rule="a-rule", severity="error", confidence="high", subject="", message="m"),),
        verdict=Verdict(gate="failed"),
    )
    results = [render_samples.tiny_elf(), failed]
    text = load_renderer("text")(results, RenderOptions(width=80, several=True)).decode()
    assert text.endswith("2 artifacts\n  passed  hello  no findings\n  failed  hello  1 error\n")
