"""Copyright files: files called like a library, few that are listed of a directory, and texts of the SPDX list below names that mean another."""

from __future__ import annotations

import pytest

from inspector.facts.licensing.debian_copyright.grants import granted_expression
from inspector.facts.licensing.debian_copyright.license_names import read_license_name
from inspector.facts.licensing.debian_copyright.running_texts import recognise_text
from inspector.facts.licensing.debian_copyright.sentences import granted_to_rest
from inspector.facts.licensing.license_classes import license_class
from tests.unit.test_debian_copyright import copyright_file, read
from tests.unit.test_debian_copyright_exceptions import read as expression_of
from tests.unit.test_debian_copyright_exceptions import standard

VERSION_3 = (
    "This program is free software: you can redistribute it and/or modify it under the terms of the GNU General Public License\n"
    " as published by the Free Software Foundation, version 3 of the License."
)


def test_few_files_of_a_directory_do_not_speak_for_the_whole() -> None:
    few = copyright_file(("*", "GPL-3+"), ("thing/version.h thing/easing.c thing/easing.h", "LGPL-2.1+"))
    assert read(few, "libthing.so.0") == ("GPL-3.0-or-later", "default")
    more = copyright_file(("*", "GPL-3+"), ("thing/version.h thing/easing.c thing/node.c", "LGPL-2.1+"))
    assert read(more, "libthing.so.0") == ("LGPL-2.1-or-later", "paragraph")


@pytest.mark.parametrize(
    ("listed", "soname"),
    [
        ("example_part.*", "libexample_part.so.0"),
        ("example_part.cc example_part.h part-test.cc", "libexample_part.so.1"),
        ("example/solvers/solver_name.cpp", "libexample_solver_name.so.0.1"),
        ("example/EXTERNAL/glued/*", "libexample_ext_glued_minimal.so.0.1"),
    ],
)
def test_files_called_like_the_library(listed: str, soname: str) -> None:
    assert read(copyright_file(("*", "BSD-3-clause"), (listed, "Zlib")), soname) == ("Zlib", "paragraph")


@pytest.mark.parametrize(
    ("listed", "soname"),
    [
        ("example_part.c", "libexample_part.so.0"),  # a program's main file, for what the list tells
        ("part.c part.h", "libpart.so.0"),  # a short name
        ("other/solvers/solver_name.cpp", "libexample_solver_name.so.0.1"),
        ("example/glued/*", "libexample_ext_glued_minimal.so.0.1"),
    ],
)
def test_files_that_may_be_anothers(listed: str, soname: str) -> None:
    assert read(copyright_file(("*", "BSD-3-clause"), (listed, "Zlib")), soname) == ("BSD-3-Clause", "default")


def test_a_bsd_text_that_lost_its_first_line() -> None:
    whole = standard("BSD-3-Clause-Open-MPI")
    first, _, rest = whole[whole.index("Redistribution") :].partition("modification,")
    assert first.split()[-1] == "without"
    for text in (whole, f" modification,{rest}", rest.partition("met:")[2]):
        assert granted_expression("BSD-3-Clause", text) == "BSD-3-Clause-Open-MPI"
    assert granted_expression("BSD-3-Clause", standard("BSD-3-Clause")) == "BSD-3-Clause"


def test_the_exception_in_the_text_of_another_name() -> None:
    text = standard("LLVM-exception")
    for name in ("Apache-2.0 with GPL2 exception", "Apache-2.0-with-GPL2-LGPL2-Exception", "Apache-2.0"):
        assert expression_of(name, f"\nLicense: {name}\n Some words before it.\n .\n{text}\n") == (
            "Apache-2.0 WITH LLVM-exception"
        )
    assert expression_of("Apache-2.0", "\nLicense: Apache-2.0\n In addition, no exception.\n") == "Apache-2.0"


def test_an_openssl_exception_that_the_list_knows_by_another_name() -> None:
    name = "GPL-3_with_OpenSSL_exception"
    permission = (
        " Additional permission under GNU GPL version 3 section 7\n .\n"
        " If you modify this Program, or any covered work, by linking or combining it with the OpenSSL library (or a modified version of that\n"
        " library), containing parts covered by the terms of the OpenSSL License, the licensors of this Program grant you additional\n"
        " permission to convey the resulting work."
    )
    found = expression_of(name, f"\nLicense: {name}\n {VERSION_3}\n .\n{permission}\n")
    assert found == "GPL-3.0-only WITH GPL-3.0-linking-exception"
    # It names the one library; what else is linked is bound all the same.
    assert license_class(found) == "strong-copyleft"
    assert expression_of(name) == "GPL-3.0-only WITH cryptsetup-OpenSSL-exception"


def test_the_text_of_the_gpl_below_the_name_of_the_lgpl() -> None:
    text = VERSION_3.replace(
        "version 3 of the License", "either version 3 of the License, or (at your option) any later version"
    )
    assert granted_expression("LGPL-3.0-only", text) == "LGPL-3.0-or-later"
    assert granted_expression("LGPL-2.1-only", text) == "LGPL-2.1-only"
    assert granted_expression("LGPL-3.0-only", VERSION_3) == "LGPL-3.0-only"


def test_any_version_later_than_one_that_never_was() -> None:
    for name, expression in (("LGPL-1.1+", "LGPL-2.0-or-later"), ("LGPL-1.1", "LicenseRef-Debian-LGPL-1.1")):
        named = read_license_name(name)
        assert named is not None
        assert named.expression == expression


def test_where_to_find_a_text_is_no_grant_however_the_sentence_begins() -> None:
    grant = "It is under the GNU Lesser General Public License, version 2.1 or later."
    for pointer in (
        "On Debian systems, the full text of the GNU General Public License version 3 is in /usr/share/common-licenses/GPL-3.",
        "A copy of the GNU General Public License version 3 is in /usr/share/common-licenses/GPL-3.",
        "Complete, it is the GNU General Public License version 3, /usr/share/common-licenses/GPL-3.",
    ):
        assert recognise_text(f"{grant} {pointer}") == ("LGPL-2.1-or-later",)
        assert granted_to_rest(f"{pointer} The remaining code is under the GNU GPL version 2.") == "GPL-2.0-only"


def test_the_sentence_that_names_a_library_s_directory() -> None:
    lesser = (
        "This is free software under the terms of the GNU Lesser General Public License version 2.1 as published by it."
    )
    strong = "What follows the program is under the GNU General Public License version 2."
    text = f"{strong}\n\nThe files in lib/libpepper/ have the following license:\n\n * {lesser}\n"
    assert read(text, "libspice4-pepper.so.2") == ("LGPL-2.1-only", "sentence")
    assert read(text, "libpepper.so.2") == ("LGPL-2.1-only", "sentence")
    assert read(text, "libspice4.so.2") == (None, "text")


def test_copyleft_in_the_directory_of_a_permissive_library_holds_too() -> None:
    strong, lesser = "parts/widget/lib/a.* parts/widget/lib/b.* parts/widget/lib/c.*", "parts/widget/lib/d.*"
    paragraphs = (("*", "GPL-3+"), ("parts/widget/*", "BSD-3-clause"), (strong, "GPL-2+"), (lesser, "LGPL-2+"))
    assert read(copyright_file(*paragraphs), "libwidget.so.1") == ("BSD-3-Clause AND GPL-2.0-or-later", "paragraph")
    few = (("*", "GPL-3+"), ("parts/widget/*", "BSD-3-clause"), ("parts/widget/a.c parts/widget/a.h", "GPL-2+"))
    assert read(copyright_file(*few), "libwidget.so.1") == ("BSD-3-Clause", "paragraph")


def test_a_bsd_text_with_an_acknowledgement_below_a_name_of_its_own() -> None:
    text = standard("BSD-Attribution-HPND-disclaimer")
    assert expression_of("University", f"\nLicense: University\n{text}\n") == "BSD-Attribution-HPND-disclaimer"
