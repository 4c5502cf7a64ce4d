"""slim/proving/bundle_interpreter.py and bounded_process.py: the bundle's Python is found, started as its launcher starts it, and kept in bounds."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from inspector.artifact import open_artifact
from inspector.facts.launchers.launcher import read_launcher
from inspector.formats.elf import read_elf
from inspector.slim.planning.started_modules import StartedModules, started_modules
from inspector.slim.proving.bounded_process import ThrowAwayHome, describe_status, run_bounded
from inspector.slim.proving.bundle_interpreter import (
    BundleInterpreter,
    InterpreterAnswer,
    NotChecked,
    ask_interpreter,
)
from inspector.source import FileSource
from tests.elf_builder import TinyElf
from tests.python_appdir import interpreter_of, make_python_appdir
from tests.python_interpreters import interpreters

VERSION = sys.version_info[:2]


@pytest.mark.parametrize("version", interpreters(), ids=lambda version: "{}.{}".format(*version))
def test_every_version_is_found_and_answers(version: tuple[int, int], tmp_path: Path) -> None:
    appdir = tmp_path / "Test App.AppDir"
    make_python_appdir(appdir, interpreters()[version], version, {"own.py": ""})
    found = interpreter_of(appdir)
    assert isinstance(found, BundleInterpreter)
    python = "python{}.{}".format(*version)
    assert found.program == f"usr/bin/{python}"
    answer = ask_interpreter(found, appdir)
    assert isinstance(answer, InterpreterAnswer)
    assert answer.version == version
    assert answer.standard_library == f"usr/lib/{python}"
    assert f"usr/lib/{python}/site-packages" in answer.search_path
    assert answer.suffixes[-2:] == (".py", ".pyc")
    assert answer.cache_tag == "cpython-{}{}".format(*version)
    assert answer.optimization == 0


def test_what_the_launcher_says_holds_and_our_home_does(tmp_path: Path) -> None:
    appdir = tmp_path / "Test.AppDir"
    more = 'export OWN="$APPDIR/usr/own" HOME=/nowhere TWO="$APPDIR/a:$UNKNOWN_TO_US:/b" LANG=tlh\n'
    make_python_appdir(appdir, sys.executable, VERSION, options="-O -u ", more=more)
    found = interpreter_of(appdir)
    assert isinstance(found, BundleInterpreter)
    assert found.options == ("-O", "-u")
    answer = ask_interpreter(found, appdir)
    assert isinstance(answer, InterpreterAnswer)
    assert answer.optimization == 1
    with ThrowAwayHome() as home:
        done = found.run(
            appdir,
            home,
            ["-c", "import os; print(os.environ['OWN'], os.environ['HOME'], os.listdir(), os.environ['LANG'])"],
            seconds=30,
        )
        assert done.stdout.decode().split() == [f"{appdir}/usr/own", f"{home.root}/home", "[]", "tlh"]
    assert not home.root.exists()


def test_a_loader_of_the_bundle_starts_it(tmp_path: Path) -> None:
    appdir = tmp_path / "Test.AppDir"
    make_python_appdir(appdir, sys.executable, VERSION)
    loader = read_elf(FileSource(os.path.realpath(sys.executable))).interpreter
    if loader is None or "/ld-linux" not in loader:
        pytest.skip("the interpreter of this machine is not started by glibc's loader")
    name = Path(loader).name
    shutil.copy(os.path.realpath(loader), appdir / "usr/lib" / name)
    (appdir / "usr/lib" / name).chmod(0o755)
    apprun = appdir / "AppRun"
    start = f'exec "$APPDIR/usr/lib/{name}" --library-path "$APPDIR/usr/lib" "$APPDIR'
    apprun.write_text(apprun.read_text().replace('exec "$APPDIR', start))
    found = interpreter_of(appdir)
    assert isinstance(found, BundleInterpreter)
    assert (found.loader, found.loader_library_path) == (f"usr/lib/{name}", "$APPDIR/usr/lib")
    assert isinstance(ask_interpreter(found, appdir), InterpreterAnswer)
    with ThrowAwayHome() as home:
        done = found.run(appdir, home, ["-c", "print(open('/proc/self/maps').read())"], seconds=30)
    assert f"{appdir}/usr/lib/{name}" in done.stdout.decode()


@pytest.mark.parametrize(
    ("options", "directories", "names"),
    [
        ('"$APPDIR/usr/share/app/main.py" ', ("usr/share/app",), {"main"}),
        ('-O -u "$APPDIR/usr/link.py" ', ("usr/share/app",), {"main"}),
        ("-m some.app ", (), {"some.app", "some.app.__main__"}),
        ("-c 'import this' ", (), set()),
        ("", (), set()),
    ],
)
def test_what_the_launcher_starts(options: str, directories: tuple[str, ...], names: set[str], tmp_path: Path) -> None:
    appdir = tmp_path / "Test.AppDir"
    make_python_appdir(appdir, sys.executable, VERSION, options=options)
    (appdir / "usr/share/app").mkdir(parents=True)
    (appdir / "usr/share/app/main.py").write_text("")
    (appdir / "usr/link.py").symlink_to("share/app/main.py")
    with open_artifact(appdir) as artifact:
        assert started_modules(read_launcher(artifact), artifact.tree) == StartedModules(directories, frozenset(names))


def test_nothing_of_the_callers_environment_reaches_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/secret")
    monkeypatch.setenv("A_TOKEN", "secret")
    monkeypatch.setenv("DISPLAY", ":0")
    appdir = tmp_path / "Test.AppDir"
    make_python_appdir(appdir, sys.executable, VERSION)
    found = interpreter_of(appdir)
    assert isinstance(found, BundleInterpreter)
    with ThrowAwayHome() as home:
        done = found.run(
            appdir, home, ["-c", "import os, sys; print(dict(os.environ), sys.path, sys.stdin.read())"], seconds=30
        )
    assert done.status == 0
    assert b"secret" not in done.stdout
    assert b"DISPLAY" not in done.stdout


def test_reasons_for_not_running(tmp_path: Path) -> None:
    appdir = tmp_path / "Test.AppDir"
    make_python_appdir(appdir, sys.executable, VERSION)
    forbidden = interpreter_of(appdir, run=False)
    assert isinstance(forbidden, NotChecked)
    assert "--no-run" in forbidden.reason
    foreign = interpreter_of(appdir, machine="aarch64")
    assert isinstance(foreign, NotChecked)
    assert (
        foreign.reason
        == f"usr/bin/python{VERSION[0]}.{VERSION[1]} is for {os.uname().machine} and this machine is aarch64"
    )
    (appdir / "usr/bin" / f"python{VERSION[0]}.{VERSION[1]}").unlink()
    none = interpreter_of(appdir)
    assert isinstance(none, NotChecked)
    assert "no Python interpreter" in none.reason


def test_what_does_not_start_says_why(tmp_path: Path) -> None:
    appdir = tmp_path / "Test.AppDir"
    make_python_appdir(appdir, sys.executable, VERSION)
    shutil.rmtree(appdir / "usr/lib" / f"python{VERSION[0]}.{VERSION[1]}/encodings")
    found = interpreter_of(appdir)
    assert isinstance(found, BundleInterpreter)
    answer = ask_interpreter(found, appdir)
    assert isinstance(answer, NotChecked)
    assert "encodings" in answer.reason or "ended with status" in answer.reason
    program = appdir / found.program
    program.unlink()
    program.write_bytes(TinyElf(needed=["libnowhere.so.1"]).build())
    program.chmod(0o755)
    answer = ask_interpreter(found, appdir)
    assert isinstance(answer, NotChecked)


def test_a_program_that_only_calls_itself_python(tmp_path: Path) -> None:
    appdir = tmp_path / "Test.AppDir"
    make_python_appdir(appdir, sys.executable, VERSION)
    found = interpreter_of(appdir)
    assert isinstance(found, BundleInterpreter)
    program = appdir / found.program
    for text in ("echo hello", "printf 'version 33 zz\\n'", "head -c 100000 /dev/urandom", ":"):
        program.unlink()
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)
        answer = ask_interpreter(found, appdir)
        assert isinstance(answer, NotChecked)
        assert "does not answer like a Python interpreter" in answer.reason


def test_a_standard_library_of_the_host_is_refused(tmp_path: Path) -> None:
    appdir = tmp_path / "Test.AppDir"
    (appdir / "usr/bin").mkdir(parents=True)
    python = appdir / "usr/bin" / f"python{VERSION[0]}.{VERSION[1]}"
    shutil.copy(os.path.realpath(sys.executable), python)
    (appdir / "AppRun").write_text(f'#!/bin/sh\nexec "$APPDIR/usr/bin/{python.name}" "$@"\n')
    (appdir / "AppRun").chmod(0o755)
    found = interpreter_of(appdir)
    assert isinstance(found, BundleInterpreter)
    with_home = BundleInterpreter(found.program, environment={"PYTHONHOME": sys.base_prefix}, mount_root="$APPDIR")
    answer = ask_interpreter(with_home, appdir)
    assert isinstance(answer, NotChecked)
    assert "of this machine" in answer.reason


def test_the_whole_group_is_killed_at_the_time_limit(tmp_path: Path) -> None:
    began = time.monotonic()
    script = f"sleep 60 & echo $! > {tmp_path}/child; sleep 60"
    done = run_bounded(
        ["/bin/sh", "-c", script], directory=tmp_path, environment={"PATH": "/usr/bin:/bin"}, seconds=0.5
    )
    assert done.timed_out
    assert describe_status(done.status) == "did not end in time"
    assert time.monotonic() - began < 10
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        if not Path(f"/proc/{child}").exists() or " Z " in Path(f"/proc/{child}/stat").read_text():
            break
        time.sleep(0.05)
    else:
        pytest.fail("a process of the group is still there")


def test_a_program_in_the_background_ends_with_its_starter(tmp_path: Path) -> None:
    done = run_bounded(
        ["/bin/sh", "-c", f"sleep 60 & echo $! > {tmp_path}/child; exit 7"],
        directory=tmp_path,
        environment={"PATH": "/usr/bin:/bin"},
        seconds=30,
    )
    assert (done.status, done.timed_out) == (7, False)
    child = Path("/proc") / (tmp_path / "child").read_text().strip()
    for _ in range(100):
        if not child.exists() or " Z " in (child / "stat").read_text():
            return
        time.sleep(0.05)
    pytest.fail("a process of the group is still there")


@pytest.mark.parametrize(
    ("script", "said"), [("kill -SEGV $$", "was killed by SIGSEGV"), ("exit 3", "ended with status 3")]
)
def test_how_it_ended_is_said(script: str, said: str, tmp_path: Path) -> None:
    done = run_bounded(["/bin/sh", "-c", script], directory=tmp_path, environment={}, seconds=30)
    assert describe_status(done.status) == said
