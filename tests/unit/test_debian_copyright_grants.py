"""Copyright files in which a licence's short name and its text differ: the text is the grant."""

from __future__ import annotations

import pytest

from inspector.facts.licensing.debian_copyright import parse_copyright
from inspector.facts.licensing.debian_copyright_grants import granted_expression
from inspector.facts.licensing.debian_copyright_scope import library_reading
from tests.unit.test_debian_copyright import HEAD

LATER = (
    "You may pass it on under the terms of the GNU Lesser General Public License as published by the Free Software Foundation;\n"
    " either version 2.1 of the License, or (at your option) any later version."
)
ALONE = "You may pass it on under the terms of the GNU General Public License version 2 as published by the Free Software Foundation."
POINTER = "On Debian systems the full text of the GNU Lesser General Public License version 2.1 is in /usr/share/common-licenses/LGPL-2.1."
COMPLETE = (
    "GNU AFFERO GENERAL PUBLIC LICENSE\n Version 3, 19 November 2007\n Preamble\n …\n How to Apply These Terms to Your New Programs\n"
    " under the terms of the GNU Affero General Public License as published by the Free Software Foundation, version 3."
)
TWO_CLAUSES = (
    "Redistribution and use in source and binary forms are permitted: Redistributions of source code must retain the above notice.\n"
    " Redistributions in binary form must reproduce it."
)
X11 = (
    "Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files,\n"
    " provided that the above copyright notice and this permission notice stay. Except as contained in this notice, the name of nobody is used."
)


@pytest.mark.parametrize(
    ("named", "text", "granted"),
    [
        ("LGPL-2.1-only", LATER, "LGPL-2.1-or-later"),
        ("LGPL-2.0-or-later", LATER, "LGPL-2.1-or-later"),
        ("LGPL-2.1-or-later", LATER, "LGPL-2.1-or-later"),
        ("GPL-2.0-only", LATER, "GPL-2.0-only"),  # a text of another family says nothing
        ("GPL-2.0-or-later", ALONE, "GPL-2.0-only"),
        ("GPL-2.0-or-later", f"{ALONE} A newer one will do, too.", "GPL-2.0-or-later"),
        ("GPL-2.0-only", ALONE, "GPL-2.0-only"),
        ("LGPL-2.1-or-later", POINTER, "LGPL-2.1-or-later"),
        ("LGPL-2.1-only", POINTER, "LGPL-2.1-only"),
        ("LGPL-3.0-or-later", "/usr/share/common-licenses/LGPL-3", "LGPL-3.0-or-later"),
        ("AGPL-3.0-or-later", COMPLETE, "AGPL-3.0-or-later"),
        ("LGPL-2.1-only", "", "LGPL-2.1-only"),
        ("BSD-3-Clause", TWO_CLAUSES, "BSD-2-Clause"),
        ("MIT", X11, "X11"),
        ("Apache-2.0", X11, "Apache-2.0"),
    ],
)
def test_the_text_is_the_grant(named: str, text: str, granted: str) -> None:
    assert granted_expression(named, text) == granted


def reading_of(files: str, texts: str = "") -> tuple[str | None, str]:
    reading = library_reading(
        parse_copyright(f"{HEAD}\nFiles: *\nCopyright: 2020, Somebody\nLicense: {files}\n{texts}"), "libexample.so.1"
    )
    assert reading is not None
    return reading.expression, reading.contradicted


def test_the_text_may_stand_in_the_paragraph_or_alone() -> None:
    assert reading_of(f"LGPL-2.1\n {LATER}") == ("LGPL-2.1-or-later", "")
    assert reading_of("LGPL-2.1", f"\nLicense: LGPL-2.1\n {LATER}\n") == ("LGPL-2.1-or-later", "")
    assert reading_of("LGPL-2.1 or MPL-1.1", f"\nLicense: LGPL-2.1\n {LATER}\n") == ("LGPL-2.1-or-later OR MPL-1.1", "")


def test_a_text_that_grants_less_or_another_version_is_told() -> None:
    assert reading_of(f"LGPL-2+\n {LATER}") == ("LGPL-2.1-or-later", "LGPL-2.0-or-later")
    assert reading_of(f"GPL-2+\n {ALONE}") == ("GPL-2.0-only", "GPL-2.0-or-later")


def test_a_name_with_an_exception_has_the_version_of_its_text() -> None:
    text = f"GPL-2+ with OpenSSL exception\n {ALONE}"
    assert reading_of(text)[0] == "GPL-2.0-only WITH cryptsetup-OpenSSL-exception"


def test_a_paragraph_that_has_a_text_and_no_name() -> None:
    assert reading_of(f"\n {TWO_CLAUSES}") == ("BSD-2-Clause", "")


def test_what_is_said_of_debians_own_files_is_no_grant_of_the_library() -> None:
    text = (
        f"{ALONE}\n\nEverything below debian/* may be used under the GNU General Public License version 2 or later.\n"
    )
    reading = library_reading(parse_copyright(text), "libexample.so.1")
    assert reading is not None
    assert reading.expression == "GPL-2.0-only"
