"""The bundle that a test of the loader builds."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.loader.loader_cases")

from tests.loader.loader_cases import Case  # noqa: E402 - its assertions are to be told in full


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """An empty bundle."""
    return Case(tmp_path / "bundle")
