"""PEX, shiv, zipapp and wheel as their own makers wrote them, against zipfile and what they unpack themselves."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.artifact import open_artifact
from inspector.pipeline import audit

Artifact = Callable[[str], Path]

FORMATS = {
    "pex-zipapp": "pex",
    "pex-sh-boot": "pex",
    "pex-wheels": "pex",
    "shiv": "shiv",
    "shiv-no-modify": "shiv",
    "zipapp": "zipapp",
    "sdist.zip": "sdist",
    "egg": "egg",
}


@pytest.mark.parametrize("name", FORMATS)
def test_the_tree_is_what_zipfile_reads_and_every_byte_is_accounted_for(corpus_artifact: Artifact, name: str) -> None:
    path = corpus_artifact(f"archives/{name}")
    with zipfile.ZipFile(path) as oracle, open_artifact(path) as opened:
        assert opened.format == FORMATS[name]
        assert not opened.problems
        found = {node.path: hashlib.sha256(node.read()).hexdigest() for node in opened.tree.files()}
        assert found == {
            name: hashlib.sha256(oracle.read(name)).hexdigest() for name in oracle.namelist() if not name.endswith("/")
        }
        stored = {node.path: node.stored_size for node in opened.tree.files()}
        assert stored == {info.filename: info.compress_size for info in oracle.infolist() if not info.is_dir()}
        assert sum(opened.byte_map.values()) == path.stat().st_size
        assert opened.byte_map["unexplained"] == opened.byte_map["appended"] == 0


def test_a_source_distribution_is_what_tarfile_reads_and_states_what_it_is(corpus_artifact: Artifact) -> None:
    path = corpus_artifact("archives/sdist.tar.gz")
    with tarfile.open(path) as oracle, open_artifact(path) as opened:
        assert opened.format == "sdist"
        theirs = {}
        for member in oracle.getmembers():
            content = oracle.extractfile(member)
            if content is not None:
                theirs[member.name] = (member.mode, content.read())
        assert {node.path: (node.mode, node.read()) for node in opened.tree.files()} == theirs
        assert sum(opened.byte_map.values()) == path.stat().st_size
        assert opened.envelope is not None
        assert opened.envelope.package is not None
        assert (opened.envelope.package.name, opened.envelope.package.license) == ("hello-archives", "Apache-2.0")
        assert opened.envelope.package.depends == ("markupsafe==3.0.4",)


def test_shiv_unpacks_where_its_layout_says(corpus_artifact: Artifact, tmp_path: Path) -> None:
    path = corpus_artifact("archives/shiv")
    with open_artifact(path) as opened:
        place = opened.layout.members_at
        expected = {node.path: node.read() for node in opened.tree.files() if node.path.startswith("site-packages/")}
    assert place is not None
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, path, "x"], env=environment, check=True, capture_output=True)
    unpacked = tmp_path / place.removeprefix("~/")
    found = {str(file.relative_to(unpacked)): file.read_bytes() for file in unpacked.rglob("*") if file.is_file()}
    assert {name: content for name, content in found.items() if not name.endswith(".pyc")} == expected


@pytest.mark.parametrize(
    ("name", "inside"),
    [("pex-packed", True), ("pex-wheels", True), ("pex-loose", False), ("pex-zipapp", False), ("shiv", False)],
)
def test_every_form_tells_the_same_of_the_native_module(corpus_artifact: Artifact, name: str, *, inside: bool) -> None:
    """Floors, distributions and the extension module's verdicts do not depend on how the application was packed."""
    result = audit(corpus_artifact(f"archives/{name}"))
    assert not [problem for problem in result.problems if problem.kind != "broken-metadata"]
    assert result.floors["GLIBC"].host_version == "2.14"
    [library] = result.libraries
    assert ("!/" in library.path) is inside
    assert library.path.endswith("markupsafe/_speedups.cpython-311-x86_64-linux-gnu.so")
    assert result.floors["GLIBC"].causes[0].file == library.path
    assert {(root.path, root.role) for root in result.roots} == {(library.path, "extension")}
    assert {"MarkupSafe", "hello-archives"} <= {component.name for component in result.components}
    assert {host.verdict for host in result.hosts} == {"starts"}
    assert result.artifact.arch == "x86_64"
    assert {nested.format for nested in result.nested if nested.path.endswith(".whl")} == (
        {"wheel"} if inside else set()
    )


@pytest.mark.slow
def test_damaged_copies_are_refused_in_one_line_or_have_problems(corpus_artifact: Artifact, tmp_path: Path) -> None:
    for name in ("pex-zipapp", "shiv", "zipapp"):
        content = corpus_artifact(f"archives/{name}").read_bytes()
        copy = tmp_path / name
        for cut in (len(content) // 2, len(content) - 10):
            copy.write_bytes(content[:cut])
            ended = subprocess.run(
                [sys.executable, "-m", "inspector", "audit", copy], capture_output=True, text=True, check=False
            )
            assert ended.returncode == 3, ended.stderr
            assert "Traceback" not in ended.stderr
        flipped = bytearray(content)
        flipped[content.index(b"PK\1\2") + 20] ^= 0xFF  # a stored size
        copy.write_bytes(flipped)
        ended = subprocess.run(
            [sys.executable, "-m", "inspector", "audit", copy], capture_output=True, text=True, check=False
        )
        assert ended.returncode in (0, 1, 3), ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_wheel_in_a_pex_in_a_zip_reads_as_zipfile_does(corpus_artifact: Artifact) -> None:
    path = corpus_artifact("archives/pex-wheels")
    with zipfile.ZipFile(path) as oracle, open_artifact(path) as opened:
        wheels = [name for name in oracle.namelist() if name.endswith(".whl")]
        assert len(wheels) == 2
        for name in wheels:
            node = opened.tree.get(name)
            assert node is not None
            assert node.read() == oracle.read(name)
            zipfile.ZipFile(io.BytesIO(node.read())).testzip()


def test_frozen_programs_inside_an_appdir_show_their_libraries_licences_and_floors(
    corpus_artifact: Artifact, tmp_path: Path
) -> None:
    """A PyInstaller program with GNU Readline, a zip inside that, and a PEX beside it: all of it stands in one Result."""
    bundle = tmp_path / "App.AppDir"
    (bundle / "usr/bin").mkdir(parents=True)
    (bundle / "AppRun").write_text('#!/bin/sh\nexec "$APPDIR/usr/bin/app" "$@"\n')
    (bundle / "AppRun").chmod(0o755)
    shutil.copy(corpus_artifact("frozen/pyinstaller-onefile"), bundle / "usr/bin/app")
    shutil.copy(corpus_artifact("archives/pex-wheels"), bundle / "usr/bin/tool.pex")
    alone, result = audit(bundle / "usr/bin/app"), audit(bundle)
    formats = {nested.path: nested.format for nested in result.nested}
    assert formats["usr/bin/app"] == "pyinstaller"
    assert formats["usr/bin/app!/base_library.zip"] == "python-archive"
    assert formats["usr/bin/tool.pex"] == "pex"
    assert sum(path.startswith("usr/bin/tool.pex!/.deps/") and name == "wheel" for path, name in formats.items()) == 2
    inside = {library.path for library in result.libraries}
    assert {f"usr/bin/app!/{library.path}" for library in alone.libraries} <= inside
    chains = {exposure.component: exposure.chain for exposure in result.licenses.exposures}
    assert chains["GNU Readline"][-1].startswith("usr/bin/app!/")
    assert {component.name for component in alone.components} <= {component.name for component in result.components}
    own = {host.id: host.verdict for host in alone.hosts}
    assert {host.id: host.verdict for host in result.hosts} == own, "what AppRun starts decides"
    assert result.floors["GLIBC"].host_version == alone.floors["GLIBC"].host_version
    assert result.sizes.total.raw == sum(file.stat().st_size for file in bundle.rglob("*") if file.is_file())
