"""Search paths of libraries that patchelf edited before: they grow, are stripped, and still load."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from inspector.formats.elf import read_elf
from inspector.formats.elf.strip import strip_elf
from inspector.slim.making.lief_adapter import write_search_path
from inspector.source import FileSource

NUMPY = "unpacked-wheels/numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64"
LOAD = "import ctypes, os, sys; [ctypes.CDLL(path, mode=os.RTLD_NOW) for path in sys.argv[1:]]"


@pytest.mark.corpus
def test_libraries_of_numpy(tmp_path: Path, corpus_artifact: Callable[[str], Path]) -> None:
    pytest.importorskip("lief", reason="LIEF is not installed")
    shutil.copytree(corpus_artifact(NUMPY) / "numpy.libs", tmp_path / "numpy.libs")
    libraries = sorted((tmp_path / "numpy.libs").iterdir())
    assert any("openblas" in path.name for path in libraries)
    for path in libraries:
        with FileSource(path) as source:
            elf = read_elf(source)
            wanted = f"{elf.runpath or elf.rpath or '$ORIGIN'}:$ORIGIN/{'long/' * 60}"
            grown = write_search_path(source, elf, "rpath" if elf.rpath is not None else "runpath", wanted)
            assert grown is not None, path.name
            outcome = strip_elf(grown, read_elf(grown))
            assert outcome.left in {None, "smallest"}, outcome.reason
            assert outcome.content is not None or "openblas" not in path.name
            new = grown if outcome.content is None else outcome.content
            content = new.read_at(0, new.size)
        path.unlink()
        path.write_bytes(content)
        with FileSource(path) as source:
            afresh = read_elf(source)
            assert wanted in (afresh.rpath, afresh.runpath)
    done = subprocess.run([sys.executable, "-c", LOAD, *libraries], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
