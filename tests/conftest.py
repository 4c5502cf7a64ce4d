"""What all tests share: ``--update-golden`` for texts that are generated and checked in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite texts that are generated and checked in (the JSON schema, the README's blocks), then look at git diff",
    )


@pytest.fixture
def same_as_golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Asserts that a checked-in file has this text; with ``--update-golden`` it is given the text."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--update-golden"):
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, (
            f"{path.name} is out of date: pytest --update-golden, then look at git diff"
        )

    return compare
