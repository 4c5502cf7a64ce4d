"""Each key of ``[gate]``, ``[target]``, ``[budget]`` and ``[rules]`` decides over a real bundle, and options go before the file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.result import load_result
from tests.elf_builder import TinyElf

EXTRA = "import sys\n" * 2000


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program with an absolute RPATH that asks for glibc 2.34, a library that is nowhere, two equal files, and a test suite."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    root = tmp_path / "App.AppDir"
    loader = "/lib64/ld-linux-x86-64.so.2"
    asking = (("f", "libc.so.6", "GLIBC_2.34"),)
    app = TinyElf(needed=("libc.so.6",), imports=asking, rpath="/home/build/lib", program=True, interpreter=loader)
    tool = TinyElf(needed=("libnowhere.so.1",), program=True, interpreter=loader)
    files = {
        "usr/bin/app": app.build(),
        "usr/bin/tool": tool.build(),
        "usr/share/app/one": os.urandom(60_000),
        "usr/lib/python3.11/test/test_all.py": EXTRA.encode(),
        "usr/lib/python3.11/os.py": b"name = 'posix'\n",
        "app.desktop": b"[Desktop Entry]\nType=Application\nName=App\nExec=app\nIcon=app\nCategories=Utility;\n",
    }
    files["usr/share/app/two"] = files["usr/share/app/one"]
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    for name in ("app", "tool"):
        (root / "usr/bin" / name).chmod(0o755)
    (root / "AppRun").symlink_to("usr/bin/app")
    return tmp_path


def judge(run: Callable, text: str, *options: str) -> tuple[int, str]:
    Path("inspector.toml").write_text(text, "utf-8")
    done = run("audit", "App.AppDir", "-o", "result.json", *options)
    reasons = load_result("result.json").verdict.reasons
    return done.code, " | ".join(reasons)


CALM = '[gate]\nfail-on = "error"\n[rules.missing-library]\nlevel = "info"\n'


def test_a_rule_weighs_what_the_file_says(bundle: Path, run: Callable) -> None:
    assert judge(run, CALM) == (0, "")
    assert judge(run, "[rules.LIB001]\nlevel = 'error'\n") == (1, "1 finding of severity error: missing-library")
    assert judge(run, "[rules.LIB001]\nlevel = 'off'\n[gate]\nforbid = ['missing-library']\n") == (0, "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[target]\nglibc = "2.31"\n', "needs glibc 2.34, and the target has 2.31: usr/bin/app"),
        ('[target]\nhosts = ["debian-11"]\n', "does not start on Debian 11 (bullseye)"),
        ('[budget]\ntotal = "100 kB"\n', "over the budget of 100.0 kB"),
        ('[budget]\ncomponents = { "usr/share/*" = "1 kB" }\n', "over its budget of 1.0 kB"),
        ('[budget]\nduplicates = "1 kB"\n', "duplicates: 60.0 kB is 59.0 kB over the budget of 1.0 kB"),
        ('[budget]\ntests = "0"\n', "tests: 22.0 kB is"),
        ('[gate]\nforbid = ["missing-library"]\n', "forbidden here: missing-library"),
        ('[gate]\nrequire = ["executable-stack"]\n', "required and not found: executable-stack"),
        ('[gate]\nfail-on = "info"\n', "of severity info"),
    ],
)
def test_a_key_decides(bundle: Path, run: Callable, text: str, reason: str) -> None:
    calm = text + CALM.removeprefix('[gate]\nfail-on = "error"\n')
    code, reasons = judge(run, calm)
    assert code == 1
    assert reason in reasons


def test_options_go_before_the_file(bundle: Path, run: Callable) -> None:
    text = '[target]\nglibc = "2.31"\n[budget]\ntotal = "1 kB"\n[gate]\nfail-on = "info"\n'
    _, reasons = judge(run, text, "--max-glibc", "2.34", "--max-size", "10MB", "--fail-on", "error")
    assert "glibc" not in reasons
    assert "budget" not in reasons
    assert "severity info" not in reasons
    assert judge(run, text, "--fail-on", "never") == (0, "")


def test_an_old_edition_only_warns_of_rules_that_came_later(bundle: Path, run: Callable) -> None:
    """glibc-above-target came with 0.1."""
    text = '[target]\nglibc = "2.31"\n'
    assert judge(run, f'edition = "0.1"\n{text}')[0] == 1
    assert judge(run, f'edition = "0.0.1"\n{text}') == (0, "")
    (found,) = [each for each in load_result("result.json").findings if each.rule == "glibc-above-target"]
    assert (found.severity, found.message) == (
        "warning", "upcoming (since 0.1): asks for glibc 2.34, and the target has 2.31",
    )  # fmt: skip


@pytest.mark.corpus
def test_members_that_could_not_be_read_fail_where_that_is_asked(bundle: Path, run: Callable) -> None:
    corpus = pytest.importorskip("corpus", reason="the corpus is not beside this checkout")
    try:
        broken = str(corpus.artifact("bad-input/broken-members.AppDir"))
    except corpus.Unavailable as reason:
        pytest.skip(f"broken-members.AppDir cannot be built here: {reason}")
    Path("inspector.toml").write_text('[gate]\nincomplete = "fail"\n', "utf-8")
    done = run("audit", broken, "-o", "result.json", "--fail-on", "error")
    (reason,) = [each for each in load_result("result.json").verdict.reasons if each.startswith("incomplete: ")]
    assert "problems while reading" in reason
    gravest = 4 if load_result("result.json").verdict.reasons == (reason,) else 1
    assert done.code == gravest
    assert run("audit", broken, "--isolated", "--fail-on-incomplete").code == gravest
    assert run("audit", broken, "--isolated", "--fail-on", "never", "--fail-on-incomplete").code == 4
    assert run("audit", broken, "--isolated", "--fail-on", "never").code == 0
