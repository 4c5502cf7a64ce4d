"""The tag that follows from what objects need: the rules of the policies, one by one, and auditwheel's own arithmetic as the oracle."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.facts.binaries.platform_policies import policies, policy_source, restricted_symbols
from inspector.facts.binaries.platform_tag import PlatformNeeds, platform_needs, platform_tag
from inspector.formats.elf import read_elf
from inspector.source import FileSource


def needs(
    *versions: str, path: str = "x.so", library: str = "libc.so.6", libraries: tuple[str, ...] = ("libc.so.6",)
) -> PlatformNeeds:
    return PlatformNeeds(
        path=path,
        arch="x86_64",
        libc="glibc",
        versions=tuple((library, version) for version in versions),
        host_libraries=libraries,
    )


def test_the_highest_version_of_any_object_decides_and_is_named() -> None:
    found = platform_tag(
        [
            needs("GLIBC_2.2.5", "GLIBC_2.14", path="a.so"),
            needs("GLIBC_2.28", path="b.so"),
            needs("GLIBC_2.25", path="c.so"),
        ]
    )
    assert found.allowed == "manylinux_2_28_x86_64"
    assert found.reasons == ("manylinux_2_27_x86_64 does not grant GLIBC_2.28 of libc.so.6 (b.so)",)


def test_the_oldest_tag_needs_no_reasons() -> None:
    assert platform_tag([needs("GLIBC_2.2.5")]).allowed == "manylinux_2_5_x86_64"
    assert platform_tag([needs("GLIBC_2.2.5")]).reasons == ()


@pytest.mark.parametrize(
    ("version", "library", "tag"),
    [
        ("GLIBC_2.5", "libc.so.6", "manylinux_2_5"),
        ("GLIBC_2.34", "libc.so.6", "manylinux_2_34"),
        ("GLIBC_PRIVATE", "libc.so.6", "linux"),
        ("GLIBC_ABI_DT_RELR", "libc.so.6", "manylinux_2_36"),
        ("GLIBC_2.99", "libc.so.6", "linux"),
        ("GLIBCXX_3.4.21", "libstdc++.so.6", "manylinux_2_24"),
        ("CXXABI_FLOAT128", "libstdc++.so.6", "manylinux_2_24"),
        ("GCC_12.0.0", "libgcc_s.so.1", "manylinux_2_35"),
        (
            "OPENSSL_3.0.0",
            "libssl.so.3",
            "manylinux_2_5",
        ),  # a namespace that no policy speaks of; the library itself is judged by its name
        ("", "libc.so.6", "manylinux_2_5"),
    ],
)
def test_versions_of_each_namespace(version: str, library: str, tag: str) -> None:
    assert platform_tag([needs(version, library=library)]).allowed == f"{tag}_x86_64"


def test_a_library_that_no_policy_grants_leaves_only_the_linux_tag() -> None:
    found = platform_tag([needs("GLIBC_2.4", libraries=("libc.so.6", "libssl.so.3"))])
    assert found.allowed == "linux_x86_64"
    assert found.reasons == ("manylinux_2_41_x86_64 does not grant the library libssl.so.3 (x.so)",)


@pytest.mark.parametrize(
    ("library", "tag"),
    [
        ("libexpat.so.1", "manylinux_2_12"),
        ("libmvec.so.1", "manylinux_2_24"),
        ("ld-linux-x86-64.so.2", "manylinux_2_5"),
        ("libz.so.1", "manylinux_2_5"),
    ],
)
def test_libraries_that_only_newer_policies_grant(library: str, tag: str) -> None:
    assert platform_tag([needs(libraries=("libc.so.6", library))]).allowed == f"{tag}_x86_64"


def test_a_restricted_symbol() -> None:
    needy = PlatformNeeds(
        "x.so", "x86_64", "glibc", host_libraries=("libz.so.1",), restricted=(("libz.so.1", "inflate_fast"),)
    )
    found = platform_tag([needy])
    assert found.allowed == "linux_x86_64"
    assert "the symbol inflate_fast of libz.so.1" in found.reasons[0]


def test_processor_level_and_interpreter_builds() -> None:
    found = platform_tag([PlatformNeeds("x.so", "x86_64", "glibc", x86_level=3)])
    assert found == platform_tag([PlatformNeeds("x.so", "x86_64", "glibc", x86_level=3)], arch="x86_64", libc="glibc")
    assert found.allowed == "linux_x86_64"
    assert "x86-64-v3" in found.reasons[0]
    assert platform_tag([PlatformNeeds("x.so", "x86_64", "glibc", python_build=("PyFPE",))]).allowed == "linux_x86_64"


def test_musl_has_its_own_tag_and_grants_its_own_names() -> None:
    for arch, name in (("x86_64", "x86_64"), ("i686", "x86"), ("armv7l", "armv7"), ("aarch64", "aarch64")):
        needy = PlatformNeeds("x.so", arch, "musl", host_libraries=(f"libc.musl-{name}.so.1",))
        assert platform_tag([needy]).allowed == f"musllinux_1_2_{arch}"
    glibc = PlatformNeeds("x.so", "x86_64", "musl", host_libraries=("libc.so.6",))
    assert platform_tag([glibc]).allowed == "linux_x86_64"


def test_objects_for_other_machines_and_libraries_are_left_out_and_named() -> None:
    strangers = [
        PlatformNeeds("arm.so", "aarch64", "glibc", host_libraries=("libnothing.so.1",)),
        PlatformNeeds("musl.so", "x86_64", "musl"),
    ]
    found = platform_tag([needs("GLIBC_2.4"), needs(path="y.so"), *strangers])
    assert found.allowed == "manylinux_2_5_x86_64"
    assert found.reasons == ("left out, not for x86_64 with glibc: arm.so and 1 more",)
    assert platform_tag([needs("GLIBC_2.4"), *strangers], arch="aarch64").allowed == "linux_aarch64"


def test_nothing_to_judge_and_architectures_that_no_policy_knows() -> None:
    assert platform_tag([]).allowed is None
    assert platform_tag([needs()], arch="aarch64").allowed is None
    found = platform_tag([PlatformNeeds("x.so", "mips64", "glibc")])
    assert (found.allowed, found.reasons) == ("linux_mips64", ("no glibc policy knows the architecture mips64",))


def test_a_static_program_is_judged_as_for_glibc_and_it_says_so() -> None:
    found = platform_tag([PlatformNeeds("tool", "x86_64", None)])
    assert found.allowed == "manylinux_2_5_x86_64"
    assert found.reasons == ("no object names a C library",)
    assert platform_tag([PlatformNeeds("tool", "x86_64", None)], libc="musl").allowed == "musllinux_1_2_x86_64"


def test_the_data_are_those_of_the_installed_auditwheel() -> None:
    from importlib.metadata import version

    assert policy_source() == f"auditwheel {version('auditwheel')}"
    tags = [policy.tag for policy in policies("glibc", "x86_64")]
    assert tags[0] == "manylinux_2_5_x86_64"
    assert "manylinux_2_28_x86_64" in tags
    assert policies("glibc", "vax") == ()


def test_reading_the_data_imports_no_module_of_auditwheel() -> None:
    import sys

    code = (
        "import sys; from inspector.facts.binaries.platform_tag import *; platform_tag([PlatformNeeds('x', 'x86_64', 'glibc')]); "
        "sys.exit(any(name.partition('.')[0] == 'auditwheel' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# -- auditwheel's arithmetic as the oracle

_VERSIONS = sorted(
    {version for arch in ("x86_64",) for policy in policies("glibc", arch) for version in policy.versions}
)


@given(st.lists(st.sampled_from([*_VERSIONS, "GLIBC_PRIVATE", "GLIBC_2.99", "QT_5", "ZLIB_1.3"]), max_size=6))
def test_symbol_versions_are_weighed_as_auditwheel_weighs_them(versions: list[str]) -> None:
    policy = pytest.importorskip("auditwheel.policy")
    from auditwheel.architecture import Architecture
    from auditwheel.libc import Libc

    oracle = policy.WheelPolicies(libc=Libc.GLIBC, arch=Architecture.x86_64)
    expected = oracle.versioned_symbols_policy({"libc.so.6": set(versions)}).name
    assert platform_tag([needs(*versions)]).allowed == expected


# -- from ELF files


@pytest.mark.peer
def test_restricted_symbols_of_glibc_all_came_with_the_version_that_is_looked_at() -> None:
    """The shortcut of platform_needs: only symbols of GLIBC_2.18 are compared, not the whole table."""
    checked = 0
    for soname in ("libc.so.6", "libm.so.6", "libpthread.so.0"):
        path = next(
            (found for base in ("/lib/x86_64-linux-gnu", "/lib64") if (found := Path(base, soname)).exists()), None
        )
        if path is None:
            continue
        with FileSource(path) as source:
            exported = read_elf(source).symbols.exported_versions()
        for symbol in restricted_symbols()[soname]:
            versions = {version for name, version in exported if name == symbol}
            assert "GLIBC_2.18" in versions or not versions, (soname, symbol, versions)
            checked += bool(versions)
    if not checked:
        pytest.skip("no glibc of x86_64 on this machine")
    assert set(restricted_symbols()) == {"libc.so.6", "libm.so.6", "libpthread.so.0", "libz.so.1"}


def compiled(tmp_path: Path, source: str, *options: str) -> Path:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    (tmp_path / "x.c").write_text(source)
    built = subprocess.run(
        ["gcc", "-shared", "-fPIC", "-o", "x.so", "x.c", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode:
        pytest.skip(f"gcc cannot build it: {built.stderr.splitlines()[:1]}")
    return tmp_path / "x.so"


def needs_of(path: Path, bundled: tuple[str, ...] = (), name: str = "x.so") -> PlatformNeeds:
    with FileSource(path) as source:
        return platform_needs(name, read_elf(source), bundled)


def test_a_forbidden_symbol_of_glibc_is_found(tmp_path: Path) -> None:
    path = compiled(
        tmp_path,
        "extern int __cxa_thread_atexit_impl(void*,void*,void*);\nint f(void) { return __cxa_thread_atexit_impl(0, 0, 0); }\n",
    )
    found = needs_of(path)
    assert found.restricted == (("libc.so.6", "__cxa_thread_atexit_impl"),)
    assert needs_of(path, ("libc.so.6",)).restricted == ()
    assert needs_of(path, ("libc.so.6",)).versions == ()


def test_a_forbidden_symbol_of_zlib_is_found_and_a_weak_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "libz.c").write_text("int inflate_fast; int inflate;\n")
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-Wl,-soname,libz.so.1", "-o", "libz.so.1", "libz.c"], cwd=tmp_path, check=True
    )
    path = compiled(tmp_path, "extern int inflate_fast; int f(void) { return inflate_fast; }\n", "./libz.so.1")
    assert needs_of(path).restricted == (("libz.so.1", "inflate_fast"),)
    assert platform_tag([needs_of(path)]).allowed == "linux_x86_64"
    assert platform_tag([needs_of(path, ("libz.so.1",))]).allowed != "linux_x86_64"
    weak = compiled(
        tmp_path,
        "extern int inflate_fast __attribute__((weak)); int f(void) { return &inflate_fast ? 1 : 0; }\n",
        "-Wl,--no-as-needed",
        "./libz.so.1",
    )
    assert needs_of(weak).host_libraries[0] == "libz.so.1"
    assert needs_of(weak).restricted == ()


def test_old_python_builds_are_seen_in_extension_modules_only_of_old_pythons(tmp_path: Path) -> None:
    path = compiled(
        tmp_path,
        "extern int PyFPE_jbuf, PyUnicodeUCS2_Decode; int initx(void) { return PyFPE_jbuf + PyUnicodeUCS2_Decode; }\n",
    )
    assert needs_of(path).python_build == ()
    assert needs_of(path, name="lib/python2.7/x.so").python_build == ("PyFPE", "UCS2")
    assert needs_of(path, name="x.cpython-36m-x86_64-linux-gnu.so").python_build == ("PyFPE", "UCS2")
    assert needs_of(path, name="x.cpython-311-x86_64-linux-gnu.so").python_build == ()


def test_the_instruction_level_of_the_note(tmp_path: Path) -> None:
    path = compiled(tmp_path, "int f(void) { return 1; }\n", "-Wl,-z,x86-64-v3")
    found = needs_of(path)
    if found.arch != "x86_64":
        pytest.skip("not an x86_64 compiler")
    assert found.x86_level == 3


@pytest.mark.parametrize(
    ("name", "libc"),
    [
        ("m.cpython-311-x86_64-linux-gnu.so", "glibc"),
        ("m.cpython-312-x86_64-linux-musl.so", "musl"),
        ("m.so", None),
        ("m.abi3.so", None),
    ],
)
def test_the_c_library_follows_from_the_file_name_where_nothing_is_needed(
    tmp_path: Path, name: str, libc: str | None
) -> None:
    path = compiled(tmp_path, "int f(void) { return 1; }\n", "-nostdlib")
    assert needs_of(path, name=name).libc == libc
