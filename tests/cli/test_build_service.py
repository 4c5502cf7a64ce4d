"""``inspect audit --ci`` under the environment of GitHub Actions, of GitLab CI, and of neither."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from inspector.errors import NothingInspected
from inspector.result import to_json
from tests import render_samples

VARIABLES = ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GITLAB_CI")


@pytest.fixture
def samples(pipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    pipeline.answers |= {
        "bad": render_samples.pyqt5_appimage(),
        "good": render_samples.tiny_elf(),
        "hostile": render_samples.hostile_bundle(),
        "empty": NothingInspected("empty is an empty file\n::warning::forged"),
    }
    return pipeline


@pytest.fixture
def github(samples, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Path, Path]:
    summary, output = tmp_path / "summary.md", tmp_path / "output"
    summary.touch()
    output.touch()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.setenv("GITHUB_OUTPUT", str(output))
    return summary, output


def commands(log: str) -> list[str]:
    """What GitHub's runner would take for commands: lines that begin with ``::``, white space aside, unless commands are stopped.

    actions/runner, ``ActionCommand.TryParseV2`` and ``ActionCommandManager.TryProcessCommand``.
    """
    found: list[str] = []
    token = ""
    for line in log.splitlines():
        command = line.strip()
        if token:
            token = "" if command == f"::{token}::" else token
        elif command.startswith("::stop-commands::"):
            token = command.removeprefix("::stop-commands::")
        elif command.startswith("::"):
            found.append(command)
    assert not token
    return found


def outputs(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text("utf-8").splitlines())


def test_github_gets_annotations_a_summary_and_outputs(run: Callable, github: tuple[Path, Path]) -> None:
    summary, output = github
    done = run("audit", "bad", "--ci")
    assert done.code == 1
    errors = [line for line in commands(done.out) if line.startswith("::error ")]
    assert 1 <= len(errors) <= 10
    assert "FAILED" in done.out
    assert summary.read_text("utf-8").startswith("## ❌ ")
    told = outputs(output)
    assert (told["gate"], told["exit-code"]) == ("failed", "1")
    assert int(told["errors"]) == sum(
        each.severity == "error" for each in render_samples.pyqt5_appimage().findings if each.suppressed is None
    )
    assert int(told["size"]) == render_samples.pyqt5_appimage().artifact.size


def test_a_second_run_in_the_same_step_adds_to_the_summary(run: Callable, github: tuple[Path, Path]) -> None:
    summary, _ = github
    run("audit", "bad", "--ci")
    run("audit", "good", "--ci", "-qq")
    assert [line[:4] for line in summary.read_text("utf-8").splitlines() if line.startswith("## ")] == [
        "## ❌",
        "## ✅",
    ]


def test_names_in_a_hostile_artifact_are_no_commands(run: Callable, github: tuple[Path, Path], pipeline) -> None:
    hostile = render_samples.hostile_bundle()
    found = replace(hostile.findings[0], subject="::add-mask::e", message="::add-path::/tmp")
    forged = replace(hostile.rules["missing-library"], summary="::error::forged")
    problem = replace(hostile.problems[0], kind="::error::forged")
    pipeline.answers["forged"] = replace(
        hostile, findings=(found,), rules={"missing-library": forged}, problems=(problem,),
        artifact=replace(hostile.artifact, path="::error::forged"),
    )  # fmt: skip
    for more in ([], ["-v"], ["-q"], ["--format", "markdown"]):
        assert any("forged" in line for line in commands(run("audit", "forged", "--format", "text").out))
        done = run("audit", "forged", "--ci", *more)
        for line in commands(done.out + done.err):
            assert re.match(r"::(error|warning|notice) title=(missing-library|Inspector)::", line)


def test_commands_are_stopped_with_a_word_that_nobody_can_foresee(run: Callable, github: tuple[Path, Path]) -> None:
    words = {
        re.search(r"^::stop-commands::([0-9a-f]{32})$", run("audit", "good", "--ci").out, re.MULTILINE)[1] for _ in "ab"
    }  # type: ignore[index]
    assert len(words) == 2


def test_a_document_on_stdout_stays_a_document(run: Callable, github: tuple[Path, Path]) -> None:
    done = run("audit", "bad", "--ci", "--format", "json")
    assert json.loads(done.out)["verdict"]["gate"] == "failed"
    assert [line for line in commands(done.err) if line.startswith("::error ")]
    again = run("audit", "bad", "--ci", "--format", "github")
    assert len([line for line in again.out.splitlines() if line.startswith("::error ")]) <= 10
    assert "::error" not in again.err


def test_what_could_not_be_inspected_is_annotated_too(run: Callable, github: tuple[Path, Path]) -> None:
    summary, output = github
    done = run("audit", "empty", "--ci")
    assert done.code == 3
    assert commands(done.out) == ["::error title=Inspector::empty: empty is an empty file\\x0a::warning::forged"]
    assert "## ❌ empty" in summary.read_text("utf-8")
    assert outputs(output)["exit-code"] == "3"


def test_what_could_not_be_inspected_counts_among_the_ten(run: Callable, github: tuple[Path, Path], pipeline) -> None:
    for number in range(30):
        pipeline.answers[f"empty{number}"] = NothingInspected("is an empty file")
    done = run("audit", *(f"empty{number}" for number in range(30)), "bad", "--ci")
    errors = [line for line in commands(done.out) if line.startswith("::error ")]
    assert len(errors) == 10
    assert re.fullmatch(r"::error title=Inspector::and \d+ more; the report has all of them", errors[-1])


def test_the_summary_tells_what_changed_since_the_baseline(
    run: Callable, github: tuple[Path, Path], tmp_path: Path
) -> None:
    summary, _ = github
    (tmp_path / "old.json").write_bytes(to_json(render_samples.tiny_elf()))
    run("audit", "bad", "--ci", "--baseline", "old.json")
    assert "### New findings" in summary.read_text("utf-8")


def test_a_summary_that_github_would_drop_is_left_as_it_is(run: Callable, github: tuple[Path, Path]) -> None:
    summary, _ = github
    summary.write_bytes(b"x" * (1024 * 1024 - 10))
    done = run("audit", "bad", "--ci")
    assert summary.stat().st_size == 1024 * 1024 - 10
    assert "GITHUB_STEP_SUMMARY" in done.err


def test_a_summary_that_cannot_be_written_fails_nothing(run: Callable, github, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/nonexistent/summary")
    done = run("audit", "good", "--ci")
    assert done.code == 0
    assert "warning: GITHUB_STEP_SUMMARY" in done.err


def test_gitlab_gets_its_two_reports(run: Callable, samples, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GITLAB_CI", "true")
    done = run("audit", "bad", "--ci")
    assert done.code == 1
    assert "FAILED" in done.out
    assert "::" not in done.out.replace("std::", "")
    assert json.loads((tmp_path / "gl-code-quality-report.json").read_bytes())
    assert (tmp_path / "gl-junit-report.xml").read_bytes().startswith(b"<?xml")
    run("audit", "good", "--ci", "-o", "mine.gitlab.json")
    assert (tmp_path / "mine.gitlab.json").exists()
    assert json.loads((tmp_path / "gl-code-quality-report.json").read_bytes())  # still that of the run before


def test_elsewhere_it_says_that_there_is_nothing_to_wire(run: Callable, samples, tmp_path: Path) -> None:
    done = run("audit", "good", "--ci")
    assert done.code == 0
    assert "warning: --ci: neither GitHub Actions nor GitLab CI" in done.err
    assert "::stop-commands" not in done.out
    assert list(tmp_path.iterdir()) == []


def test_without_the_option_nothing_is_wired(run: Callable, github: tuple[Path, Path]) -> None:
    done = run("audit", "bad")
    assert commands(done.out) == []
    assert [file.read_bytes() for file in github] == [b"", b""]
