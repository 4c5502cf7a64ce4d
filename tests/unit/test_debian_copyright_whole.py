"""Copyright files without a paragraph for everything, and directories and files that are called like a part of a library's name."""

from __future__ import annotations

import pytest

from tests.unit.test_debian_copyright import copyright_file, read


def test_directories_of_machines_are_the_whole_of_a_distribution_of_binaries() -> None:
    others = [("*/debugger/*", "GPL-3+"), ("*/driver/*", "Expat"), ("jdk-source-*/* jdk-binaries-*/*", "GPL-2")]
    text = copyright_file(("amd64/* arm64/* ppc64el/*", "Frobnicator-EULA"), *others)
    assert read(text, "libexample.so.1") == ("LicenseRef-Debian-Frobnicator-EULA", "default")
    assert read(copyright_file(("amd64/*", "Frobnicator-EULA"), ("arm64/*", "MIT")), "libexample.so.1") is None


def test_directories_at_the_top_where_nothing_lies_outside_of_them() -> None:
    top = [("frame/* idl/*", "LGPL-2.1+"), ("frame/cxx/a.hh frame/cxx/b.hh frame/part/*", "GPL-2+")]
    text = copyright_file(*top, ("debian/*", "GPL-2+"))
    assert read(text, "libboxes.so.0") == ("LGPL-2.1-or-later", "default")
    assert read(text, "libex_part.so.0") == ("GPL-2.0-or-later", "paragraph")
    outside = copyright_file(*top, ("src/a.c src/b.c src/c.c", "MIT"))
    assert read(outside, "libboxes.so.0") is None
    assert read(copyright_file(("one/*", "LGPL-2.1+"), ("two/*", "MIT")), "libboxes.so.0") is None


def test_headers_and_tests_below_a_library_s_directory_do_not_bind_it() -> None:
    headers = "example/cxx/a.hh example/cxx/b.hh example/cxx/c.hh example/cxx/cxx_test.cc"
    text = copyright_file(("example/*", "LGPL-2.1+"), (headers, "GPL-2+"))
    assert read(text, "libexample.so.0") == ("LGPL-2.1-or-later", "paragraph")
    text = copyright_file(("example/*", "LGPL-2.1+"), (f"{headers} example/cxx/c.cc", "GPL-2+"))
    assert read(text, "libexample.so.0") == ("LGPL-2.1-or-later AND GPL-2.0-or-later", "paragraph")


@pytest.mark.parametrize(
    ("listed", "soname"),
    [
        ("deps/collide/GIMPACT/*", "libexample_gimpact.so.1"),
        ("thirdparty/atl/atl/*", "libexample_mpi_atl.so.2"),
        ("deps/opende/ou/*", "libexample_opende_ou.so.1"),
    ],
)
def test_a_directory_that_has_the_last_part_of_the_name(listed: str, soname: str) -> None:
    assert read(copyright_file(("*", "Apache-2.0"), (listed, "BSD-3-clause")), soname) == ("BSD-3-Clause", "paragraph")


@pytest.mark.parametrize(
    ("listed", "soname"),
    [
        ("Tests/gui/*", "libexample-gui.so.1"),
        ("atl/*", "libexample_atl.so.2"),  # a short name at the top may be anything
        ("deps/other/ou/*", "libexample_opende_ou.so.1"),
    ],
)
def test_what_is_only_called_like_the_last_part(listed: str, soname: str) -> None:
    assert read(copyright_file(("*", "Apache-2.0"), (listed, "BSD-3-clause")), soname) == ("Apache-2.0", "default")


def test_all_files_of_a_library_s_directory_beside_one_that_begins_like_it() -> None:
    paragraphs = [("*", "GPL-2"), ("libother/a.c libexample_part/a.cpp libexample_part/a.h", "LGPL-2.1")]
    text = copyright_file(*paragraphs, ("libexample/*", "MIT"))
    assert read(text, "libexample_part.so.1") == ("LGPL-2.1-only", "paragraph")
    assert read(text, "libexample.so.1") == ("MIT", "paragraph")
    text = copyright_file(*paragraphs, ("libexample/*", "MIT"), ("libexample_part/b.cpp", "Zlib"))
    assert read(text, "libexample_part.so.1") == ("MIT", "paragraph")
