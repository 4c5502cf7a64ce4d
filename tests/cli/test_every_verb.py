"""What holds for every verb: -v, --help with groups and examples, colours on demand only, errors with the mend, silence on demand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from msgspec.structs import replace

from inspector.cli import VERBS
from inspector.cli.command_model import verbs
from inspector.result import to_json
from tests import render_samples

each_verb = pytest.mark.parametrize("verb", VERBS)
LONG_WORK = ("audit", "slim", "unslim", "licenses", "diff", "why", "trace", "init")


@each_verb
def test_the_hint_of_a_defect_can_be_followed(run: Callable, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    """A defect says "report it with the output of -v": so every verb takes -v, and then shows the traceback."""
    module = import_module(f"inspector.cli.{verb}")
    assert module.make_parser().parse(["-v"]).verbose

    def broken(options: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(module, "execute", broken)
    plain = run(verb)
    assert plain.code == 70
    assert "report it with the output of -v" in plain.err
    assert "Traceback" not in plain.err
    assert "Traceback" in run(verb, "-v").err


@each_verb
def test_an_unknown_option_is_answered(run: Callable, verb: str) -> None:
    done = run(verb, "--verbos")
    assert done.code == 2
    assert done.err.splitlines() == [f"error: inspect {verb} has no option --verbos", "hint: did you mean --verbose?"]


def test_long_work_can_be_silenced() -> None:
    options = {verb.name: {name for option in verb.options for name in option.names} for verb in verbs()}
    for verb in LONG_WORK:
        assert "--no-progress" in options[verb]
        assert "-q" in options[verb] or verb == "why"
    for name, of_verb in options.items():
        assert "-q" not in of_verb or "--quiet" in of_verb, name


@pytest.fixture
def report(tmp_path: Path) -> Path:
    file = tmp_path / "result.json"
    file.write_bytes(to_json(render_samples.pyqt5_appimage()))
    return file


def test_colours_come_only_when_asked_for(run: Callable, report: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = [
        ["report", str(report)], ["diff", str(report), str(report)], ["explain", "missing-library"], ["rules"], ["host", "list"],
        ["why", str(report), "libxcb-cursor.so.0"],
    ]  # fmt: skip
    for command in commands:
        assert "\x1b[" not in run(*command).out, command
        assert "\x1b[" in run(*command, "--color", "always").out, command
        monkeypatch.setenv("FORCE_COLOR", "1")
        assert "\x1b[" in run(*command).out, command
        monkeypatch.setenv("NO_COLOR", "1")
        assert "\x1b[" not in run(*command).out, command
        assert "\x1b[" not in run(*command, "--color", "never").out, command
        monkeypatch.delenv("NO_COLOR")
        monkeypatch.delenv("FORCE_COLOR")


def test_quiet_diff(run: Callable, report: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_bytes(to_json(render_samples.tiny_elf()))
    whole = run("diff", str(report), str(other)).out
    head = run("diff", str(report), str(other), "-q").out
    assert whole.startswith(head.rstrip("\n"))
    assert 3 <= len(head.splitlines()) < len(whole.splitlines())
    assert run("diff", str(report), str(other), "-qq").out == ""
    run("diff", str(report), str(other), "-qq", "-o", str(tmp_path / "changes.json"))
    assert json.loads((tmp_path / "changes.json").read_bytes())["schema"] == "inspector/diff/1"


def test_a_report_rendered_again_is_shown_at_the_configured_file(
    run: Callable, report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / "inspector.toml").write_text('[target]\nanchor = "packaging/recipe.yml"\n', "utf-8")

    def places(*options: str) -> set[str]:
        log = json.loads(run("report", str(report), "--format", "sarif", *options).out)
        return {
            found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for found in log["runs"][0]["results"]
        }

    assert places() == {"packaging/recipe.yml"}
    assert places("--isolated") == {Path(render_samples.pyqt5_appimage().artifact.path).name}


def test_quiet_init_says_nothing(run: Callable, report: Path, tmp_path: Path) -> None:
    done = run("init", str(report), "-o", str(tmp_path / "inspector.toml"), "-q")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert (tmp_path / "inspector.toml").exists()


def test_a_configuration_made_for_odd_names_is_read_and_accepts_them(run: Callable, tmp_path: Path) -> None:
    """What inspect init writes for a hostile artifact is TOML without mistakes, and each of its entries matches what it was made for."""
    from inspector.policy.configuration_file import load_configuration
    from inspector.policy.judgement import judge_result

    hostile = render_samples.hostile_bundle()
    odd = replace(hostile.findings[0], subject="lib/[a]*?.so", fingerprint="odd")
    other = replace(odd, subject="lib/axxy.so", fingerprint="other")
    made = replace(hostile, findings=(*hostile.findings, odd))
    (tmp_path / "odd.json").write_bytes(to_json(made))
    assert run("init", str(tmp_path / "odd.json"), "-o", str(tmp_path / "inspector.toml")).code == 0
    configuration = load_configuration(tmp_path / "inspector.toml")
    judged = judge_result(replace(made, findings=(*made.findings, other)), configuration).result
    live = [each.subject for each in judged.findings if each.suppressed is None and each.rule == odd.rule]
    assert live == ["lib/axxy.so"]
    assert re.search(r"^reason = ", (tmp_path / "inspector.toml").read_text("utf-8"), re.MULTILINE)
