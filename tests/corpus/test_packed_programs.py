"""A program packed with UPX hides what it needs; the Result says so and invents nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import inspector


@pytest.mark.corpus
@pytest.mark.parametrize("name", ["bad-input/upx-packed.AppDir", "bad-input/upx-packed.AppImage"])
def test_a_packed_apprun_is_a_problem(name: str, corpus_artifact: Callable[[str], Path]) -> None:
    result = inspector.audit(corpus_artifact(name))
    (problem,) = [problem for problem in result.problems if problem.kind == "packed-program"]
    assert problem.subject == "AppRun"
    assert "UPX" in problem.message
    assert [skipped.path for skipped in result.coverage.skipped] == ["AppRun"]
