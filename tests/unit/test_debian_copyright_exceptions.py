"""Exceptions in copyright files, however they are spelled, and texts of the SPDX list that stand below the name of a better known licence."""

from __future__ import annotations

import pytest

from inspector.facts.licensing.debian_copyright.copyright_file import parse_copyright
from inspector.facts.licensing.debian_copyright.grants import granted_expression
from inspector.facts.licensing.debian_copyright.library_scope import library_reading
from inspector.facts.licensing.debian_copyright.license_names import read_license_name
from inspector.facts.licensing.spdx_texts import spdx_text
from tests.unit.test_debian_copyright import HEAD

VERSION_2 = (
    "You may share this under the terms of the GNU General Public License as published by the Free Software Foundation,\n"
    " either version 2 of the License."
)
OWN_PERMISSIONS = (
    "As a special exception to the above the holders let members of the Frobnicator project choose another licence."
)


def read(files: str, texts: str = "", soname: str = "libexample.so.1") -> str | None:
    content = f"{HEAD}\nFiles: *\nCopyright: 2020, Somebody\nLicense: {files}\n{texts}"
    reading = library_reading(parse_copyright(content), soname)
    return None if reading is None else reading.expression


def freely(text: str, soname: str = "libexample.so.1") -> str | None:
    reading = library_reading(parse_copyright(text), soname)
    return None if reading is None else reading.expression


def standard(identifier: str) -> str:
    """A text of the SPDX list as a copyright file has it, empty lines as dots."""
    text = spdx_text(identifier)
    assert text is not None
    return "\n".join(f" {line.strip() or '.'}" for line in text.strip().split("\n"))


@pytest.mark.parametrize(
    "name",
    [
        "GPL-2+ with frobnicator exception",
        "GPL-2+ with additional permission",
        "GPL-2+-with-exception",
        "GPL-2+_with_exceptions",
        "GPL-2+~frobnicator-Exception",
        "GPL-2+~with-exceptions",
        "GPL-2.0+exceptions",
        "GPL-2.0-or-later-exception",
        "GPL-2+ (with frobnicator exception)",
        "GPL-2+ and exception-frobnicator",
        "GPL-2+, and frobnicator-exception",
    ],
)
def test_an_exception_that_nobody_knows_leaves_the_licence(name: str) -> None:
    named = read_license_name(name)
    assert named is not None
    assert named.expression == "GPL-2.0-or-later"
    assert len(named.unknown) == 1
    assert named.unknown[0].startswith("with ")


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("GPL-2+~OpenSSL-Exception", "GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception"),
        ("GPL-3+_BisonException", "GPL-3.0-or-later WITH Bison-exception-2.2"),
        ("GPL-2+-autoconf-exception", "GPL-2.0-or-later WITH Autoconf-exception-generic"),
        ("GPL-2 and exception-universal-FOSS", "GPL-2.0-only WITH Universal-FOSS-exception-1.0"),
        ("GPL-2 or 3", "GPL-2.0-only OR GPL-3.0-only"),
        ("Apache-2.0 with LLVM exception or MIT", "Apache-2.0 WITH LLVM-exception OR MIT"),
    ],
)
def test_an_exception_that_is_known_is_found_behind_any_joint(name: str, expression: str) -> None:
    named = read_license_name(name)
    assert named is not None
    assert (named.expression, named.unknown) == (expression, ())


def test_a_licence_that_nobody_knows_gets_no_exception() -> None:
    named = read_license_name("Frobnicator with OpenSSL exception")
    assert named is not None
    assert (named.expression, named.unknown) == ("LicenseRef-Debian-Frobnicator", ("Frobnicator",))


def test_the_text_says_which_version_it_is_that_has_an_exception() -> None:
    for name in ("GPL-2.0+exceptions", "GPL-2+-with-exceptions", "GPL-2+ with frobnicator exception"):
        text = f"\nLicense: {name}\n {VERSION_2}\n .\n {OWN_PERMISSIONS}\n"
        assert read(name, text) == "GPL-2.0-only"
        assert read(name) == "GPL-2.0-or-later"


def test_the_text_of_an_exception_behind_a_grant() -> None:
    text = f"\nLicense: GPL-2\n {VERSION_2}\n .\n"
    assert read("GPL-2", text) == "GPL-2.0-only"
    assert read("GPL-2", text + standard("mif-exception")) == "GPL-2.0-only WITH mif-exception"
    assert read("GPL-2", text + standard("Asterisk-exception")) == "GPL-2.0-only WITH Asterisk-exception"
    # What a build system writes into its output is no permission to link the library.
    assert read("GPL-2", text + standard("Autoconf-exception-2.0")) == "GPL-2.0-only"
    both = standard("GStreamer-exception-2008") + "\n .\n" + standard("Asterisk-exception")
    assert read("GPL-2", text + both) == "GPL-2.0-only"


def test_an_exception_among_grants_of_several_licences_is_nobodys() -> None:
    lesser = (
        "This file is free software: you can redistribute it and/or modify it under the terms of the GNU Lesser General Public License"
        " as published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version."
    )
    exception = standard("mif-exception")
    alone = f"\nLicense: GPL-2\n {VERSION_2}\n .\n{exception}\n"
    quoting = f"\nLicense: GPL-2\n {VERSION_2}\n .\n Quoting a file:\n {lesser}\n .\n{exception}\n"
    assert read("GPL-2", alone) == "GPL-2.0-only WITH mif-exception"
    assert read("GPL-2", quoting) == "GPL-2.0-only"


def test_the_name_of_an_exception_goes_before_its_text() -> None:
    name = "GPL-2 with OpenSSL exception"
    text = f"\nLicense: {name}\n {VERSION_2}\n .\n{standard('mif-exception')}\n"
    assert read(name, text) == "GPL-2.0-only WITH cryptsetup-OpenSSL-exception"


@pytest.mark.parametrize(
    ("named", "text"),
    [
        ("BSD-4-Clause", "BSD-3-Clause-LBNL"),
        ("BSD-4-Clause", "BSD-Advertising-Acknowledgement"),
        ("BSD-3-Clause", "BSD-3-Clause-Clear"),
        ("MIT", "MIT-advertising"),
        ("HPND", "UMich-Merit"),
        ("BSD-2-Clause", "BSD-2-Clause-Views"),
    ],
)
def test_a_text_of_the_list_goes_before_the_name_of_another(named: str, text: str) -> None:
    found = spdx_text(text)
    assert found is not None
    assert granted_expression(named, found) == text


@pytest.mark.parametrize(
    "named", ["MIT", "X11", "ISC", "BSD-2-Clause", "BSD-3-Clause", "BSD-4-Clause", "Zlib", "BSL-1.0", "HPND"]
)
def test_a_text_is_not_taken_for_its_neighbour(named: str) -> None:
    text = spdx_text(named)
    assert text is not None
    assert granted_expression(named, text) == named
    assert granted_expression("BSD-3-Clause" if named == "MIT" else "MIT", text) == named


def test_a_name_that_stands_for_two_licences_is_what_its_text_says() -> None:
    assert read("IPL-1.0\n The Interbase Public License applies to the covered code.") == "Interbase-1.0"
    assert read("IPL-1.0") == "IPL-1.0"


def test_the_sentence_that_names_a_library() -> None:
    text = (
        "The tools are under the GNU General Public License, version 3.\n"
        "The files of libexample are available under the following terms: the GNU Lesser General Public License, version 2.1.\n"
        "Everything else is distributed under the GNU General Public License, either version 2 or (at your option) any later version."
    )
    assert freely(text) == "LGPL-2.1-only"
    assert freely(text, "libother.so.2") == "GPL-2.0-or-later"


def test_a_grant_in_words_without_a_version() -> None:
    assert freely("Share it as you like under the terms of the GNU General Public License.") == "GPL-1.0-or-later"
    assert freely("The whole is licensed under the LGPL.") == "LGPL-2.0-or-later"
    assert freely("It was written for the GNU General Public License debate.") is None
    assert (
        freely("Share it under the GNU General Public License as its authors wish it, in version 7 of the License.")
        is None
    )


def test_a_text_that_stands_first_where_all_are_permissive() -> None:
    festival, clear = spdx_text("MIT-Festival"), spdx_text("Spencer-94")
    assert festival is not None
    assert clear is not None
    assert freely(f"{festival}\n\nOne file has other terms:\n\n{clear}") == "MIT-Festival"


def test_an_indented_line_behind_an_empty_one_goes_on_with_the_text() -> None:
    text = "\nLicense: other\n The first line says little.\n\n" + standard("BSD-2-Clause-Views").replace(" .\n", " \n")
    assert read("other", text) == "BSD-2-Clause-Views"


def test_both_licences_of_a_sentence_are_read() -> None:
    text = (
        "… under the terms of either the GNU General Public License Version 2 or later (the 'GPL'), or the GNU Lesser General Public License\n"
        "Version 2.1 or later (the 'LGPL') …"
    )
    assert granted_expression("GPL-2.0-only", text) == "GPL-2.0-or-later"
    assert granted_expression("LGPL-2.1-only", text) == "LGPL-2.1-or-later"


def test_files_of_the_own_directory_that_grant_one_version_bind_the_library() -> None:
    files = " ".join(f"src/example/{name}.c" for name in "abc")
    other = f"\nFiles: {files}\nCopyright: 2020, Somebody\nLicense: GPL-2\n"
    assert read("GPL-2+", other) == "GPL-2.0-only"
    assert read("GPL-2+", other, "libelsewhere.so.1") == "GPL-2.0-or-later"
    assert (
        read("GPL-2+", other.replace("src/example/c.c", " ".join(f"tool/{n}.c" for n in range(9))))
        == "GPL-2.0-or-later"
    )


def test_nothing_contradicts_a_text_that_is_there_word_for_word() -> None:
    content = f"{HEAD}\nFiles: *\nCopyright: 2020, Somebody\nLicense: BSD-4-clause\n{standard('BSD-3-Clause-LBNL')}\n"
    reading = library_reading(parse_copyright(content), "libexample.so.1")
    assert reading is not None
    assert (reading.expression, reading.contradicted) == ("BSD-3-Clause-LBNL", "")


def test_a_permission_for_openssl_in_words_of_its_own_is_none_of_the_list() -> None:
    name = "GPL-2+ with OpenSSL exception"
    assert (
        read(name, f"\nLicense: {name}\n Specific permission is given to link this to OpenSSL.\n") == "GPL-2.0-or-later"
    )
    words = "In addition, as a special exception, permission is given to link this with OpenSSL."
    assert read(name, f"\nLicense: {name}\n {words}\n") == "GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception"
