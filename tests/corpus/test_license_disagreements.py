"""Real wheels that declare a permissive licence and carry GPL code, and one that does not."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import corpus
from inspector.artifact import open_artifact
from inspector.checks.licenses import check
from inspector.facts.collect import collect_facts
from inspector.limits import Limits

CASES = {
    "av": {
        "av declares BSD-3-Clause, and carries x264 (GPL-2.0-or-later)",
        "av declares BSD-3-Clause, and carries x265 (GPL-2.0-or-later)",
        "FFmpeg says of itself LGPL-3.0-or-later, and is linked with x264 (GPL-2.0-or-later)",
        "FFmpeg says of itself LGPL-3.0-or-later, and is linked with x265 (GPL-2.0-or-later)",
    },
    "pyfftw": {"pyFFTW declares BSD-3-Clause, and carries FFTW 3 (GPL-2.0-or-later)"},
    "pillow_heif": {"pillow_heif declares BSD-3-Clause, and carries x265 (GPL-2.0-or-later)"},
    "psycopg2_binary": set(),
}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The x86-64 wheel of a project of ``corpus/licenses/wheels.toml``, unpacked."""

    def unpack(project: str) -> Path:
        from corpus.licenses.wheels import wheels
        from corpus.pypi import download_wheel

        wheel = next(
            each for each in wheels() if each.file_name.startswith(f"{project}-") and "manylinux" in each.file_name
        )
        try:
            path = download_wheel(wheel)
        except corpus.Unavailable as reason:
            pytest.skip(f"{wheel.file_name}: {reason}")
        target = tmp_path_factory.mktemp(project)
        with zipfile.ZipFile(path) as archive:
            archive.extractall(target)
        return target

    return unpack


@pytest.mark.corpus
@pytest.mark.parametrize("project", CASES)
def test_what_real_wheels_declare_and_carry(project: str, unpacked: Callable[[str], Path]) -> None:
    with open_artifact(unpacked(project)) as artifact:
        found = [each for each in check(collect_facts(artifact, Limits())) if each.rule == "license-disagreement"]
    assert {each.message for each in found} == CASES[project]
    assert {each.severity for each in found} <= {"warning"}
