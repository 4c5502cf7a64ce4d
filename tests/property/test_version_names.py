"""Version names and search paths, on anything that an ELF file may say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.facts.binaries.floors import split_version, version_key
from inspector.loader.search_path import directories, expand_tokens, split_path

KNOWN = {
    "GLIBC_2.34": ("GLIBC", "2.34"),
    "GLIBC_2.2.5": ("GLIBC", "2.2.5"),
    "GLIBCXX_3.4.30": ("GLIBCXX", "3.4.30"),
    "CXXABI_1.3.13": ("CXXABI", "1.3.13"),
    "CXXABI_TM_1": ("CXXABI_TM", "1"),
    "GCC_4.0.0": ("GCC", "4.0.0"),
    "OPENSSL_3.0.0": ("OPENSSL", "3.0.0"),
    "OPENSSL_1_1_1d": ("OPENSSL_1_1", "1d"),
    "ZLIB_1.2.3.4": ("ZLIB", "1.2.3.4"),
    "Qt_5.15": ("Qt", "5.15"),
    "GLIBC_PRIVATE": ("GLIBC", None),
    "GLIBC_ABI_DT_RELR": ("GLIBC", None),
    "GLIBC_ABI_DT_X86_64_PLT": ("GLIBC", None),
    "GLIBC_ABI_GNU2_TLS": ("GLIBC", None),
    "Qt_5_PRIVATE_API": ("Qt", None),
    "NOUNDERSCORE": ("NOUNDERSCORE", None),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_names(name: str) -> None:
    assert split_version(name) == KNOWN[name]


@pytest.mark.parametrize(
    ("older", "newer"), [("2.9", "2.34"), ("2.2.5", "2.3"), ("1.0.2", "1.0.2a"), ("3.4.9", "3.4.10"), ("2", "2.0")]
)
def test_order(older: str, newer: str) -> None:
    assert version_key(older) < version_key(newer)


@given(st.text())
def test_any_name_splits(name: str) -> None:
    namespace, number = split_version(name)
    if number is not None:
        assert f"{namespace}_{number}" == name
        version_key(number)


@given(st.text(alphabet="$ORIGINLBPATFM{}/:.a_;"), st.text(alphabet="/ab."))
def test_any_search_path_expands(text: str, origin: str) -> None:
    for directory in directories(text, label="RUNPATH", origin=f"/{origin}", platform="haswell"):
        assert "\0" not in directory.path
    assert ":".join(split_path(text, ":")) == text
    if "$" not in text:
        assert expand_tokens(text, origin="/x", platform="p", lib="l") == text


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$ORIGIN/lib", "/o/lib"),
        ("${ORIGIN}/lib", "/o/lib"),
        ("$ORIGINAL/lib", "$ORIGINAL/lib"),
        ("$ORIGIN_x", "$ORIGIN_x"),
        ("/a/$LIB/b", "/a/lib64/b"),
        ("$HOME/x", "$HOME/x"),
        ("${ORIGIN", "${ORIGIN"),
    ],
)
def test_tokens(text: str, expanded: str) -> None:
    assert expand_tokens(text, origin="/o", platform="p", lib="lib64") == expanded
