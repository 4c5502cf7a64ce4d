"""Plans for the four Python applications of the corpus: what must go, what must stay, and that the application still runs without what goes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

import corpus
from inspector.artifact import open_artifact
from inspector.facts.collect import collect_facts
from inspector.limits import Limits
from inspector.slim.options import SlimOptions
from inspector.slim.planning.plan import Plan, plan_json
from inspector.slim.planning.plan_maker import make_plan
from tests.slim_bundles import LIB, SITE, actions, removed

pytestmark = pytest.mark.corpus

MB = 1_000_000
NAMES = (
    "python-runtime",
    "flask-app",
    pytest.param("pandas-report", marks=pytest.mark.heavy),
    pytest.param("pyqt5-widgets", marks=pytest.mark.heavy),
)


@cache
def plan(name: str, **options: object) -> Plan:
    """The plan of an artifact in the cache; made once."""
    with open_artifact(corpus.artifact(name)) as artifact:
        facts = collect_facts(artifact, Limits())
        return make_plan(artifact, facts, SlimOptions(**options), Limits())  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
def test_licence_texts_metadata_and_the_launcher_stay(name: str, corpus_artifact: Callable[[str], Path]) -> None:
    root = corpus_artifact(f"{name}.AppDir")
    gone = removed(plan(f"{name}.AppDir"))
    assert "AppRun" not in gone
    assert not [path for path in gone if ".dist-info/" in path]
    texts = [
        path for path in gone if Path(path).name.lower() in ("license", "license.txt", "copying", "notice", "copyright")
    ]
    assert not [path for path in texts if (root / path).is_file()]
    assert (root / "usr/share/doc").is_dir()  # Debian's copyright files are there to be kept


@pytest.mark.parametrize("name", NAMES)
def test_actions_do_not_contradict_each_other(name: str, corpus_artifact: Callable[[str], Path]) -> None:
    corpus_artifact(f"{name}.AppDir")
    found = plan(f"{name}.AppDir")
    gone = removed(found)  # asserts that no path goes twice
    for kind in ("strip", "search-path", "compile", "rewrite", "share"):
        assert not [path for action in actions(found, kind) for path in action.paths if path in gone], kind
    keys = [action.key for action in found.actions]
    assert len(keys) == len(set(keys))
    assert found.predicted.raw == found.target.size.raw - sum(action.saves.raw for action in found.actions)


def test_the_runtime_is_an_open_interpreter(corpus_artifact: Callable[[str], Path]) -> None:
    root = corpus_artifact("python-runtime.AppDir")
    found = plan("python-runtime.AppDir")
    gone = removed(found)
    assert not found.closed
    for kept in ("ensurepip", "idlelib", "tkinter", "lib2to3", "pydoc_data", "unittest"):
        assert (root / LIB / kept / "__init__.py").is_file()
        assert f"{LIB}/{kept}/__init__.py" not in gone
    assert f"{SITE}/pip/__init__.py" not in gone
    assert f"{LIB}/test/__init__.py" in gone
    assert {"python-tests", "spare-bytecode", "python-build-files", "python-headers"} <= set(gone.values())
    assert found.predicted.raw < 95 * MB < found.target.size.raw


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "bytecode", "most"),
    [
        # stored MB of the files; the recipe of rm, find -delete and strip leaves 21, 21, 45 and 75 MB at the same compressor and level
        ("python-runtime", "keep", 28),
        ("python-runtime", "none", 21),
        ("flask-app", "keep", 15),
        pytest.param("flask-app", "none", 11, marks=pytest.mark.heavy),
        pytest.param("pandas-report", "keep", 41, marks=pytest.mark.heavy),
        pytest.param("pandas-report", "none", 34, marks=pytest.mark.heavy),
        pytest.param("pyqt5-widgets", "keep", 43, marks=pytest.mark.heavy),
        pytest.param("pyqt5-widgets", "none", 41, marks=pytest.mark.heavy),
    ],
)
def test_stored_bytes_that_a_plan_predicts(
    name: str, bytecode: str, most: int, corpus_artifact: Callable[[str], Path]
) -> None:
    corpus_artifact(f"{name}.AppImage")
    assert plan(f"{name}.AppImage", bytecode=bytecode).predicted.stored < most * MB


@pytest.mark.slow
def test_plans_are_the_same_byte_for_byte(corpus_artifact: Callable[[str], Path]) -> None:
    path = corpus_artifact("flask-app.AppDir")
    with open_artifact(path) as artifact:
        again = make_plan(artifact, collect_facts(artifact, Limits()), SlimOptions(), Limits())
    assert plan_json(again) == plan_json(plan("flask-app.AppDir"))


def test_of_the_flask_application_stays_what_it_runs_with(corpus_artifact: Callable[[str], Path]) -> None:
    root = corpus_artifact("flask-app.AppDir")
    found = plan("flask-app.AppDir")
    gone = removed(found)
    assert found.closed
    for kept in (
        "flask/app.py",
        "jinja2/environment.py",
        "certifi/cacert.pem",
        "werkzeug/serving.py",
        "urllib3/__init__.py",
    ):
        assert (root / SITE / kept).is_file()
        assert f"{SITE}/{kept}" not in gone
    for kept in ("encodings/idna.py", "sqlite3/__init__.py", "ssl.py", "stringprep.py"):
        assert (root / LIB / kept).is_file()
        assert f"{LIB}/{kept}" not in gone
    for spare in (
        f"{LIB}/idlelib/__init__.py",
        f"{LIB}/tkinter/__init__.py",
        f"{SITE}/pip/__init__.py",
        "usr/bin/idle3",
    ):
        assert (root / spare).exists()
        assert spare in gone


def _without(root: Path, gone: dict[str, str], copy: Path) -> Path:
    """A copy, of hard links, without what goes."""
    subprocess.run(["cp", "-al", str(root), str(copy)], check=True)
    for path in sorted(gone, reverse=True):
        place = copy / path
        if place.is_dir() and not place.is_symlink():
            place.rmdir()
        else:
            place.unlink()
    return copy


def _output(root: Path, *words: str) -> str:
    done = subprocess.run(
        [str(root / "AppRun"), *words],
        capture_output=True,
        text=True,
        timeout=120,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(root.parent),
            "QT_QPA_PLATFORM": "offscreen",
            "TMPDIR": str(root.parent),
        },
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("python-runtime", ("-c", "import ssl, sqlite3, tkinter, ensurepip, curses, pip; print(ssl.OPENSSL_VERSION)")),
        ("flask-app", ("--self-test",)),
        pytest.param("pandas-report", (), marks=pytest.mark.heavy),
        pytest.param("pyqt5-widgets", ("--self-test",), marks=pytest.mark.heavy),
    ],
)
def test_the_application_runs_without_what_goes(
    name: str, words: tuple[str, ...], corpus_artifact: Callable[[str], Path], tmp_path: Path
) -> None:
    root = corpus_artifact(f"{name}.AppDir")
    copy = tmp_path / "slim.AppDir"
    try:
        _without(root, removed(plan(f"{name}.AppDir")), copy)
    except (OSError, subprocess.CalledProcessError) as reason:
        pytest.skip(f"no hard links from the corpus to {tmp_path}: {reason}")
    assert _output(copy, *words) == _output(root, *words) != ""
