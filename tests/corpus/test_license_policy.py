"""The policy on a real bundle: a Python with readline and gdbm as modules, audited by the command line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

BUNDLE = "readline-modules.AppDir"
CONFIGURATION = """\
[gate]
fail-on = "error"

[licenses]
deny-classes = ["strong-copyleft"]
unknown = "ignore"

[[licenses.exceptions]]
component = "GNU *"
allow = ["GPL-3.0-or-later"]
reason = "for our own machines"
"""


def audit(directory: Path, artifact: Path, *options: str, configuration: str = "") -> subprocess.CompletedProcess[str]:
    (directory / "inspector.toml").write_text(configuration)
    command = [sys.executable, "-m", "inspector", "audit", str(artifact), "--format", "json", *options]
    root = Path(__file__).resolve().parents[2]
    return subprocess.run(
        command,
        cwd=directory,
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.corpus
def test_a_denied_licence_fails_the_gate(corpus_artifact: Callable[[str], Path], tmp_path: Path) -> None:
    found = audit(tmp_path, corpus_artifact(BUNDLE), "--deny-license", "GPL-*")
    assert found.returncode == 1, found.stderr
    assert "GNU Readline 8.2 is GPL-3.0-or-later: GPL-3.0-or-later is denied" in found.stdout
    assert audit(tmp_path, corpus_artifact(BUNDLE), "--deny-license", "AGPL-3.0-only").returncode == 0


@pytest.mark.corpus
def test_an_exception_lets_it_pass_and_its_reason_is_told(
    corpus_artifact: Callable[[str], Path], tmp_path: Path
) -> None:
    denied = CONFIGURATION.partition("[[licenses.exceptions]]")[0]
    assert audit(tmp_path, corpus_artifact(BUNDLE), configuration=denied).returncode == 1
    found = audit(tmp_path, corpus_artifact(BUNDLE), configuration=CONFIGURATION)
    assert found.returncode == 0, found.stdout
    assert "for our own machines" in found.stdout


@pytest.mark.corpus
def test_a_licence_that_is_none_is_told_with_the_nearest(
    corpus_artifact: Callable[[str], Path], tmp_path: Path
) -> None:
    found = audit(tmp_path, corpus_artifact(BUNDLE), "--deny-license", "GLP-3.0-only")
    assert found.returncode == 2
    assert "did you mean GPL-3.0-only?" in found.stderr
