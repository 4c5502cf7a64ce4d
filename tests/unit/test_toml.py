"""Our own TOML: the fast reader and the standard library's give the same documents."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from inspector.resources import data_directory
from inspector.toml import parse_toml

ROOT = Path(__file__).resolve().parents[2]


def test_every_data_file_is_the_same_document_to_both() -> None:
    files = sorted(data_directory("rules").rglob("*.toml"))
    assert len(files) > 100
    for path in files:
        content = path.read_bytes()
        # Compared as texts too: 1 == 1.0 == True.
        assert repr(parse_toml(content)) == repr(tomllib.loads(content.decode())), path


def test_line_ends_of_windows_are_line_ends() -> None:
    assert parse_toml(b'a = """x\r\ny"""\r\nb = 1\r\n') == {"a": "x\ny", "b": 1}


@pytest.mark.parametrize("content", [b"a =", b"a = 1\na = 2", b"\xff", b'a = "\0"', b"a = 1e"])
def test_what_is_no_toml_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_toml(content)


def test_the_standard_library_serves_where_the_fast_reader_is_missing() -> None:
    script = "import sys; sys.modules['rtoml'] = None\nfrom inspector.toml import parse_toml\nprint(parse_toml(b'a = 1'), 'tomllib' in sys.modules)\n"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "{'a': 1} True\n"
