"""The import check on real bundles: it passes where nothing is wrong, and it sees what the copied recipe breaks."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.artifact import open_artifact
from inspector.formats.pyc import cached_path
from inspector.slim.making.bytecode import compile_modules
from inspector.slim.making.planned_tree import PlannedTree, unchanged_tree
from inspector.slim.planning.module_names import importable_modules
from inspector.slim.proving.bundle_interpreter import BundleInterpreter, InterpreterAnswer, ask_interpreter
from inspector.slim.proving.import_check import ImportConditions, verify_tree
from inspector.slim.proving.unpacked_tree import write_tree
from inspector.slim.tracing.trace_recording import record_trace
from tests.python_appdir import interpreter_of

pytestmark = [pytest.mark.corpus, pytest.mark.slow]

PACKAGES = "usr/lib/python3.11/site-packages"


@pytest.fixture(scope="module")
def before(corpus_artifact: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The NumPy and pandas application, copied: modules have been seen to write into their own package."""
    copy = tmp_path_factory.mktemp("slim") / "before"
    with open_artifact(corpus_artifact("pandas-report.AppDir")) as artifact:
        write_tree(without(unchanged_tree(artifact.tree), "/test/", "/tests/", "usr/include/", ".a"), copy)
    return copy


def without(planned: PlannedTree, *parts: str) -> PlannedTree:
    """The tree without what no check of this file needs."""
    kept = {
        path: entry
        for path, entry in planned.entries.items()
        if not any(part in f"{path}/" or path.endswith(part) for part in parts)
    }
    return PlannedTree(kept)


def changed(before: Path, tmp_path: Path) -> Path:
    """A copy that shares its files; replace them, never write into them."""
    subprocess.run(["cp", "-al", before, tmp_path / "after"], check=True)
    return tmp_path / "after"


def verify(before: Path, after: Path, *top: str) -> list[str]:
    interpreter = interpreter_of(before)
    assert isinstance(interpreter, BundleInterpreter)
    answer = ask_interpreter(interpreter, before)
    assert isinstance(answer, InterpreterAnswer)
    files = [str(path.relative_to(after)) for path in after.rglob("*") if path.is_file()]
    modules = [
        name
        for name in importable_modules(files, answer.search_path, answer.suffixes)
        if not top or name.partition(".")[0] in top
    ]
    found = verify_tree(before, after, modules, ImportConditions(interpreter=interpreter))
    assert found.checked > 50
    return [regression.module for regression in found.regressions]


def test_the_whole_bundle_imports_as_before(before: Path, tmp_path: Path) -> None:
    assert verify(before, changed(before, tmp_path)) == []


@pytest.mark.peer
def test_gnu_strip_breaks_numpy_and_is_caught(before: Path, tmp_path: Path) -> None:
    """The control: ``strip --strip-unneeded`` exits with 0 and leaves an openblas that no loader takes (patchelf's segments own no section)."""
    if shutil.which("strip") is None:
        pytest.skip("strip of binutils is not installed")
    after = changed(before, tmp_path)
    (library,) = after.glob(f"{PACKAGES}/numpy.libs/libscipy_openblas*")
    stripped = tmp_path / "stripped"
    done = subprocess.run(["strip", "--strip-unneeded", "-o", stripped, library], check=False)
    assert done.returncode == 0
    library.unlink()
    shutil.copy(stripped, library)
    failing = verify(before, after, "numpy", "dateutil", "json")
    if not failing:
        pytest.fail("GNU strip broke nothing: the check would not have been shown to see it")
    assert {"numpy", "numpy.linalg"} <= set(failing)
    assert not [name for name in failing if name.startswith(("dateutil", "json"))]


def test_one_missing_extension_module_is_caught(before: Path, tmp_path: Path) -> None:
    after = changed(before, tmp_path)
    for path in after.glob(f"{PACKAGES}/pandas/_libs/tslibs/nattype.*.so"):
        path.unlink()
    failing = verify(before, after, "pandas", "numpy")
    assert "pandas" in failing
    assert "numpy" not in failing


def test_compiled_bytecode_imports_and_is_the_same_twice(before: Path, tmp_path: Path) -> None:
    after = changed(before, tmp_path)
    interpreter = interpreter_of(before)
    assert isinstance(interpreter, BundleInterpreter)
    sources = [str(path.relative_to(before)) for path in before.glob(f"{PACKAGES}/numpy/**/*.py")]
    wanted = {cached_path(source, "cpython-311"): source for source in sources}
    made = compile_modules(interpreter, before, wanted)
    assert not made.failed
    assert made == compile_modules(interpreter, before, wanted, processes=1)
    for path, content in made.files.items():
        (after / path).unlink(missing_ok=True)
        (after / path).write_bytes(content)
    assert verify(before, after, "numpy") == []


@pytest.mark.heavy
@pytest.mark.parametrize("use_strace", [True, False])
def test_a_trace_of_the_application_names_what_it_uses(use_strace: bool, before: Path) -> None:
    trace = record_trace(before, [], use_strace=use_strace, clean_home=True)
    assert trace.runs[0].status == 0
    assert {"numpy", "pandas", "pandas._libs.tslibs.nattype", "dateutil.tz"} <= set(trace.modules)
    assert any("libscipy_openblas" in path for path in trace.libraries)
    assert "usr/share/pandas-report/pandas_report.py" in trace.files
    assert "numpy.f2py" not in trace.modules
