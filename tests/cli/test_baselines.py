"""The last release's report as a baseline: of one artifact or of several, which find each other by name and architecture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from inspector.errors import UsageError
from inspector.policy.baseline import baseline_for
from inspector.render.registry import RenderOptions, load_renderer
from inspector.result import Result, load_result, load_results
from tests import render_samples


def named(path: str, arch: str = "x86_64", size: int = 1000) -> Result:
    base = render_samples.tiny_elf()
    return replace(base, artifact=replace(base.artifact, path=path, arch=arch, size=size))


OLD = [
    named("out/App-1.0-x86_64.AppImage"),
    named("out/App-1.0-aarch64.AppImage", "aarch64"),
    named("out/Tool-1.0.AppImage"),
]


@pytest.mark.parametrize(
    ("path", "arch", "found"),
    [
        ("dist/App-1.1-x86_64.AppImage", "x86_64", "out/App-1.0-x86_64.AppImage"),
        ("dist/App-1.1-aarch64.AppImage", "aarch64", "out/App-1.0-aarch64.AppImage"),
        ("Tool-2.AppImage", "x86_64", None),
        ("Tool-2.0.1.AppImage", "x86_64", "out/Tool-1.0.AppImage"),
        ("Tool-2.0.1.AppImage", "i386", None),
        ("Other-1.0.AppImage", "x86_64", None),
    ],
)
def test_artifacts_find_their_last_release(path: str, arch: str, found: str | None) -> None:
    baseline = baseline_for(named(path, arch), OLD, alone=True)
    assert (baseline.artifact.path if baseline else None) == found


def test_the_only_one_is_that_of_the_only_one() -> None:
    assert baseline_for(named("renamed"), OLD[:1], alone=True) is OLD[0]
    assert baseline_for(named("renamed"), OLD[:1], alone=False) is None
    assert baseline_for(named("a"), [], alone=True) is None


def test_each_artifact_is_judged_against_its_own(
    run, pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    Path("last.json").write_bytes(load_renderer("json")(OLD, RenderOptions(several=True)))
    Path("inspector.toml").write_text('[budget]\ngrowth = { bytes = "100" }\n', "utf-8")
    names = ("App-1.1-x86_64.AppImage", "App-1.1-aarch64.AppImage", "New-1.0.AppImage")
    sizes = (1000, 1500, 9_000_000)
    pipeline.answers |= {
        name: named(name, "aarch64" if "aarch64" in name else "x86_64", size)
        for name, size in zip(names, sizes, strict=True)
    }
    done = run("audit", *names, "--baseline", "last.json", "-o", "now.json")
    verdicts = [result.verdict for result in load_results("now.json")]
    assert done.code == 1
    assert [verdict.gate for verdict in verdicts] == ["passed", "failed", "passed"]
    assert verdicts[1].reasons[0].startswith("grew by 500 B (50.0 %)")
    assert "warning: the baseline has no artifact that is called like New-1.0.AppImage" in done.err


def test_a_report_of_several_is_rendered_again(run, tmp_path: Path) -> None:
    file = tmp_path / "all.json"
    file.write_bytes(load_renderer("json")(OLD, RenderOptions(several=True)))
    done = run("report", str(file), "--format", "json")
    assert [each["artifact"]["path"] for each in json.loads(done.out)["results"]] == [
        each.artifact.path for each in OLD
    ]
    assert "3 artifacts" in run("report", str(file)).out


def test_where_one_is_wanted_several_are_told(tmp_path: Path) -> None:
    file = tmp_path / "all.json"
    file.write_bytes(load_renderer("json")(OLD, RenderOptions(several=True)))
    assert load_results(file) == OLD
    with pytest.raises(UsageError, match="is a report of 3 artifacts"):
        load_result(file)
    file.write_bytes(load_renderer("json")(OLD[:1], RenderOptions(several=True)))
    assert load_result(file) == OLD[0]
    file.write_bytes(b'{"schema": "inspector/result/1", "results": []}')
    with pytest.raises(UsageError, match="no artifact in it"):
        load_results(file)
    for text in (b"", b"[]", b'{"results": 3}', b'{"results": [{}]}', b'{"results": null}', b"\xff"):
        file.write_bytes(text)
        with pytest.raises(UsageError, match="is not a document of inspector/result/1"):
            load_results(file)
    with pytest.raises(UsageError, match="cannot be read"):
        load_results(tmp_path / "absent.json")
