"""PyInstaller programs made smaller: they run as before, the bootloader is untouched, PyInstaller reads the archive, all can be undone."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import corpus
from inspector.artifact import open_artifact
from inspector.pipeline import audit
from inspector.slim.options import SlimOptions
from inspector.slim.request import SlimRequest
from inspector.slim.slimming import slim
from inspector.slim.undoing.unslim import unslim

pytestmark = [pytest.mark.corpus, pytest.mark.slow]

SMOKE = '"$APP" slim'


def said(program: Path) -> str:
    return subprocess.run([program, "slim"], capture_output=True, text=True, check=True).stdout


def slimmed(program: Path, output: Path, **request: object) -> Path:
    outcome = slim(SlimRequest(path=str(program), output=str(output), options=SlimOptions(smoke=(SMOKE,)), **request))  # type: ignore[arg-type]
    assert outcome.passed
    info = outcome.result.slim
    assert info is not None
    checks = {check.name: check.outcome for check in info.checks}
    assert checks["tree"] == checks["smoke"] == "passed"
    return output


def bootloader(program: Path) -> bytes:
    with open_artifact(program) as artifact:
        node = artifact.tree.get("bootloader")
        assert node is not None
        return node.read()


@pytest.mark.parametrize(
    "name", ["pyinstaller-onefile", pytest.param("pyinstaller-5-onefile", marks=pytest.mark.heavy)]
)
def test_one_file(name: str, corpus_artifact: Callable[[str], Path], tmp_path: Path) -> None:
    from corpus.frozen.tools import freezer

    program = corpus_artifact(f"frozen/{name}")
    output = slimmed(program, tmp_path / "hello", undo_file=str(tmp_path / "removed.tar.zst"))
    assert output.stat().st_size < program.stat().st_size * 0.9
    assert said(output) == said(program)
    assert bootloader(output) == bootloader(program)
    assert output.stat().st_mode == program.stat().st_mode
    with open_artifact(output) as artifact:
        assert artifact.byte_map["unexplained"] == artifact.byte_map["appended"] == 0
    try:
        viewer = freezer("pyinstaller").with_name("pyi-archive_viewer")
    except corpus.Unavailable as reason:
        pytest.skip(str(reason))
    listings = [
        subprocess.run([viewer, "-l", path], capture_output=True, text=True, check=True).stdout
        for path in (program, output)
    ]
    before, after = ([line.rpartition(" ")[2] for line in listing.splitlines()[3:]] for listing in listings)
    assert before == after
    unslim(str(output), str(tmp_path / "removed.tar.zst"), str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == program.read_bytes()


@pytest.mark.heavy
def test_same_input_gives_the_same_bytes(corpus_artifact: Callable[[str], Path], tmp_path: Path) -> None:
    program = corpus_artifact("frozen/pyinstaller-onefile")
    first, second = (slimmed(program, tmp_path / name).read_bytes() for name in ("one", "two"))
    assert first == second


@pytest.mark.parametrize(
    "name", ["pyinstaller-multipackage", "pyinstaller-5-multipackage", "pyinstaller-multipackage-folder"]
)
def test_what_another_program_takes_stays(name: str, corpus_artifact: Callable[[str], Path], tmp_path: Path) -> None:
    """Beside the other program even what the user wants to drop stays, and that program starts; alone it goes, and it does not start any more."""
    directory = corpus_artifact(f"frozen/{name}")
    first = directory / "first"
    options = SlimOptions(drop=("*/_codecs_jp.*",))
    beside, alone = tmp_path / "beside", tmp_path / "alone"
    for place in (beside, alone):
        place.mkdir()
    outcome = slim(SlimRequest(path=str(first), output=str(beside / "first"), options=options, hosts=("debian-12",)))
    assert outcome.passed
    info = outcome.result.slim
    assert info is not None
    assert any("second takes" in notice for notice in info.notices)
    assert any("second takes it from here" in row.reason for row in info.kept)
    shutil.copy2(directory / "second", beside / "second")
    assert said(beside / "second") == said(directory / "second")
    copied = alone / "input" / "first"
    copied.parent.mkdir()
    (shutil.copytree if first.is_dir() else shutil.copy2)(first, copied)
    outcome = slim(SlimRequest(path=str(copied), output=str(alone / "first"), options=options, hosts=("debian-12",)))
    assert outcome.passed
    info = outcome.result.slim
    assert info is not None
    assert any("no program near it takes members from it" in notice for notice in info.notices)
    shutil.copy2(directory / "second", alone / "second")
    ended = subprocess.run([alone / "second"], capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "_codecs_jp" in ended.stderr
    refusal = audit(alone / "second").hosts[0]
    assert refusal.verdict == "fails"


def test_folder(corpus_artifact: Callable[[str], Path], tmp_path: Path) -> None:
    folder = corpus_artifact("frozen/pyinstaller-folder")
    outcome = slim(
        SlimRequest(path=str(folder), output=str(tmp_path / "out"), options=SlimOptions(smoke=('"$APP/hello" slim',)))
    )
    assert outcome.passed
    assert said(tmp_path / "out/hello") == said(folder / "hello")
    assert (tmp_path / "out/hello").read_bytes() == (folder / "hello").read_bytes()
    assert not list((tmp_path / "out").rglob("*!*"))
    assert outcome.result.slim is not None
    assert outcome.result.slim.size_after is not None
    assert outcome.result.slim.size_after < outcome.result.slim.size_before * 0.7
