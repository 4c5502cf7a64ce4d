"""Every module of the bundle that a real application really imports is reached statically (``python -m corpus.imports`` for all programs)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus.imports.__main__ import APPLICATIONS
from corpus.imports.comparison import Bundle
from corpus.imports.oracle import run
from corpus.imports.population import battery, programs
from corpus.recipe import Unavailable

pytestmark = [pytest.mark.corpus, pytest.mark.slow]

NAMES = ("flask-app", "pyqt5-widgets", pytest.param("pandas-report", marks=pytest.mark.heavy))
LEAST_UNREACHED = {"flask-app": 0.6, "pyqt5-widgets": 0.7, "pandas-report": 0.6}
"""Share of the bundle's modules that the application does not reach: most is test suites, IDLE, pip."""


@pytest.mark.parametrize("name", NAMES)
def test_an_application_imports_nothing_that_is_not_reached(corpus_artifact: Callable[[str], Path], name: str) -> None:
    appdir = corpus_artifact(f"{name}.AppDir")
    script, arguments = APPLICATIONS[name]
    found = Bundle(appdir).compare(name, run(appdir, script, arguments))
    assert found.status == 0, found.output
    assert found.imported > 40
    assert found.missed == ()
    assert found.reached < found.total * (1 - LEAST_UNREACHED[name])


@pytest.mark.heavy
def test_the_battery_imports_nothing_that_is_not_reached() -> None:
    try:
        appdir = battery()
    except Unavailable as reason:
        pytest.skip(str(reason))
    bundle = Bundle(appdir)
    missed = {}
    for program in programs():
        found = bundle.compare(program.name, run(appdir, program.path), (program.path,))
        assert found.status == 0, (program.name, found.output)
        missed[program.name] = found.missed
    assert {name: names for name, names in missed.items() if names} == {}


@pytest.mark.heavy
@pytest.mark.timed
def test_the_graph_of_a_large_application_takes_seconds(corpus_artifact: Callable[[str], Path]) -> None:
    bundle = Bundle(corpus_artifact("pandas-report.AppDir"))
    start = time.process_time()
    bundle.reach()
    assert time.process_time() - start < 15
