"""A project's two releases, built with gcc: the first passes its gate, the second fails for three reasons, exceptions pass it until they expire."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.result import Result, load_result

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed"),
]

LIBRARY, GPL_LIBRARY, ASSETS = "usr/lib/libfast.so.1", "usr/lib/libreadline.so.8", "usr/share/app/assets.bin"
DESKTOP = "[Desktop Entry]\nType=Application\nName=App\nExec=app\nIcon=app\nCategories=Utility;\n"
LICENSES = '[licenses]\ndeny-classes = ["strong-copyleft", "network-copyleft"]'


def compile_c(source: str, target: Path, *options: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    command = ["gcc", "-x", "c", "-O1", "-o", str(target), "-", *options]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    if done.returncode != 0 and "arc4random" in done.stderr:
        pytest.skip("this machine's glibc has nothing newer than what every program here asks for")
    assert done.returncode == 0, done.stderr


def first_release(directory: Path) -> Path:
    root = directory / "App-1.0.AppDir"
    paths = ("-L", str(root / "usr/lib"), "-Wl,-rpath,$ORIGIN/../lib")
    compile_c(
        "int one(void) { return 1; }", root / "usr/lib/libone.so.1", "-shared", "-fPIC", "-Wl,-soname,libone.so.1"
    )
    program = 'int one(void); int puts(const char *); int main(void) { puts("app"); return one() - 1; }'
    compile_c(program, root / "usr/bin/app", *paths, "-l:libone.so.1")
    (root / "AppRun").symlink_to("usr/bin/app")
    (root / "app.desktop").write_text(DESKTOP, "utf-8")
    (root / "app.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return root


def second_release(first: Path) -> Path:
    """One library that asks for glibc 2.36, the first with arc4random (glibc's NEWS); one that is GPL; 10 MB."""
    root = first.with_name("App-2.0.AppDir")
    shutil.copytree(first, root, symlinks=True)
    own = ("-shared", "-fPIC", "-L", str(root / "usr/lib"), "-Wl,-rpath,$ORIGIN")
    compile_c(
        "char *readline(const char *p) { return (char *)p; }", root / GPL_LIBRARY, *own, "-Wl,-soname,libreadline.so.8"
    )
    source = "#include <stdlib.h>\nchar *readline(const char *); int fast(void) { return readline(0) ? 0 : (int)arc4random(); }"
    compile_c(source, root / LIBRARY, *own, "-Wl,-soname,libfast.so.1", "-l:libreadline.so.8")
    paths = ("-L", str(root / "usr/lib"), "-Wl,-rpath,$ORIGIN/../lib", "-Wl,-rpath-link," + str(root / "usr/lib"))
    program = "int one(void); int fast(void); int main(void) { return one() - 1 + 0 * fast(); }"
    compile_c(program, root / "usr/bin/app", *paths, "-l:libone.so.1", "-l:libfast.so.1")
    (root / ASSETS).parent.mkdir(parents=True)
    (root / ASSETS).write_bytes(os.urandom(10_000_000))
    return root


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    first = first_release(tmp_path_factory.mktemp("releases"))
    return first, second_release(first)


@pytest.fixture
def project(tmp_path: Path, releases: tuple[Path, Path], run: Callable, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with the configuration that inspect init wrote for the first release, a licence policy, and its kept report."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    first = releases[0]
    for release in releases:
        (tmp_path / release.name).symlink_to(release)
    done = run("init", first.name)
    assert done.code == 0, done.err
    configuration = tmp_path / "inspector.toml"
    assert "\n[[ignore]]" not in configuration.read_text("utf-8")  # there is nothing to excuse in it
    begun = configuration.read_text("utf-8")
    assert "\n[licenses]" in begun
    configuration.write_text(re.sub(r"^\[licenses\].*$", LICENSES, begun, count=1, flags=re.MULTILINE), "utf-8")
    done = run("audit", first.name, "-o", "last.json", "-o", "-")
    assert done.code == 0, done.out
    assert "PASSED" in done.out
    return tmp_path


def audited(run: Callable, name: str = "App-2.0.AppDir", *options: str) -> tuple[int, str, Result]:
    done = run("audit", name, "--baseline", "last.json", "-o", "-", "-o", "now.json", *options)
    return done.code, done.out, load_result("now.json")


def test_the_second_release_fails_for_exactly_three_reasons(project: Path, run: Callable) -> None:
    code, text, result = audited(run)
    assert code == 1
    target = load_result("last.json").floors["GLIBC"].host_version
    glibc, size, copyleft = sorted(
        result.verdict.reasons, key=lambda reason: ("glibc" not in reason, "budget" not in reason)
    )
    assert glibc == f"needs glibc 2.36, and the target has {target}: {LIBRARY}"
    assert " is 10.0 MB over the budget of " in size
    assert "GNU Readline" in copyleft
    assert "GPL-3.0-or-later" in copyleft
    assert "FAILED" in text
    for reason in (glibc[:40], size[:30]):
        assert reason in " ".join(text.split())
    errors = {(each.rule, each.subject) for each in result.findings if each.severity == "error"}
    assert len(errors) == 3
    assert {rule for rule, _ in errors} == {"glibc-above-target", "size-over-budget", "license-not-allowed"}
    assert {("glibc-above-target", LIBRARY), ("size-over-budget", "total")} < errors


def test_the_difference_shows_them(project: Path, run: Callable) -> None:
    text = " ".join(run("diff", "last.json", "App-2.0.AppDir").out.split())
    found = json.loads(run("diff", "last.json", "App-2.0.AppDir", "--format", "json").out)
    (glibc,) = [floor for floor in found["floors"] if floor["namespace"] == "GLIBC"]
    assert (glibc["new"], glibc["direction"], glibc["files"]) == ("2.36", "higher", [LIBRARY])
    added = {each["name"]: each for each in found["components"] if each["change"] == "added"}
    assert added["GNU Readline"]["licenses"][1].startswith("GPL-3.0")
    assert any(expression.startswith("GPL-3.0") for expression in found["licenses_appeared"])
    assert found["artifact"]["size"][1] - found["artifact"]["size"][0] > 10_000_000
    assert {"glibc-above-target", "size-over-budget", "license-not-allowed"} <= {
        each["rule"] for each in found["new_findings"]
    }
    assert {each["name"]: each["change"] for each in found["libraries"]} == {
        "libfast.so": "added",
        "libreadline.so": "added",
    }
    assert found["verdict"] == ["passed", "failed"]
    assert "the gate: passed → failed" in text
    assert f"needs glibc 2.36, before {glibc['old']}" in text
    assert "added libfast.so.1, libreadline.so.8" in text
    assert "10.0 MB larger" in text
    assert "licences that appeared: GPL-3.0" in text
    assert "2.36" in text
    assert LIBRARY in text


def excuses(expires: dt.date) -> str:
    entries = [
        ("glibc-above-target", LIBRARY, "only loaded where glibc is new"),
        ("size-over-budget", "total", "the assets move to a download in 2.1"),
        ("license-not-allowed", "*", "replaced by libedit in 2.1"),
    ]
    return "".join(
        f'\n[[ignore]]\nrule = "{rule}"\npath = "{path}"\nreason = "{reason}"\nexpires = {expires}\n'
        for rule, path, reason in entries
    )


def test_exceptions_with_a_reason_pass_it_and_fail_it_when_they_expire(project: Path, run: Callable) -> None:
    configuration = project / "inspector.toml"
    before = configuration.read_text("utf-8")
    today = dt.datetime.now(dt.UTC).date()

    configuration.write_text(before + excuses(today + dt.timedelta(days=30)), "utf-8")
    code, text, result = audited(run)
    assert (code, result.verdict.reasons, result.verdict.notices) == (0, (), ())
    accepted = sorted(each.suppressed for each in result.findings if each.suppressed is not None)
    assert [reason.partition(" (until ")[0] for reason in accepted] == [
        "only loaded where glibc is new", "replaced by libedit in 2.1", "the assets move to a download in 2.1",
    ]  # fmt: skip
    assert "PASSED" in text
    assert "3 suppressed" in text

    configuration.write_text(before + excuses(today - dt.timedelta(days=1)), "utf-8")
    code, text, result = audited(run)
    assert (code, len(result.verdict.reasons)) == (1, 3)
    assert [f"expired on {today - dt.timedelta(days=1)}" in notice for notice in result.verdict.notices] == [True] * 3
    assert "it said: the assets move to a download in 2.1" in " ".join(text.split())


def test_the_first_release_needs_no_exception_and_says_so(project: Path, run: Callable) -> None:
    configuration = project / "inspector.toml"
    configuration.write_text(configuration.read_text("utf-8") + excuses(dt.date(2999, 1, 1)), "utf-8")
    code, _, result = audited(run, "App-1.0.AppDir")
    assert code == 0
    assert len(result.verdict.notices) == 3
    assert all("matches no finding any more; remove it" in notice for notice in result.verdict.notices)


def test_options_alone_give_the_same_three_reasons(project: Path, run: Callable) -> None:
    target = load_result("last.json").floors["GLIBC"].host_version
    options = ("--isolated", "--max-glibc", str(target), "--max-size", "5MB", "--deny-license", "GPL-3.0-or-later")
    assert run("audit", "App-1.0.AppDir", *options).code == 0
    done = run("audit", "App-2.0.AppDir", *options, "-o", "now.json")
    reasons = load_result("now.json").verdict.reasons
    assert done.code == 1
    assert len(reasons) == 3
    assert all(
        any(word in reason for reason in reasons) for word in ("needs glibc 2.36", "budget of 5.0 MB", "GNU Readline")
    )
    log = done.err  # what a build's log has: the reasons, what to mend first, what to type next
    assert "App-2.0.AppDir: failed, 3 errors" in log
    assert "  mend first:\n    1. " in log
    assert "  next: inspect " in log
