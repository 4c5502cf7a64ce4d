"""Conda environments as conda-pack writes them: the tree equals what tar, unzip and unsquashfs unpack, in every form."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.artifact import Artifact, Kind, open_artifact
from inspector.facts.collect import collect_facts
from inspector.limits import Limits

pytestmark = pytest.mark.corpus

FORMATS = {
    "environment.tar.gz": "conda-pack",
    "environment.tar.zst": "conda-pack",
    "environment.zip": "conda-pack",
    "environment.squashfs": "squashfs",
    "environment-below.tar.gz": "conda-pack",
}
UNPACKED_BY = {".gz": "tar", ".zst": "zstd", ".zip": "unzip", ".squashfs": "unsquashfs"}


def below(directory: Path) -> dict[str, tuple[int, str]]:
    """Mode and digest of each file, or the target of each link, below a directory."""
    found: dict[str, tuple[int, str]] = {}
    for path in directory.rglob("*"):
        name = str(path.relative_to(directory))
        if path.is_symlink():
            found[name] = (0, str(path.readlink()))
        elif path.is_file():
            found[name] = (path.stat().st_mode & 0o777, hashlib.sha256(path.read_bytes()).hexdigest())
    return found


def members_of(artifact: Artifact) -> dict[str, tuple[int, str]]:
    """The same of a tree."""
    return {
        node.path: (0, node.target or "")
        if node.kind is Kind.SYMLINK
        else (node.mode & 0o777, hashlib.sha256(node.read_at(0, node.size)).hexdigest())
        for node in artifact.tree
        if node.kind is not Kind.DIRECTORY
    }


@pytest.mark.parametrize("name", FORMATS)
def test_tree_equals_what_the_archives_own_tool_unpacks(
    name: str, corpus_artifact: Callable[[str], Path], tmp_path: Path
) -> None:
    from corpus.packages.conda_environment import unpack_archive

    archive = corpus_artifact(f"conda/{name}")
    if shutil.which(UNPACKED_BY[archive.suffix]) is None:
        pytest.skip(f"{UNPACKED_BY[archive.suffix]} is not here")
    unpack_archive(archive, tmp_path / "unpacked")
    theirs = below(tmp_path / "unpacked")
    with open_artifact(archive) as artifact:
        assert artifact.format == FORMATS[name]
        assert not artifact.problems
        ours = members_of(artifact)
        assert ours == theirs
        assert sum(artifact.byte_map.values()) == artifact.size == archive.stat().st_size
        place = "environment/" if name.startswith("environment-below") else ""
        assert f"{place}conda-meta/markupsafe-3.0.4-0.json" in ours
        assert artifact.layout.roots == (f"{place}bin/python3.11",)
        facts = collect_facts(artifact, Limits())
    chains = {one.component: one.chain for one in facts.exposures if one.license_class == "strong-copyleft"}
    (way,) = (chain for component, chain in chains.items() if component == "GNU Readline")
    assert way[0] == f"{place}bin/python3.11"
    assert way[-1].startswith(f"{place}lib/libreadline.so.8")
