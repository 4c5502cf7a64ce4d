"""The fixture through which every test asks the corpus for an artifact."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
if str(CHECKOUT) not in sys.path:  # plain `pytest` does not put the checkout there, `python -m pytest` does
    sys.path.insert(0, str(CHECKOUT))

import corpus  # noqa: E402 - needs the line above


@pytest.fixture(scope="session")
def corpus_artifact() -> Callable[[str], Path]:
    """``corpus_artifact(name) -> Path``: builds the artifact, or skips the test with the reason.

    INSPECTOR_CORPUS_BUILD=0 forbids building: what is not in the cache is then skipped.
    """

    def artifact(name: str) -> Path:
        try:
            return corpus.artifact(name)
        except corpus.Unavailable as reason:
            pytest.skip(f"corpus artifact {name}: {reason}")

    return artifact
