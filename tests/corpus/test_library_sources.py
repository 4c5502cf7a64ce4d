"""Which files a library is built from, and what they say of its licence: evidence for the catalogue of libraries."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from corpus.licenses.build_targets import library_files
from corpus.licenses.own_files import own_files
from corpus.licenses.source_evidence import (
    confirmed_by_sources,
    decided_by_sources,
    holds_own_directory,
    wants_sources,
)
from corpus.licenses.source_trees import licenses_of_files
from inspector.facts.licensing.debian_copyright.copyright_file import parse_copyright
from inspector.facts.licensing.debian_copyright.library_scope import library_reading
from tests.unit.test_debian_copyright import copyright_file

AUTOMAKE = r"""
lib_LTLIBRARIES = libexample.la
FIRST = a.c
libexample_la_SOURCES = $(FIRST) \
  b.c b.h
libexample_la_LIBADD = $(top_builddir)/parts/libpart.la
"""
SOURCES = ["lib/a.c", "lib/b.c", "lib/b.h", "parts/c.c", "src/main.c", "tests/lib/t.c"]


@pytest.mark.parametrize(
    ("path", "text", "files"),
    [
        (
            "lib/Makefile.am",
            AUTOMAKE,
            ["lib/a.c", "lib/b.c", "lib/b.h", "parts/c.c"],
        ),
        ("lib/CMakeLists.txt", 'project(example)\nset(FILES a.c b.c)\nadd_library(${PROJECT_NAME} SHARED ${FILES})\n', ["lib/a.c", "lib/b.c"]),
        ("lib/CMakeLists.txt", "add_library(ex a.c)\nset_target_properties(ex PROPERTIES OUTPUT_NAME example)\n", ["lib/a.c"]),
        ("lib/CMakeLists.txt", "add_library(other SHARED ${FOUND_FILES})\n", ["lib/a.c", "lib/b.c", "lib/b.h"]),
        ("meson.build", "name = 'example-' + version\nlibrary(name, 'lib/a.c', 'lib/b.c', 'lib/b.h', 'parts/c.c')\n", SOURCES[:4]),
        ("lib/example.pro", "TEMPLATE = lib\nTARGET = example\nSOURCES = a.c\nHEADERS += b.h\n", ["lib/a.c", "lib/b.h"]),
        ("src/CMakeLists.txt", "add_executable(example main.c)\n", []),
    ],
)  # fmt: skip
def test_files_of_a_library(path: str, text: str, files: list[str]) -> None:
    parts = (
        {"parts/Makefile.am": "noinst_LTLIBRARIES = libpart.la\nlibpart_la_SOURCES = c.c\n"}
        if "Makefile.am" in path
        else {}
    )
    assert sorted(library_files({path: text, **parts}, SOURCES, "example")) == files


def test_a_library_without_build_files_is_the_directory_that_is_called_like_it() -> None:
    assert library_files({}, ["libexample/a.c", "program/b.c"], "example") == ["libexample/a.c"]
    assert library_files({}, ["program/b.c"], "example") == []


def decided(*paragraphs: tuple[str, str], files: list[tuple[str, str]]) -> str:
    file = parse_copyright(copyright_file(*paragraphs))
    return decided_by_sources(file, library_reading(file, "libexample.so.1"), files)


def test_the_paragraph_of_the_librarys_files_where_these_say_the_same() -> None:
    paragraphs = (("*", "GPL-2+"), ("core/*", "LGPL-2.1+"))
    said = [("core/a.c", "LGPL-2.1-or-later"), ("core/b.c", "LGPL-2.1-or-later"), ("core/c.c", "")]
    assert decided(*paragraphs, files=said) == "LGPL-2.1-or-later"
    assert decided(*paragraphs, files=[("core/a.c", "MIT"), ("core/b.c", "MIT")]) == ""  # they say another thing
    assert decided(*paragraphs, files=[("src/a.c", "LGPL-2.1-or-later")]) == ""  # the paragraph does
    assert decided(*paragraphs, files=[]) == ""


def test_files_of_the_stricter_licence_keep_it() -> None:
    said = [
        ("core/a.c", "LGPL-2.1-or-later"),
        ("core/b.c", "LGPL-2.1-or-later"),
        ("core/c.c", "LGPL-2.1-or-later"),
        ("x.c", "GPL-2.0-or-later"),
    ]
    assert decided(("*", "GPL-2+"), ("core/*", "LGPL-2.1+"), files=said) == ""


def test_a_file_that_leaves_it_open_is_decided_by_what_the_source_files_say() -> None:
    file = parse_copyright(
        "Parts are under the GNU General Public License version 2, as the notice in each of them says. "
        "Parts are under the GNU Lesser General Public License version 3."
    )
    reading = library_reading(file, "libexample.so.1")
    assert wants_sources(file, reading)
    assert decided_by_sources(file, reading, [("a.c", "LGPL-3.0-only"), ("b.c", "LGPL-3.0-only")]) == "LGPL-3.0-only"
    assert decided_by_sources(file, reading, [("a.c", "LGPL-3.0-only"), ("b.c", "GPL-2.0-only")]) == ""


def test_one_licence_for_everything_wants_no_sources() -> None:
    file = parse_copyright(copyright_file(("*", "GPL-2+"), ("tests/*", "MIT"), ("src/md5.c", "Zlib")))
    assert not wants_sources(file, library_reading(file, "libexample.so.1"))


def test_the_last_paragraph_that_matches_a_file_covers_it() -> None:
    file = parse_copyright(copyright_file(("*", "MIT"), ("lib/*", "GPL-2"), ("lib/ours/*.c", "LGPL-3")))
    own = own_files(file, [("lib/ours/a.c", ""), ("lib/ours/deep/b.c", "")])
    assert (own.covered, own.is_default, own.said) == ("LGPL-3.0-only", False, "")


def test_a_tarball_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "example.orig.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in {
            "example-1.0/CMakeLists.txt": "add_library(example a.c)",
            "example-1.0/a.c": "/* SPDX-License-Identifier: LGPL-2.1+ */",
        }.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    assert licenses_of_files(path, ["libexample.so.1"]) == {"libexample.so.1": [("a.c", "LGPL-2.1-or-later")]}
    path.write_bytes(b"no archive")
    assert licenses_of_files(path, ["libexample.so.1"]) == {}


def test_one_version_is_stricter_than_that_or_any_later() -> None:
    said = [("src/a.c", "GPL-2.0-or-later")] * 6 + [("src/b.c", "GPL-3.0-only")]
    paragraphs = (("*", "GPL-3"), ("src/a.*", "GPL-2+"))
    assert decided(*paragraphs, files=said) == ""
    assert decided(*paragraphs, files=said[:6]) == "GPL-2.0-or-later"


def test_two_files_of_a_strong_copyleft_are_not_outvoted() -> None:
    paragraphs = (("*", "LGPL-3+"), ("example/a.c example/a.h", "GPL-3+"))
    said = [("example/b.c", "LGPL-3.0-or-later")] * 20 + [("example/a.c", "GPL-3.0-or-later")]
    assert decided(*paragraphs, files=said) == ""


def test_another_version_of_a_strong_copyleft_that_was_read_beside_a_weak_one_is_not_outvoted() -> None:
    paragraphs = (
        ("*", "GPL-3+"),
        ("libexample/*", "LGPL-2"),
        ("libexample/a.c libexample/b.c libexample/c.c", "GPL-2"),
    )
    said = [(f"libexample/{number}.c", "LGPL-2.0-only") for number in range(20)]
    assert decided(*paragraphs, files=[*said, ("libexample/a.c", "GPL-2.0-or-later")]) == ""
    assert decided(*paragraphs, files=said) == "LGPL-2.0-only"


def test_sources_confirm_what_headers_would_overrule() -> None:
    file = parse_copyright(copyright_file(("*", "GPL-3+"), ("other/*", "LGPL-3+")))
    reading = library_reading(file, "libexample.so.1")
    assert confirmed_by_sources(file, reading, [("src/a.c", "GPL-3.0-or-later")])
    assert not confirmed_by_sources(file, reading, [("other/a.c", "LGPL-3.0-or-later")])
    assert not confirmed_by_sources(file, reading, [])


def test_own_files_of_a_strong_copyleft_hold_against_headers_of_a_weak_one() -> None:
    file = parse_copyright(copyright_file(("*", "GPL-2+"), ("libother/*", "LGPL-2.1+")))
    reading = library_reading(file, "libexample.so.1")
    files = [(f"libexample/{name}.c", "LGPL-2.1-or-later") for name in "abcdefgh"]
    strong = [(f"libexample/{name}.c", "GPL-2.0-or-later") for name in "xy"]
    assert holds_own_directory(file, reading, files + strong, "libexample.so.1")
    assert not holds_own_directory(file, reading, files + strong[:1], "libexample.so.1")
    assert not holds_own_directory(file, reading, files + strong, "libother.so.1")


def test_the_only_library_that_build_files_name_stands_for_no_other() -> None:
    build_files = {"lib/CMakeLists.txt": "add_library(uwac a.c)"}
    assert library_files(build_files, ["lib/a.c"], "example") == ["lib/a.c"]
    assert library_files(build_files, ["lib/a.c"], "example", is_only=False) == []


def test_source_files_of_a_strong_copyleft_bind_a_permissive_library() -> None:
    said = [("src/a.c", "MIT")] * 20 + [("src/b.c", "GPL-2.0-or-later"), ("src/c.c", "GPL-2.0-or-later")]
    paragraphs = (("*", "MIT"), ("src/b.c src/c.c src/b.h src/c.h", "GPL-2+"))
    assert decided(*paragraphs, files=said) == "MIT AND GPL-2.0-or-later"
    choice = (("*", "MIT or Zlib"), *paragraphs[1:])
    assert decided(*choice, files=said) == "(MIT OR Zlib) AND GPL-2.0-or-later"
    # One file, headers, what the copyright file does not say, and a generator's output under its exception do not.
    assert decided(*paragraphs, files=said[:-1]) == ""
    tested = (("*", "MIT"), ("other/*", "GPL-2+"))
    assert (
        decided(
            *tested, files=[*said[:20], *((f"other/{name}.c", "GPL-2.0-or-later") for name in ("other", "testother"))]
        )
        == ""
    )
    assert decided(*paragraphs, files=[*said[:20], *((name, "GPL-2.0-only") for name in ("src/b.h", "src/c.h"))]) == ""
    assert decided(("*", "MIT"), files=said) == ""
    excepted = "GPL-3.0-or-later WITH Bison-exception-2.2"
    generated = (("*", "MIT"), ("src/b.c src/c.c", "GPL-3+ with Bison exception"))
    assert decided(*generated, files=[*said[:20], ("src/b.c", excepted), ("src/c.c", excepted)]) == ""


def test_a_network_copyleft_binds_a_library_of_a_strong_one() -> None:
    file = parse_copyright(copyright_file(("*", "GPL-3+"), ("lib/coding/*", "AGPL-3+")))
    reading = library_reading(file, "libexample.so.1")
    said = [(f"lib/{name}.cc", "GPL-3.0-or-later") for name in "abcdefghi"]
    network = [(f"lib/coding/{name}.cpp", "AGPL-3.0-or-later") for name in "xy"]
    assert decided_by_sources(file, reading, said + network) == "GPL-3.0-or-later AND AGPL-3.0-or-later"
    assert decided_by_sources(file, reading, said + network[:1]) == ""
    borrowed = parse_copyright(copyright_file(("*", "GPL-3+"), ("lib/*", "AGPL-3+"), ("lib/coding/*", "GPL-3+")))
    assert decided_by_sources(borrowed, reading, said + network) == "GPL-3.0-or-later AND AGPL-3.0-or-later"


def test_names_without_versions_leave_it_to_the_source_files() -> None:
    file = parse_copyright(copyright_file(("*", "GPL-and-LGPL"), ("cmake/*", "BSD-3-clause")))
    reading = library_reading(file, "libexample.so.1")
    lesser, strong = [("libs/a.cpp", "LGPL-2.0-or-later")], [("libs/b.cpp", "GPL-2.0-only")]
    assert decided_by_sources(file, reading, lesser * 9 + strong) == "LGPL-2.0-or-later"
    assert decided_by_sources(file, reading, lesser * 8 + strong * 2) == "LGPL-2.0-or-later AND GPL-2.0-only"
    assert decided_by_sources(file, reading, lesser * 2 + strong * 8) == "GPL-2.0-only"
    assert decided_by_sources(file, reading, lesser * 2 + strong) == "LGPL-2.0-or-later AND GPL-2.0-only"
    assert decided_by_sources(file, reading, [*lesser, *strong, ("libs/c.cpp", "MIT")]) == ""
