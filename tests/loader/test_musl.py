"""Statements M1 to M11: what musl's loader does, the model beside the machine's own (Debian's package musl, 1.2.3)."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from inspector.facts.hosts.capture import capture
from inspector.loader.answers import RootAnswer
from inspector.loader.host_profile import HostProfile
from inspector.loader.musl import is_musl_itself
from tests.loader.loader_cases import MUSL, Case, edit, rpath, runpath

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(shutil.which("musl-gcc") is None, reason="musl-gcc is not installed (Debian: musl-tools)"),
    pytest.mark.skipif(not Path(MUSL).exists(), reason="musl is not installed"),
]

HERE = runpath("$ORIGIN/../lib")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> HostProfile:
    """A system of musl alone: this machine's own musl in a root directory."""
    root = tmp_path_factory.mktemp("musl-root")
    (root / "lib").mkdir()
    (root / "bin").mkdir()
    shutil.copy(MUSL, root / "lib/ld-musl-x86_64.so.1")
    (root / "lib/libc.so").symlink_to("ld-musl-x86_64.so.1")
    return capture(root, arch="x86_64")


@pytest.fixture
def musl(tmp_path: Path) -> Case:
    """An empty bundle whose programs start with musl."""
    return Case(tmp_path / "bundle", ("musl-gcc",))


def _said(case: Case, program: str, environment: Mapping[str, str], *arguments: str) -> tuple[list[str], int]:
    run = subprocess.run(
        [case.directory / program, *arguments],
        env=dict(environment),
        cwd=case.directory,
        capture_output=True,
        text=True,
        check=False,
    )
    return (run.stderr or run.stdout).splitlines(), run.returncode


def agree(
    case: Case, machine: HostProfile, program: str = "bin/app", environment: Mapping[str, str] | None = None
) -> RootAnswer:
    """Assert that musl and the model print the same lines; return the model's answer."""
    lines, status = _said(case, program, environment or {})
    answer = case.answer(program, profile=machine, environment=environment)
    modelled = [library.message for library in answer.missing_libraries]
    modelled += [
        f"Error relocating {row.needed_by}: {row.name}: symbol not found" for row in answer.undefined_symbols or ()
    ]
    assert sorted(lines if status else []) == sorted(modelled)
    assert answer.loads is (status == 0)
    return answer


def test_m01_names_that_are_musl_itself(musl: Case, machine: HostProfile) -> None:
    names = [
        "libc.so.6",
        "libm.so.6",
        "libpthread.so.0",
        "libdl.so.2",
        "librt.so.1",
        "libutil.so.1",
        "libxnet.so",
        "libc.musl-x86_64.so.1",
    ]
    others = ["libresolv.so.2", "libcrypt.so.1", "libnsl.so.1", "ld-linux-x86-64.so.2", "libcrypto.so.3", "libmath.so"]
    for name in (*names, *others):
        musl.library(f"made/{name}")
    musl.program("bin/app", links=tuple(f"made/{name}" for name in (*names, *others)))
    answer = agree(musl, machine)
    assert [library.name for library in answer.missing_libraries] == others
    assert all(is_musl_itself(name) for name in names)


def test_m02_the_soname_is_never_read(musl: Case, machine: HostProfile) -> None:
    musl.library("one/libother.so", soname="libshared.so.1")
    musl.library("two/libshared.so.1")
    musl.library("lib/liba.so.1", *runpath("$ORIGIN/../two"), links=("two/libshared.so.1",))
    app = musl.program(
        "bin/app", *runpath("$ORIGIN/../one:$ORIGIN/../lib"), links=("two/libshared.so.1", "lib/liba.so.1")
    )
    edit(app, lambda content: content.__setitem__(slice(*_span(content, b"libshared.so.1\0")), b"libother.so\0\0\0\0"))
    answer = agree(musl, machine)
    assert sum(loaded.object.soname == "libshared.so.1" for loaded in answer.graph.objects) == 2


def _span(content: bytes | bytearray, text: bytes) -> tuple[int, int]:
    at = content.find(text)
    return at, at + len(text)


def test_m02_one_file_under_two_names_is_loaded_once(musl: Case, machine: HostProfile) -> None:
    musl.library("lib/liba.so.1")
    (musl.directory / "lib/libb.so.1").symlink_to("liba.so.1")
    musl.library("made/libb.so.1")
    musl.program("bin/app", *HERE, links=("lib/liba.so.1", "made/libb.so.1"))
    answer = agree(musl, machine)
    assert sum("/lib/lib" in loaded.path and "bundle" in loaded.path for loaded in answer.graph.objects) == 1


@pytest.mark.parametrize("tags", [runpath, rpath])
def test_m03_both_kinds_of_path_are_inherited(musl: Case, machine: HostProfile, tags: object) -> None:
    musl.library("lib/libb.so.1")
    musl.library("lib/liba.so.1", links=("lib/libb.so.1",))
    musl.program("bin/app", *tags("$ORIGIN/../lib"), links=("lib/liba.so.1",))  # type: ignore[operator]
    assert agree(musl, machine).loads


def test_m03_the_environment_comes_first(musl: Case, machine: HostProfile) -> None:
    for directory in ("env", "lib"):
        musl.library(f"{directory}/liba.so.1")
    musl.program("bin/app", *rpath("$ORIGIN/../lib"), links=("lib/liba.so.1",))
    environment = {"LD_LIBRARY_PATH": f"{musl.directory}/env"}
    listed = subprocess.run(
        [MUSL, "--list", musl.directory / "bin/app"], env=environment, capture_output=True, text=True, check=False
    ).stdout
    assert f"{musl.directory}/env/liba.so.1" in listed
    assert agree(musl, machine, environment=environment).resolved["liba.so.1"] == f"{musl.directory}/env/liba.so.1"


_SEARCH_PATHS = (
    "${ORIGIN}/../lib",
    "$ORIGIN/../lib:/$LIB",
    "$ORIGINS/../lib:$ORIGIN/../lib",
    "/nowhere\n$ORIGIN/../lib",
    "/nowhere;$ORIGIN/../lib",
    "",
    "lib",
)


@pytest.mark.parametrize("text", _SEARCH_PATHS)
def test_m04_tokens_and_separators(musl: Case, machine: HostProfile, text: str) -> None:
    musl.library("lib/liba.so.1")
    musl.program("bin/app", *runpath(text), links=("lib/liba.so.1",))
    agree(musl, machine)


def test_m05_there_are_no_directories_for_better_processors(musl: Case, machine: HostProfile) -> None:
    musl.library("lib/glibc-hwcaps/x86-64-v2/liba.so.1")
    musl.library("lib/tls/liba.so.1")
    musl.program("bin/app", *HERE, links=("lib/tls/liba.so.1",))
    assert [library.name for library in agree(musl, machine).missing_libraries] == ["liba.so.1"]


def _one_bad_one_good(musl: Case) -> Path:
    musl.library("good/liba.so.1")
    bad = musl.library("bad/liba.so.1")
    musl.program("bin/app", *runpath("$ORIGIN/../bad:$ORIGIN/../good"), links=("good/liba.so.1",))
    return bad


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"version https://git-lfs.github.com/spec/v1\n" * 4])
def test_m06_the_first_file_that_opens_ends_the_search(musl: Case, machine: HostProfile, content: bytes) -> None:
    _one_bad_one_good(musl).write_bytes(content)
    assert "Exec format error" in (agree(musl, machine).message or "")


def test_m06_a_directory_ends_the_search(musl: Case, machine: HostProfile) -> None:
    bad = _one_bad_one_good(musl)
    bad.unlink()
    bad.mkdir()
    assert "Is a directory" in (agree(musl, machine).message or "")


def test_m06_a_circle_of_links_ends_the_search(musl: Case, machine: HostProfile) -> None:
    bad = _one_bad_one_good(musl)
    bad.unlink()
    bad.symlink_to("liba.so.1")
    assert "Symbolic link loop" in (agree(musl, machine).message or "")


@pytest.mark.parametrize(("offset", "value"), [(18, b"\xb7\x00"), (7, b"\x09")])
def test_m06_neither_machine_nor_system_of_a_library_is_looked_at(
    musl: Case, machine: HostProfile, offset: int, value: bytes
) -> None:
    # the statement said that such a file fails to load; the real one loads it
    edit(_one_bad_one_good(musl), lambda content: content.__setitem__(slice(offset, offset + len(value)), value))
    assert agree(musl, machine).loads


def test_m07_versions_are_not_looked_at_and_hidden_ones_not_seen(musl: Case, machine: HostProfile) -> None:
    both = "int one(void) { return 1; } int two(void) { return 2; }"
    uses = "int one(void); int two(void); int three(void) { return one() + two(); }"
    musl.versioned("lib/libv.so.1", "V_1 { one; }; V_2 { two; } V_1;", both)
    musl.library("lib/libuser.so.1", source=uses, links=("lib/libv.so.1",))
    musl.program("bin/app", *HERE, links=("lib/libuser.so.1",))
    assert agree(musl, machine).loads
    musl.versioned("lib/libv.so.1", "W_9 { one; two; };", both)
    assert agree(musl, machine).loads
    hidden = 'int one(void) { return 1; } int old(void) { return 2; } asm(".symver old, two@V_1");'
    musl.versioned("lib/libv.so.1", "V_1 { one; };", hidden)
    assert [row.name for row in agree(musl, machine).undefined_symbols or ()] == ["two"]


def test_m07_all_missing_names_are_told(musl: Case, machine: HostProfile) -> None:
    musl.library("lib/liba.so.1", source="int n1(void); extern int n2; int here(void) { return n1() + n2; }")
    musl.library("made/libgone.so.1")
    musl.library("made/libgone2.so.1")
    musl.program("bin/app", *HERE, links=("lib/liba.so.1",))
    assert len(agree(musl, machine).undefined_symbols or ()) == 2
    musl.program("bin/app", links=("made/libgone.so.1", "made/libgone2.so.1"))
    assert [library.name for library in agree(musl, machine).missing_libraries] == ["libgone.so.1", "libgone2.so.1"]


def test_m08_everything_is_bound_at_start(musl: Case, machine: HostProfile) -> None:
    musl.library("lib/liba.so.1", source="int nowhere(void); int here(void) { return nowhere(); }")
    musl.program("bin/app", *HERE, links=("lib/liba.so.1",))
    assert not agree(musl, machine).loads  # nobody calls it, and LD_BIND_NOW is not set


def test_m08_what_is_opened_later(musl: Case, machine: HostProfile) -> None:
    musl.driver()
    musl.library("lib/libb.so.1")
    musl.library("lib/liba.so.1", links=("lib/libb.so.1",))
    path = str(musl.directory / "lib/liba.so.1")
    lines, status = _said(musl, "bin/driver", {}, path)
    answer = musl.answer("lib/liba.so.1", "bin/driver", profile=machine)
    assert status == 1
    assert lines == [answer.message]
    assert musl.answer(
        "lib/liba.so.1", "bin/driver", profile=machine, environment={"LD_LIBRARY_PATH": f"{musl.directory}/lib"}
    ).loads


def test_m09_relative_relocations_crash_before_1_2_4(musl: Case, machine: HostProfile) -> None:
    source = (
        "static int value; int *table[64] = {"
        + ", ".join("&value" for _ in range(64))
        + "}; int here(void) { return *table[9]; }"
    )
    musl.library("lib/liba.so.1", "-Wl,-z,pack-relative-relocs", source=source)
    musl.program("bin/app", *HERE, links=("lib/liba.so.1",), source="int here(void); int main(void) { return here(); }")
    _, status = _said(musl, "bin/app", {})
    crashes = tuple(map(int, machine.libc_version.split(".")[:3])) < (1, 2, 4)
    assert (status == -11) is crashes
    assert ("DT_RELR" in (musl.answer("bin/app", profile=machine).message or "")) is crashes
    assert musl.answer("bin/app", profile=replace(machine, libc_version="1.2.5")).loads


def test_m09_names_for_large_files_are_answered_by_the_loader_since_1_2_4(musl: Case, machine: HostProfile) -> None:
    musl.library(
        "lib/liba.so.1",
        source="int readdir64(void); int nothing64(void); int here(void) { return readdir64() + nothing64(); }",
    )
    musl.program("bin/app", *HERE, links=("lib/liba.so.1",))
    agree(musl, machine)
    answer = musl.answer("bin/app", profile=replace(machine, libc_version="1.2.5"))
    assert [row.name for row in answer.undefined_symbols or ()] == ["nothing64"]


def test_m10_an_executable_stack_is_no_matter(musl: Case, machine: HostProfile) -> None:
    musl.library("lib/liba.so.1", "-Wl,-z,execstack")
    musl.program("bin/app", *HERE, links=("lib/liba.so.1",))
    assert agree(musl, machine).loads


def test_m10_no_second_c_library_is_loaded(musl: Case, machine: HostProfile) -> None:
    musl.library("lib/libsecond.so.1", source="int __libc_start_main(void) { return 0; } int stdin;")
    musl.program("bin/app", *HERE, links=("lib/libsecond.so.1",))
    answer = agree(musl, machine)
    listed = subprocess.run(
        [MUSL, "--list", musl.directory / "bin/app"], capture_output=True, text=True, check=False
    ).stdout
    assert "bundle/lib/libsecond.so.1" not in listed
    assert "bundle" not in answer.resolved["libsecond.so.1"]


def test_m11_a_floor_is_the_names_that_are_there(musl: Case, machine: HostProfile) -> None:
    # the tag musllinux_1_2 says nothing of them: qsort_r came with 1.2.3, statx() with 1.2.5
    musl.library(
        "lib/liba.so.1", source="int qsort_r(void); int statx(void); int here(void) { return qsort_r() + statx(); }"
    )
    musl.program("bin/app", *HERE, links=("lib/liba.so.1",))
    answer = agree(musl, machine)
    if machine.libc_version.startswith("1.2.3"):
        assert [row.name for row in answer.undefined_symbols or ()] == ["statx"]


def test_a_program_for_glibc_does_not_start_where_its_loader_is_not(tmp_path: Path, machine: HostProfile) -> None:
    case = Case(tmp_path / "bundle")
    case.program("bin/app")
    answer = case.answer("bin/app", profile=machine)
    assert (
        answer.message
        == f"{case.directory}/bin/app: No such file or directory (its loader /lib64/ld-linux-x86-64.so.2)"
    )
