"""``inspect trace`` as its users type it, on a bundle that is really run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture
def appdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle of shell scripts: what it says goes to a file, as its stdout is the terminal's."""
    path = tmp_path / "Test.AppDir"
    (path / "usr").mkdir(parents=True)
    (path / "AppRun").write_text(
        '#!/bin/sh\nhere=${0%/*}\n. "$here/usr/part.sh"\necho "$@" > "$SAID"\nexit "${STATUS:-0}"\n'
    )
    (path / "AppRun").chmod(0o755)
    (path / "usr/part.sh").write_text("true\n")
    (path / "usr/other.sh").write_text("true\n")
    monkeypatch.setenv("SAID", str(tmp_path / "said"))
    monkeypatch.chdir(tmp_path)
    return path


def test_a_run_is_recorded_and_another_added(run, appdir: Path, tmp_path: Path) -> None:
    done = run("trace", str(appdir), "--", "--append", "-o", "x", "--", "two words")
    assert done.code == 0, done.err
    assert (tmp_path / "said").read_text() == "--append -o x -- two words\n"
    trace = json.loads((tmp_path / "Test.trace.json").read_text())
    assert trace["schema"] == "inspector/trace/1"
    assert trace["runs"][0]["arguments"] == ["--append", "-o", "x", "--", "two words"]
    assert "AppRun" in trace["files"]
    assert "Test.trace.json: 1 run, 0 Python modules" in done.err
    again = run("trace", str(appdir))
    assert (again.code, "is there already" in again.err) == (2, True)
    assert run("trace", str(appdir), "--append", "--no-strace").code == 0
    assert len(json.loads((tmp_path / "Test.trace.json").read_text())["runs"]) == 2
    assert run("trace", str(appdir), "--force").code == 0
    assert len(json.loads((tmp_path / "Test.trace.json").read_text())["runs"]) == 1


def test_a_program_that_fails_is_told(run, appdir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATUS", "7")
    done = run("trace", str(appdir), "-o", str(tmp_path / "t.json"))
    assert done.code == 0
    assert "the program ended with status 7" in done.err
    assert json.loads((tmp_path / "t.json").read_text())["runs"][0]["status"] == 7


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), "there is nothing to run"),
        (("nowhere.AppImage",), "nowhere.AppImage"),
        (("Test.AppDir", "--seconds", "0"), "--seconds needs a number above 0"),
        (("Test.AppDir", "-o", "nowhere/t.json"), "is not there"),
        (("Test.AppDir", "--append", "--force"), "exclude each other"),
        (("Test.AppDir", "--argument"), "has no option --argument"),
        (("Test.AppDir/usr",), "has no launcher to start"),
    ],
)
def test_mistakes(run, appdir: Path, arguments: tuple[str, ...], error: str) -> None:
    done = run("trace", *arguments)
    assert done.code in {2, 3}
    assert error in done.err
    assert not list(appdir.parent.glob("*.json"))


def test_a_trace_of_another_artifact_is_kept(run, appdir: Path, tmp_path: Path) -> None:
    assert run("trace", str(appdir)).code == 0
    before = (tmp_path / "Test.trace.json").read_bytes()
    (appdir / "usr/other.sh").write_text("false\n")
    done = run("trace", str(appdir), "--append")
    assert done.code == 2
    assert "another artifact" in done.err
    assert (tmp_path / "Test.trace.json").read_bytes() == before
