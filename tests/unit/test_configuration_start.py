"""The file that ``inspect init`` writes, and what ``inspect config`` shows of one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from inspector.errors import ExitCode
from inspector.policy.configuration_file import load_configuration
from inspector.policy.configuration_start import starting_configuration
from inspector.policy.judgement import judge_result
from tests.unit.test_judgement import finding, result


def load(tmp_path: Path, text: str):
    path = tmp_path / "inspector.toml"
    path.write_text(text, encoding="utf-8")
    return load_configuration(path)


def test_it_holds_for_the_artifact_that_it_was_made_from(tmp_path: Path) -> None:
    hostile = finding("missing-library", 'lib/"a"\\b\n.so')
    given = result(finding("rpath-absolute", severity="warning"), hostile, size=123_456_789, glibc="2.31")
    found = load(tmp_path, starting_configuration(given, "0.1.0"))
    assert (found.glibc, found.budget.total, found.edition) == ("2.31", 129_600_000, "0.1.0")
    assert [(each.rule, each.path) for each in found.ignores] == [("missing-library", 'lib/"a"\\b\n.so')]
    assert judge_result(given, found).code == ExitCode.PASSED
    larger = result(*given.findings, size=130_000_000, glibc="2.32")
    assert len(judge_result(larger, found).result.verdict.reasons) == 2


def test_every_line_that_is_a_comment_is_right_too(tmp_path: Path) -> None:
    text = starting_configuration(None, "0.1.0")
    all_of_it = re.sub(r"^# (?=[a-z-]+ = )", "", text, flags=re.MULTILINE)
    found = load(tmp_path, all_of_it)
    assert found.budget.growth_percent == 5
    assert found.slim.entry == ("myapp",)
    assert load(tmp_path, text).budget.growth_percent is None


def test_config_shows_values_with_their_places(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from inspector.cli import main

    path = tmp_path / "inspector.toml"
    path.write_text('[gate]\nfail-on = "warning"\n[budget]\ncomponents = { "Qt*" = "1 MB" }\n', encoding="utf-8")
    assert main(["config", "--config", str(path)]) == 0
    rows = [line.split() for line in capfd.readouterr().out.splitlines()[1:]]
    shown = {row[0]: row[1:] for row in rows}
    assert shown["gate.fail-on"][:1] == ['"warning"']
    assert shown["gate.fail-on"][-2:] == ["line", "2"]
    assert shown["gate.incomplete"] == ['"pass"', "default"]
    assert 'budget.components."Qt*"' in shown
    path.write_text("[gat]\n", encoding="utf-8")
    assert main(["config", "--config", str(path)]) == 2
    assert "gat is not known; did you mean gate?" in capfd.readouterr().err


def test_config_explains_every_key(capfd: pytest.CaptureFixture[str]) -> None:
    from inspector.cli import main

    assert main(["config", "--keys"]) == 0
    out = capfd.readouterr().out
    for name in ("budget.growth.percent", "ignore[].reason", "licenses.clarify[].sha256", "rules.*.level", "slim.pyc"):
        assert name in out


def test_init_never_overwrites(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from inspector.cli import main

    target = tmp_path / "x.toml"
    assert main(["init", "-o", str(target)]) == 0
    before = target.read_bytes()
    assert main(["init", "-o", str(target)]) == 2
    assert "is there already" in capfd.readouterr().err
    assert target.read_bytes() == before
    assert main(["init", "-o", str(tmp_path / "none/x.toml")]) == 2
    assert main(["init", "-o", "-"]) == 0
    assert capfd.readouterr().out == before.decode()
