"""Statements G18 to G24 and G26 to G28: order, versions and symbols, the model beside the machine's own ld.so."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from inspector.loader.host_profile import HostProfile, ProvidedLibrary
from tests.loader.loader_cases import (
    LOADER,
    Case,
    agree,
    agree_on_opening,
    ask,
    edit,
    needs_gcc,
    runpath,
    this_machine,
)

pytestmark = [pytest.mark.peer, needs_gcc]

HERE = runpath("$ORIGIN/../lib")
BOTH = "int one(void) { return 1; } int two(void) { return 2; }"
USER = "int one(void); int two(void); int three(void) { return one() + two(); }"


def test_g18_needs_are_met_breadth_first(case: Case) -> None:
    case.library("lib/libdeep.so.1")
    case.library("lib/liba.so.1", *runpath("$ORIGIN"), links=("lib/libdeep.so.1",))
    case.library("lib/libb.so.1")
    case.program("bin/app", *HERE, links=("lib/liba.so.1", "lib/libb.so.1"))
    answer = agree(case)
    listed = [name for name in ask(case, "bin/app").resolved if name.startswith(("liba", "libb", "libdeep"))]
    modelled = [Path(loaded.path).name for loaded in answer.graph.objects]
    assert listed == ["liba.so.1", "libb.so.1", "libdeep.so.1"]
    assert [name for name in modelled if name in listed] == listed


def test_g18_the_first_missing_library_is_told_and_all_are_known(case: Case) -> None:
    for name in ("liba.so.1", "libb.so.1"):
        case.library(f"lib/{name}")
    case.program("bin/app", links=("lib/liba.so.1", "lib/libb.so.1"))
    answer = agree(case)
    assert [missing.name for missing in answer.missing_libraries] == ["liba.so.1", "libb.so.1"]
    assert "liba.so.1: cannot open shared object file" in (answer.message or "")


def _provider_and_user(case: Case) -> None:
    case.versioned("lib/libv.so.1", "V_1 { one; }; V_2 { two; } V_1;", BOTH)
    case.library("lib/libuser.so.1", *runpath("$ORIGIN/../lib"), source=USER, links=("lib/libv.so.1",))
    case.program("bin/app", *HERE, links=("lib/libuser.so.1",))


def test_g19_versions_that_are_there(case: Case) -> None:
    _provider_and_user(case)
    assert agree(case).loads


def test_g19_a_missing_version_is_fatal(case: Case) -> None:
    _provider_and_user(case)
    case.versioned("lib/libv.so.1", "V_1 { one; two; };", BOTH)
    answer = agree(case)
    provider = f"{case.directory}/bin/../lib/../lib/libv.so.1"
    assert [(row.library, row.version, row.provider) for row in answer.missing_versions] == [
        ("libv.so.1", "V_2", provider)
    ]
    assert (agree_on_opening(case, "lib/libuser.so.1").message or "").startswith(
        f"{case.directory}/lib/../lib/libv.so.1: version `V_2'"
    )


def test_g19_the_provider_is_found_by_the_name_of_the_need(case: Case) -> None:
    # another library defines V_2; what counts is what was loaded as libv.so.1
    _provider_and_user(case)
    case.versioned("lib/libother.so.1", "V_2 { two; };", "int two(void) { return 2; }")
    case.versioned("lib/libv.so.1", "V_1 { one; };", "int one(void) { return 1; }")
    case.program("bin/app", *HERE, links=("lib/libother.so.1", "lib/libuser.so.1"))
    assert [version.version for version in agree(case).missing_versions] == ["V_2"]


def test_g19_a_verneed_whose_library_is_not_loaded_is_an_assertion(case: Case) -> None:
    _provider_and_user(case)
    case.program("bin/app", *HERE, links=("lib/libuser.so.1",))
    # DT_NEEDED is renamed and verneed is not, as "patchelf --remove-needed" leaves it
    user = case.directory / "lib/libuser.so.1"
    case.library("lib/libw.so.1", source=BOTH)
    content = user.read_bytes()
    tag = next(
        at
        for at in range(0, len(content) - 16, 8)
        if content[at : at + 16] == struct.pack("<QQ", 1, _string_offset(content, b"libv.so.1"))
    )
    edit(user, lambda changed: changed.__setitem__(slice(tag, tag + 8), struct.pack("<Q", 0x6FFFFEF0)))
    real = ask(case, "bin/app")
    answer = case.answer("bin/app")
    assert "Assertion `needed != NULL' failed" in (real.message or "")
    assert "Assertion `needed != NULL' failed" in (answer.message or "")


def _string_offset(content: bytes, text: bytes) -> int:
    """Where a name stands in .dynstr: relative to the string table, which begins with a zero byte behind the hash tables."""
    at = content.find(b"\0" + text + b"\0") + 1
    address = next(
        struct.unpack_from("<Q", content, offset + 8)[0]
        for offset in range(0, len(content) - 16, 8)
        if struct.unpack_from("<Q", content, offset)[0] == 5
        and 0 < struct.unpack_from("<Q", content, offset + 8)[0] <= at
    )  # DT_STRTAB; the first segment is mapped where it lies
    return at - address


def test_g20_a_provider_without_versions_is_accepted_where_it_has_a_versym(case: Case) -> None:
    _provider_and_user(case)
    case.versioned("lib/libbase.so.1", "Z_1 { z; };", "int z(void) { return 0; }")
    case.library(
        "lib/libv.so.1",
        *runpath("$ORIGIN"),
        source=f"{BOTH} int z(void); int y(void) {{ return z(); }}",
        links=("lib/libbase.so.1",),
    )
    assert agree(case).loads


def test_g20_a_provider_without_any_versym_is_an_assertion_up_to_2_40(case: Case) -> None:
    _provider_and_user(case)
    case.library("lib/libv.so.1", "-nostdlib", source=BOTH)
    assert "check_match: Assertion" in (ask(case, "bin/app").message or "")
    assert "check_match: Assertion" in (case.answer("bin/app").message or "")
    assert case.answer("bin/app", profile=replace(this_machine(), libc_version="2.41")).loads  # measured on Debian 13


def test_g20_a_weakly_needed_version_may_be_missing(case: Case) -> None:
    _provider_and_user(case)

    def weaken(content: bytearray) -> None:
        for name in (b"V_1", b"V_2"):
            at = content.find(struct.pack("<IH", _elf_hash(name), 0))
            content[at + 4 : at + 6] = struct.pack("<H", 2)  # VER_FLG_WEAK

    edit(case.directory / "lib/libuser.so.1", weaken)
    case.versioned("lib/libv.so.1", "V_1 { one; }; V_3 { two; };", BOTH)
    answer = agree(case)
    assert answer.missing_versions == ()
    assert [(symbol.name, symbol.version) for symbol in answer.undefined_symbols or ()] == [("two", "V_2")]


def _elf_hash(name: bytes) -> int:
    value = 0
    for byte in name:
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high
    return value & 0xFFFFFFFF


def _relative(path: str, case: Case, source_tail: str = "") -> Path:
    source = "static int value; int *table[64] = {" + ", ".join("&value" for _ in range(64)) + "};" + source_tail
    return case.library(path, "-Wl,-z,pack-relative-relocs", source=source, links=("-lc",))


def test_g21_relative_relocations_want_their_marker(case: Case) -> None:
    uses_libc = "int getpid(void); int process(void) { return getpid(); }"
    path = _relative("lib/librelr.so.1", case, uses_libc)
    assert agree_on_opening(case, "lib/librelr.so.1").loads
    assert [
        version.version
        for version in case.answer("lib/librelr.so.1", "bin/driver", profile=_older(this_machine())).missing_versions
    ] == ["GLIBC_ABI_DT_RELR"]

    def unmark(content: bytearray) -> None:
        old, new = b"GLIBC_ABI_DT_RELR", b"GLIBC_2.2.5"
        at = content.find(old + b"\0")
        content[at : at + len(old)] = new + b"\0" * (len(old) - len(new))
        at = content.find(struct.pack("<I", _elf_hash(old)))
        content[at : at + 4] = struct.pack("<I", _elf_hash(new))

    edit(path, unmark)
    assert "DT_RELR without GLIBC_ABI_DT_RELR dependency" in (agree_on_opening(case, "lib/librelr.so.1").message or "")
    assert "does not know DT_RELR" in (
        case.answer("lib/librelr.so.1", "bin/driver", profile=_older(this_machine())).message or ""
    )


def _older(profile: HostProfile) -> HostProfile:
    """This machine with a libc of 2.35, which neither knows DT_RELR nor has the marker."""
    libc = profile.libraries["libc.so.6"]
    assert libc.object is not None
    definitions = frozenset(libc.object.definitions or ()) - {"GLIBC_ABI_DT_RELR", "GLIBC_2.36"}
    changed = replace(libc, versions=definitions, object=replace(libc.object, definitions=definitions))
    libraries: dict[str, ProvidedLibrary] = {**profile.libraries, "libc.so.6": changed}
    return replace(profile, libc_version="2.35", libraries=libraries)


def test_g22_markers_are_members_of_a_set(case: Case) -> None:
    # GLIBC_ABI_DT_X86_64_PLT is asked for by objects of newer binutils; here a provider of our own has a marker and no number
    case.versioned("lib/libv.so.1", "V_9.9 { one; }; V_ABI_MARK { two; };", BOTH)
    case.library("lib/libuser.so.1", *runpath("$ORIGIN"), source=USER, links=("lib/libv.so.1",))
    case.program("bin/app", *HERE, links=("lib/libuser.so.1",))
    assert agree(case).loads
    case.versioned("lib/libv.so.1", "V_9.9 { one; }; V_10.0 { two; };", BOTH)
    assert [version.version for version in agree(case).missing_versions] == ["V_ABI_MARK"]


def test_g23_private_symbols_are_those_of_one_build(case: Case) -> None:
    source = 'int gone(void) __attribute__((visibility("default"))); int f(void) { return gone(); } asm(".symver gone, __libc_gone@GLIBC_PRIVATE");'
    case.versioned(
        "lib/libv.so.1",
        "GLIBC_PRIVATE { __libc_gone; };",
        "int __libc_gone(void) { return 0; }",
        soname_of("libc.so.6"),
    )
    case.library("lib/liba.so.1", source=source, links=("lib/libv.so.1",))
    answer = agree_on_opening(case, "lib/liba.so.1")
    assert answer.missing_versions == ()  # every glibc defines the version
    assert [(symbol.name, symbol.version) for symbol in answer.undefined_symbols or ()] == [
        ("__libc_gone", "GLIBC_PRIVATE")
    ]


def soname_of(name: str) -> str:
    """Link option."""
    return f"-Wl,-soname,{name}"


def test_g24_undefined_functions_and_data(case: Case) -> None:
    case.library("lib/libfunction.so.1", source="int nowhere(void); int here(void) { return nowhere(); }")
    case.library("lib/libdata.so.1", source="extern int nowhere_data; int here(void) { return nowhere_data; }")
    for name in ("function", "data"):
        case.program(f"bin/{name}", *HERE, links=(f"lib/lib{name}.so.1",))
        assert "undefined symbol: nowhere" in (agree(case, f"bin/{name}").message or "")
        agree_on_opening(case, f"lib/lib{name}.so.1")
    lazy = subprocess.run([case.directory / "bin/function"], check=False)
    assert lazy.returncode == 0  # a function that nobody calls is not missed without LD_BIND_NOW


def test_g24_weak_references_may_be_undefined(case: Case) -> None:
    case.library(
        "lib/liba.so.1",
        source="int nowhere(void) __attribute__((weak)); int here(void) { return nowhere ? nowhere() : 0; }",
    )
    assert agree_on_opening(case, "lib/liba.so.1").loads


def test_g24_the_program_provides_what_it_exports(case: Case) -> None:
    case.library("lib/liba.so.1", source="int of_program(void); int here(void) { return of_program(); }")
    assert not agree_on_opening(case, "lib/liba.so.1").loads
    assert agree_on_opening(case, "lib/liba.so.1", "-rdynamic", "-Wl,--defsym,of_program=main").loads


def test_g24_hidden_symbols_are_not_found(case: Case) -> None:
    case.library(
        "lib/libhidden.so.1",
        source='int __attribute__((visibility("hidden"))) inner(void) { return 1; } int outer(void) { return inner(); }',
    )
    case.library(
        "lib/liba.so.1",
        *runpath("$ORIGIN"),
        source="int inner(void); int here(void) { return inner(); }",
        links=("lib/libhidden.so.1",),
    )
    assert not agree_on_opening(case, "lib/liba.so.1").loads


@pytest.mark.parametrize(
    "definitions",
    [
        'asm(".symver new, one@@V_1");',  # first version, default
        'asm(".symver new, one@V_1");',  # first version, hidden: index 2 serves all the same
        'asm(".symver new, one@@V_2");',  # second version, default
        'asm(".symver new, one@V_2");',  # second version, hidden: it does not serve
    ],
)
def test_g24_references_without_a_version(case: Case, definitions: str) -> None:
    source = f"int new(void) {{ return 1; }} int other(void) {{ return 2; }} {definitions}"
    case.library(
        "lib/libuser.so.1",
        *runpath("$ORIGIN"),
        source="int one(void); int here(void) { return one(); }",
        links=("lib/libv.so.1",) if False else (),
    )
    case.versioned("lib/libv.so.1", "V_1 { other; }; V_2 { } V_1;", source)
    case.program("bin/app", *HERE, links=("lib/libuser.so.1", "lib/libv.so.1"))
    agree(case)


def test_g24_references_with_a_version(case: Case) -> None:
    _provider_and_user(case)
    case.versioned("lib/libv.so.1", "V_1 { one; two; }; V_2 { } V_1;", BOTH)
    answer = agree(case)
    assert [(symbol.name, symbol.version) for symbol in answer.undefined_symbols or ()] == [("two", "V_2")]
    assert (answer.message or "").endswith("undefined symbol: two, version V_2")


def test_g24_up_to_2_29_the_file_that_verneed_names_must_have_it(case: Case) -> None:
    # BZ #24741, commit f0b2132b35; the model alone, Debian 10 is not at hand
    _provider_and_user(case)
    case.versioned("lib/libv.so.1", "V_1 { one; }; V_2 { } V_1;", "int one(void) { return 1; }")
    case.versioned("lib/libmoved.so.1", "V_2 { two; };", "int two(void) { return 2; }")
    case.program("bin/app", *HERE, links=("lib/libv.so.1", "lib/libuser.so.1", "lib/libmoved.so.1"))
    assert agree(case).loads
    answer = case.answer("bin/app", profile=replace(this_machine(), libc_version="2.28"))
    wanted = "symbol two version V_2 not defined in file libv.so.1 with link time reference"
    assert (answer.message or "").endswith(wanted)


def test_g24_the_scope_of_what_is_opened_is_its_own_and_the_programs(case: Case) -> None:
    case.library("lib/libgives.so.1", source="int given(void) { return 1; }")
    case.library("lib/liba.so.1", source="int given(void); int here(void) { return given(); }")
    case.library("lib/libboth.so.1", *runpath("$ORIGIN"), links=("lib/liba.so.1", "lib/libgives.so.1"))
    assert not agree_on_opening(case, "lib/liba.so.1").loads
    assert agree_on_opening(case, "lib/libboth.so.1").loads


@pytest.mark.parametrize("style", ["gnu", "sysv", "both"])
def test_g26_either_hash_table_will_do(case: Case, style: str) -> None:
    case.versioned("lib/libv.so.1", "V_1 { one; }; V_2 { two; } V_1;", BOTH, f"-Wl,--hash-style={style}")
    case.library(
        "lib/libuser.so.1", *runpath("$ORIGIN"), f"-Wl,--hash-style={style}", source=USER, links=("lib/libv.so.1",)
    )
    case.program("bin/app", *HERE, links=("lib/libuser.so.1",))
    assert agree(case).loads


def test_g27_verify_looks_at_no_need(case: Case) -> None:
    case.library("lib/liba.so.1")
    case.program("bin/app", links=("lib/liba.so.1",))
    verified = subprocess.run([LOADER, "--verify", case.directory / "bin/app"], check=False)
    assert verified.returncode == 0
    assert not agree(case).loads


def test_g28_a_child_of_the_bundle_inherits_its_search_path(case: Case) -> None:
    # a program of the system, started with what the launcher exports, gets the bundle's library
    case.library("lib/libz.so.1", source="int of_the_bundle;")
    case.program("system/tool", links=("-l:libz.so.1",)) if _has_libz() else pytest.skip(
        "libz.so.1 is not installed for linking"
    )
    exported = {"LD_LIBRARY_PATH": f"{case.directory}/lib"}
    assert agree(case, "system/tool", exported).resolved["libz.so.1"] == f"{case.directory}/lib/libz.so.1"


def _has_libz() -> bool:
    run = subprocess.run(["gcc", "-print-file-name=libz.so.1"], capture_output=True, text=True, check=False)
    return run.stdout.startswith("/")
