"""The name table of fonts: real ones of this system, and bytes that are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.errors import FormatError
from inspector.formats.opentype_names import FAMILY, VERSION, read_font_names
from inspector.source import BytesSource, FileSource
from tests.unit.test_component_licenses import font


def test_names_of_a_font() -> None:
    names = read_font_names(BytesSource(font({1: "Nice Sans", 5: "Version 2.37", 13: "Free"})))
    assert (names[FAMILY], names[VERSION], names[13]) == ("Nice Sans", "Version 2.37", "Free")


def test_fonts_of_this_system_agree_with_fontconfig() -> None:
    import shutil
    import subprocess

    if shutil.which("fc-scan") is None:
        pytest.skip("fc-scan (fontconfig) is not installed")
    fonts = [path for folder in ("/usr/share/fonts", "/usr/local/share/fonts") for path in Path(folder).rglob("*.ttf")][
        :20
    ]
    if not fonts:
        pytest.skip("this system has no TrueType fonts")
    for path in fonts:
        told = subprocess.run(
            ["fc-scan", "--format", "%{family}", str(path)], capture_output=True, text=True, check=True
        ).stdout
        with FileSource(path) as source:
            assert read_font_names(source)[FAMILY] in told.split(",")


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\0\1\0\0\0\1\0\0\0\0\0\0name", b"ttcf\0\1\0\0\0\0\0\1\0\0\0\x0c", b"OTTO\xff\xff"]),
)
def test_any_bytes_are_a_font_or_a_format_error(content: bytes, start: bytes) -> None:
    try:
        names = read_font_names(BytesSource(start + content))
    except FormatError:
        return
    assert all(isinstance(text, str) for text in names.values())
