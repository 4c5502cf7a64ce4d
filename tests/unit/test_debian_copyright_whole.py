"""Copyright files without a paragraph for everything, and directories and files that are called like a part of a library's name."""

from __future__ import annotations

import pytest

from inspector.facts.licensing.license_classes import license_class
from tests.unit.test_debian_copyright import copyright_file, read

ISC = """Permission to use, copy, modify, and distribute this software for any purpose with or without fee is hereby granted, provided that the above
copyright notice and this permission notice appear in all copies."""
BSD = """Redistribution and use in source and binary forms, with or without modification, are permitted provided that the following conditions
are met:
1. Redistributions of source code must retain the above copyright notice, this list of conditions and the following disclaimer.
2. Redistributions in binary form must reproduce the above copyright notice, this list of conditions and the following disclaimer in the
documentation and/or other materials provided with the distribution."""


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


def test_a_template_s_text_has_the_licence_of_the_whole_behind_its_heading() -> None:
    text = f"It was downloaded from example.org.\n\nLicense:\n\n{ISC}\n\nsys/event.h is licensed:\n\n{BSD}"
    name = "BSD-2-clause\n " + text.replace("\n\n", "\n.\n").replace("\n", "\n ")
    assert read(copyright_file(("*", name)), "libexample.so.0") == ("ISC", "default")
    without = name.replace("License:", "Of the library:")
    assert read(copyright_file(("*", without)), "libexample.so.0") == ("BSD-2-Clause", "default")


def test_a_sentence_without_a_version_that_names_the_last_part_of_a_library() -> None:
    whole = "The program is licensed under the GNU GPL.  See COPYING.\n"
    text = f"{whole}libpart is licensed under the GNU LGPL. See there.\n\nOf mine.c:\nThe GNU General Public License, version 2 or later.\n{BSD}\n"
    assert read(text, "libexample_part.so.1") == ("LGPL-2.0-or-later", "sentence")
    assert read(text, "libexample_other.so.1") != ("LGPL-2.0-or-later", "sentence")


@pytest.mark.parametrize(
    ("words", "expression"),
    [
        ("It is available without fee for education, research and non-commercial purposes.", "LicenseRef-proprietary"),
        ("You may not copy, reverse engineer or decompile the Software.", "LicenseRef-proprietary"),
        ("It is free for commercial and non-commercial use as long as this is kept.", None),
        ("You may use it for any purpose, and reverse engineer it.", None),
    ],
)
def test_a_free_file_that_keeps_a_use_for_its_owner(words: str, expression: str | None) -> None:
    found = read(f"This is Example.\n\nCopyright 1999 Somebody.\n\n{words}\n", "libexample.so.1")
    assert (found and found[0]) == expression
    assert expression is None or license_class(expression) == "proprietary"
