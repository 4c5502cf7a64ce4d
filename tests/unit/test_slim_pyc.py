"""formats/pyc.py against importlib of the interpreters of this machine: what each of them takes, and by which number."""

from __future__ import annotations

import itertools
import json
import os
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.errors import FormatError
from inspector.formats import pyc
from tests.python_interpreters import interpreters

CASES = {
    # name: what is done to a valid file's header; (is it taken)
    "as it is": (lambda head, size: head),
    "another time": (lambda head, size: head[: size - 8] + struct.pack("<I", 77) + head[size - 4 :]),
    "another size": (lambda head, size: head[: size - 4] + struct.pack("<I", 77)),
    "another magic": (lambda head, size: struct.pack("<H", int.from_bytes(head[:2], "little") - 1) + head[2:]),
    "unchecked hash": (lambda head, size: head[:4] + struct.pack("<I", 1) + b"anything"),
    "checked hash, wrong": (lambda head, size: head[:4] + struct.pack("<I", 3) + b"anything"),
    "checked hash": None,
    "undefined flags": (lambda head, size: head[:4] + struct.pack("<I", 4) + head[8:]),
    "cut short": (lambda head, size: head[: size - 1]),
}
SOURCE = b"value = 'source'\n"
TIME = 1_600_000_000

COMPILE = "import marshal, sys; sys.stdout.buffer.write(marshal.dumps(compile('value = \"bytecode\"', 'x.py', 'exec')))"
ASK = "import importlib, json, sys; print(json.dumps({n: importlib.import_module(n).value for n in sys.argv[1:]}))"
NUMBER = "import _imp, importlib.util as u, sys; print(int.from_bytes(u.MAGIC_NUMBER[:2], 'little'))"


@pytest.mark.parametrize("version", interpreters(), ids=lambda version: "{}.{}".format(*version))
def test_importlib_takes_what_we_say_it_takes(version: tuple[int, int], tmp_path: Path) -> None:
    """Bytecode says another value than its source, so that the imported value tells which of the two was run."""
    python = interpreters()[version]
    run = lambda *words: subprocess.run([python, *words], stdout=subprocess.PIPE, check=True, cwd=tmp_path).stdout  # noqa: E731
    number = int(run("-I", "-c", NUMBER))
    code = run("-I", "-c", COMPILE)
    size = 16 if version >= (3, 7) else 12
    flags = b"\0\0\0\0" if size == 16 else b""
    valid = struct.pack("<H", number) + b"\r\n" + flags + struct.pack("<II", TIME, len(SOURCE))
    expected: dict[str, bool] = {}
    for index, (name, change) in enumerate(CASES.items()):
        if "hash" in name and size < 16:
            continue
        hashed = valid[:4] + struct.pack("<I", 3) + pyc.source_hash(number, SOURCE)
        head = change(valid, size) if change is not None else hashed
        module = f"case{index}"
        source = tmp_path / f"{module}.py"
        source.write_bytes(SOURCE)
        os.utime(source, (TIME, TIME))
        cached = tmp_path / pyc.cached_path(source.name, f"cpython-{version[0]}{version[1]}")
        cached.parent.mkdir(exist_ok=True)
        cached.write_bytes(head + code if name != "cut short" else head)
        try:
            header = pyc.read_header((head + code)[:16] if name != "cut short" else head)
        except FormatError:
            expected[module] = False
            continue
        assert header.python == version or name == "another magic"
        answer = pyc.is_valid_for(header, source_mtime=TIME, source_size=len(SOURCE), magic=number, source=SOURCE)
        assert answer is not None
        expected[module] = answer
        if name != "another magic":
            released = pyc.is_valid_for(header, source_mtime=TIME, source_size=len(SOURCE), source=SOURCE)
            assert released is (answer if header.released is not None or not answer else None)
    said = json.loads(
        run("-B", "-c", ASK, *(f"case{index}" for index in range(len(CASES)) if f"case{index}" in expected))
    )
    assert {module: value == "bytecode" for module, value in said.items()} == expected
    assert True in expected.values()
    assert False in expected.values()


@pytest.mark.parametrize("version", interpreters(), ids=lambda version: "{}.{}".format(*version))
def test_number_and_source_hash_are_the_interpreters_own(version: tuple[int, int]) -> None:
    ask = (
        "import _imp, importlib.util as u; n = int.from_bytes(u.MAGIC_NUMBER, 'little');"
        "print(n & 0xffff, *(_imp.source_hash(n, bytes(range(256)) * 2 + b'x' * k).hex() if hasattr(_imp, 'source_hash') else '-'"
        " for k in range(9)))"
    )
    done = subprocess.run([interpreters()[version], "-I", "-c", ask], stdout=subprocess.PIPE, text=True, check=True)
    number, *hashes = done.stdout.split()
    if pyc.released_magics(version):
        assert int(number) == pyc.released_magics(version)[-1]
    for length, expected in enumerate(hashes):
        if expected != "-":
            assert pyc.source_hash(int(number), bytes(range(256)) * 2 + b"x" * length).hex() == expected


def test_every_number_belongs_to_one_version() -> None:
    rows = sorted((row.first, row.last) for row in pyc._magic_table())
    assert all(last < first for (_, last), (first, _) in itertools.pairwise(rows))


def test_what_is_not_known_is_said() -> None:
    header = pyc.read_header(struct.pack("<H", 3495) + b"\r\n" + struct.pack("<III", 0, TIME, 5))
    assert pyc.is_valid_for(header, source_mtime=None, source_size=5) is None
    assert pyc.is_valid_for(header, source_mtime=None, source_size=6) is False
    hashed = pyc.read_header(struct.pack("<H", 3495) + b"\r\n" + struct.pack("<I", 3) + b"12345678")
    assert pyc.is_valid_for(hashed, source_mtime=TIME, source_size=5) is None
    unknown = pyc.read_header(struct.pack("<H", 9000) + b"\r\n" + struct.pack("<I", 1) + b"12345678")
    assert unknown.python is None
    assert pyc.is_valid_for(unknown, source_mtime=TIME, source_size=5) is None
    assert pyc.is_valid_for(unknown, source_mtime=TIME, source_size=5, magic=9000) is True


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/__pycache__/b.cpython-311.pyc", pyc.PycName("a/b.py", "cpython-311")),
        ("__pycache__/b.cpython-311.opt-2.pyc", pyc.PycName("b.py", "cpython-311", "2")),
        ("a/__pycache__/b.c.pypy39.pyc", pyc.PycName("a/b.c.py", "pypy39")),
        ("a/b.pyc", None),
        ("a/__pycache__/b.pyc", None),
    ],
)
def test_names(path: str, name: pyc.PycName | None) -> None:
    assert pyc.split_cached_path(path) == name
    if name is not None:
        assert pyc.cached_path(name.source, name.tag, name.optimization) == path


@given(
    st.binary(max_size=24)
    | st.builds(lambda n, rest: struct.pack("<H", n) + b"\r\n" + rest, st.integers(0, 65535), st.binary(max_size=14))
)
def test_any_bytes_are_a_header_or_a_format_error(head: bytes) -> None:
    try:
        header = pyc.read_header(head)
    except FormatError:
        return
    assert header.size <= len(head)
    assert pyc.is_valid_for(header, source_mtime=0, source_size=0, source=b"") in {True, False, None}
