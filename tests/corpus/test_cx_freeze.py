"""A program that cx_Freeze froze: what the folder is, what starts, and the modules of its archive."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import inspector
from inspector.artifact import open_artifact
from inspector.slim.options import SlimOptions
from inspector.slim.request import SlimRequest
from inspector.slim.slimming import slim

pytestmark = pytest.mark.corpus


@pytest.fixture(scope="module")
def folder(corpus_artifact: Callable[[str], Path]) -> Path:
    return corpus_artifact("cx-freeze/hello")


def test_it_runs(folder: Path) -> None:
    done = subprocess.run([folder / "hello"], capture_output=True, text=True, check=True)
    assert done.stdout == '{"sqlite": 42, "text": "&lt;a&gt;"}\n'


def test_format_layout_and_every_file(folder: Path) -> None:
    with open_artifact(folder) as artifact:
        assert artifact.format == "cx_freeze"
        assert artifact.layout.launcher == "hello"
        assert artifact.layout.roots == ("hello",)
        names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert {node.path for node in artifact.tree.files()} == names


def test_modules_of_the_archive_and_what_is_loaded(folder: Path) -> None:
    result = inspector.audit(folder, hosts=["debian-12"])
    archive = next(nested for nested in result.nested if nested.path == "lib/library.zip")
    assert archive.format == "python-archive"
    with zipfile.ZipFile(folder / "lib/library.zip") as names:
        assert archive.coverage.seen == sum(not name.endswith("/") for name in names.namelist())
    roles = {root.path: root.role for root in result.roots}
    assert roles["hello"] == "entry"
    extension = next(path for path in roles if "_speedups" in path)
    assert roles[extension] == "extension"
    assert not [found for found in result.findings if found.rule == "missing-library"]
    assert {"MarkupSafe", "SQLite"} <= {component.name for component in result.components}
    assert any(component.name == "CPython" for component in result.components)


def test_a_folder_without_a_program_is_a_directory(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/library.zip").write_bytes((folder / "lib/library.zip").read_bytes())
    with open_artifact(tmp_path) as artifact:
        assert artifact.format == "directory"


def test_a_slimmed_folder_runs(folder: Path, tmp_path: Path) -> None:
    request = SlimRequest(
        path=str(folder),
        output=str(tmp_path / "out"),
        options=SlimOptions(smoke=('"$APP"/hello',)),
        hosts=("debian-12",),
    )
    outcome = slim(request)
    assert outcome.passed
    info = outcome.result.slim
    assert info is not None
    assert next(check for check in info.checks if check.name == "smoke").outcome == "passed"
    assert sum(path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.is_file()) < info.size_before
