"""What patchelf leaves behind: tables that begin in one segment and end in the next, both in memory and in the file."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from inspector.formats.elf import read_elf
from inspector.source import FileSource

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed"),
    pytest.mark.skipif(shutil.which("patchelf") is None, reason="patchelf is not installed"),
    pytest.mark.skipif(shutil.which("readelf") is None, reason="readelf is not installed"),
]


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("kind", ["-no-pie", "-pie", "-shared"])
def test_needs_and_search_path_are_those_of_readelf(kind: str, times: int, tmp_path: Path) -> None:
    functions = "".join(
        f"int a_function_with_a_long_name_{number:05}(void) {{ return {number}; }}\n" for number in range(1500)
    )
    target = tmp_path / "target"
    options = [kind, "-fPIC"] if kind == "-shared" else [kind, "-rdynamic"]
    subprocess.run(
        ["gcc", "-x", "c", "-", "-o", target, *options, "-lm", "-Wl,--no-as-needed", "-Wl,-z,separate-code"],
        input=functions + "int main(void) { return 0; }",
        text=True,
        check=True,
        capture_output=True,
    )
    for number in range(times):
        subprocess.run(["patchelf", "--set-rpath", f"$ORIGIN/../lib/{'x' * (200 + 400 * number)}", target], check=True)
    with FileSource(target) as source:
        elf = read_elf(source)
    text = subprocess.run(["readelf", "-dW", target], capture_output=True, text=True, check=True).stdout
    assert list(elf.needed) == re.findall(r"Shared library: \[(.*?)\]", text)
    assert elf.runpath == re.search(r"Library runpath: \[(.*?)\]", text)[1]  # type: ignore[index]
    assert not elf.defects  # what patchelf wrote over PT_GNU_PROPERTY is none of ours
    names = elf.symbols.exported_names()
    assert {f"a_function_with_a_long_name_{number:05}" for number in range(1500)} <= names
    if kind != "-shared":
        assert subprocess.run([target], check=False).returncode == 0
