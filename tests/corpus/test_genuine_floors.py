"""The floors of genuine AppImages beside what ``readelf -V`` reads of the same files, extracted by unsquashfs."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import inspector
from inspector.facts.binaries.floors import version_key

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.peer,
    pytest.mark.skipif(shutil.which("unsquashfs") is None, reason="unsquashfs is not installed"),
    pytest.mark.skipif(shutil.which("readelf") is None, reason="readelf is not installed"),
]

# Facts that were measured once on the same files, by hand.
# name -> (architecture, payload offset, compressor, glibc floor or None where readelf alone tells)
MEASURED = {
    "libappimage/Echo-x86_64.AppImage": ("x86_64", 187784, "gzip", None),
    "libappimage/Echo-no-integrate-x86_64.AppImage": ("x86_64", 188392, "gzip", None),
    "libappimage/Echo-test1234-x86_64.AppImage": ("x86_64", 155552, "gzip", None),
    "libappimage/appimaged-i686.AppImage": ("i686", 91148, "gzip", None),
    "libappimage/appimagetool-x86_64.AppImage": ("x86_64", 155552, "gzip", "2.7"),
    "libappimage/broken-desktop-file-x86_64.AppImage": ("x86_64", 187784, "gzip", None),
    "shared/Hello_World-x86_64.gzip.AppImage": ("x86_64", 193728, "gzip", None),
    "shared/Hello_World-x86_64.xz.AppImage": ("x86_64", 193728, "xz", None),
    "shared/Hello_World-x86_64.zstd.AppImage": ("x86_64", 696720, "zstd", None),
    "shared/hello-static-runtime-x86_64.AppImage": ("x86_64", 944632, "zstd", "2.34"),
}
_REQUEST = re.compile(r"Name: (\w+?)_(\d[\d.]*)\s+Flags: (\S+)")


def readelf_floors(paths: list[Path]) -> dict[str, str]:
    """The highest version of each namespace in the version needs sections."""
    floors: dict[str, str] = {}
    for path in paths:
        text = subprocess.run(["readelf", "-VW", path], capture_output=True, text=True, check=False).stdout
        needs = text.partition("Version needs section")[2]
        for namespace, version, _ in _REQUEST.findall(needs):
            floors[namespace] = max(floors.get(namespace, "0"), version, key=version_key)
    return floors


@pytest.mark.parametrize("name", MEASURED)
def test_floors_are_those_of_readelf(name: str, corpus_artifact: Callable[[str], Path], tmp_path: Path) -> None:
    path = corpus_artifact(name)
    arch, offset, compression, glibc = MEASURED[name]
    result = inspector.audit(path)
    envelope = result.artifact.envelope
    assert envelope is not None
    assert (result.artifact.format, result.artifact.arch) == ("appimage-2", arch)
    assert (envelope.offset, envelope.compression) == (offset, compression)
    tree = tmp_path / "tree"
    subprocess.run(["unsquashfs", "-q", "-n", "-o", str(offset), "-d", tree, path], check=True, capture_output=True)
    files = [path, *(found for found in tree.rglob("*") if found.is_file() and not found.is_symlink())]
    assert {name: floor.version for name, floor in result.floors.items()} == readelf_floors(files)
    if glibc is not None:
        assert result.floors["GLIBC"].version == glibc


@pytest.mark.parametrize("name", ["AppImageExtract_6-x86_64", "AppImageExtract_6_no_magic_bytes-x86_64"])
def test_floors_of_type_1(name: str, corpus_artifact: Callable[[str], Path], tmp_path: Path) -> None:
    if shutil.which("bsdtar") is None:
        pytest.skip("bsdtar is not installed")
    path = corpus_artifact(f"libappimage/{name}.AppImage")
    result = inspector.audit(path)
    assert result.artifact.format == "appimage-1"
    subprocess.run(["bsdtar", "-xf", path, "-C", tmp_path], check=True, capture_output=True)
    files = [path, *(found for found in tmp_path.rglob("*") if found.is_file() and not found.is_symlink())]
    assert {name: floor.version for name, floor in result.floors.items()} == readelf_floors(files)
