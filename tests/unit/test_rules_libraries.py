"""The catalogue of shared libraries: its rows, how names are matched, and how much of a real system it knows."""

from __future__ import annotations

import csv
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.errors import InstallationError
from inspector.facts.licensing.canonical_expressions import canonical_expression
from inspector.facts.licensing.library_tables import PackagedRows
from inspector.facts.licensing.native_licenses import (
    identify_library,
    library_catalogue_date,
    license_class,
    python_module_license,
)
from inspector.resources import data_directory, load_table
from tests.judged_time import assert_at_most

PATH = data_directory("rules") / "licenses/libraries.csv"
ROWS = list(csv.DictReader(line for line in PATH.read_text(encoding="utf-8").splitlines() if not line.startswith("#")))
CHECKED = ("same", "stanza", "family", "text", "no", "not found in text")


def test_every_row_is_complete_and_its_licence_has_a_class() -> None:
    assert len(ROWS) > 670
    for row in ROWS:
        assert ".so" in row["soname_glob"], row
        assert row["project"], row
        assert license_class(row["spdx"]) != "unknown", row
        assert row["checked"] in CHECKED or row["checked"].startswith("differs: "), row
        assert row["debian_package"] or row["checked"] == "no", row


def test_rows_that_are_read_when_they_are_asked_for_are_those_of_the_file() -> None:
    text = (PATH.parent / "packaged_libraries.csv").read_text(encoding="utf-8")
    head, *rows = csv.reader(line for line in text.splitlines() if not line.startswith("#"))
    packaged = PackagedRows(text.encode())
    assert len(rows) == len(packaged) > 9000
    assert {len(row) for row in rows} == {len(head)}
    assert [packaged[name] for name in packaged] == rows
    assert all(name in packaged for name in packaged)
    assert "libnone.so.99" not in packaged
    assert packaged.get("zzz") is None
    prefix = rows[len(rows) // 2][0].partition(".so")[0]
    assert list(packaged.beginning_with(prefix)) == [row[0] for row in rows if row[0].startswith(prefix)] != []
    assert not list(packaged.beginning_with("zzz"))
    with pytest.raises(InstallationError, match="columns"):
        PackagedRows(b"name,licence\nliba.so.1,MIT\n")
    with pytest.raises(InstallationError, match="columns"):
        PackagedRows(f"{','.join(head)}\nliba.so.1,MIT\n".encode())["liba.so.1"]


def test_the_catalogue_says_honestly_how_much_of_it_was_compared() -> None:
    compared = sum(row["checked"] in ("same", "stanza", "family", "text") for row in ROWS)
    assert compared > 0.8 * len(ROWS)
    for row in ROWS:
        if row["checked"].startswith("differs"):
            assert row["note"], row


def test_the_catalogue_is_dated() -> None:
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", library_catalogue_date())


def test_every_expression_is_valid_spdx() -> None:
    for spdx in {row["spdx"] for row in ROWS}:
        assert canonical_expression(spdx) == spdx


def test_no_pattern_stands_twice_and_none_is_hidden_by_an_earlier_one() -> None:
    patterns = [row["soname_glob"] for row in ROWS]
    assert len(patterns) == len(set(patterns))
    for row in ROWS:
        if not re.search(r"[*?\[]", row["soname_glob"]):
            found = identify_library(row["soname_glob"])
            assert found is not None
            assert (found.project, found.spdx) == (row["project"], row["spdx"]), row["soname_glob"]


@pytest.mark.parametrize(
    ("name", "project", "class_", "matched"),
    [
        ("libreadline.so.8", "GNU Readline", "strong-copyleft", "name"),
        ("libreadline.so.8.2", "GNU Readline", "strong-copyleft", "name"),
        ("libreadline.so.9", "GNU Readline", "strong-copyleft", "stem"),
        ("libgdbm_compat.so.4", "GNU dbm", "strong-copyleft", "name"),
        ("libdb-5.3.so", "Berkeley DB", "strong-copyleft", "name"),
        ("libdb-18.1.so", "Berkeley DB", "network-copyleft", "name"),
        ("libedit.so.2", "libedit", "permissive", "name"),
        ("libstdc++.so.6", "GCC runtime", "permissive", "name"),
        ("libquadmath.so.0", "GCC libquadmath", "weak-copyleft", "name"),
        ("libgmp.so.10", "GMP", "weak-copyleft", "name"),
        ("libQt6Charts.so.6", "Qt Charts", "strong-copyleft", "name"),
        ("libQt6Core.so.6", "Qt 6", "weak-copyleft", "name"),
        ("libgs.so.10", "Ghostscript", "network-copyleft", "name"),
        ("libcudart.so.12", "NVIDIA CUDA runtime", "proprietary", "name"),
        # names that look alike
        ("libssl3.so", "NSS", "weak-copyleft", "name"),
        ("libssl.so.3", "OpenSSL", "permissive", "name"),
        ("libunwind.so.1", "LLVM libunwind", "permissive", "name"),
        ("libunwind.so.8", "nongnu libunwind", "permissive", "name"),
        ("libgnutls-openssl.so.27", "GnuTLS OpenSSL wrapper", "strong-copyleft", "name"),
        ("libgstx264.so", "GStreamer plugin x264", "strong-copyleft", "name"),
        # as wheel repair tools rename them; names of real wheels
        ("libgfortran-040039e1-0352e75f.so.5.0.0", "GCC runtime", "permissive", "name"),
        ("libquadmath-96973f99-934c22de.so.0.0.0", "GCC libquadmath", "weak-copyleft", "name"),
        ("libscipy_openblas64_-32a4b2a6.so", "OpenBLAS", "permissive", "name"),
        ("libopenblas64_p-r0-742d56dc.3.20.so", "OpenBLAS", "permissive", "name"),
        ("libopenjp2-e530e1bf.so.2.5.4", "OpenJPEG", "permissive", "name"),
        ("libcrypto-7ea2c5d3.so.1.1.1k", "OpenSSL", "permissive", "name"),
        ("libx264-f0a1b2c3.so.165", "x264", "strong-copyleft", "name"),
    ],
)
def test_a_library_is_recognised(name: str, project: str, class_: str, matched: str) -> None:
    found = identify_library(name)
    assert found is not None
    assert (found.project, found.license_class, found.matched) == (project, class_, matched)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "libreadline",
        "libqpdf.so",
        "libassimp.so",
        "readline.cpython-311-x86_64-linux-gnu.so",
        "libmyapp.so.1",
        "LIBZ.SO.1",
        "libz.so.1" * 100,
    ],
)
def test_other_names_are_not(name: str) -> None:
    assert identify_library(name) is None


@given(st.text(alphabet="libz.so-0123456789abcdef[]*?\n", max_size=40))
def test_any_name_is_answered(name: str) -> None:
    found = identify_library(name)
    assert found is None or found.project


def test_five_hundred_names_take_a_moment() -> None:
    names = [f"libnothing{number}-{number:08x}.so.{number}.{number}.3" for number in range(500)]
    identify_library("libwarm.so.1")
    start = time.perf_counter()
    assert all(identify_library(name) is None for name in names)
    assert_at_most(0.2, time.perf_counter() - start)  # measured: 0.01 s; a loop over all patterns took 0.3 s


@pytest.mark.peer
def test_the_libraries_of_this_system_are_known() -> None:
    directory = Path("/usr/lib/x86_64-linux-gnu")
    names = sorted(path.name for path in directory.glob("lib*.so.*")) if directory.is_dir() else []
    if len(names) < 50:
        pytest.skip("no multiarch directory with libraries")
    unknown = [name for name in names if identify_library(name) is None]
    assert len(unknown) <= 0.1 * len(names), unknown


def test_python_modules_name_libraries_of_the_catalogue() -> None:
    for name, row in load_table("licenses/python_modules.toml")["modules"].items():
        for soname in row["libraries"]:
            found = identify_library(soname)
            assert found is not None, soname
            if name in ("readline", "_gdbm"):
                assert found.license_class == "strong-copyleft", soname
        for soname in row["alternatives"]:
            found = identify_library(soname)
            assert found is not None, soname
            assert found.license_class in ("permissive", "public-domain"), soname


def test_a_python_module_is_known_by_its_file_name() -> None:
    found = python_module_license("readline.cpython-311-x86_64-linux-gnu.so")
    assert found is not None
    assert "libreadline.so.8" in found.libraries
    assert python_module_license("_gdbm.abi3.so") is not None
    assert python_module_license("readline.py") is None
    assert python_module_license("numpy.cpython-311-x86_64-linux-gnu.so") is None
