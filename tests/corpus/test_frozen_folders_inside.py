"""A freezer's folder inside an AppDir or an AppImage: the same is found in it as in the folder by itself, and the real program loads no more."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from corpus.frozen.static_programs import embedded_resources
from inspector.artifact import open_artifact
from inspector.artifact.nested_trees import NestedTrees
from inspector.pipeline import audit
from inspector.result import Result
from tests.appimage_builder import runtime
from tests.squashfs_images import make_squashfs

pytestmark = pytest.mark.corpus

FOLDERS = [
    ("frozen/pyinstaller-folder", "hello"),
    ("frozen/nuitka-folder", "hello.bin"),
    pytest.param("frozen/nuitka-2-folder", "hello.bin", marks=pytest.mark.slow),
    ("cx-freeze/hello", "hello"),
]


def app_dir(place: Path, folder: Path, program: str, where: str) -> Path:
    """An AppDir with the folder's files in a directory of it."""
    shutil.copytree(folder, place / where, symlinks=True)
    (place / "AppRun").symlink_to(Path(where) / program)
    (place / "hello.desktop").write_text(f"[Desktop Entry]\nType=Application\nName=hello\nExec={program}\nIcon=hello\n")
    return place


def found_in(result: Result, where: str = "") -> dict[str, Any]:
    """What an audit found below a directory, by paths relative to it."""

    def inner(path: str | None) -> str:
        return (path or "").removeprefix(f"{where}/") if where else path or ""

    outside = {"AppRun", "hello.desktop", *(str(parent) for parent in (Path(where), *Path(where).parents))}
    return {
        "files": {inner(entry.path): entry.size for entry in result.files.entries or () if entry.path not in outside},
        "roots": {(inner(root.path), root.role) for root in result.roots},
        "verdicts": {
            (host.id, host.variant): (host.verdict, host.message.replace(f"{where}/", "") if where else host.message)
            for host in result.hosts
        },
        "components": {
            (found.name, found.version, found.licenses, found.file_count, *map(inner, found.files))
            for found in result.components
        },
        "exposures": {
            (found.component, found.linkage, found.imported, *map(inner, found.chain))
            for found in result.licenses.exposures
        },
        "needed": {
            (inner(library.path), need.name, inner(need.path), need.origin)
            for library in result.libraries
            for need in library.needed
        },
        "floors": {namespace: floor.version for namespace, floor in result.floors.items()},
        "findings": {(found.rule, inner(found.subject)) for found in result.findings},
        "problems": {(found.kind, inner(found.subject)) for found in result.problems},
    }


@pytest.mark.parametrize("where", ["usr/bin", pytest.param(".", marks=pytest.mark.slow)])
@pytest.mark.parametrize(("name", "program"), FOLDERS)
def test_the_same_is_found_inside_an_appdir(
    name: str, program: str, where: str, corpus_artifact: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = corpus_artifact(name)
    place = app_dir(tmp_path / "hello.AppDir", folder, program, where)
    alone = found_in(audit(folder, list_files=True, explain_licenses=True))
    inside = audit(place, list_files=True, explain_licenses=True)
    assert inside.artifact.format == "appdir"
    for subject, found in found_in(inside, "" if where == "." else where).items():
        assert found == alone[subject], subject
    assert alone["components"]
    assert any("!/" in path for path in alone["files"])
    start = [place / "AppRun", "corpus"]
    said = subprocess.run(start, capture_output=True, text=True, check=True).stdout
    assert said == subprocess.run([folder / program, "corpus"], capture_output=True, text=True, check=True).stdout


def test_modules_of_a_compiled_program_inside_an_appimage(
    corpus_artifact: Callable[[str], Path], tmp_path: Path
) -> None:
    """Also where its run path was written anew, as linuxdeploy does; its modules are read by their paths, and damage is said and survived."""
    folder = corpus_artifact("frozen/nuitka-folder")
    place = app_dir(tmp_path / "hello.AppDir", folder, "hello.bin", "usr/bin")
    edit = ["patchelf", "--set-rpath", "$ORIGIN/../lib", place / "usr/bin/hello.bin"]
    subprocess.run(edit, check=True)
    image = make_squashfs(place, tmp_path / "image", "-noD", "-noF")
    (tmp_path / "hello.AppImage").write_bytes(runtime() + image.read_bytes())
    with open_artifact(folder) as artifact:
        modules = {
            node.path.removeprefix("hello.bin!/"): node.read() for node in artifact.tree.files() if "!/" in node.path
        }
    assert len(modules) > 200
    with open_artifact(tmp_path / "hello.AppImage") as artifact:
        assert artifact.format == "appimage-2"
        trees = NestedTrees(artifact, ["usr/bin/hello.bin"])
        for path, content in modules.items():
            node = trees.get(f"usr/bin/hello.bin!/{path}")
            assert node is not None, path
            assert node.read() == content
    result = audit(tmp_path / "hello.AppImage")
    (nested,) = result.nested
    assert (nested.path, nested.format, nested.files) == ("usr/bin/hello.bin", "nuitka-folder", len(modules))
    os.truncate(place / "usr/bin/hello.bin", (place / "usr/bin/hello.bin").stat().st_size // 2)
    assert audit(place).problems


def test_packed_resources_inside_an_appimage(tmp_path: Path) -> None:
    from corpus.frozen.packed_resources import write

    place = tmp_path / "hello.AppDir/usr/bin"
    place.mkdir(parents=True)
    content = write(list(embedded_resources()))
    (place / "packed-resources").write_bytes(content)
    image = make_squashfs(tmp_path / "hello.AppDir", tmp_path / "image", "-comp", "gzip")
    (tmp_path / "hello.AppImage").write_bytes(runtime() + image.read_bytes())
    directory = audit(place, list_files=True)
    result = audit(tmp_path / "hello.AppImage", list_files=True)
    assert (directory.artifact.format, result.artifact.format) == ("pyoxidizer-folder", "appimage-2")
    files = {entry.path: entry.size for entry in directory.files.entries or () if "!/" in entry.path}
    assert files
    assert {
        entry.path.removeprefix("usr/bin/"): entry.size for entry in result.files.entries or () if "!/" in entry.path
    } == files
    assert {found.name for found in result.components} == {found.name for found in directory.components} != set()
    (tmp_path / "hello.AppDir/usr/bin/packed-resources").write_bytes(content[:-40])
    damaged = make_squashfs(tmp_path / "hello.AppDir", tmp_path / "damaged", "-comp", "gzip")
    (tmp_path / "hello.AppImage").write_bytes(runtime() + damaged.read_bytes())
    assert [problem.subject for problem in audit(tmp_path / "hello.AppImage").problems] == ["usr/bin/packed-resources"]
