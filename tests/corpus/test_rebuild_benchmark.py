"""The rebuild benchmark compares what it says: the same tree on both sides, and plans that keep their promise."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus.bench.rebuild import main
from corpus.bench.rebuild_plans import PLANS, find_plan, moderate, touched_share
from inspector.artifact import open_artifact
from inspector.artifact.artifact import Artifact
from inspector.artifact.tree import Kind, Node, Tree
from inspector.slim.making.planned_tree import unchanged_tree
from inspector.source import BytesSource
from tests.squashfs_images import need

pytestmark = pytest.mark.corpus


def test_benchmark_of_a_small_appimage(
    corpus_artifact: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    need("unsquashfs", "mksquashfs")
    name = "libappimage/appimagetool-x86_64.AppImage"
    corpus_artifact(name)
    report = tmp_path / "report.json"
    assert main([name, "--rounds", "1", "--plan", "moderate", "--plan", "scattered", "--json", str(report)]) == 0
    plans = {row["plan"]: row for row in json.loads(report.read_text(encoding="utf-8"))["plans"]}
    assert plans.keys() == {"moderate", "scattered"}
    for row in plans.values():
        assert row["ratio"] == pytest.approx((row["unsquashfs"][0] + row["mksquashfs"][0]) / row["ours"][0], abs=0.01)
        assert row["written"]["bytes_copied"] > 0
    assert "times faster" in capsys.readouterr().out


def test_plans_touch_what_they_say(corpus_artifact: Callable[[str], Path]) -> None:
    with open_artifact(corpus_artifact("libappimage/appimagetool-x86_64.AppImage")) as artifact:
        before = unchanged_tree(artifact.tree)
        for name in ("small", "scattered"):
            assert 0 <= touched_share(before, PLANS[name](artifact)) <= 0.05
        assert touched_share(before, before) == 0.0


def test_moderate_plan_removes_development_files_and_leaves_a_damaged_program() -> None:
    contents = {
        "usr/include/a.h": b"h",
        "usr/lib/liba.a": b"!<arch>\n",
        "usr/lib/a.py": b"p",
        "usr/lib/a.so": b"\x7fELF, and no more",
    }
    nodes = [
        Node(path, Kind.FILE, size=len(content), content=BytesSource(content)) for path, content in contents.items()
    ]
    planned = moderate(Artifact("x", "appdir", None, 0, Tree(nodes)))
    assert list(planned.entries) == ["usr/lib/a.py", "usr/lib/a.so"]


def test_plans_are_found_by_name() -> None:
    assert find_plan("moderate") is moderate
    assert find_plan("corpus.bench.rebuild_plans:moderate") is moderate
    for missing in ("light", "corpus.bench.rebuild_plans:light", "corpus.nowhere:moderate"):
        with pytest.raises(KeyError):
            find_plan(missing)
