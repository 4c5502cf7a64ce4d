"""``inspect audit``: exit codes, several paths, reports into files."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from inspector.cli.console import ProgressBar
from inspector.errors import NothingInspected, UsageError
from inspector.result import Result, load_result
from tests import render_samples


@pytest.fixture
def samples(pipeline):
    pipeline.answers |= {
        "bad": render_samples.pyqt5_appimage(),
        "good": render_samples.tiny_elf(),
        "hostile": render_samples.hostile_bundle(),
        "empty": NothingInspected("empty is an empty file"),
        "absent": UsageError("absent is not there"),
        "crash": RuntimeError("boom"),
    }
    return pipeline


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["good"], 0),
        (["bad"], 1),
        (["bad", "--fail-on", "never"], 0),
        (["good", "--fail-on", "info"], 0),
        (["bad", "--fail-on", "never", "--fail-on-incomplete"], 4),
        (["bad", "--fail-on-incomplete"], 1),
        (["empty"], 3),
        (["absent"], 2),
        (["crash"], 70),
        (["good", "bad"], 1),
        (["bad", "empty"], 3),
        (["empty", "absent", "bad"], 2),
        (["crash", "absent", "empty", "bad", "good"], 70),
    ],
)
def test_exit_codes(run, samples, arguments: list[str], code: int) -> None:
    assert run("audit", *arguments).code == code


def test_paths_and_options_stand_in_any_order(run, samples) -> None:
    samples.answers["-odd"] = samples.answers["good"]
    assert run("audit", "good", "--fail-on", "never", "bad", "-q").code == 0
    assert run("audit", "-q", "good", "--", "-odd", "bad").code == 1
    assert [path for path, _ in samples.calls] == ["good", "bad", "good", "-odd", "bad"]


def test_the_verdict_in_the_report_is_that_of_the_options(run, samples) -> None:
    assert json.loads(run("audit", "bad", "--format", "json", "--fail-on", "never").out)["verdict"] == {
        "gate": "passed",
        "reasons": [],
        "notices": [],
        "fail_on": "never",
        "known": [],
    }
    strict = json.loads(run("audit", "bad", "--format", "json", "--fail-on", "warning").out)["verdict"]
    assert strict["gate"] == "failed"
    assert len(strict["reasons"]) == 2


def test_the_report_is_stdout_and_nothing_is_on_stderr(run, samples) -> None:
    done = run("audit", "bad")
    assert done.err == ""
    assert "FAILED" in done.out
    assert "\x1b" not in done.out
    lines = [line for line in done.out.split("\n") if not line.lstrip().startswith(("inspect ", "patchelf "))]
    assert max(map(len, lines)) <= 80


def test_hostile_names_reach_the_screen_harmless(run, samples) -> None:
    done = run("audit", "hostile", "--color", "always")
    assert "\x1b[2J" not in done.out
    done = run("audit", "hostile", "-o", "json:/dev/null")
    assert all(line.isprintable() for line in (done.out + done.err).split("\n"))


def test_quiet_and_very_quiet(run, samples) -> None:
    quiet = run("audit", "bad", "-q")
    assert "FAILED" in quiet.out
    assert "Version floors" not in quiet.out
    silent = run("audit", "bad", "-qq")
    assert (silent.code, silent.out, silent.err) == (1, "", "")
    assert run("audit", "empty", "-qq").err.startswith("error: empty is an empty file")


def test_verbose_shows_evidence(run, samples) -> None:
    assert "QApplication loads the platform plugin xcb" in run("audit", "bad", "-v").out


def test_files_asks_for_entries(run, samples) -> None:
    run("audit", "good", "--files")
    run("audit", "good")
    assert samples.calls == [("good", True), ("good", False)]


def test_several_paths_one_after_another(run, samples) -> None:
    done = run("audit", "good", "empty", "bad")
    assert done.out.index("\nPASSED") < done.out.index("\nFAILED")
    assert "error: empty is an empty file" in done.err
    assert done.code == 3
    document = json.loads(run("audit", "good", "empty", "--format", "json").out)
    assert [result["artifact"]["path"] for result in document["results"]] == ["hello"]
    assert run("audit", "crash", "bad").out.startswith("dist/Demo")


def test_two_reports_in_one_run(run, samples, tmp_path: Path) -> None:
    done = run("audit", "bad", "-o", f"{tmp_path}/r.json", "-o", f"{tmp_path}/r.txt")
    assert done.code == 1
    assert done.out == ""
    assert "dist/Demo-Application-1.4.0-x86_64.AppImage: failed, 1 error, 15 warnings, 2 notes" in done.err
    assert isinstance(load_result(tmp_path / "r.json"), Result)
    assert "FAILED" in (tmp_path / "r.txt").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.json", "r.txt"]


def test_stdout_and_a_file(run, samples, tmp_path: Path) -> None:
    done = run("audit", "good", "-o", "-", "-o", f"json:{tmp_path}/odd.name")
    assert "PASSED" in done.out
    assert load_result(tmp_path / "odd.name").artifact.format == "elf"
    assert json.loads(run("audit", "good", "-o", "json:-").out)["artifact"]["format"] == "elf"
    assert json.loads(run("audit", "good", "-o", "-", "--format", "json").out)["artifact"]["format"] == "elf"


def test_format_is_for_files_without_a_suffix(run, samples, tmp_path: Path) -> None:
    run("audit", "good", "--format", "json", "-o", f"{tmp_path}/report", "-o", f"{tmp_path}/r.txt")
    assert load_result(tmp_path / "report").artifact.format == "elf"
    assert "PASSED" in (tmp_path / "r.txt").read_text()


@pytest.mark.parametrize(
    ("output", "part"),
    [
        ("r.pdf", "the suffix of r.pdf names no output format of this version; there are text (.txt), json (.json)"),
        ("pdf:r", "pdf:r, which has no suffix, names no output format"),
        ("report", "report, which has no suffix,"),
        ("", "-o needs a file name"),
        ("no/such/directory/r.json", "directory"),
        (".", "names no output format"),
    ],
)
def test_a_target_that_cannot_be_is_refused_before_any_work(run, samples, output: str, part: str) -> None:
    done = run("audit", "good", "-o", output)
    assert done.code == 2
    assert part in done.err
    assert samples.calls == []


def test_the_same_target_twice_is_refused(run, samples, tmp_path: Path) -> None:
    assert run("audit", "good", "-o", f"{tmp_path}/r.json", "-o", f"text:{tmp_path}/./r.json").code == 2
    assert run("audit", "good", "-o", "-", "-o", "json:-").code == 2


def test_a_report_never_replaces_the_artifact(run, samples, tmp_path: Path, monkeypatch) -> None:
    artifact = tmp_path / "app.json"
    artifact.write_text("the artifact")
    (tmp_path / "link.json").symlink_to(artifact)
    for target in (artifact, tmp_path / "link.json"):
        done = run("audit", str(artifact), "-o", str(target))
        assert done.code == 2
        assert "is the artifact itself" in done.err
    assert artifact.read_text() == "the artifact"


def test_an_existing_file_stays_where_nothing_was_inspected(run, samples, tmp_path: Path) -> None:
    target = tmp_path / "r.json"
    target.write_text("old")
    assert run("audit", "empty", "-o", str(target)).code == 3
    assert target.read_text() == "old"


def test_a_file_is_replaced_whole_and_keeps_its_mode(run, samples, tmp_path: Path) -> None:
    target = tmp_path / "r.json"
    target.write_text("old")
    target.chmod(0o640)
    before = target.stat().st_ino
    assert run("audit", "good", "-o", str(target)).code == 0
    assert target.stat().st_ino != before
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    load_result(target)


def test_a_new_file_heeds_the_umask(run, samples, tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        run("audit", "good", "-o", f"{tmp_path}/r.json")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "r.json").stat().st_mode) == 0o640


def test_a_link_is_followed_and_stays_a_link(run, samples, tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    run("audit", "good", "-o", f"{tmp_path}/link.json")
    assert (tmp_path / "link.json").is_symlink()
    load_result(tmp_path / "real.json")


def test_a_failed_write_leaves_the_old_file_and_no_litter(run, samples, tmp_path: Path, monkeypatch) -> None:
    target = tmp_path / "r.json"
    target.write_text("old")

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    done = run("audit", "good", "-o", str(target))
    assert done.code == 2
    assert f"error: {target} cannot be written: No space left on device" in done.err
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


def test_a_device_is_written_as_it_is(run, samples) -> None:
    assert run("audit", "good", "-o", "json:/dev/null").code == 0
    assert Path("/dev/null").is_char_device()


def test_a_terminal_of_another_encoding_gets_escapes(samples, monkeypatch, tmp_path: Path) -> None:
    from inspector.cli import main

    with (tmp_path / "out").open("w", encoding="latin-1") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert main(["audit", "bad"]) == 1
    text = (tmp_path / "out").read_bytes()
    assert b"AppRun \\u2192 \\u2026 \\u2192 libreadline.so.8" in text


class Terminal:
    """A stream that says it is a terminal and keeps what is written."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass


def test_a_bar_appears_after_a_second_and_goes_away(monkeypatch) -> None:
    now = [0.0]
    monkeypatch.setattr("inspector.cli.console.monotonic", lambda: now[0])
    stream = Terminal()
    with ProgressBar(stream) as bar:  # type: ignore[arg-type]
        bar.stage("Reading \x1b[2J", 100)
        bar.advance(50)
        assert stream.text == ""
        now[0] = 1.5
        bar.advance(10)
        assert "Reading \\x1b[2J" in stream.text
        bar.stage("Judging")
        bar.advance()
    assert stream.text.rstrip("\r").endswith("\x1b[2K")


def test_short_work_leaves_nothing_on_the_screen() -> None:
    stream = Terminal()
    with ProgressBar(stream) as bar:  # type: ignore[arg-type]
        bar.stage("Reading", 3)
        bar.advance(3)
    assert stream.text == ""


@pytest.mark.parametrize(
    ("arguments", "environment", "shown"),
    [
        ([], {}, True),
        (["--no-progress"], {}, False),
        (["-q"], {}, False),
        ([], {"CI": "true"}, False),
        ([], {"CI": "false"}, True),
    ],
)
def test_when_a_bar_may_be_shown(run, samples, monkeypatch, arguments, environment, shown) -> None:
    made = []
    monkeypatch.setattr(
        "inspector.cli.console.ProgressBar.__init__",
        lambda self, stream: made.append(stream) or setattr(self, "_bar", None),
    )
    monkeypatch.setattr("inspector.cli.console.ProgressBar.stage", lambda *_: None)
    monkeypatch.setattr("inspector.cli.console.ProgressBar.advance", lambda *_: None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    run("audit", "good", *arguments)
    assert bool(made) is shown
