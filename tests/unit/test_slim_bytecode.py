"""slim/making/bytecode.py under every interpreter of this machine: it runs, from any place and time, and it is the same bytes each time."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from inspector.formats.pyc import cached_path, is_valid_for, read_header
from inspector.slim.making.bytecode import compile_modules
from inspector.slim.proving.bounded_process import ThrowAwayHome
from inspector.slim.proving.bundle_interpreter import BundleInterpreter
from tests.python_appdir import interpreter_of, make_python_appdir
from tests.python_interpreters import interpreters

VERSION = sys.version_info[:2]
MODULES = {
    "sets.py": "def known(word):\n    return word in {'one', 'two', 'three', 'four', b'five', 6, None, (7, 'eight')}\n",
    "where.py": "def raise_it():\n    '''A text.'''\n    assert False, 'asserted'\n",
    "old.py": "print 'Python 2'\n",
    "encoding.py": "# -*- coding: latin-1 -*-\nname = 'x'\n",
    "nul.py": "a = 1\0\n",
    "wide.py": "# -*- coding: nowhere -*-\n",
}


HOSTILE_CODEC = """
import codecs, os

def search(name):
    if name == "crash_it":
        os.abort()
    while name == "hang_it":
        pass

codecs.register(search)
"""
SOME_VERSIONS = sorted({min(interpreters()), VERSION, max(interpreters())})


def appdir_with(
    path: Path, version: tuple[int, int], modules: dict[str, str]
) -> tuple[BundleInterpreter, dict[str, str]]:
    make_python_appdir(path, interpreters()[version], version, modules)
    tag = "cpython-{}{}".format(*version)
    sources = [str(found.relative_to(path)) for found in path.glob("usr/lib/**/*.py")]
    found = interpreter_of(path)
    assert isinstance(found, BundleInterpreter)
    return found, {cached_path(source, tag): source for source in sources}


@pytest.mark.parametrize("version", interpreters(), ids=lambda version: "{}.{}".format(*version))
def test_it_is_run_and_names_the_real_file(version: tuple[int, int], tmp_path: Path) -> None:
    appdir = tmp_path / "Test.AppDir"
    python, sources = appdir_with(appdir, version, MODULES)
    own = {path: source for path, source in sources.items() if "site-packages" in source}
    times = dict.fromkeys(own.values(), 1_000_000_000)
    made = compile_modules(python, appdir, own, times=times)
    assert {Path(path).name for path in made.failed} == {"old.py", "nul.py", "wide.py"}
    assert "SyntaxError" in made.failed[next(path for path in made.failed if path.endswith("old.py"))]
    assert set(made.files) == {path for path, source in own.items() if source not in made.failed}
    for path, content in made.files.items():
        header = read_header(content)
        assert header.python == version
        if version >= (3, 7):
            assert header.invalidation == "unchecked-hash"
        size = (appdir / own[path]).stat().st_size
        assert is_valid_for(header, source_mtime=1_000_000_000, source_size=size)
        assert os.fsencode(tmp_path) not in content
        (appdir / path).parent.mkdir(exist_ok=True)
        (appdir / path).write_bytes(content)
    # the source is replaced by one that says otherwise: what runs is the bytecode, and its traceback names the source's real place
    where = appdir / next(source for source in own.values() if source.endswith("where.py"))
    where.write_text("def raise_it():\n    '''B text.'''\n    assert False, 'replaced'\n")
    os.utime(where, (1_000_000_000, 1_000_000_000))
    if version < (3, 7):
        where.write_text(MODULES["where.py"])
        os.utime(where, (1_000_000_000, 1_000_000_000))
    code = "import traceback, where\ntry: where.raise_it()\nexcept AssertionError: traceback.print_exc()"
    with ThrowAwayHome() as home:
        done = python.run(appdir, home, ["-c", code], seconds=30)
    assert "AssertionError: asserted" in done.stderr.decode()
    assert f'File "{where}", line 3' in done.stderr.decode()


@pytest.mark.parametrize("version", SOME_VERSIONS, ids=lambda version: "{}.{}".format(*version))
def test_same_bytes_whatever_else_is_compiled_and_wherever_it_lies(version: tuple[int, int], tmp_path: Path) -> None:
    python, sources = appdir_with(tmp_path / "A.AppDir", version, MODULES)
    shutil.copytree(tmp_path / "A.AppDir", tmp_path / "elsewhere" / "B.AppDir", symlinks=True)
    some = dict(sorted(sources.items())[::9]) | {path: source for path, source in sources.items() if "sets" in source}
    fewer = dict(sorted(some.items(), reverse=True)[::2]) | {
        path: source for path, source in sources.items() if "sets" in source
    }
    first = compile_modules(python, tmp_path / "A.AppDir", some)
    second = compile_modules(python, tmp_path / "elsewhere/B.AppDir", some, processes=1)
    third = compile_modules(python, tmp_path / "A.AppDir", fewer)
    assert len(first.files) > 15
    assert first == second
    assert third.files == {path: first.files[path] for path in fewer if path in first.files}


def test_levels_differ(tmp_path: Path) -> None:
    python, sources = appdir_with(tmp_path / "A.AppDir", VERSION, {"where.py": MODULES["where.py"]})
    own = {path: source for path, source in sources.items() if "site-packages" in source}
    texts = [
        next(iter(compile_modules(python, tmp_path / "A.AppDir", own, optimization=level).files.values()))
        for level in ("", "1", "2")
    ]
    assert [b"asserted" in text for text in texts] == [True, False, False]
    assert [b"A text." in text for text in texts] == [True, True, False]


def test_a_compiler_that_crashes_or_hangs_takes_no_other_module_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What crashes the compiler differs from version to version, so the worker is told to: the module's own codec does it."""
    modules = {"a.py": "a = 1\n", "b.py": "# coding: crash-it\n", "c.py": "c = 1\n"}
    python, sources = appdir_with(tmp_path / "A.AppDir", VERSION, modules)
    library = tmp_path / "A.AppDir/usr/lib/python{}.{}".format(*VERSION)
    (library / "encodings/__init__.py").write_text((library / "encodings/__init__.py").read_text() + HOSTILE_CODEC)
    own = {path: source for path, source in sources.items() if "site-packages" in source}
    made = compile_modules(python, tmp_path / "A.AppDir", own)
    assert [Path(path).name for path in made.failed] == ["b.py"]
    assert made.failed.popitem()[1] == "the compiler crashed on it"
    assert len(made.files) == 2
    (tmp_path / "A.AppDir" / next(source for source in own.values() if source.endswith("b.py"))).write_text(
        "# coding: hang-it\n"
    )
    monkeypatch.setattr("inspector.slim.making.bytecode._SOURCE_SECONDS", 1)
    made = compile_modules(python, tmp_path / "A.AppDir", own)
    assert [Path(path).name for path in made.failed] == ["b.py"]
    assert made.failed.popitem()[1] == "it takes more than 1 s"
    assert len(made.files) == 2
