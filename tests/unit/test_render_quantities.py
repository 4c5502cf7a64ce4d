from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.quantities import format_amount, format_count, format_share, format_size
from inspector.render.escaping import escape


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (131_072, "131.1 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (187_400_192, "187.4 MB"),
        (5 * 10**9, "5.0 GB"),
        (2**63, "9223372.0 TB"),
        (-2048, "-2.0 kB"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert format_size(count) == text


def test_counts_amounts_and_shares() -> None:
    assert format_count(9214) == "9,214"
    assert format_amount(1, "file") == "1 file"
    assert format_amount(0, "file") == "0 files"
    assert format_amount(2, "library", "libraries") == "2 libraries"
    assert [format_share(part, 1000) for part in (0, 1, 10, 436, 1000)] == ["0 %", "<1 %", "1 %", "44 %", "100 %"]
    assert format_share(1, 0) == ""


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("usr/lib/libç 库.so", "usr/lib/libç 库.so"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\r\tc\x00\x7f", "a\\x0ab\\x0d\\x09c\\x00\\x7f"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202egnp.exe\u2066", "\\u202egnp.exe\\u2066"),
        ("\u2028\u200b\ufeff\u00a0", "\\u2028\\u200b\\ufeff\\xa0"),
        ("\U000e0041", "\\U000e0041"),
        ("\udc80", "\\udc80"),
    ],
)
def test_what_does_not_print_is_written_out(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@given(st.text(alphabet=st.characters()))
def test_escaped_text_is_printable_and_can_be_encoded(text: str) -> None:
    assert escape(text).isprintable()
    escape(text).encode("utf-8")
    assert escape(escape(text)) == escape(text)
