"""slim/proving/import_check.py: real modules under a real interpreter, imported before and after something was taken away."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from inspector.slim.planning.module_names import importable_modules, why_never_imported
from inspector.slim.proving.bundle_interpreter import BundleInterpreter, InterpreterAnswer, ask_interpreter
from inspector.slim.proving.import_check import ImportConditions, batches, import_modules, verify_tree
from tests.python_appdir import interpreter_of, make_python_appdir
from tests.python_interpreters import interpreters

VERSION = sys.version_info[:2]
MODULES = {
    "app/__init__.py": "",
    "app/core.py": "from app import parts\nimport plain\n",
    "app/parts.py": "import urllib.parse\n",
    "app/lazy.py": "def later():\n    import app.parts\n",
    "app/optional.py": "try:\n    import plain\nexcept ImportError:\n    plain = None\n",
    "plain.py": "print('noise on stdout')\n",
    "never_worked.py": "import nowhere_at_all\n",
    "leaves.py": "import sys\nsys.exit('gone')\n",
    "interrupts.py": "raise KeyboardInterrupt\n",
    "strange.py": "class Odd(Exception):\n    def __str__(self):\n        raise RuntimeError\nraise Odd\n",
    "ends.py": "import os\nos._exit(0)\n",
    "crashes.py": "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n",
    "hangs.py": "import time\ntime.sleep(600)\n",
    "hangs_quietly.py": "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n",
    "starts_a_program.py": "import subprocess\nsubprocess.Popen(['/bin/sleep', '600'])\n",
    "closes_all.py": "import os\nos.closerange(3, 100)\n",
    "zz_last.py": "import app.core\n",
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("imports") / "Test.AppDir"
    make_python_appdir(path, sys.executable, VERSION, MODULES)
    return path


def conditions(appdir: Path, **options: object) -> ImportConditions:
    found = interpreter_of(appdir)
    assert isinstance(found, BundleInterpreter)
    return ImportConditions(interpreter=found, **options)  # type: ignore[arg-type]


def packages(appdir: Path) -> Path:
    return next(appdir.glob("usr/lib/python3*/site-packages"))


def names_in(appdir: Path) -> list[str]:
    found = interpreter_of(appdir)
    assert isinstance(found, BundleInterpreter)
    answer = ask_interpreter(found, appdir)
    assert isinstance(answer, InterpreterAnswer)
    paths = [str(path.relative_to(appdir)) for path in appdir.rglob("*") if path.is_file()]
    return list(importable_modules(paths, answer.search_path, answer.suffixes))


def test_each_module_gets_its_own_verdict(bundle: Path) -> None:
    began = time.monotonic()
    own = [path.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for path in MODULES]
    found = import_modules(bundle, own, conditions(bundle, module_seconds=3.0))
    assert time.monotonic() - began < 40
    assert {name: outcome.state for name, outcome in found.items()} == {
        "app": "imported",
        "app.core": "imported",
        "app.parts": "imported",
        "app.lazy": "imported",
        "app.optional": "imported",
        "plain": "imported",
        "never_worked": "failed",
        "leaves": "failed",
        "interrupts": "failed",
        "strange": "failed",
        "ends": "crashed",
        "crashes": "crashed",
        "hangs": "hung",
        "hangs_quietly": "imported",
        "starts_a_program": "imported",
        "closes_all": "crashed",
        "zz_last": "imported",
    }
    assert found["never_worked"].message == "ModuleNotFoundError: No module named 'nowhere_at_all'"
    assert found["leaves"].message == "SystemExit: gone"
    assert "SIGSEGV" in found["crashes"].message
    assert found["ends"].message == "its process ended with status 0"
    assert found["hangs"].message == "it took more than 3 s"


def test_a_removed_module_that_another_imports_is_caught(bundle: Path, tmp_path: Path) -> None:
    after = tmp_path / "After.AppDir"
    shutil.copytree(bundle, after, symlinks=True)
    (packages(after) / "app/parts.py").unlink()
    harmful = {"ends", "crashes", "hangs", "closes_all"}
    kept = [name for name in names_in(after) if name not in harmful]
    assert len(kept) > 150
    verification = verify_tree(bundle, after, kept, conditions(bundle, module_seconds=20.0))
    assert not verification.ok
    assert [regression.module for regression in verification.regressions] == ["app.core", "zz_last"]
    assert "No module named 'app.parts'" in str(verification.regressions[0]) or "cannot import name 'parts'" in str(
        verification.regressions[0]
    )
    assert "app.lazy" not in verification.not_checked
    assert "it did not import before" in verification.not_checked["never_worked"]
    assert verification.not_checked["antigravity"] == "it opens a web browser"
    assert verification.checked > 150
    # the same input is not imported again
    again = verify_tree(Path("/nowhere"), after, kept, conditions(bundle), known_before=verification.before)
    assert again.regressions == verification.regressions
    unchanged = verify_tree(bundle, bundle, ["app.core", "zz_last"], conditions(bundle))
    assert unchanged.ok
    assert unchanged.checked == 2


def test_a_removed_extension_module_is_caught(bundle: Path, tmp_path: Path) -> None:
    after = tmp_path / "After.AppDir"
    shutil.copytree(bundle, after, symlinks=True)
    paths = {path.name.partition(".")[0]: path for path in after.glob("usr/lib/python3*/lib-dynload/*.so")}
    if "_socket" not in paths:
        pytest.skip("the interpreter of this machine has _socket built in")
    paths["_socket"].unlink()
    verification = verify_tree(bundle, after, ["socket", "shutil"], conditions(bundle))
    assert [regression.module for regression in verification.regressions] == ["socket"]


def test_programs_of_the_bundle_are_not_imported(bundle: Path) -> None:
    verification = verify_tree(bundle, bundle, ["plain", "hangs", "app.__main__"], conditions(bundle), never={"hangs"})
    assert verification.checked == 1
    assert verification.not_checked["hangs"] == "it is a program that the bundle starts"
    assert "starts it" in verification.not_checked["app.__main__"]


def test_a_directory_of_scripts_is_searched_first(bundle: Path, tmp_path: Path) -> None:
    after = tmp_path / "After.AppDir"
    shutil.copytree(bundle, after, symlinks=True)
    (after / "usr/share/own place").mkdir(parents=True)
    (after / "usr/share/own place/beside.py").write_text("import plain\n")
    states = [
        import_modules(after, ["beside"], conditions(after, search_first=places))["beside"].state
        for places in ((), ("usr/share/own place",))
    ]
    assert states == ["failed", "imported"]


def test_what_there_is_no_time_for_is_said(bundle: Path) -> None:
    found = import_modules(bundle, ["plain"], conditions(bundle, deadline=time.monotonic() - 1))
    assert found["plain"].state == "not tried"
    verification = verify_tree(bundle, bundle, ["plain"], conditions(bundle, deadline=time.monotonic() - 1))
    assert verification.ok
    assert verification.checked == 0
    assert "time" in verification.not_checked["plain"]


@pytest.mark.parametrize(
    "version", sorted({min(interpreters()), max(interpreters())}), ids=lambda version: "{}.{}".format(*version)
)
def test_the_worker_runs_under_the_oldest_and_the_newest(version: tuple[int, int], tmp_path: Path) -> None:
    appdir = tmp_path / "Test.AppDir"
    make_python_appdir(
        appdir, interpreters()[version], version, {"own.py": "x = 1\n", "näme.py": "", "wrong.py": "1 / 0\n"}
    )
    found = import_modules(appdir, ["own", "näme", "wrong", "json"], conditions(appdir))
    assert {name: outcome.state for name, outcome in found.items()} == {
        "own": "imported",
        "näme": "imported",
        "wrong": "failed",
        "json": "imported",
    }
    assert found["wrong"].message == "ZeroDivisionError: division by zero"


def test_a_bundle_of_the_builtins_alone_is_enough_for_the_worker(tmp_path: Path) -> None:
    """A slimmed bundle need not have more of the standard library than an interpreter loads at its start."""
    appdir = tmp_path / "Test.AppDir"
    make_python_appdir(appdir, sys.executable, VERSION, {"own.py": "x = 1\n"})
    needed = {
        "abc",
        "codecs",
        "io",
        "os",
        "site",
        "posixpath",
        "stat",
        "genericpath",
        "_collections_abc",
        "_sitebuiltins",
    }
    for path in appdir.glob("usr/lib/python3*/*.py"):
        if path.stem not in needed:
            path.unlink()
    for name in ("collections", "concurrent", "importlib", "json", "re", "urllib", "sysconfig"):
        shutil.rmtree(appdir / f"usr/lib/python{VERSION[0]}.{VERSION[1]}" / name, ignore_errors=True)
    found = interpreter_of(appdir)
    assert isinstance(found, BundleInterpreter)
    assert isinstance(ask_interpreter(found, appdir), InterpreterAnswer)
    assert {
        name: outcome.state for name, outcome in import_modules(appdir, ["own", "json"], conditions(appdir)).items()
    } == {
        "own": "imported",
        "json": "failed",
    }


def test_packages_share_a_process() -> None:
    names = [f"small{index}.part{part}" for index in range(100) for part in range(4)] + [
        f"large.part{part:04}" for part in range(700)
    ]
    groups = batches(names)
    assert sorted(name for group in groups for name in group) == sorted(names)
    assert len(groups) == 5
    assert max(map(len, groups)) <= 250
    assert all(len({name.partition(".")[0] for name in group}) == 1 for group in groups if "large.part0000" in group)
    assert batches([]) == []


def test_names_of_modules() -> None:
    suffixes = (".cpython-311-x86_64-linux-gnu.so", ".abi3.so", ".so", ".py", ".pyc")
    paths = {
        "lib/p/a.py": "a",
        "lib/p/a.cpython-311-x86_64-linux-gnu.so": "a",  # wins over the source
        "lib/p/b/__init__.py": "b",
        "lib/p/b.py": None,  # the package wins
        "lib/p/b/c.abi3.so": "b.c",
        "lib/p/b/__pycache__/d.cpython-311.pyc": None,
        "lib/p/e.pyc": "e",
        "lib/p/f-g.py": None,
        "lib/p/h/i.py": "h.i",  # a namespace package
        "lib/p/dyn/j.so": "j",  # of the nearer place
        "lib/p/k.txt": None,
        "lib/p/plugins/libqpng.so": None,
        "lib/p/b/libreal.so": "b.libreal",
        "other/l.py": None,
        "first/a.py": None,
        "first/m.py": "m",
        "lib/p/m.py": None,
    }
    found = importable_modules(paths, ("first", "lib/p", "lib/p/dyn"), suffixes)
    assert found["m"] == "first/m.py"
    assert found["a"] == "first/a.py"
    del paths["first/a.py"]
    found = importable_modules(paths, ("first", "lib/p", "lib/p/dyn"), suffixes)
    assert found["a"] == "lib/p/a.cpython-311-x86_64-linux-gnu.so"
    assert found["b"] == "lib/p/b/__init__.py"
    assert sorted(found) == ["a", "b", "b.c", "b.libreal", "e", "h.i", "j", "m"]


@pytest.mark.parametrize(
    "name", ["__main__", "pip.__main__", "antigravity", "test", "test.support", "idlelib.idle", "this"]
)
def test_never_imported(name: str) -> None:
    assert why_never_imported(name)


@pytest.mark.parametrize(
    "name", ["testing", "numpy.testing", "numpy.tests.test_x", "idlelib.help", "main", "this_app", "unittest.mock"]
)
def test_imported(name: str) -> None:
    assert why_never_imported(name) is None


def test_names_agree_with_the_interpreters_own_listing(bundle: Path) -> None:
    """pkgutil is the oracle for everything below site-packages."""
    walk = "import pkgutil, sys; print(*[m.name for m in pkgutil.walk_packages([sys.argv[1]], onerror=lambda n: None)], sep='\\n')"
    site_packages = packages(bundle)
    command = [sys.executable, "-I", "-c", "import sys; sys.path.insert(0, sys.argv[1]);" + walk, str(site_packages)]
    listed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    paths = [str(path.relative_to(bundle)) for path in site_packages.rglob("*") if path.is_file()]
    suffixes = (".py", ".pyc")
    place = str(site_packages.relative_to(bundle))
    assert set(importable_modules(paths, (place,), suffixes)) == set(listed)
