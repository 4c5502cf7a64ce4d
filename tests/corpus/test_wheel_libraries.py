"""Vendored libraries of real wheels, and how what is found agrees with the wheels' own papers: the benchmark of corpus/licenses/wheels.py."""

from __future__ import annotations

from functools import cache

import pytest

import corpus
from corpus.licenses.wheel_differences import explanation
from corpus.licenses.wheels import JudgedWheel, judge, wheels
from corpus.pypi import Wheel

pytestmark = pytest.mark.corpus

SMALL = ("hidapi", "pyfftw", "psycopg_binary", "pyzmq", "pymssql", "pillow")
"""Wheels of the default run: SBOMs of auditwheel and of a project's own, renamed libraries, a declaration that is too mild."""


@cache
def judged(name: str) -> JudgedWheel:
    """A wheel of the benchmark, the first of a project that has several."""
    wheel = next(wheel for wheel in wheels() if wheel.file_name.split("-")[0] == name)
    try:
        return judge(wheel)
    except corpus.Unavailable as reason:
        pytest.skip(f"wheel {name}: {reason}")


def check(wheel: JudgedWheel) -> None:
    wrong = [
        (row.path, row.found and (row.found.project, row.found.licenses), row.truth)
        for row in wheel.libraries
        if not (row.project_right and row.license_right)
    ]
    assert wrong == []
    assert [difference for difference in wheel.differences if explanation(difference) is None] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_every_vendored_library_is_found_and_licensed(name: str) -> None:
    wheel = judged(name)
    assert wheel.libraries
    check(wheel)


@pytest.mark.slow
def test_a_declaration_that_is_too_mild_is_a_difference() -> None:
    kinds = {(difference.kind, difference.subject) for difference in judged("pyfftw").differences}
    assert ("milder declaration", "FFTW 3") in kinds


@pytest.mark.slow
def test_what_an_sbom_claims_is_checked_against_the_files() -> None:
    differences = {(difference.kind, difference.subject) for difference in judged("pillow").differences}
    assert ("not in the wheel", "libimagequant") in differences
    assert ("not in the SBOM", "libpng") in differences
    assert not any(subject == "raqm" for _, subject in differences)  # linked into an extension module


@pytest.mark.heavy
@pytest.mark.parametrize("wheel", wheels(), ids=lambda wheel: wheel.file_name.split("-")[0])
def test_all_wheels(wheel: Wheel) -> None:
    try:
        found = judge(wheel)
    except corpus.Unavailable as reason:
        pytest.skip(f"wheel {wheel.file_name}: {reason}")
    check(found)
