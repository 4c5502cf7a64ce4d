"""What all tests share: which of them the default run leaves out, and ``--update-golden`` for texts that are generated and checked in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from tests import judged_time

CHECKOUT = Path(__file__).resolve().parent.parent

# Marker and option of the same name -> what the default run says where it skips such a test.
LEFT_OUT = {
    "heavy": "builds or reads hundreds of megabytes, and a smaller artifact of this run covers the same code: pytest --heavy",
    "timed": "judges time, which needs a machine with nothing else to do: pytest --timed",
}

# An example that is slow because the machine is busy is no defect.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite texts that are generated and checked in (the JSON schema, the README's blocks), then look at git diff",
    )
    parser.addoption("--heavy", action="store_true", help="also run tests that take minutes and gigabytes")
    parser.addoption("--timed", action="store_true", help="also judge the time that things take, on a quiet machine")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    if config.getoption("--update-golden") or config.getoption("--timed"):
        config.option.numprocesses = 0  # of pytest-xdist: two writers of one file, or two tests at once, spoil both


def pytest_configure(config: pytest.Config) -> None:
    judged_time.judged = config.getoption("--timed")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for marker, reason in LEFT_OUT.items():
        if not config.getoption(f"--{marker}"):
            for item in items:
                if item.get_closest_marker(marker) is not None:
                    item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def _one_width_of_the_screen() -> Iterator[None]:
    """What a test reads off a screen does not depend on the terminal that the tests are started in, nor on whether they run in parallel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "100")
        yield


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
