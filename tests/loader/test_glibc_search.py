"""Statements G1 to G12: where glibc looks for a library, the model beside the machine's own ld.so."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from inspector.loader.hwcaps import Processor, subdirectories
from inspector.loader.mapping import GlibcSystem, examine
from inspector.loader.objects import ARCHITECTURES, Candidate, Loaded, LoaderObject
from inspector.loader.search import Search
from tests.loader.loader_cases import (
    Case,
    agree,
    agree_on_opening,
    ask,
    edit,
    needs_gcc,
    rpath,
    runpath,
    this_machine,
)

pytestmark = [pytest.mark.peer, needs_gcc]

ORIGIN_LIB = "$ORIGIN/../lib"


def place(case: Case, answer: object, name: str) -> str | None:
    """Where the model found a library, relative to the bundle."""
    path = answer.resolved.get(name)  # type: ignore[attr-defined]
    return None if path is None else os.path.relpath(path, case.directory)


def test_g01_a_name_with_a_slash_is_not_searched_for(case: Case) -> None:
    absolute = case.directory / "lib/liba.so.1"
    case.library("lib/liba.so.1", soname=str(absolute))
    case.program("bin/app", links=("lib/liba.so.1",))
    assert agree(case).loads
    absolute.rename(case.directory / "lib/elsewhere.so")
    (case.directory / "other").mkdir()
    (case.directory / "other/liba.so.1").write_bytes((case.directory / "lib/elsewhere.so").read_bytes())
    assert agree(case, environment={"LD_LIBRARY_PATH": f"{case.directory}/other"}).message == (
        f"{case.directory}/bin/app: error while loading shared libraries: {absolute}: "
        "cannot open shared object file: No such file or directory"
    )


def test_g01_tokens_stand_for_directories_in_names_with_a_slash(case: Case) -> None:
    case.library("lib/liba.so.1", soname="$ORIGIN/../lib/liba.so.1")
    case.program("bin/app", links=("lib/liba.so.1",))
    assert agree(case).loads


def test_g02_a_loaded_soname_serves_a_later_need_from_elsewhere(case: Case) -> None:
    case.library("one/libshared.so.1")
    case.library("two/libshared.so.1")
    case.library("lib/liba.so.1", *runpath("$ORIGIN/../two"), links=("two/libshared.so.1",))
    case.program("bin/app", *runpath("$ORIGIN/../one:$ORIGIN/../lib"), links=("one/libshared.so.1", "lib/liba.so.1"))
    assert place(case, agree(case), "libshared.so.1") == "one/libshared.so.1"


def test_g02_an_empty_name_is_the_program_itself(case: Case) -> None:
    case.library("lib/liba.so.1")
    program = case.program("bin/app", *runpath(ORIGIN_LIB), links=("lib/liba.so.1",))
    edit(program, lambda content: content.__setitem__(slice(*_span(content, b"liba.so.1")), b"\0iba.so.1"))
    answer = case.answer("bin/app")
    assert ask(case, "bin/app").status == 0
    assert answer.loads
    assert answer.graph.names[""] == 0


def test_g02_one_file_under_two_names_is_loaded_once(case: Case) -> None:
    case.library("lib/liba.so.1")
    (case.directory / "lib/libb.so.1").symlink_to("liba.so.1")
    case.library("lib/libc3.so.1", *runpath("$ORIGIN"), links=("lib/liba.so.1",))
    edit(
        case.directory / "lib/libc3.so.1",
        lambda content: content.__setitem__(slice(*_span(content, b"liba.so.1")), b"libb.so.1"),
    )
    case.program("bin/app", *runpath(ORIGIN_LIB), links=("lib/liba.so.1", "lib/libc3.so.1"))
    answer = case.answer("bin/app")
    assert ask(case, "bin/app").status == 0
    assert answer.loads
    assert [
        loaded.path for loaded in answer.graph.objects if "/lib/lib" in loaded.path and "bundle" in loaded.path
    ] == [
        f"{case.directory}/bin/../lib/liba.so.1",
        f"{case.directory}/bin/../lib/libc3.so.1",
    ]


def _span(content: bytes | bytearray, text: bytes) -> tuple[int, int]:
    at = content.find(text)
    return at, at + len(text)


def test_g02_an_opened_file_serves_later_needs_by_its_soname_only(case: Case) -> None:
    # the name under which a root was opened is its whole path; its file name alone serves nobody
    case.library("lib/libplain.so.1")
    case.library("lib/liba.so.1", links=("lib/libplain.so.1",))
    case.library("other/renamed.so", soname="libplain.so.1")
    case.driver()
    both = (str(case.directory / "other/renamed.so"), str(case.directory / "lib/liba.so.1"))
    assert ask(case, "bin/driver", None, both).status == 0
    assert agree_on_opening(case, "lib/liba.so.1").missing_libraries[0].name == "libplain.so.1"


def test_g03_runpath_with_origin_finds_the_library(case: Case) -> None:
    case.library("lib/liba.so.1")
    case.program("bin/app", *runpath(ORIGIN_LIB), links=("lib/liba.so.1",))
    assert place(case, agree(case), "liba.so.1") == "lib/liba.so.1"


def test_g03_environment_comes_before_runpath_and_after_rpath(case: Case) -> None:
    for directory in ("env", "lib"):
        case.library(f"{directory}/liba.so.1")
    case.program("bin/new", *runpath(ORIGIN_LIB), links=("lib/liba.so.1",))
    case.program("bin/old", *rpath(ORIGIN_LIB), links=("lib/liba.so.1",))
    environment = {"LD_LIBRARY_PATH": f"{case.directory}/env"}
    assert place(case, agree(case, "bin/new", environment), "liba.so.1") == "env/liba.so.1"
    assert place(case, agree(case, "bin/old", environment), "liba.so.1") == "lib/liba.so.1"


def test_g03_environment_serves_every_object(case: Case) -> None:
    case.library("lib/libb.so.1")
    case.library("lib/liba.so.1", links=("lib/libb.so.1",))
    case.program("bin/app", links=("lib/liba.so.1",))
    answer = agree(case, environment={"LD_LIBRARY_PATH": f"/nowhere:{case.directory}/lib"})
    assert place(case, answer, "libb.so.1") == "lib/libb.so.1"


def test_g03_what_is_opened_later_has_the_programs_rpath(case: Case) -> None:
    case.library("deep/libb.so.1")
    case.library("lib/liba.so.1", links=("deep/libb.so.1",))
    assert agree_on_opening(case, "lib/liba.so.1", *rpath("$ORIGIN/../deep")).loads
    assert not agree_on_opening(case, "lib/liba.so.1", *runpath("$ORIGIN/../deep")).loads


def test_g03_preloaded_objects_come_before_all_needs(case: Case) -> None:
    case.library("early/liba.so.1")
    case.library("lib/liba.so.1")
    case.program("bin/app", *runpath(ORIGIN_LIB), links=("lib/liba.so.1",))
    answer = case.answer("bin/app", environment={"LD_PRELOAD": f"{case.directory}/early/liba.so.1"})
    real = ask(case, "bin/app", {"LD_PRELOAD": f"{case.directory}/early/liba.so.1"})
    assert answer.loads
    assert real.status == 0
    assert place(case, answer, "liba.so.1") == "early/liba.so.1"
    assert "liba.so.1" not in real.resolved  # listed once, under its path


def test_g04_runpath_of_the_program_does_not_serve_its_libraries(case: Case) -> None:
    case.library("lib/libb.so.1")
    case.library("lib/liba.so.1", links=("lib/libb.so.1",))
    case.program("bin/app", *runpath(ORIGIN_LIB), links=("lib/liba.so.1",))
    answer = agree(case)
    assert [(missing.name, missing.broken) for missing in answer.missing_libraries] == [("libb.so.1", False)]


def test_g04_rpath_of_the_program_serves_its_libraries(case: Case) -> None:
    case.library("lib/libb.so.1")
    case.library("lib/liba.so.1", links=("lib/libb.so.1",))
    case.program("bin/app", *rpath(ORIGIN_LIB), links=("lib/liba.so.1",))
    assert place(case, agree(case), "libb.so.1") == "lib/libb.so.1"


def test_g04_rpath_of_a_library_in_between_is_inherited(case: Case) -> None:
    case.library("deep/libc3.so.1")
    case.library("lib/libb.so.1", links=("deep/libc3.so.1",))
    case.library("lib/liba.so.1", *rpath("$ORIGIN/../deep:$ORIGIN"), links=("lib/libb.so.1",))
    case.program("bin/app", *runpath(ORIGIN_LIB), links=("lib/liba.so.1",))
    assert place(case, agree(case), "libc3.so.1") == "deep/libc3.so.1"


def test_g05_a_runpath_shuts_out_the_rpaths_of_its_loaders(case: Case) -> None:
    case.library("lib/libb.so.1")
    case.library("lib/liba.so.1", *runpath("/nowhere"), links=("lib/libb.so.1",))
    case.program("bin/app", *rpath(ORIGIN_LIB), links=("lib/liba.so.1",))
    assert not agree(case).loads


def test_g06_nodeflib_shuts_out_the_systems_directories(case: Case) -> None:
    case.program("bin/plain", links=("-l:libdl.so.2",))
    case.program("bin/strict", "-Wl,-z,nodefaultlib", links=("-l:libdl.so.2",))
    assert agree(case, "bin/plain").loads
    assert {missing.name for missing in agree(case, "bin/strict").missing_libraries} == {"libdl.so.2", "libc.so.6"}


@pytest.mark.parametrize(
    ("text", "directory"),
    [
        ("${ORIGIN}/../lib", "lib"),
        ("$ORIGIN/../$LIB", "lib/x86_64-linux-gnu"),
        ("$ORIGIN/../tree/$LIB", "tree/lib64"),
        ("$ORIGIN/../tree/${LIB}", "tree/lib"),
        ("$ORIGIN/../platform/$PLATFORM", "platform/x86_64"),
        ("$ORIGIN/../platform/$PLATFORM", "platform/haswell"),
        ("$ORIGINS/../lib", "lib"),
        ("$ORIGIN2/../lib", "lib"),
        ("$ORIGIN/$NOTHING/../../lib", "lib"),
        ("$ORIGIN/../gone/../lib", "lib"),
    ],
)
def test_g07_tokens(case: Case, text: str, directory: str) -> None:
    case.library(f"{directory}/liba.so.1")
    case.program("bin/app", *runpath(text), links=(f"{directory}/liba.so.1",))
    agree(case)


@pytest.mark.parametrize(
    "text", ["", "lib", "/nowhere;$ORIGIN/../lib", "/nowhere::$ORIGIN/../lib/", "$ORIGIN/..//lib///"]
)
def test_g08_elements_of_a_runpath(case: Case, text: str) -> None:
    case.library("lib/liba.so.1")
    case.program("bin/app", *runpath(text), links=("lib/liba.so.1",))
    agree(case)


@pytest.mark.parametrize("text", ["", "lib", "/nowhere;{root}/lib", ":/nowhere", "/nowhere:", "/nowhere::/nowhere"])
def test_g08_elements_of_ld_library_path(case: Case, text: str) -> None:
    for directory in ("lib", "."):
        case.library(f"{directory}/liba.so.1")
    case.program("bin/app", links=("lib/liba.so.1",))
    agree(case, environment={"LD_LIBRARY_PATH": text.format(root=case.directory)})


def test_g09_a_privileged_process_takes_origin_in_trusted_directories_only(tmp_path: Path) -> None:
    # a set-user-ID program would be needed to ask the loader; glibc, _dl_dst_substitute and process_envvars_secure
    class Nothing:
        def candidate(self, path: str) -> None:
            self.asked.append(path)

        def real_path(self, path: str) -> str:
            return path

        def is_directory(self, path: str) -> bool:
            return False

        def find(self, name: str, architecture: object) -> None:
            return None

        def at(self, path: str) -> None:
            return None

        asked: list[str]

    nothing = Nothing()
    nothing.asked = []
    architecture = ARCHITECTURES["x86_64"]
    for directory in ("/usr/lib/app", str(tmp_path)):
        program = LoaderObject("p", architecture, None, ("liba.so.1",), runpath="$ORIGIN/lib:/plain:/x$ORIGIN")
        search = Search(nothing, nothing, GlibcSystem(secure=True), "/environment")
        search.find("liba.so.1", [Loaded(f"{directory}/app", program, None)], 0)
    assert nothing.asked == ["/usr/lib/app/lib/liba.so.1", "/plain/liba.so.1", "/plain/liba.so.1"]


@pytest.mark.parametrize("level", [2, 3, 4])
def test_g10_directories_for_better_processors_come_first(case: Case, level: int) -> None:
    case.library("lib/liba.so.1")
    case.library(f"lib/glibc-hwcaps/x86-64-v{level}/liba.so.1")
    case.program("bin/app", *runpath(ORIGIN_LIB), links=("lib/liba.so.1",))
    agree(case)
    agree(case, environment={"LD_LIBRARY_PATH": f"{case.directory}/lib"})


def test_g10_not_known_before_2_33() -> None:
    processor = Processor(4, "x86_64", ("x86_64",))
    assert subdirectories(processor, 62, (2, 39)) == tuple(f"glibc-hwcaps/x86-64-v{level}" for level in (4, 3, 2))
    assert not any("glibc-hwcaps" in name for name in subdirectories(processor, 62, (2, 32)))


@pytest.mark.parametrize("directory", ["tls", "x86_64", "tls/x86_64", "haswell", "tls/x86_64/x86_64", "i686"])
def test_g11_legacy_directories(case: Case, directory: str) -> None:
    case.library("lib/liba.so.1")
    case.library(f"lib/{directory}/liba.so.1")
    case.program("bin/app", *runpath(ORIGIN_LIB), links=("lib/liba.so.1",))
    agree(case)


def test_g11_legacy_directories_end_with_2_36() -> None:
    processor = Processor(1, "haswell", ("x86_64",))
    assert subdirectories(processor, 62, (2, 36)) == (
        "tls/haswell/x86_64", "tls/haswell", "tls/x86_64", "tls", "haswell/x86_64", "haswell", "x86_64",
    )  # fmt: skip
    assert subdirectories(processor, 62, (2, 37)) == ()


def _one_bad_one_good(case: Case) -> Path:
    case.library("good/liba.so.1")
    bad = case.library("bad/liba.so.1")
    case.program("bin/app", *runpath("$ORIGIN/../bad:$ORIGIN/../good"), links=("good/liba.so.1",))
    return bad


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        (18, b"\xb7\x00"),  # e_machine: passed over
        (4, b"\x01"),  # EI_CLASS: passed over
        (5, b"\x02"),  # EI_DATA: fatal
        (0, b"\x7fELG"),  # the magic: fatal
        (7, b"\x09"),  # EI_OSABI: fatal
        (9, b"\x01"),  # padding: fatal
        (16, b"\x01\x00"),  # ET_REL: fatal
        (54, b"\x39\x00"),  # e_phentsize: fatal
    ],
)
def test_g12_headers_of_other_files(case: Case, offset: int, value: bytes) -> None:
    edit(_one_bad_one_good(case), lambda content: content.__setitem__(slice(offset, offset + len(value)), value))
    agree(case)


@pytest.mark.parametrize("offset", [5, 6, 7, 8, 9, 20, 16, 54])
def test_g12_of_a_foreign_machine_little_else_is_judged(case: Case, offset: int) -> None:
    # Debian looks at e_machine before the identification (its patch any/local-ld-multiarch.diff), not before e_version
    bad = _one_bad_one_good(case)
    edit(bad, lambda content: content.__setitem__(slice(18, 20), b"\xb7\x00"))
    edit(bad, lambda content: content.__setitem__(offset, 2 if offset == 5 else 9))
    assert agree(case).loads is (offset != 20)


def test_g12_elsewhere_the_identification_is_judged_before_the_machine() -> None:
    foreign = LoaderObject("f", ARCHITECTURES["aarch64"], None, ())
    answers = [
        examine(Candidate(foreign, defect), ARCHITECTURES["x86_64"], GlibcSystem(lib=("lib64",)))
        for defect in ("ELF file OS ABI invalid", "only ET_DYN and ET_EXEC can be loaded")
    ]
    assert answers == [
        ("refuse", "ELF file OS ABI invalid"),
        ("pass over", "wrong machine"),
    ]  # open_verify, without Debian's patch


def test_g12_only_a_library_of_the_other_class(case: Case) -> None:
    bad = _one_bad_one_good(case)
    edit(bad, lambda content: content.__setitem__(4, 1))
    (case.directory / "good/liba.so.1").unlink()
    assert (agree(case).message or "").endswith(": liba.so.1: wrong ELF class: ELFCLASS32")


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"version https://git-lfs.github.com/spec/v1\n" * 4])
def test_g12_files_that_are_no_elf_end_the_search(case: Case, content: bytes) -> None:
    _one_bad_one_good(case).write_bytes(content)
    assert not agree(case).loads


def test_g12_a_directory_ends_the_search(case: Case) -> None:
    bad = _one_bad_one_good(case)
    bad.unlink()
    bad.mkdir()
    assert (agree(case).message or "").endswith("/bad/liba.so.1: cannot read file data: Error 21")
    assert (agree_on_opening(case, "bad/liba.so.1").message or "").endswith("cannot read file data: Is a directory")


def test_g12_a_circle_of_links_ends_its_search_path(case: Case) -> None:
    bad = _one_bad_one_good(case)
    bad.unlink()
    bad.symlink_to("liba.so.1")
    answer = case.answer("bin/app")
    assert [missing.name for missing in answer.missing_libraries] == ["liba.so.1"]
    assert ask(case, "bin/app").status == 127
    assert agree(case, environment={"LD_LIBRARY_PATH": f"{case.directory}/good"}).loads


def test_g12_a_link_that_leads_nowhere_is_passed_over(case: Case) -> None:
    bad = _one_bad_one_good(case)
    bad.unlink()
    bad.symlink_to("nothing.so")
    assert agree(case).loads


def test_a_library_behind_a_link_has_the_origin_of_the_link(case: Case) -> None:
    case.library("real/libb.so.1")
    case.library("real/liba.so.1", *runpath("$ORIGIN"), links=("real/libb.so.1",))
    (case.directory / "lib").mkdir()
    (case.directory / "lib/liba.so.1").symlink_to("../real/liba.so.1")
    case.program("bin/app", *runpath(ORIGIN_LIB), links=("lib/liba.so.1",))
    assert not agree(case).loads


def test_a_program_behind_a_link_has_the_origin_of_the_file(case: Case) -> None:
    case.library("lib/liba.so.1")
    case.program("bin/app", *runpath(ORIGIN_LIB), links=("lib/liba.so.1",))
    (case.directory / "start").symlink_to("bin/app")
    run = subprocess.run([case.directory / "start"], check=False)
    assert run.returncode == 0
    assert case.answer("start").loads


def test_the_loader_itself_is_never_searched_for(case: Case) -> None:
    case.library("lib/ld-linux-x86-64.so.2")
    case.program("bin/app", *rpath(ORIGIN_LIB), links=("lib/ld-linux-x86-64.so.2",))
    answer = case.answer("bin/app")
    assert ask(case, "bin/app").status == 0
    assert answer.loads
    assert not answer.resolved["ld-linux-x86-64.so.2"].startswith(str(case.directory))


def test_the_profile_of_this_machine_is_whole() -> None:
    assert this_machine().complete
    assert "libc.so.6" in this_machine().libraries
