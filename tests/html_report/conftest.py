"""A browser for the session, pages written to files, and artifacts of the corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

import corpus
from corpus.browser import PROGRAMS, Browser, find_browser
from inspector.render.registry import RenderOptions, load_renderer
from inspector.result import Result

Written = Callable[..., Path]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium, or the test is skipped."""
    program = find_browser()
    if program is None:
        pytest.skip(f"no browser is installed: none of {', '.join(PROGRAMS)}")
    with Browser(program) as running:
        yield running


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """``written(result, …) -> Path``: a report's file."""

    def write(*results: Result, **options: object) -> Path:
        path = tmp_path / "report.html"
        path.write_bytes(rendered(results, **options))
        return path

    return write


def rendered(results: Sequence[Result], **options: object) -> bytes:
    return load_renderer("html")(results, RenderOptions(**options))  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def axe_core() -> str:
    """The script of axe-core, or the test is skipped."""
    try:
        return corpus.artifact("axe-core/axe.min.js").read_text(encoding="utf-8")
    except corpus.Unavailable as reason:
        pytest.skip(f"axe-core: {reason}")
