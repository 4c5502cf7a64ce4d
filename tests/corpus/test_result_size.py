"""The Result of a large bundle stays small enough to be kept and compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import inspector
from inspector.facts.hosts.profiles import list_profiles
from inspector.result import load_result, to_json


@pytest.mark.corpus
@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["flask-app.AppImage", pytest.param("pyqt5-widgets.AppImage", marks=pytest.mark.heavy)]
)
def test_the_result_of_a_python_appimage_with_twenty_hosts(
    name: str, corpus_artifact: Callable[[str], Path], tmp_path: Path
) -> None:
    hosts = [known.id for known in list_profiles("x86_64") if known.libc == "glibc"][:20]
    assert len(hosts) == 20
    result = inspector.audit(corpus_artifact(name), hosts=hosts)
    document = to_json(result)
    assert len(document) < 1_500_000
    path = tmp_path / "result.json"
    path.write_bytes(document)
    assert load_result(path) == result
