"""Conda packages of both forms, as conda's own tool writes them: the tree equals what it unpacks, and what the package states is told."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.artifact import Kind, open_artifact
from inspector.pipeline import audit
from tests.corpus.test_conda_environments import below, members_of

pytestmark = pytest.mark.corpus

NAME = "gdbm-module-3.11.2-py311_0"


@pytest.mark.parametrize("suffix", [".tar.bz2", ".conda"])
def test_tree_equals_what_conda_unpacks(suffix: str, corpus_artifact: Callable[[str], Path], tmp_path: Path) -> None:
    from corpus.packages.conda_packages import cph

    package = corpus_artifact(f"conda/{NAME}{suffix}")
    subprocess.run([cph(), "extract", package, "--dest", tmp_path / "unpacked"], check=True, capture_output=True)
    theirs = below(tmp_path / "unpacked")
    theirs.pop("info/repodata_record.json", None)  # what an installation adds
    with open_artifact(package) as artifact:
        assert artifact.format == "conda-package"
        assert not artifact.problems
        assert members_of(artifact) == theirs
        assert sum(artifact.byte_map.values()) == artifact.size == package.stat().st_size
        link = artifact.tree.get("lib/libgdbm.so")
        assert link is not None
        assert link.kind is Kind.SYMLINK
    stated = audit(package).artifact.envelope
    assert stated is not None
    assert stated.package is not None
    assert (stated.package.name, stated.package.version, stated.package.license) == ("gdbm-module", "3.11.2", "PSF-2.0")
    assert stated.package.depends == ("python >=3.11,<3.12.0a0", "libgdbm")


@pytest.mark.parametrize("suffix", [".tar.bz2", ".conda"])
def test_copyleft_and_its_chain(suffix: str, corpus_artifact: Callable[[str], Path]) -> None:
    found = audit(corpus_artifact(f"conda/{NAME}{suffix}"))
    components = {component.name for component in found.components}
    assert {"GNU Readline", "GNU dbm"} <= components
