"""Licence texts recognised: the list's own texts, the changes that copies make, and texts that only look like a licence."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.facts.licensing.spdx_texts import distinct_texts, spdx_text
from inspector.facts.licensing.text_recognition import Work, recognise_license_texts

COMMON = (
    "MIT",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Apache-2.0",
    "MPL-2.0",
    "GPL-3.0-only",
    "LGPL-2.1-or-later",
    "Zlib",
    "PSF-2.0",
    "OFL-1.1",
    "0BSD",
)


def text_of(identifier: str) -> str:
    text = spdx_text(identifier)
    assert text is not None
    return text


@pytest.mark.parametrize("identifier", COMMON)
def test_a_text_of_the_list_is_that_licence(identifier: str) -> None:
    found = recognise_license_texts(text_of(identifier))
    assert [identifier in names for names in found.identifiers] == [True]


def test_licences_that_share_a_text_are_all_told() -> None:
    assert recognise_license_texts(text_of("GPL-2.0-only")).identifiers == (("GPL-2.0-only", "GPL-2.0-or-later"),)


def test_a_grant_beside_the_text_narrows_it() -> None:
    grant = (
        "This program is free software; you can redistribute it and/or modify it under the terms of the GNU General Public License as published by "
        "the Free Software Foundation; either version 3 of the License, or (at your option) any later version.\n\nThis program is distributed in the "
        "hope that it will be useful, but WITHOUT ANY WARRANTY; without even the implied warranty of MERCHANTABILITY or FITNESS FOR A PARTICULAR "
        "PURPOSE. See the GNU General Public License for more details.\n\nYou should have received a copy of the GNU General Public License along "
        "with this program. If not, see <https://www.gnu.org/licenses/>.\n"
    )
    assert recognise_license_texts(grant).identifiers == (("GPL-3.0-or-later",),)
    assert recognise_license_texts(grant + "\n\n" + text_of("GPL-3.0-only")).identifiers == (("GPL-3.0-or-later",),)


def test_names_and_copyright_lines_do_not_matter() -> None:
    text = text_of("BSD-3-Clause").replace(
        "Copyright (c) <year> <owner>.", "Copyright 2007 Pallets\nCopyright 2010-2024 Somebody Else <me@example.org>"
    )
    text = (
        text.replace("the name of the copyright holder", "the name of Pallets Ltd.")
        .replace("1. ", "* ")
        .replace("2. ", "* ")
    )
    found = recognise_license_texts("\n".join(f"  # {line}" for line in text.split("\n")))
    assert [(one.identifiers, one.exact) for one in found.texts] == [(("BSD-3-Clause",), True)]


def test_several_texts_in_one_file_keep_their_order() -> None:
    text = "\n\n".join(
        [
            "Bundled: foo",
            text_of("Zlib"),
            "Bundled: bar",
            text_of("MIT"),
            "Bundled: baz",
            text_of("Apache-2.0"),
            text_of("MIT"),
        ]
    )
    found = recognise_license_texts(text)
    assert [one.identifiers[0] for one in found.texts] == ["Zlib", "MIT", "Apache-2.0", "MIT"]
    assert found.identifiers == (("Zlib",), ("MIT",), ("Apache-2.0",))
    assert "Permission is hereby granted" in text[found.texts[1].start : found.texts[1].end]


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("MIT", ("free of charge, to any person", "free of charge, to any person for non-commercial purposes,")),
        ("MIT", ("without restriction", "with restriction")),
        ("MIT", ("sublicense, and/or sell copies", "and distribute copies")),
        ("BSD-2-Clause", ("are permitted provided", "are not permitted unless")),
        ("ISC", ("for any purpose with or without fee", "for academic purposes without fee")),
    ],
)
def test_a_changed_meaning_is_no_known_licence(text: str, changed: tuple[str, str]) -> None:
    before, after = changed
    altered = " ".join(text_of(text).split()).replace(before, after)
    assert after in altered
    assert all(text not in names for names in recognise_license_texts(altered).identifiers)


def test_what_the_list_has_of_its_own_is_not_the_licence_it_was_made_from() -> None:
    assert recognise_license_texts(text_of("JSON")).identifiers == (("JSON",),)
    assert recognise_license_texts(text_of("BSD-3-Clause-Clear")).identifiers == (("BSD-3-Clause-Clear",),)
    assert recognise_license_texts(text_of("BSD-4-Clause")).identifiers == (("BSD-4-Clause",),)
    assert recognise_license_texts(text_of("AGPL-3.0-only")).identifiers == (("AGPL-3.0-only", "AGPL-3.0-or-later"),)


def test_a_tag_is_told_as_it_stands_there() -> None:
    assert recognise_license_texts("/* SPDX-License-Identifier: MIT OR Apache-2.0 */").tags == ("MIT OR Apache-2.0",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MIT",
        "This package is distributed under the terms that its author likes best, and no others are known.",
        "\0" * 4000,
    ],
)
def test_nothing_is_guessed(text: str) -> None:
    found = recognise_license_texts(text)
    assert found.texts == ()
    assert found.identifiers == ()


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=300), st.sampled_from(["MIT", "BSD-3-Clause", "Zlib"]), st.integers(0, 1500))
def test_any_text_can_be_read(noise: str, identifier: str, at: int) -> None:
    text = text_of(identifier)
    found = recognise_license_texts(text[:at] + noise + text[at:])
    assert 0 <= found.rest <= 1
    for one in found.texts:
        assert 0 <= one.start < one.end <= len(text) + len(noise)


@pytest.mark.slow
def test_nearly_all_texts_of_the_list_are_themselves() -> None:
    """The few that are not differ from their own templates, or are quoted whole by another of the list."""
    texts = list(distinct_texts())[::6]
    strange = []
    for identifiers, text in texts:
        found = {name for names in recognise_license_texts(text).identifiers for name in names}
        found |= set(recognise_license_texts(text).exceptions)
        if not found & {name.removesuffix("+") + ending for name in identifiers for ending in ("", "-or-later")}:
            strange.append(identifiers)
    assert len(strange) <= len(texts) // 40, strange


def test_pieces_of_many_licences_take_a_bounded_time() -> None:
    """A million characters in which every template is found, and none is there."""
    import random

    draw = random.Random(1)
    words = " ".join(
        text_of(name) for name in ("GPL-3.0-only", "AGPL-3.0-only", "MPL-2.0", "LGPL-2.1-only", "EUPL-1.2", "CDDL-1.0")
    ).split()
    text = " ".join(" ".join(words[at : at + 25]) for at in (draw.randrange(len(words) - 25) for _ in range(6500)))
    work = Work()
    assert recognise_license_texts(text, work).texts == ()
    assert Work().left - work.left <= 5_000_000_000
    spent = Work(1000)
    assert recognise_license_texts(text_of("GPL-3.0-only"), spent).texts == ()
    assert spent.left <= 0
