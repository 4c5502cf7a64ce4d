"""What the corpus builds, audited: Python AppImages beside their own AppDirs, every image of the matrix, every bad input."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import corpus
import inspector
from inspector.artifact import Kind, open_artifact
from inspector.errors import NothingInspected
from inspector.result import load_result
from tests.corpus.test_genuine_floors import readelf_floors
from tests.squashfs_images import need

CorpusArtifact = Callable[[str], Path]

pytestmark = pytest.mark.corpus


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def contents_of_image(path: Path) -> dict[str, str]:
    """Path -> digest or target of every file and link in an AppImage."""
    found: dict[str, str] = {}
    with open_artifact(path) as artifact:
        for node in artifact.tree.files_in_read_order():
            found[node.path] = digest(node.read())
        for node in artifact.tree:
            if node.kind is Kind.SYMLINK:
                found[node.path] = f"-> {node.target}"
    return found


def contents_of_directory(root: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in root.rglob("*"):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = digest(path.read_bytes())
    return found


# ---- Python applications -----------------------------------------------------------------------------------------------------------


APPIMAGES = [
    "layouts/python-appimage",
    "flask-app",
    pytest.param("python-runtime", marks=pytest.mark.heavy),
    pytest.param("pandas-report", marks=pytest.mark.heavy),
    pytest.param("pyqt5-widgets", marks=pytest.mark.heavy),
]


@pytest.mark.slow
@pytest.mark.peer
@pytest.mark.parametrize("name", APPIMAGES)
def test_a_python_appimage_is_audited(name: str, corpus_artifact: CorpusArtifact) -> None:
    need("readelf")
    appdir, appimage = corpus_artifact(f"{name}.AppDir"), corpus_artifact(f"{name}.AppImage")
    result = inspector.audit(appimage)
    measured = corpus.measure(appdir)
    assert result.artifact.format == "appimage-2"
    assert result.files.count == measured.file_count
    assert result.artifact.unpacked_size == measured.raw_bytes
    assert sum(result.coverage.bytes.values()) == appimage.stat().st_size

    elf_files = [appdir / row.path for row in result.libraries if (appdir / row.path).is_file()]
    assert len(elf_files) > 70
    floors = readelf_floors([appimage, *elf_files])
    assert {name: floor.version for name, floor in result.floors.items() if floor.version is not None} == floors
    cause = result.floors["GLIBC"].causes[0]
    version = result.floors["GLIBC"].version
    assert f"GLIBC_{version}" in read_versions(appdir / cause.file if (appdir / cause.file).exists() else appimage)

    chains = [exposure.chain for exposure in result.licenses.exposures if exposure.component == "GNU Readline"]
    assert any("readline.cpython-311" in chain[-2] and "libreadline.so.8" in chain[-1] for chain in chains if chain[1:])
    names = {component.name for component in result.components if component.kind == "python"}
    metadata = list(appdir.rglob("site-packages/*.dist-info/METADATA"))
    expected = {
        next(line for line in path.read_text("utf-8").splitlines() if line.startswith("Name: ")) for path in metadata
    }
    assert {f"Name: {name}" for name in names} >= expected


def read_versions(path: Path) -> str:
    return subprocess.run(["readelf", "-VW", path], capture_output=True, text=True, check=False).stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", APPIMAGES)
def test_every_byte_of_a_python_appimage_is_that_of_its_appdir(name: str, corpus_artifact: CorpusArtifact) -> None:
    appdir, appimage = corpus_artifact(f"{name}.AppDir"), corpus_artifact(f"{name}.AppImage")
    assert contents_of_image(appimage) == contents_of_directory(appdir)


# ---- the matrix --------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tree(corpus_artifact: CorpusArtifact) -> dict[str, str]:
    return contents_of_directory(corpus_artifact("appimage-matrix/tree.AppDir"))


@pytest.mark.parametrize("name", [name for name in corpus.names("appimage-matrix/") if name.endswith(".AppImage")])
def test_every_byte_of_a_matrix_image_is_that_of_its_tree(
    name: str, corpus_artifact: CorpusArtifact, tree: dict[str, str]
) -> None:
    path = corpus_artifact(name)
    if "/lzo-" in name:
        with pytest.raises(NothingInspected, match="compressed with lzo"):
            open_artifact(path)
        return
    if "/lz4-" in name:
        pytest.importorskip("lz4", reason="lz4 images need the package lz4")
    assert contents_of_image(path) == tree


# ---- bad inputs --------------------------------------------------------------------------------------------------------------------


# Those of which something can be inspected: the kinds of Problem that the Result then has.
INSPECTED = {
    "broken-members.AppDir": {"malformed-elf"},
    "corrupt-data.AppImage": set(),  # the damaged block belongs to a file that no report needs
    "directory-without-apprun": set(),
    "upx-packed.AppDir": {"packed-program"},
    "upx-packed.AppImage": {"packed-program"},
}


@pytest.mark.parametrize("name", corpus.names("bad-input/"))
def test_a_bad_input_ends_in_one_line_or_in_problems(
    name: str, corpus_artifact: CorpusArtifact, tmp_path: Path
) -> None:
    report = tmp_path / "result.json"
    path = corpus_artifact(name)
    command = [sys.executable, "-m", "inspector", "audit", path, "--fail-on", "never", "-q", "-o", report]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, cwd=corpus.__path__[0] + "/.."
    )
    assert "Traceback" not in done.stderr
    if path.name in INSPECTED:
        assert done.returncode == 0, done.stderr
        assert {problem.kind for problem in load_result(report).problems} == INSPECTED[path.name]
    else:
        assert done.returncode == 3, done.stderr
        first, *rest = done.stderr.splitlines()
        assert first.startswith(f"error: {path} ")
        assert all(line.startswith("hint: ") for line in rest)
        assert not report.exists()
