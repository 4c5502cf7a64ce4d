"""What drags a floor up: the table compared with the C and C++ libraries of this machine, and the sentences made from it."""

from __future__ import annotations

import datetime as dt
import platform
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from inspector.facts.binaries.floor_causes import (
    floor_reasons,
    gcc_release,
    glibc_release_date,
    marker_meaning,
    remedy_for,
)
from inspector.resources import load_table

TABLE = load_table("floors/causes.toml")
LIBRARIES = {
    "GLIBC": (
        "libc.so.6",
        "libm.so.6",
        "ld-linux-x86-64.so.2",
        "libresolv.so.2",
        "librt.so.1",
        "libpthread.so.0",
        "libutil.so.1",
        "libanl.so.1",
    ),
    "GLIBCXX": ("libstdc++.so.6",),
    "CXXABI": ("libstdc++.so.6",),
    "GCC": ("libgcc_s.so.1",),
}
DIRECTORIES = (Path("/lib64"), Path("/lib/x86_64-linux-gnu"), Path("/usr/lib/x86_64-linux-gnu"), Path("/usr/lib64"))


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def defined_versions(namespace: str) -> dict[str, set[str]]:
    """version -> names that this machine's libraries define with it."""
    elffile = pytest.importorskip("elftools.elf.elffile")
    found: dict[str, set[str]] = {}
    for soname in LIBRARIES[namespace]:
        path = next((directory / soname for directory in DIRECTORIES if (directory / soname).exists()), None)
        if path is None:
            continue
        with path.open("rb") as stream:
            elf = elffile.ELFFile(stream)
            verdef = elf.get_section_by_name(".gnu.version_d")
            versym = elf.get_section_by_name(".gnu.version")
            names = {
                version.entry["vd_ndx"]: next(iter(auxiliary)).name
                for version, auxiliary in (verdef.iter_versions() if verdef else ())
            }
            for index, symbol in enumerate(elf.get_section_by_name(".dynsym").iter_symbols()):
                version_index = versym.get_symbol(index)["ndx"]
                if symbol["st_shndx"] != "SHN_UNDEF" and isinstance(version_index, int):
                    name = names.get(version_index & 0x7FFF, "")
                    if name.startswith(namespace + "_"):
                        found.setdefault(name.removeprefix(namespace + "_"), set()).add(symbol.name)
    return found


@pytest.mark.peer
@pytest.mark.parametrize("namespace", list(LIBRARIES))
def test_every_symbol_of_the_table_has_its_version_in_this_machines_libraries(namespace: str) -> None:
    if platform.machine() != "x86_64" or platform.libc_ver()[0] != "glibc":
        pytest.skip("the table's versions are those of glibc on x86_64")
    defined = defined_versions(namespace)
    if not defined:
        pytest.skip(f"no library with {namespace} versions is installed")
    newest = max(numbers(version) for version in defined if version[0].isdigit() and version.replace(".", "").isdigit())
    checked = 0
    for row in TABLE["cause"]:
        if row["namespace"] != namespace or not row["version"][0].isdigit() or numbers(row["version"]) > newest:
            continue
        names = defined.get(row["version"], set())
        missing = [pattern for pattern in row["symbols"] if not any(fnmatchcase(name, pattern) for name in names)]
        assert not missing, (row["version"], missing)
        checked += 1
    assert checked


def test_each_cause_has_a_reason_that_is_a_clause() -> None:
    for row in TABLE["cause"]:
        assert row["symbols"], row
        assert row["why"], row
        for text in (row["why"], row.get("remedy", "x")):
            assert not text.endswith("."), row
            assert text[0] != " ", row


def test_release_dates_rise_with_the_versions() -> None:
    releases = TABLE["glibc_releases"]
    assert all(isinstance(date, dt.date) for date in releases.values())
    assert list(releases) == sorted(releases, key=numbers)
    assert list(releases.values()) == sorted(releases.values())


@pytest.mark.parametrize("namespace", ["GLIBCXX", "CXXABI"])
def test_gcc_releases_rise_with_the_versions(namespace: str) -> None:
    releases = TABLE["gcc_releases"][namespace]
    assert list(releases) == sorted(releases, key=numbers)
    assert [numbers(gcc) for gcc in releases.values()] == sorted(numbers(gcc) for gcc in releases.values())


def test_a_remedy_names_symbols_reason_and_step() -> None:
    text = remedy_for("GLIBC", "2.38", ["__isoc23_strtol", "__isoc23_sscanf"])
    assert text is not None
    assert text.startswith("GLIBC_2.38 came with glibc 2.38 of 2023-07-31. __isoc23_strtol, __isoc23_sscanf: ")
    assert "-std=gnu17" in text
    assert text.endswith(".")


def test_a_symbol_that_is_not_explained_gets_the_general_remedy_too() -> None:
    text = remedy_for("GLIBC", "2.38", ["__isoc23_strtol", "some_unknown_function"])
    assert text is not None
    assert "-std=gnu17" in text
    assert "zig cc" in text


def test_reasons_with_most_symbols_come_first() -> None:
    reasons = floor_reasons("GLIBC", "2.34", ["__libc_start_main", "pthread_create", "dlopen", "not_there"])
    assert [reason.symbols for reason in reasons] == [("pthread_create", "dlopen"), ("__libc_start_main",)]


def test_an_unknown_namespace_has_no_remedy_and_a_known_one_has_without_symbols() -> None:
    assert remedy_for("KRB5", "1.0", ["krb5_init"]) is None
    assert remedy_for("GLIBC", "2.99", []) is not None
    assert remedy_for("", "", []) is None


@pytest.mark.parametrize(
    "name",
    [
        "GLIBC_PRIVATE",
        "GLIBC_ABI_DT_RELR",
        "GLIBC_ABI_DT_X86_64_PLT",
        "GLIBC_ABI_GNU2_TLS",
        "CXXABI_FLOAT128",
        "CXXABI_TM_1",
    ],
)
def test_markers_are_explained(name: str) -> None:
    assert marker_meaning(name)
    assert marker_meaning("GLIBC_2.34") is None


def test_the_compiler_of_a_libstdcxx_version() -> None:
    assert gcc_release("GLIBCXX", "3.4.30") == "12.1"
    assert gcc_release("GLIBCXX", "3.4.12") == "4.4.2"  # between 3.4.11 and 3.4.13: the next release that is known
    assert gcc_release("GLIBCXX", "3.4.99") is None
    assert gcc_release("GLIBCXX", "nonsense") is None
    assert gcc_release("GLIBC", "2.34") is None
    assert glibc_release_date("2.34") == "2021-08-01"
    assert glibc_release_date("2.34.1") is None
