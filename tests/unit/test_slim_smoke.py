"""slim/proving/smoke.py: real commands on real AppDirs, before and after."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from inspector.slim.proving.smoke import run_smoke

APPS = {
    "same": 'echo hello "$1"',
    "other": 'echo goodbye "$1"',
    "more": 'echo hello "$1"; echo more',
    "place": 'echo "I lie in $(dirname "$0")/usr"',
    "random": "cat /proc/sys/kernel/random/uuid",
    "fails": "echo broken library >&2; exit 127",
    "crashes": "kill -SEGV $$",
    "hangs": "sleep 60",
    "home": 'test -d "$HOME" && test -z "$(ls -A .)" && touch "$HOME/mark" && ls -A "$HOME"',
    "status 3": "exit 3",
}


@pytest.fixture
def app(tmp_path: Path):
    def make(name: str, place: str = "Some App.AppDir") -> Path:
        appdir = tmp_path / place / name
        appdir.mkdir(parents=True)
        (appdir / "AppRun").write_text(f"#!/bin/sh\n{APPS[name]}\n")
        (appdir / "AppRun").chmod(0o755)
        return appdir

    return make


@pytest.mark.parametrize(
    ("before", "after", "verdict", "message"),
    [
        ("same", "same", "agrees", "exit status and output are the same"),
        ("same", "other", "differs", "line 1 of its output was 'hello world' and is 'goodbye world'"),
        ("same", "more", "differs", "its output had 1 lines and has 2"),
        ("same", "fails", "differs", "it ended with status 127: broken library"),
        ("same", "crashes", "differs", "it was killed by SIGSEGV"),
        ("same", "hangs", "differs", "it did not end in time"),
        ("place", "place", "agrees", "exit status and output are the same"),
        (
            "random",
            "random",
            "agrees",
            "the exit status is the same; the output differs from run to run and was not compared",
        ),
        ("random", "fails", "differs", "it ended with status 127: broken library"),
        ("home", "home", "agrees", "exit status and output are the same"),
        ("fails", "fails", "fails before", "it ended with status 127 with the input: broken library"),
        ("status 3", "same", "fails before", "it ended with status 3 with the input"),
    ],
)
def test_verdicts(before: str, after: str, verdict: str, message: str, app) -> None:
    result = run_smoke(
        'exec "$APP" world', app(before, "one"), app(after, "another place"), seconds=20 if after != "hangs" else 1
    )
    assert (result.verdict, result.message) == (verdict, message)
    assert result.output_compared == ("output" in message and "not compared" not in message)


def test_a_killed_command_is_a_status_of_its_shell(app) -> None:
    """Without exec the shell reports a signal by its own status; both ways are seen."""
    result = run_smoke('"$APP" world', app("same", "one"), app("crashes", "two"))
    assert result.verdict == "differs"
    assert "status 139" in result.message


def test_it_runs_in_the_callers_environment(app, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.setenv("OWN", "mine")
    real_home = os.environ.get("HOME")
    result = run_smoke(
        'test "$DISPLAY$OWN" = :7mine && test "$HOME" != "' + str(real_home) + '" && "$APP"',
        app("same", "a"),
        app("same", "b"),
    )
    assert result.verdict == "agrees", result.message


@pytest.mark.parametrize(
    ("display", "platform", "expected"), [(None, None, "offscreen"), (":0", None, ""), (None, "vnc", "vnc")]
)
def test_qt_does_without_a_display(
    display: str | None, platform: str | None, expected: str, app, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("DISPLAY", display), ("WAYLAND_DISPLAY", None), ("QT_QPA_PLATFORM", platform)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    result = run_smoke(f'test "$QT_QPA_PLATFORM" = "{expected}"', app("same", "a"), app("same", "b"))
    assert result.verdict == "agrees"


def test_a_file_is_its_own_program(tmp_path: Path) -> None:
    for name in ("before", "after"):
        (tmp_path / name).write_text("#!/bin/sh\necho run\n")
        (tmp_path / name).chmod(0o755)
    assert run_smoke('test "$("$APP")" = run', tmp_path / "before", tmp_path / "after").verdict == "agrees"
