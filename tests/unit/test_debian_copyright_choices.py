"""Copyright files that give a choice, and libraries of which single files ask for more than the rest."""

from __future__ import annotations

import pytest

from inspector.facts.licensing.debian_copyright.grants import granted_expression
from inspector.facts.licensing.debian_copyright.running_texts import recognise_text
from tests.unit.test_debian_copyright import HEAD, copyright_file, read

GRANT = "You may pass it on under the terms of the GNU General Public License as published by the Free Software Foundation; "
BSD = (
    "Redistribution and use in source and binary forms, with or without modification, are permitted: Redistributions of source code must retain\n"
    " the notice. Redistributions in binary form must reproduce it. The name of the author may not be used to endorse or promote products.\n"
)
OR_GPL = " ALTERNATIVELY, this product may be distributed under the terms of the GNU General Public License, in which case its provisions hold."


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        (f"{GRANT}version 2 of the License, or (at your option) version 3 of the License.", "GPL-2.0-only OR GPL-3.0-only"),
        (f"{GRANT}version 2 of the License, or version 3, or (at your option) any later version.", "GPL-2.0-or-later"),
        (f"{GRANT}version 2 of the License, or (at your option) any later version.", "GPL-2.0-or-later"),
        (f"{GRANT}version 2 of the License or version 3 or any later version accepted by a society.", "GPL-2.0-only OR GPL-3.0-only"),
        (f"{GRANT}version 3 of the license or (at your option) any later version that is accepted by a society.", "GPL-3.0-only"),
        ("under the terms of the GNU Lesser General Public License version 2 or 3 as published", "LGPL-2.0-only OR LGPL-3.0-only"),
        ("licensed under GPL version 2 or 3-clause BSD", "GPL-2.0-only"),
    ],
)  # fmt: skip
def test_two_versions_and_no_later_one(text: str, expression: str) -> None:
    assert recognise_text(text) == (expression,)


def test_a_choice_in_the_text_of_a_single_name() -> None:
    assert read(f"{HEAD}\nFiles: *\nCopyright: 2020, Somebody\nLicense: BSD-or-GPL2\n {BSD}{OR_GPL}\n", "libexample.so.1") == (
        "BSD-3-Clause OR GPL-2.0-only",
        "default",
    )  # fmt: skip
    assert granted_expression("BSD-3-Clause", BSD + OR_GPL) == "BSD-3-Clause OR GPL-1.0-or-later"
    assert granted_expression("BSD-3-Clause", BSD) == "BSD-3-Clause"


def test_a_name_without_a_version_above_a_text_that_says_it() -> None:
    text = "Files: *\nCopyright: 2020, Somebody\nLicense: MPL | GPL2+\n Subject to the Mozilla Public License Version 1.1 (the License).\n"
    assert read(f"{HEAD}\n{text}", "libexample.so.1") == ("MPL-1.1 OR GPL-2.0-or-later", "default")


def test_where_a_name_s_text_is_to_be_found_is_no_part_of_the_name() -> None:
    assert read(copyright_file(("*", "LGPL2.1 (see COPYING-LGPL2.1)")), "libexample.so.1") == (
        "LGPL-2.1-only",
        "default",
    )


def test_an_alternative_with_a_text_of_its_own_stays() -> None:
    text = copyright_file(("*", "CC-BY-SA-3.0 or Example"))
    assert read(text, "libexample.so.1") == ("CC-BY-SA-3.0", "default")
    assert read(f"{text}\nLicense: Example\n Do as you like with it.\n", "libexample.so.1") == (
        "CC-BY-SA-3.0 OR LicenseRef-Debian-Example",
        "default",
    )  # fmt: skip
    exception = copyright_file(("*", "GPL-3+ or Link-Exception"))
    assert read(f"{exception}\nLicense: Link-Exception\n You may link it.\n", "libexample.so.1") == (
        "GPL-3.0-or-later",
        "default",
    )


def test_own_files_of_a_strong_copyleft_bind_the_whole() -> None:
    both = ("LGPL-3.0-or-later AND GPL-3.0-or-later", "paragraph")
    assert read(copyright_file(("*", "LGPL-3+"), ("thing/a.cpp thing/a.hpp", "GPL-3+")), "libthing.so.1") == both
    for aside in (
        "thing/tests/a.cpp thing/tests/b.cpp",
        "thing/a.cpp",
        "other/a.cpp other/b.cpp",
        "thing/grammar.tab.c thing/grammar.tab.h",
    ):
        assert read(copyright_file(("*", "LGPL-3+"), (aside, "GPL-3+")), "libthing.so.1") == (
            "LGPL-3.0-or-later",
            "default",
        )


@pytest.mark.parametrize(
    ("listed", "soname"),
    [
        ("ExampleLib/*", "libExample.so.1"),
        ("RefArray/*", "libref_array.so.1"),
        ("fru.c fru-errno.c fru.h.in", "libfru.so.2"),
        ("src/thing/external/lusol/*", "libthing-clusol.so.0"),
        ("client-api/C++/*", "libexample.so.0"),
        ("src/a.cpp src/b.cpp src/c.cpp src/a.h src/b.h src/common/e.cpp", "libExampleStats.so.1"),
    ],
)
def test_where_the_library_lies_within_a_program_s_tree(listed: str, soname: str) -> None:
    assert read(copyright_file(("*", "GPL-3+"), (listed, "LGPL-2.1+")), soname) == ("LGPL-2.1-or-later", "paragraph")


def test_what_only_resembles_it_is_not_the_library_s() -> None:
    for listed, soname in (
        ("fru.c", "libfru.so.2"),
        ("src/a.c src/a.h", "libexample.so.1"),
        ("example/client/python/*", "libexample.so.1"),
    ):
        assert read(copyright_file(("*", "GPL-3+"), (listed, "LGPL-2.1+")), soname) == ("GPL-3.0-or-later", "default")


def test_sources_below_lib_where_nothing_speaks_for_the_whole() -> None:
    text = copyright_file(
        ("src/a.c src/b.c src/c.c src/d.c", "LGPL-3+"), ("lib/a.c lib/b.c lib/c.c lib/d.c lib/e.h", "LGPL-3")
    )
    assert read(text, "libexample-parser.so.0") == ("LGPL-3.0-only", "majority")


def test_tcl_s_extensions_keep_scripts_in_library() -> None:
    text = copyright_file(("*", "MIT"), ("library/* generic/example.h", "GPL-2+"))
    assert read(text, "libexample4.so") == ("MIT", "default")


def test_own_files_of_a_library_with_a_family_s_name_before_its_own() -> None:
    listed = copyright_file(("*", "LGPL-2+"), ("src/ksieve/a.cpp src/ksieve/a.h", "GPL-2"))
    assert read(listed, "libKPim6KSieve.so.6") == ("LGPL-2.0-or-later AND GPL-2.0-only", "paragraph")
    freer = copyright_file(
        ("*", "GPL-2+"), ("src/ksieve/a.cpp src/ksieve/b.cpp src/ksieve/a.h src/b/c.cpp src/b/d.cpp", "LGPL-2+")
    )
    assert read(freer, "libKPim6KSieve.so.6") == ("GPL-2.0-or-later", "default")


def test_own_files_of_the_library_that_is_the_project() -> None:
    listed = copyright_file(("*", "LGPL-2.1+"), ("src/sieve.cpp src/sieve.h", "GPL-2")).replace(
        "Name: Example", "Name: ksieve"
    )
    assert read(listed, "libKPim6KSieve.so.6") == ("LGPL-2.1-or-later AND GPL-2.0-only", "paragraph")
    assert read(listed, "libother.so.6") == ("LGPL-2.1-or-later", "default")


@pytest.mark.parametrize(
    ("listed", "soname"),
    [
        ("Modules/ThirdParty/NrrdIO/*", "libITKNrrdIO-5.2.so.1"),
        ("dart/external/lodepng/lodepng.cpp dart/external/lodepng/lodepng.h", "libdart-external-lodepng.so.6.12"),
        ("thirdparty/OGDF/*", "libOGDF-tulip-5.4.so.0"),
        ("tools/libs/guest/* tools/xenstore/*", "libxenguest.so.4.17"),
    ],
)
def test_another_project_s_library_within_the_tree(listed: str, soname: str) -> None:
    assert read(copyright_file(("*", "Apache-2.0"), (listed, "Zlib")), soname) == ("Zlib", "paragraph")


@pytest.mark.parametrize(
    ("listed", "soname"),
    [
        ("Modules/ThirdParty/HDF5/*", "libITKIOHDF5-5.2.so.1"),
        ("thirdparty/OGDF/*", "libtulip-ogdf-5.4.so"),
        ("t/example/*", "libexample.so.0"),
    ],
)
def test_what_only_uses_another_project(listed: str, soname: str) -> None:
    assert read(copyright_file(("*", "Apache-2.0"), (listed, "Zlib")), soname) == ("Apache-2.0", "default")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LicenseRef-PD-hp", "Simple dedication. This work is hereby dedicated to the public domain."),
        ("PD-SHA", "The author releases this code into the public domain."),
        ("no-copyright", "Public domain."),
    ],
)
def test_a_dedication_to_the_public_domain_has_one_name(name: str, text: str) -> None:
    listed = copyright_file(("*", f"{name} or CC0-1.0"))
    assert read(f"{listed}\nLicense: {name}\n {text}\n", "libexample.so.1") == (
        "LicenseRef-PublicDomain OR CC0-1.0",
        "default",
    )


def test_a_name_of_its_own_above_another_text_stays() -> None:
    listed = copyright_file(("*", "LGPL-3 or LicenseRef-Accepted"))
    text = "You may pass it on under the terms of the GNU Lesser General Public License version 3 as published."
    assert read(f"{listed}\nLicense: LicenseRef-Accepted\n {text}\n", "libexample.so.1") == (
        "LGPL-3.0-only OR LicenseRef-Accepted",
        "default",
    )
