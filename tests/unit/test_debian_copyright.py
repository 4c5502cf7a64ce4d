"""Debian's copyright files: which licence of one is a library's own, names and texts of licences, and files that want to do harm."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.facts.licensing.debian_copyright.copyright_file import parse_copyright
from inspector.facts.licensing.debian_copyright.library_scope import library_reading
from inspector.facts.licensing.debian_copyright.license_names import read_license_name
from inspector.facts.licensing.debian_copyright.running_texts import recognise_text
from inspector.facts.licensing.debian_copyright.sentences import granted_to_library
from tests.judged_time import assert_at_most

HEAD = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: Example\n"
MIT = (
    (
        "Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files\n"
        ' (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, subject to the following\n'
        " conditions:\n .\n The above copyright notice and this permission notice shall be included in all copies of the Software."
    )
    .replace('\n (the "Software")', ' (the "Software")')
    .replace('documentation files (the "Software")', "documentation files")
)


def copyright_file(*paragraphs: tuple[str, str], head: str = "") -> str:
    """A machine-readable file with those files and licences."""
    return (
        HEAD
        + head
        + "".join(f"\nFiles: {files}\nCopyright: 2020, Somebody\nLicense: {name}\n" for files, name in paragraphs)
    )


def read(text: str, soname: str) -> tuple[str | None, str] | None:
    reading = library_reading(parse_copyright(text), soname)
    return None if reading is None else (reading.expression, reading.scope)


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("GPL-2+", "GPL-2.0-or-later"),
        ("LGPL-2.1", "LGPL-2.1-only"),
        ("Expat", "MIT"),
        ("GPL-2+ or LGPL-3 and Expat", "GPL-2.0-or-later OR (LGPL-3.0-only AND MIT)"),
        ("GPL-2+ or LGPL-3, and Expat", "(GPL-2.0-or-later OR LGPL-3.0-only) AND MIT"),
        ("GPL-2+ with OpenSSL exception", "GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception"),
        ("BSD-3-clause-Google", "BSD-3-Clause"),
        ("GPL-2 or later", "GPL-2.0-or-later"),
        ("apache2", "Apache-2.0"),
        ("imlib2-license", "Imlib2"),
        ("GPL-2+ with Gmsh exception", "GPL-2.0-or-later WITH Gmsh-exception"),
        ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"),
    ],
)
def test_names_of_licences(name: str, expression: str) -> None:
    named = read_license_name(name)
    assert named is not None
    assert (named.expression, named.unknown) == (expression, ())


def test_a_name_that_nobody_knows_keeps_the_choice() -> None:
    named = read_license_name("MIT or Frobnicator-1.0")
    assert named is not None
    assert named.unknown == ("Frobnicator-1.0",)
    assert named.expression == "MIT OR LicenseRef-Debian-Frobnicator-1.0"


def test_everything_has_one_licence() -> None:
    assert read(copyright_file(("*", "LGPL-2.1+"), ("debian/*", "GPL-2")), "libexample.so.1") == (
        "LGPL-2.1-or-later",
        "default",
    )


def test_the_directory_that_is_called_like_the_library_goes_before_everything() -> None:
    text = copyright_file(("*", "GPL-2+"), ("src/libuuid/*", "BSD-3-clause"), ("lib/*", "LGPL-2+"))
    assert read(text, "libuuid.so.1") == ("BSD-3-Clause", "paragraph")
    assert read(text, "libexample.so.1") == ("LGPL-2.0-or-later", "paragraph")


def test_a_directory_with_a_part_of_the_name_counts_only_where_none_has_the_whole() -> None:
    text = copyright_file(("*", "GPL-2"), ("lib/trace-ctl/*", "GPL-3"), ("lib/trace/*", "LGPL-2.1"))
    assert read(text, "libtrace-ctl.so.1") == ("GPL-3.0-only", "paragraph")
    assert read(text, "libtraceprivate.so.1") == ("LGPL-2.1-only", "paragraph")


def test_files_that_stand_alone_are_borrowed_code_and_not_the_library() -> None:
    assert read(copyright_file(("*", "MIT"), ("lib/md5.c", "GPL-2+")), "libexample.so.1") == ("MIT", "default")


def test_tests_and_programs_are_no_library() -> None:
    text = copyright_file(("*", "MIT"), ("tests/libexample/*", "GPL-3"), ("doc/example/*", "GFDL-1.3"))
    assert read(text, "libexample.so.1") == ("MIT", "default")


@pytest.mark.parametrize(
    "files",
    ["include/* src/base/*", "include/a.h include/b.h src/a.c", "lib/example/a.c lib/example/b.c lib/example/c.c"],
)
def test_beside_programs_of_a_strong_copyleft_the_library_has_its_own(files: str) -> None:
    assert read(copyright_file(("*", "GPL-2"), (files, "LGPL-2.1+")), "libexample.so.1") == (
        "LGPL-2.1-or-later",
        "paragraph",
    )


def test_a_program_may_be_called_like_its_library() -> None:
    text = copyright_file(("*", "GPL-2"), ("example/a.c example/b.c example/c.c", "LGPL-2.1+"))
    assert read(text, "libexample.so.1") == ("GPL-2.0-only", "default")


def test_a_directory_aside_that_is_called_like_the_library_is_the_library() -> None:
    text = copyright_file(("*", "BSD-3-clause"), ("utilities/examplerpc/*", "LGPL-2.1"), ("utilities/other/*", "GPL-3"))
    assert read(text, "libexamplerpc.so.3d") == ("LGPL-2.1-only", "paragraph")
    assert read(text, "libexample.so.1") == ("BSD-3-Clause", "default")


def test_an_empty_line_before_the_licence_does_not_part_it_from_its_files() -> None:
    text = HEAD + "\nFiles: *\nCopyright: 2020, Somebody\n\nLicense: GPL-2+\n Some words.\n"
    assert read(text, "libexample.so.1") == ("GPL-2.0-or-later", "default")


def test_the_file_that_the_library_is_called_after_is_the_library() -> None:
    text = copyright_file(("*", "GPL-2"), ("src/lib/libexample.c", "LGPL-2.1+"), ("src/lib/example_main.c", "GPL-3+"))
    assert read(text, "libexample.so.1") == ("LGPL-2.1-or-later", "paragraph")


def test_headers_of_another_library_say_nothing() -> None:
    text = copyright_file(("*", "GPL-2+"), ("include/other-lite/* libother-lite/*", "LGPL-2+"))
    assert read(text, "libexample.so.1") == ("GPL-2.0-or-later", "default")
    own = copyright_file(("*", "GPL-2+"), ("include/example/*", "LGPL-2+"))
    assert read(own, "libexample-core.so.1") == ("LGPL-2.0-or-later", "paragraph")


def test_two_stars_are_one() -> None:
    assert read(copyright_file(("**", "MPL-2.0"), head="License: LGPL-3+\n"), "libexample.so.1") == (
        "MPL-2.0",
        "default",
    )


def test_a_choice_that_nobody_knows_may_be_left() -> None:
    assert read(copyright_file(("*", "GPL-2+ or Research-Use-Only")), "libexample.so.1") == (
        "GPL-2.0-or-later",
        "default",
    )


def test_names_joined_by_underscores() -> None:
    named = read_license_name("GPL-2+__and__LGPL-2+")
    assert named is not None
    assert (named.expression, named.unknown) == ("GPL-2.0-or-later AND LGPL-2.0-or-later", ())


def test_an_unknown_name_is_what_the_standard_text_behind_it_is() -> None:
    text = (
        " Everyone is permitted to use the words below.\n"
        " Permission to use, copy, modify, and distribute this software for any purpose without fee is hereby granted, provided that this entire\n"
        " notice is included in all copies of any software which is or includes a copy or modification of this software and in all copies of the\n"
        " supporting documentation for such software.\n"
        ' THIS SOFTWARE IS BEING PROVIDED "AS IS", WITHOUT ANY EXPRESS OR IMPLIED WARRANTY. IN PARTICULAR, NEITHER THE AUTHOR NOR LUCENT MAKES ANY\n'
        " REPRESENTATION OR WARRANTY OF ANY KIND CONCERNING THE MERCHANTABILITY OF THIS SOFTWARE OR ITS FITNESS FOR ANY PARTICULAR PURPOSE.\n"
    )
    assert read(copyright_file(("*", "Gay")) + f"\nLicense: Gay\n{text}", "libexample.so.1") == ("dtoa", "default")


def test_two_kinds_of_weak_copyleft_decide_nothing() -> None:
    text = copyright_file(("*", "GPL-2"), ("include/*", "LGPL-2.1+"), ("api/include/*", "MPL-2.0"))
    assert read(text, "libexample.so.1") == ("GPL-2.0-only", "default")


def test_one_borrowed_header_is_not_the_library() -> None:
    assert read(copyright_file(("*", "GPL-2"), ("include/queue.h", "LGPL-2.1+")), "libexample.so.1") == (
        "GPL-2.0-only",
        "default",
    )


def test_the_header_speaks_where_everything_is_not_understood() -> None:
    text = copyright_file(("*", "LGPL-2.1+ and Frobnicator"), head="License: LGPL-2.1+\n")
    assert read(text, "libexample.so.1") == ("LGPL-2.1-or-later", "header")


def test_most_files_decide_where_no_paragraph_speaks_for_all() -> None:
    text = copyright_file(
        ("src/a.c src/b.c src/c.c", "LGPL-2+"), ("src/md5.c", "BSD-3-clause"), ("README po/* m4/*", "GPL-3")
    )
    assert read(text, "libexample.so.1") == ("LGPL-2.0-or-later", "majority")
    even = copyright_file(("src/a.c src/b.c", "LGPL-2+"), ("src/c.c src/d.c", "GPL-2"))
    assert read(even, "libexample.so.1") is None


def test_files_in_the_directory_of_the_library_are_most_files() -> None:
    text = copyright_file(
        ("panel/a.c panel/b.c panel/c.c panel/d.c", "GPL-2+"), ("libpanel-applet/a.c libpanel-applet/b.c", "LGPL-2+")
    )
    assert read(text, "libpanel-applet-4.so.1") == ("LGPL-2.0-or-later", "majority")


def test_a_name_with_many_texts_is_what_its_text_says() -> None:
    text = copyright_file(("*", "X11")) + f"\nLicense: X11\n {MIT}\n"
    assert read(text, "libexample.so.1") == ("MIT", "default")
    assert read(copyright_file(("*", "X11")), "libexample.so.1") == ("X11", "default")


def test_a_gnu_name_without_a_version_is_what_its_text_says() -> None:
    grant = "\n This program is free software under the GNU General Public License, either version 2 of the License, or any later version."
    assert read(copyright_file(("*", "GPL" + grant)), "libexample.so.1") == ("GPL-2.0-or-later", "default")
    assert read(copyright_file(("*", "GPL")), "libexample.so.1") == ("GPL-1.0-or-later", "default")


def test_an_exception_is_told_by_its_text() -> None:
    name = "LGPL-3+ with special exception granted by the holders"
    permission = (
        "As a special exception, the holders give you permission to link this library with independent modules to produce an executable,\n"
        " regardless of the license terms of these independent modules."
    )
    grant = "This is free software under the GNU Lesser General Public License; either version 3, or (at your option) any later version."
    text = copyright_file(("*", name)) + f"\nLicense: {name}\n {grant}\n {permission}\n"
    assert read(text, "libexample.so.1") == ("LGPL-3.0-or-later WITH LGPL-3.0-linking-exception", "default")


def test_a_file_that_is_written_freely() -> None:
    grant = (
        "This library is free software; you can redistribute it and/or modify it under the terms of the GNU Lesser General Public\n"
        "License as published by the Free Software Foundation; either version 2.1 of the License, or (at your option) any later version."
    )
    assert read(grant, "libexample.so.1") == ("LGPL-2.1-or-later", "text")
    assert granted_to_library(grant) == "LGPL-2.1-or-later"
    warranty = "This library is distributed in the hope that it will be useful, but WITHOUT ANY WARRANTY; not even one of merchantability."
    both = grant + f"\n{warranty}\n" * 2 + "\n\nThe programs are under the GNU General Public License, version 2."
    assert read(both, "libexample.so.1") == ("LGPL-2.1-or-later", "text")
    assert read("All rights reserved.", "libexample.so.1") is None


def test_short_identifiers_keep_their_ending() -> None:
    assert recognise_text("Licensed under LGPL-2.1-or-later.") == ("LGPL-2.1-or-later",)
    assert recognise_text("Licensed under GPL-2.") == ("GPL-2.0-only",)


def test_hostile_patterns_take_no_time() -> None:
    pattern = "a*" * 140 + "b"
    text = copyright_file(*((" ".join([f"{pattern}/*"] * 200), "GPL-2"),) * 40)
    started = time.perf_counter()
    library_reading(parse_copyright(text), "lib" + "a" * 200 + ".so.1")
    assert_at_most(time.perf_counter() - started, 2.0)


def test_deep_parentheses_and_long_names_are_refused() -> None:
    assert read_license_name("(" * 500 + "MIT" + ")" * 500) is None
    assert read_license_name("MIT or " * 1000 + "MIT") is None


@given(st.text(max_size=400), st.text(max_size=40))
def test_no_text_raises(text: str, soname: str) -> None:
    for content in (
        text,
        HEAD + "\n" + text,
        copyright_file(("*", text.replace("\n", " ")), (text.replace("\n", " "), "MIT")),
    ):
        library_reading(parse_copyright(content), soname)


@given(st.binary(max_size=400))
def test_no_bytes_raise(content: bytes) -> None:
    file = parse_copyright(content)
    assert file.machine_readable in (True, False)
