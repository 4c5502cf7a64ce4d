from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from inspector.render.terminal_page import Column, Page, list_names, shorten_end, shorten_middle, shorten_paths

PATH = "opt/demo/lib/python3.11/site-packages/PyQt5/Qt5/plugins/platforms/libqxcb.so"


@pytest.mark.parametrize(
    ("width", "short"),
    [
        (80, PATH),
        (60, "opt/demo/…/site-packages/PyQt5/Qt5/plugins/platforms/libqxcb.so"[-60:]),
        (40, "opt/demo/…/Qt5/plugins/platforms/libqxcb.so"[-40:]),
        (12, "…/libqxcb.so"),
        (10, "libq…cb.so"),
        (3, "lib"),
    ],
)
def test_a_path_loses_its_middle_and_keeps_its_name(width: int, short: str) -> None:
    result = shorten_middle(PATH, width)
    assert cell_len(result) <= width
    if width in (80, 12):
        assert result == short
    if 12 <= width < 80:
        assert result.endswith("/libqxcb.so")
        assert "…" in result


@given(st.text(), st.integers(1, 60))
def test_shortened_texts_fit(text: str, width: int) -> None:
    assert cell_len(shorten_middle(text, width)) <= width
    assert cell_len(shorten_end(text, width)) <= width
    if cell_len(text) <= width:
        assert shorten_middle(text, width) == shorten_end(text, width) == text


def test_paths_in_a_message() -> None:
    message = f"{PATH} needs libfoo.so.1 (see /a/b)"
    assert shorten_paths(message, 30) == f"{shorten_middle(PATH, 30)} needs libfoo.so.1 (see /a/b)"


def test_names_are_listed_while_they_fit() -> None:
    names = ("pthread_create", "dlopen", "dlsym")
    assert list_names(names, 3, 80) == "pthread_create, dlopen, dlsym"
    assert list_names(names, 15, 32) == "pthread_create and 14 more"
    assert list_names(names, 15, 36) == "pthread_create, dlopen and 13 more"
    assert list_names(names, 3, 0, least=3) == "pthread_create, dlopen, dlsym"
    assert list_names((), 7, 30) == "7 more"
    assert list_names((), 0, 30) == ""
    long = list_names(("_ZSt24__throw_out_of_range_fmtPKcz",), 9, 30)
    assert cell_len(long) <= 30
    assert long.endswith("and 8 more")


def test_numbers_line_up() -> None:
    page = Page(40, color=False)
    page.table([Column(), Column(align="right")], [("a", "1.0 MiB"), ("long name", "120.5 MiB")])
    assert page.text() == "  a            1.0 MiB\n  long name  120.5 MiB\n"


def test_wide_characters_line_up() -> None:
    page = Page(40, color=False)
    page.table([Column(), Column()], [("库库", "x"), ("abcd", "x")])
    assert page.text() == "  库库  x\n  abcd  x\n"


def test_a_wrapped_cell_goes_on_in_its_column() -> None:
    page = Page(30, color=False)
    page.table([Column(), Column(fit="wrap", minimum=10)], [("name", "one two three four five six")])
    assert page.text() == "  name  one two three four\n        five six\n"


def test_a_paragraph_hangs() -> None:
    page = Page(20, color=False)
    page.line("one two three four five", hanging=2)
    assert page.text() == "  one two three four\n    five\n"


@given(
    st.lists(st.lists(st.text(max_size=60), min_size=1, max_size=4), max_size=6),
    st.integers(60, 120),
    st.lists(st.sampled_from(["keep", "middle", "wrap"]), min_size=4, max_size=4),
)
def test_no_table_is_wider_than_the_page(rows: list[list[str]], width: int, fits: list[str]) -> None:
    page = Page(width, color=False)
    page.table([Column(fit=fit) for fit in fits], rows)  # type: ignore[arg-type]
    for line in page.text().split("\n"):
        assert line.isprintable()
        assert cell_len(line) <= width


@given(st.text(), st.text(), st.integers(60, 120))
def test_no_paragraph_or_heading_is_wider_than_the_page(one: str, other: str, width: int) -> None:
    page = Page(width, color=False)
    page.heading("Title", one)
    page.line((one, "bold"), other, hanging=4)
    for line in page.text().split("\n"):
        assert line.isprintable()
        assert cell_len(line) <= width
