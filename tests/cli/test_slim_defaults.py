"""``[slim]`` of the configuration: what ``inspect slim`` takes where its options say nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.cli import slim
from tests.elf_builder import TinyElf

CONFIGURATION = """\
[slim]
level = "safe"
keep = ["usr/share/app/keep/*"]
drop = ["usr/share/doc/*"]
languages = ["de", "en"]
entry = ["usr/bin/app"]
pyc = "none"
smoke = ['"$APP" --version']
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / "inspector.toml").write_text(CONFIGURATION, "utf-8")
    return tmp_path


def taken(*arguments: str):
    options = slim.make_parser().parse(["x.AppDir", *arguments])
    slim._take_defaults(options)
    return slim.slim_options(options)


def test_all_of_it_is_taken(project: Path) -> None:
    options = taken()
    assert (options.level, options.bytecode, options.languages) == ("safe", "none", ("de", "en"))
    assert (options.keep, options.drop, options.entries) == (
        ("usr/share/app/keep/*",),
        ("usr/share/doc/*",),
        ("usr/bin/app",),
    )
    assert options.smoke == ('"$APP" --version',)


def test_options_replace_it_and_keep_adds_to_it(project: Path) -> None:
    options = taken(
        "--level",
        "moderate",
        "--pyc",
        "keep",
        "--languages",
        "fr",
        "--drop",
        "a",
        "--entry",
        "b",
        "--smoke",
        "c",
        "--keep",
        "d",
    )
    assert (options.level, options.bytecode, options.languages) == ("moderate", "keep", ("fr",))
    assert (options.drop, options.entries, options.smoke) == (("a",), ("b",), ("c",))
    assert options.keep == ("usr/share/app/keep/*", "d")


def test_without_a_file_or_isolated_nothing_of_it_holds(project: Path) -> None:
    for options in (taken("--isolated"), taken("--apply", "plan.json")):
        assert (options.level, options.bytecode, options.languages) == ("moderate", "keep", None)
        assert not any((options.keep, options.drop, options.entries, options.smoke))
    (project / "inspector.toml").unlink()
    assert taken().level == "moderate"


def test_commands_of_the_file_are_not_run_where_nothing_may_be_run(project: Path) -> None:
    assert taken("--no-run").smoke == ()


def test_contradictions_are_seen_in_the_file_too(project: Path, run: Callable) -> None:
    (project / "inspector.toml").write_text('[slim]\nlevel = "aggressive"\n', "utf-8")
    done = run("slim", "x.AppDir")
    assert done.code == 2
    assert "--level aggressive needs to know" in done.err
    (project / "inspector.toml").write_text('[slim]\nlevel = "agressive"\n', "utf-8")
    done = run("slim", "x.AppDir")
    assert done.code == 2
    assert "inspector.toml:2: slim.level" in done.err
    assert 'did you mean "aggressive"?' in done.err


def test_a_real_bundle_loses_what_the_file_drops(project: Path, run: Callable) -> None:
    root = project / "x.AppDir"
    for name in ("usr/bin/app", "usr/share/app/extra/film", "usr/share/app/data"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode() * 500)
    (root / "usr/bin/app").write_bytes(TinyElf().build())
    (root / "usr/bin/app").chmod(0o755)
    (root / "AppRun").symlink_to("usr/bin/app")
    (project / "inspector.toml").write_text('[slim]\ndrop = ["usr/share/app/extra/*"]\n', "utf-8")

    def planned(*arguments: str) -> set[str]:
        done = run("slim", "x.AppDir", "--dry-run", "--no-run", "--plan", "plan.json", *arguments)
        assert done.code == 0, done.err
        text = (project / "plan.json").read_text("utf-8")
        json.loads(text)
        return {name for name in ("usr/share/app/extra/film", "usr/share/app/data") if name in text}

    assert planned() == {"usr/share/app/extra/film"}
    assert planned("--isolated") == set()
