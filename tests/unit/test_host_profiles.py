"""The shipped profiles, the reader, the file's round trip, and the command that lists and shows."""

from __future__ import annotations

import json
import os
import string
import sys
import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.cli.host import execute, make_parser
from inspector.errors import ExitCode, FormatError, UsageError
from inspector.facts.hosts.profile_file import expand_versions, profile_from_document, read_profile
from inspector.facts.hosts.profile_schema import ARCHITECTURES, FLAGS, check_document
from inspector.facts.hosts.profile_writing import profile_to_toml, quoted
from inspector.facts.hosts.profiles import (
    architectures,
    data_date,
    default_hosts,
    list_profiles,
    load_any_architecture,
    load_profile,
    profile_sources,
)
from inspector.facts.hosts.root_directory import RootDirectory
from inspector.formats.ld_so_cache import CacheEntry, read_ld_so_cache
from inspector.loader.host_profile import HostProfile, ProvidedLibrary
from inspector.loader.objects import LoaderObject, VersionRequirement
from inspector.resources import data_directory

CHECKOUT = Path(__file__).resolve().parents[2]
if str(CHECKOUT) not in sys.path:
    sys.path.insert(0, str(CHECKOUT))

from corpus.hosts.make_profiles import carried  # noqa: E402 - needs the lines above

HOSTS = data_directory("rules") / "hosts"
SHIPPED = [(arch, known.id) for arch in architectures() for known in list_profiles(arch)]

WANTED = [
    *(f"debian-{release}" for release in (10, 11, 12, 13, "testing")),
    *(f"ubuntu-{release}" for release in ("16.04", "18.04", "20.04", "22.04", "24.04", "25.10", "26.04")),
    *(f"rhel-{release}" for release in (8, 9, 10)),
    "centos-7",
    *(f"fedora-{release}" for release in range(40, 45)),
    "opensuse-leap-15.6",
    "opensuse-leap-16.0",
    "opensuse-tumbleweed",
    "arch",
    "amazon-linux-2",
    "amazon-linux-2023",
    *(f"alpine-3.{release}" for release in range(16, 25)),
]


@pytest.mark.parametrize(("arch", "id_"), SHIPPED)
def test_every_shipped_profile_is_whole(arch: str, id_: str) -> None:
    profile = load_profile(id_, arch)
    assert (profile.id, profile.arch) == (id_, arch)
    document = tomllib.loads((HOSTS / arch / f"{id_}.toml").read_text(encoding="utf-8"))
    assert str(document["as_of"]) >= "2026-08-22"
    for table in ("measured", "assumed", "versions", "exports"):
        if table in document:
            assert table in document["sources"], f"{table} has no source"
    for name, library in profile.libraries.items():
        assert name == library.soname
        assert not name.startswith("/")
        assert library.basis in ("measured", "assumed")
        assert library.presence != "absent" or library.package is None
    listed = {
        name for key in ("measured", "assumed") for text in document.get(key, {}).values() for name in text.split()
    }
    assert set(document.get("versions", {})) <= listed, "versions of a library that no list names"
    loader = (
        f"ld-musl-{arch}.so.1"
        if profile.libc == "musl"
        else {"x86_64": "ld-linux-x86-64.so.2", "aarch64": "ld-linux-aarch64.so.1"}[arch]
    )
    found = profile.library(loader, "minimal")
    assert isinstance(found, ProvidedLibrary)


def test_the_systems_that_were_promised_are_there() -> None:
    assert set(WANTED) <= {known.id for known in list_profiles("x86_64")}
    assert len(list_profiles("aarch64")) >= 30


def test_no_alias_means_two_systems() -> None:
    releases = tomllib.loads((HOSTS / "releases.toml").read_text(encoding="utf-8"))["release"]
    names = [name for id_, row in releases.items() for name in (id_, *row.get("aliases", ()))]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("written", "id_"),
    [
        ("ubuntu:22.04", "ubuntu-22.04"),
        ("Ubuntu 22.04", "ubuntu-22.04"),
        ("jammy", "ubuntu-22.04"),
        ("rhel9", "rhel-9"),
        ("rockylinux:9", "rhel-9"),
        ("AlmaLinux-10", "rhel-10"),
        ("bookworm", "debian-12"),
        ("debian12", "debian-12"),
        ("archlinux", "arch"),
        ("leap15.6", "opensuse-leap-15.6"),
        ("tumbleweed", "opensuse-tumbleweed"),
        ("al2023", "amazon-linux-2023"),
        ("alpine3.20", "alpine-3.20"),
    ],
)
def test_names_that_people_write(written: str, id_: str) -> None:
    assert load_profile(written, "x86_64").id == id_


@pytest.mark.parametrize(
    ("written", "hint"),
    [("jamy", "jammy"), ("ubunto-22.04", "ubuntu-22.04"), ("debian-1", "debian-1"), ("zzzz", "inspect host list")],
)
def test_an_unknown_name_gets_the_nearest(written: str, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        load_profile(written, "x86_64")
    assert hint in (raised.value.hint or "")


def test_a_release_without_the_architecture_says_so() -> None:
    with pytest.raises(UsageError, match="no profile of arch for aarch64"):
        load_profile("arch", "aarch64")
    with pytest.raises(UsageError, match="for sparc"):
        load_profile("debian-12", "sparc")


def test_the_default_set_is_what_makers_supported_at_the_date_of_the_data() -> None:
    hosts = {host.id: host for host in default_hosts("x86_64")}
    assert set(hosts) == {
        "debian-11", "debian-12", "debian-13", "ubuntu-22.04", "ubuntu-24.04", "ubuntu-26.04", "rhel-8", "rhel-9", "rhel-10", "fedora-43",
        "fedora-44", "opensuse-leap-16.0", "opensuse-tumbleweed", "arch", "amazon-linux-2023", "alpine-3.21", "alpine-3.22", "alpine-3.23",
        "alpine-3.24",
    }  # fmt: skip
    assert [host.libc for host in hosts.values()].count("musl") == 4
    for host in hosts.values():
        assert host.supported_until is None or host.supported_until >= data_date()


# What a loader is asked is one library, and never the namespace.  Read with readelf -V from Debian's packages (libc6 2.31, 2.36, 2.41, 2.43).
@pytest.mark.parametrize(
    ("arch", "id_", "soname", "has", "lacks"),
    [
        (
            "x86_64",
            "debian-12",
            "libc.so.6",
            {"GLIBC_2.36", "GLIBC_ABI_DT_RELR", "GLIBC_PRIVATE"},
            {"GLIBC_2.37", "GLIBC_2.38"},
        ),
        ("x86_64", "debian-12", "libm.so.6", {"GLIBC_2.35", "GLIBC_2.29"}, {"GLIBC_2.36", "GLIBC_2.34", "GLIBC_2.17"}),
        (
            "x86_64",
            "debian-13",
            "libc.so.6",
            {"GLIBC_2.41", "GLIBC_ABI_DT_X86_64_PLT", "GLIBC_ABI_GNU2_TLS"},
            {"GLIBC_2.40"},
        ),
        ("x86_64", "debian-11", "libpthread.so.0", {"GLIBC_2.31", "GLIBC_PRIVATE"}, {"GLIBC_2.17"}),
        ("x86_64", "ubuntu-22.04", "libpthread.so.0", {"GLIBC_2.31"}, {"GLIBC_PRIVATE", "GLIBC_2.34"}),
        ("x86_64", "ubuntu-22.04", "libc.so.6", {"GLIBC_2.35"}, {"GLIBC_ABI_DT_RELR", "GLIBC_2.36"}),
        ("x86_64", "ubuntu-24.04", "libm.so.6", {"GLIBC_2.39"}, {"GLIBC_2.36", "GLIBC_2.40"}),
        ("x86_64", "rhel-9", "libm.so.6", {"GLIBC_2.32"}, {"GLIBC_2.34", "GLIBC_2.35"}),
        ("x86_64", "rhel-9", "ld-linux-x86-64.so.2", {"GLIBC_2.34"}, {"GLIBC_2.35"}),
        ("x86_64", "centos-7", "libm.so.6", {"GLIBC_2.15"}, {"GLIBC_2.18", "GLIBC_2.17"}),
        ("x86_64", "arch", "libc.so.6", {"GLIBC_2.44", "GLIBC_ABI_DT_X86_64_PLT"}, {"GLIBC_2.40"}),
        ("x86_64", "rhel-8", "libstdc++.so.6", {"GLIBCXX_3.4.25", "CXXABI_1.3.11", "CXXABI_TM_1"}, {"GLIBCXX_3.4.26"}),
        ("x86_64", "amazon-linux-2023", "libstdc++.so.6", {"GLIBCXX_3.4.33"}, {"GLIBCXX_3.4.34"}),
        ("x86_64", "rhel-9", "libgcc_s.so.1", {"GCC_7.0.0"}, {"GCC_12.0.0", "GLIBC_2.0"}),
        ("aarch64", "ubuntu-24.04", "libgcc_s.so.1", {"GLIBC_2.0", "GCC_14.0.0"}, set()),
        ("aarch64", "ubuntu-24.04", "libc.so.6", {"GLIBC_2.17", "GLIBC_2.39"}, {"GLIBC_2.0", "GLIBC_2.2.5"}),
        ("aarch64", "rhel-9", "ld-linux-aarch64.so.1", {"GLIBC_2.34"}, {"GLIBC_2.35"}),
    ],
)
def test_versions_belong_to_the_library_that_defines_them(
    arch: str, id_: str, soname: str, has: set[str], lacks: set[str]
) -> None:
    library = load_profile(id_, arch).libraries[soname]
    assert library.versions is not None
    assert has <= library.versions
    assert not lacks & library.versions


def test_what_the_excludelist_expects_counts_on_a_desktop_as_an_assumption() -> None:
    ubuntu = load_profile("ubuntu-24.04", "x86_64")
    found = ubuntu.library("libGL.so.1", "desktop")
    assert isinstance(found, ProvidedLibrary)
    assert (found.basis, found.versions) == ("assumed", None)
    assert ubuntu.library("libGL.so.1", "minimal") == "absent"
    assert ubuntu.library("libssl.so.1.1", "desktop") == "unknown", "the list says that bundles must bring it"
    assert ubuntu.library("libavcodec.so.60", "desktop") == "unknown"
    assert ubuntu.library("libfuse.so.2", "desktop") == "absent"
    assert ubuntu.libraries["libfuse.so.2"].package == "libfuse2t64"
    assert "libGL.so.1" in set(ubuntu.libraries)


def test_parts_of_another_c_library_are_never_assumed() -> None:
    alpine = load_profile("alpine-3.20", "x86_64")
    assert alpine.library("libresolv.so.2", "desktop") == "unknown"
    assert alpine.library("ld-linux-x86-64.so.2", "desktop") == "absent"
    assert alpine.libraries["ld-linux-x86-64.so.2"].package == "gcompat"
    assert load_profile("ubuntu-24.04", "aarch64").library("ld-linux-x86-64.so.2", "desktop") == "unknown"


def test_a_measured_debian_knows_what_is_absent() -> None:
    debian = load_profile("debian-12", "x86_64")
    assert debian.complete
    assert debian.library("libfuse.so.2", "desktop") == "absent"
    assert debian.libraries["libfuse.so.2"].package == "libfuse2"
    assert debian.library("libsomething.so.9", "desktop") == "absent"
    gl = debian.library("libGL.so.1", "desktop")
    assert isinstance(gl, ProvidedLibrary)
    assert (gl.package, gl.basis) == ("libgl1", "measured")
    assert debian.library("libGL.so.1", "minimal") == "absent"
    assert isinstance(debian.library("libz.so.1", "minimal"), ProvidedLibrary)
    assert debian.programs["fusermount3"] == "desktop"


def test_reading_every_default_profile_costs_little() -> None:
    """The bar is 30 ms for 20; the test leaves room for a busy machine."""
    contents = [
        ((HOSTS / "x86_64" / f"{host.id}.toml").read_bytes(), {"name": host.name, "libc": host.libc})
        for host in default_hosts("x86_64")
    ]
    best = 1.0
    for _ in range(5):
        began = time.perf_counter()
        for content, release in contents:
            read_profile(content, "profile", release)
        best = min(best, time.perf_counter() - began)
    assert best < 0.1


# -- the file

_WORDS = st.text(alphabet=string.ascii_letters + string.digits + "_.+-'\"\\é", min_size=1, max_size=12).filter(
    lambda text: ":" not in text
)
_NAMES = st.builds(lambda word: f"lib{word}.so", _WORDS)
_SYMBOLS = st.builds(
    lambda name, mark, version: name + (mark + version if mark else ""),
    _WORDS,
    st.sampled_from(["", "@", "@@"]),
    _WORDS,
)
_PATHS = st.builds(
    lambda words: "/" + "/".join(words),
    st.lists(
        st.text(min_size=1, max_size=8).filter(lambda text: "/" not in text and "=" not in text), min_size=1, max_size=3
    ),
)


@st.composite
def _captured(draw: st.DrawFn) -> HostProfile:
    from inspector.facts.hosts.profile_file import CapturedSymbols

    libraries: dict[str, ProvidedLibrary] = {}
    for number, file in enumerate(draw(st.lists(_PATHS, max_size=4, unique=True))):
        exports, imports = draw(st.frozensets(_SYMBOLS, max_size=4)), draw(st.frozensets(_SYMBOLS, max_size=4))
        definitions = draw(st.frozensets(_WORDS, max_size=3))
        loadable = LoaderObject(
            identity=f"host:{file}",
            architecture=ARCHITECTURES["x86_64"],
            soname=draw(st.none() | _NAMES),
            needed=tuple(draw(st.lists(_NAMES, max_size=3))),
            rpath=draw(st.none() | st.text(max_size=10)),
            runpath=draw(st.none() | st.text(max_size=10)),
            requirements=tuple(
                draw(st.lists(st.builds(VersionRequirement, _NAMES, _WORDS, st.booleans()), max_size=3))
            ),
            definitions=definitions,
            symbols=CapturedSymbols(" ".join(sorted(exports)), " ".join(sorted(imports))),
            largest_page_size=draw(st.sampled_from([4096, 65536, 2097152])),
            isa_level=draw(st.integers(0, 4)),
            **{flag: draw(st.booleans()) for flag in FLAGS},
        )
        package = draw(st.none() | _WORDS)
        for name in draw(st.lists(_NAMES, min_size=1, max_size=3, unique=True)):
            libraries[f"{number}{name}"] = ProvidedLibrary(
                soname=f"{number}{name}", presence="minimal", basis="captured", path=draw(_PATHS), package=package, versions=definitions,
                object=loadable, exports=exports, imports=imports,
            )  # fmt: skip
    text = st.text(min_size=1, max_size=10)
    return HostProfile(
        id=draw(text),
        name=draw(text),
        arch="x86_64",
        libc=draw(st.sampled_from(["glibc", "musl"])),
        libc_version=draw(text),
        basis="captured",
        isa_level=draw(st.none() | st.integers(1, 4)),
        kernel=draw(st.none() | text),
        page_sizes=tuple(draw(st.lists(st.sampled_from([4096, 65536]), min_size=1))),
        libraries=libraries,
        complete=True,
        programs=draw(st.dictionaries(text, st.sampled_from(["minimal", "desktop"]), max_size=2)),
    )


@given(_captured())
@settings(max_examples=150, deadline=None)
def test_a_captured_profile_reads_back_equal(profile: HostProfile) -> None:
    written = profile_to_toml(profile, as_of="2026-11-21", source="a test")
    assert read_profile(written.encode(), "test") == profile


@given(st.text(max_size=60))
def test_every_text_is_one_toml_string(text: str) -> None:
    assert tomllib.loads(f"key = {quoted(text)}") == {"key": text}


@given(
    st.lists(
        _WORDS | st.sampled_from(["GLIBC_2.4", "GLIBC_2.5", "GCC_3.0", "=x", "1.0", "3DNOW_1.0", "GLIBC_ABI_DT_RELR"]),
        max_size=8,
    )
)
def test_shortened_version_names_are_the_same_names(names: list[str]) -> None:
    assert list(expand_versions(carried(names))) == names


_SMALLEST = "schema = 'inspector/host/1'\nid = 'a'\nname = 'A'\narch = 'x86_64'\nlibc = 'glibc'\nlibc_version = '2.36'\nbasis = 'captured'\n"


def test_the_smallest_profile() -> None:
    profile = read_profile(_SMALLEST.encode(), "a.toml")
    assert (profile.complete, profile.page_sizes, profile.library("libfoo.so", "desktop")) == (
        False,
        (4096,),
        "unknown",
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "schema is missing"),
        ("schema = 1", "schema is not"),
        (_SMALLEST.replace("'x86_64'", "'z80'"), "arch is none of"),
        (_SMALLEST.replace("'glibc'", "'bionic'"), "libc is neither"),
        (_SMALLEST + "complete = 3", "complete is neither"),
        (_SMALLEST + "page_sizes = []", "page_sizes is no list"),
        (_SMALLEST + "page_sizes = ['a']", "page_sizes is no list"),
        (_SMALLEST + "isa_level = true", "isa_level is no number"),
        (_SMALLEST + "kernel = 6", "kernel is no text"),
        (_SMALLEST + "released = 'soon'", "released is no date"),
        (_SMALLEST + "[measured]\nsometimes = ''", "measured is no table"),
        (_SMALLEST + "[assumed]\nminimal = 3", "assumed is no table"),
        (_SMALLEST + "[programs]\nfusermount = 'often'", "programs is no table"),
        (_SMALLEST + "[versions]\n'libc.so.6' = ['GLIBC_2.4']", "versions is no table"),
        (_SMALLEST + "[file]\n'/lib/a' = 3", "is no table"),
        (_SMALLEST + "[file.'/lib/a']\nsoname = 'a'", "no list of paths in found"),
        (_SMALLEST + "[file.'/lib/a']\nfound = [1]", "no list of paths in found"),
        (_SMALLEST + "[file.'/lib/a']\nfound = []\nneeded = ['a']", "needed that is no text"),
        (_SMALLEST + "[file.'/lib/a']\nfound = []\nisa_level = -1", "isa_level that is no number"),
        ("schema = ", "not valid TOML"),
        ("[" * 5000, "not valid TOML"),
    ],
)
def test_what_is_no_profile_is_refused_with_the_place(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "host.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"host\.toml") as raised:
        load_profile(str(file), "x86_64")
    assert complaint in raised.value.message


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_FIELDS = st.sampled_from(
    ["schema", "arch", "page_sizes", "programs", "measured", "versions", "file", "released", "isa_level"]
)


@given(_VALUES, _FIELDS)
def test_no_value_in_any_field_is_more_than_a_usage_error(value: object, key: str) -> None:
    document = {**tomllib.loads(_SMALLEST), key: value}
    try:
        check_document(document, "test")
    except UsageError:
        return
    profile = profile_from_document(document)
    assert sorted(profile.libraries) == sorted(library.soname for library in profile.libraries.values())


def test_a_file_of_another_architecture_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "host.toml"
    file.write_text(_SMALLEST.replace("'x86_64'", "'aarch64'"), encoding="utf-8")
    with pytest.raises(UsageError, match="a profile of aarch64, and x86_64 is asked for"):
        load_profile(str(file), "x86_64")
    assert load_any_architecture(str(file)).arch == "aarch64"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_profile(str(tmp_path / "missing.toml"), "x86_64")
    with pytest.raises(UsageError, match="cannot be read"):
        load_profile(f"{tmp_path}/", "x86_64")


def test_sources_are_those_of_the_release_and_of_the_profile() -> None:
    sources = profile_sources(load_profile("ubuntu-22.04", "x86_64"))
    assert {"released", "kernel", "versions", "assumed"} <= set(sources)


# -- ld.so.cache, roots


def _cache(rows: list[tuple[str, str, int]], *, order: str = "<", old: bool = False) -> bytes:
    import struct

    strings, table = b"", b""
    first = 48 + 24 * len(rows)
    for name, path, hwcap in rows:
        key = first + len(strings)
        strings += name.encode() + b"\0"
        value = first + len(strings)
        strings += path.encode() + b"\0"
        table += struct.pack(f"{order}iIIIQ", 0x0303, key, value, 0, hwcap)
    header = (
        b"glibc-ld.so.cache1.1"
        + struct.pack(f"{order}II", len(rows), len(strings))
        + bytes([2 if order == "<" else 3])
        + bytes(19)
    )
    before = b"ld.so-1.7.0\0" + struct.pack(f"{order}I", 1) + bytes(12) + bytes(4) if old else b""
    return before + header + table + strings


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("old", [False, True])
def test_the_cache_of_libraries_in_all_its_forms(order: str, old: bool) -> None:
    rows = [("liba.so.1", "/lib/liba.so.1", 0), ("libb.so.1", "/opt/b/libb.so.1", 1 << 62)]
    assert read_ld_so_cache(_cache(rows, order=order, old=old)) == [
        CacheEntry(name, path, 0x0303, hwcap) for name, path, hwcap in rows
    ]


@given(st.binary(max_size=80), st.integers(0, 200), st.booleans())
def test_a_broken_cache_is_a_format_error_or_less(noise: bytes, cut: int, old: bool) -> None:
    whole = _cache([("liba.so.1", "/lib/liba.so.1", 0)] * 3, old=old)
    for content in (whole[:cut], whole[:cut] + noise + whole[cut + len(noise) :], noise):
        try:
            entries = read_ld_so_cache(content)
        except FormatError:
            continue
        assert len(entries) <= len(content) // 24


def test_links_never_leave_the_root(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "usr/lib").mkdir(parents=True)
    (root / "usr/lib/libz.so.1.2").write_bytes(b"here")
    (tmp_path / "secret").write_bytes(b"outside")
    for link, target in {
        "usr/lib/libz.so.1": "libz.so.1.2",
        "lib": "usr/lib",
        "absolute": "/usr/lib/libz.so.1",
        "above": "../../../../usr/lib/libz.so.1",
        "escape": str(tmp_path / "secret"),
        "escape-up": "../secret",
        "circle": "circle",
        "dangling": "nowhere",
    }.items():
        (root / link).symlink_to(target)
    os.mkfifo(root / "usr/lib/libpipe.so")
    directory = RootDirectory(root)
    for path in ("/lib/libz.so.1", "/absolute", "/above", "/./usr//lib/../lib/libz.so.1"):
        assert directory.regular_file(path) == "/usr/lib/libz.so.1.2", path
        assert directory.read(path, 100) == b"here"
    for path in (
        "/escape",
        "/escape-up",
        "/circle",
        "/dangling",
        "/usr/lib/libpipe.so",
        "/usr/lib",
        "/usr/lib/libz.so.1/x",
    ):
        assert directory.read(path, 100) is None, path
    assert directory.names("/lib") == ["libpipe.so", "libz.so.1", "libz.so.1.2"]
    assert directory.names("/circle") == []


# -- the command


def _run(*arguments: str) -> ExitCode:
    return execute(make_parser().parse(list(arguments)))


def test_the_list_as_json(capfd: pytest.CaptureFixture[str]) -> None:
    assert _run("list", "--format", "json", "--arch", "aarch64") is ExitCode.PASSED
    document = json.loads(capfd.readouterr().out)
    assert (document["schema"], document["arch"]) == ("inspector/hosts/1", "aarch64")
    rows = {row["id"]: row for row in document["hosts"]}
    assert rows["rhel-9"]["libc_version"] == "2.34"
    assert "el9" in rows["rhel-9"]["aliases"]
    assert rows["alpine-3.20"]["libc"] == "musl"
    assert rows["ubuntu-22.04"]["supported"] is True
    assert rows["centos-7"]["supported"] is False


def test_the_list_as_text(capfd: pytest.CaptureFixture[str]) -> None:
    _run("list")
    out = capfd.readouterr().out
    assert "Ubuntu 22.04 LTS (jammy)" in out
    assert "glibc 2.35" in out
    assert data_date() in out


def test_showing_a_system_and_a_library(capfd: pytest.CaptureFixture[str]) -> None:
    _run("show", "jammy")
    out = capfd.readouterr().out
    assert "glibc 2.35" in out
    assert "pep600_compliance" in out
    _run("show", "jammy", "libfuse.so.2", "libm.so.6", "libfoo.so.1", "--arch", "x86_64")
    out = capfd.readouterr().out
    assert "libfuse2" in out
    assert "GLIBC_2.35" in out
    assert "not known" in out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "needs to know what to do"),
        (("shwo",), "cannot shwo"),
        (("show",), "no profile to show"),
        (("show", "jamy"), "no host profile jamy"),
        (("list", "jammy"), "takes no names"),
        (("list", "--arch", "z80"), "no profile of z80"),
        (("capture", "/a", "/b"), "one root directory"),
        (("capture", "/nowhere/at/all"), "is no directory"),
    ],
)
def test_wrong_use(arguments: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        _run(*arguments)


def test_a_directory_that_is_no_root(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no C library"):
        _run("capture", str(tmp_path))


def test_a_hostile_root_gives_a_profile_that_can_be_written(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Names that are not UTF-8 or hold blanks, broken ELF files, links out of the root, a cache of noise, an os-release of control characters."""
    loader = Path("/lib64/ld-linux-x86-64.so.2")
    libc = Path("/lib/x86_64-linux-gnu/libc.so.6")
    if not loader.is_file() or not libc.is_file():
        pytest.skip("needs a glibc of x86-64 to copy")
    root = os.fsencode(tmp_path)
    for directory in ("lib64", "lib", "etc", "var/lib/dpkg/info"):
        (tmp_path / directory).mkdir(parents=True)
    for target in (b"/lib64/ld-linux-x86-64.so.2", b"/lib/lib\xff.so.1", b"/lib/lib a.so", b"/lib/lib\n.so"):
        Path(os.fsdecode(root + target)).write_bytes(loader.read_bytes())
    (tmp_path / "lib/libc.so.6").write_bytes(libc.read_bytes())
    (tmp_path / "lib/libcut.so").write_bytes(libc.read_bytes()[:5000])
    (tmp_path / "lib/libtext.so").write_text("INPUT(-lc)")
    (tmp_path / "lib/libout.so").symlink_to(libc)
    (tmp_path / "lib/libpast.so").symlink_to("../../../../../../../../lib/libc.so.6")
    os.mkfifo(tmp_path / "lib/libpipe.so")
    (tmp_path / "etc/ld.so.cache").write_bytes(b"glibc-ld.so.cache1.1" + bytes([255]) * 200)
    (tmp_path / "etc/os-release").write_bytes(b'ID="../../x\x1b[2J"\nPRETTY_NAME=\'\x1b[31m"""\xff\'\n=\nX')
    (tmp_path / "var/lib/dpkg/info/lib\udcff.list").write_text("/lib/libc.so.6\n")
    assert _run("capture", str(tmp_path), "-o", str(tmp_path / "host.toml")) is ExitCode.PASSED
    profile = load_profile(str(tmp_path / "host.toml"), "x86_64")
    assert profile.id == "x-2j"
    assert {"libc.so.6", "libpast.so"} <= set(profile.libraries) <= {"libc.so.6", "libpast.so", "libcut.so"}
    assert "\x1b" not in capfd.readouterr().err
