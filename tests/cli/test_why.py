"""``inspect why``: arguments, reports instead of artifacts, and a real AppDir."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector.result import to_json
from tests import render_samples


def test_an_artifact_is_audited_with_its_files(run, pipeline) -> None:
    pipeline.answers["app"] = render_samples.pyqt5_appimage()
    done = run("why", "app", "libqxcb.so")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("opt/demo/lib/python3.11/site-packages/PyQt5/Qt5/plugins/platforms/libqxcb.so\n")
    assert "it is itself a root: a plugin, opened by name" in done.out
    assert pipeline.calls == [("app", True)]
    assert pipeline.runs == [{}]


def test_a_report_is_read_instead(run, pipeline, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_bytes(to_json(render_samples.pyqt5_appimage()))
    done = run("why", f"{tmp_path}/r.json", "libxcb-cursor.so.0")
    assert done.code == 0
    assert "not in the bundle, and not expected on every host" in done.out
    assert pipeline.calls == []
    (tmp_path / "bad.json").write_text("{}")
    done = run("why", f"{tmp_path}/bad.json", "x")
    assert done.code == 2
    assert "is not a document of inspector/result/1" in done.err
    assert run("why", f"{tmp_path}/absent.json", "x").code == 2


def test_the_environment_is_passed_on(run, pipeline, tmp_path: Path) -> None:
    pipeline.answers["app"] = render_samples.pyqt5_appimage()
    run("why", "app", "libqxcb.so", "--env", "LD_LIBRARY_PATH=/opt/lib", "--env", "A=b=c")
    assert pipeline.runs == [{"environment": {"LD_LIBRARY_PATH": "/opt/lib", "A": "b=c"}}]
    (tmp_path / "r.json").write_bytes(to_json(render_samples.pyqt5_appimage()))
    assert run("why", f"{tmp_path}/r.json", "libqxcb.so", "--env", "A=b").code == 2


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "there is nothing to look at"),
        (["app"], "there is no name to explain"),
        (["app", "libqxbc.so"], "nothing in dist/Demo-Application-1.4.0-x86_64.AppImage is or needs libqxbc.so"),
        (["app", "a", "b"], "inspect why has no option b"),
    ],
)
def test_wrong_usage(run, pipeline, arguments: list[str], error: str) -> None:
    pipeline.answers["app"] = render_samples.pyqt5_appimage()
    done = run("why", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[0] == f"error: {error}"
    if "libqxbc.so" in arguments:
        assert "libqxcb.so" in done.err.splitlines()[1]


@pytest.mark.corpus
def test_a_real_appdir(run) -> None:
    corpus = pytest.importorskip("corpus", reason="the corpus is not beside this checkout")
    try:
        directory = corpus.artifact("flask-app.AppDir")
    except corpus.Unavailable as reason:
        pytest.skip(f"it cannot be built here: {reason}")
    done = run("why", str(directory), "libssl.so.3")
    assert done.code == 0, done.err
    words = " ".join(done.out.split())
    assert "SONAME libssl.so.3" in words
    assert "→ usr/lib/libssl.so.3" in words
    assert "_ssl.cpython-311-x86_64-linux-gnu.so" in words
    assert "libcrypto.so.3" in words
    assert "1 extension module would not load" in words
    unknown = run("why", str(directory), "libssl.so.9")
    assert unknown.code == 2
    assert "libssl.so.3" in unknown.err
