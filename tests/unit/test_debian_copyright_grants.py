"""Copyright files in which a licence's short name and its text differ: the text is the grant."""

from __future__ import annotations

import pytest

from inspector.facts.licensing.debian_copyright.copyright_file import parse_copyright
from inspector.facts.licensing.debian_copyright.grants import granted_expression
from inspector.facts.licensing.debian_copyright.library_scope import library_reading
from inspector.facts.licensing.debian_copyright.packaging_sentences import without_packaging
from inspector.facts.licensing.debian_copyright.running_texts import recognise_text
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


def test_the_packaging_as_the_template_has_it() -> None:
    grant = "This is under the GNU General Public License, either version 3 of it or any later version."
    packaging = (
        "The Debian packaging is:\n\n    Copyright (C) 2009 Somebody\n\nand is licensed under the GPL version 2,\n"
        "see /usr/share/common-licenses/GPL-2.\n"
    )
    directory = "The contents of the debian/ directory are under the GNU General Public License version 2 or later.\n"
    for text in (f"{grant}\n\n{packaging}", f"{directory}\n{grant}\n", f"{packaging}\n{grant}\n"):
        assert without_packaging(text).strip() == grant
    for before in ("The Debian packaging is:", "The Debian packaging is:\n  Copyright (C) 2009 Somebody"):
        assert without_packaging(f"{before}\n\n{grant}\n").strip() == grant
    upstream = f"Copyright (C) 2007 Another\n{grant}"
    assert (
        without_packaging(f"The Debian packaging is:\n  Copyright (C) 2009 Somebody\n\n{upstream}\n").strip()
        == upstream
    )


def test_a_grant_without_a_version_stands_before_licences_of_parts() -> None:
    whole = "This is free software under the terms of the GNU General Public License.\n\n"
    zlib = (
        "The compressor: permission is granted to anyone to use this software for any purpose. The origin of this software must not be"
        " misrepresented; altered source versions must be plainly marked as such. This notice may not be removed or altered from any source"
        " distribution. This software is provided 'as-is', without any express or implied warranty.\n\n"
    )
    assert recognise_text(zlib) == ("Zlib",)
    for text, expression in ((whole + zlib, "GPL-1.0-or-later"), (zlib + whole, "Zlib")):
        reading = library_reading(parse_copyright(text), "libexample.so.1")
        assert reading is not None
        assert reading.expression == expression


def test_the_one_field_of_a_license_in_a_free_file() -> None:
    parts = "Parts may be used under the GNU Library General Public License, version 2 or later, or under the Artistic License.\n"
    strong = "Other parts are under the GNU General Public License version 3.\n"
    for fields, expression in (("License: GPL-2\nPortions License: LGPL\n", "GPL-2.0-only"), ("License: GPL\n", None)):
        reading = library_reading(parse_copyright(f"{fields}\n{strong}{parts}"), "libexample.so.1")
        assert reading is not None
        assert reading.expression == expression


def test_the_heading_of_a_license_in_a_free_file() -> None:
    parts = "Copyright of headers: redistribution is allowed under the GNU Lesser General Public License version 2 or any later version.\n"
    section = "License:\n\n    This is under the GNU General Public License version 2 or\n    (at your option) any later version.\n\n"
    for text, expression in (
        (f"{parts}\n{section}Author: Somebody\n", "GPL-2.0-or-later"),
        (f"{section}{parts}{section.replace('version 2', 'version 3')}", None),
        (f"{section}License of the library:\n\n    {parts}", None),
    ):
        reading = library_reading(parse_copyright(text), "libexample.so.1")
        assert reading is not None
        assert reading.expression == expression


def test_a_name_of_several_versions_is_the_one_of_its_text() -> None:
    text = "FREE SOFTWARE LICENSING AGREEMENT CeCILL\n Version 1.1 of 10/26/2004"
    assert reading_of(f"CeCILL\n {text}")[0] == "CECILL-1.1"
    assert (
        reading_of("CeCILL\n This is under the CeCILL, which is compatible with the GNU GPL version 2.")[0]
        == "CECILL-2.0"
    )
    later = "CeCILL FREE SOFTWARE LICENSE AGREEMENT\n Version 2.0 dated 2006-09-05."
    assert reading_of(f"CeCILL-2.1\n {later}")[0] == "CECILL-2.1"
    assert (
        reading_of(f"CeCILL-2.0\n {later.replace('2.0 dated 2006-09-05', '2.1 dated 2013-06-21')}")[0] == "CECILL-2.1"
    )
