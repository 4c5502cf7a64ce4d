"""The catalogue of shared libraries against the labels of corpus/licenses, and what decides between a copyright file and public headers."""

from __future__ import annotations

from collections import Counter

import pytest

from corpus.licenses.headers import (
    agreed_license,
    granted_license,
    has_names_of_its_own,
    headers_decide,
    is_doubtful,
)
from corpus.licenses.kept_rows import named_by_hand
from corpus.licenses.libraries import Judged, judge, main, score
from corpus.licenses.measured_set import SETS, measured_libraries
from corpus.licenses.population import IndexedPackage, returned_libraries
from corpus.licenses.source_evidence import decided_by_sources
from inspector.facts.licensing.debian_copyright.copyright_file import CopyrightFile, parse_copyright
from inspector.facts.licensing.debian_copyright.library_scope import library_reading

HEAD = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
LESSER = (
    "This library is free software; you can redistribute it and/or modify it under the terms of the GNU Lesser General Public License\n"
    "as published by the Free Software Foundation; either version 2.1 of the License, or (at your option) any later version."
)
LIBRARY = "libexample.so.1"


def machine_readable(*paragraphs: tuple[str, str]) -> CopyrightFile:
    return parse_copyright(
        HEAD + "".join(f"\nFiles: {files}\nCopyright: 2020\nLicense: {name}\n" for files, name in paragraphs)
    )


@pytest.fixture(scope="module")
def judged() -> list[Judged]:
    return judge(measured_libraries())


@pytest.mark.parametrize("set_", SETS[: SETS.index("fourteenth")])
def test_sets_that_were_learned_from_stay_known(judged: list[Judged], set_: str) -> None:
    rows = [row for row in judged if row.library.set == set_]
    assert len(rows) >= 100
    project, licence = score(row.project for row in rows), score(row.license for row in rows)
    assert min(project.precision, project.recall, licence.precision) >= 0.98
    assert licence.recall >= 0.97


def test_the_judged_sets_reach_the_bar(capsys: pytest.CaptureFixture[str]) -> None:
    """The fourteenth and fifteenth among them, whose labels the catalogue was not made with."""
    assert main(["--check"]) == 0
    assert "fourteenth, machine-readable copyright file: 332 libraries" in capsys.readouterr().out


class TestHeaders:
    def test_a_short_identifier_goes_before_words(self) -> None:
        assert granted_license("/* SPDX-License-Identifier: LGPL-2.0-or-later */\n" + LESSER) == "LGPL-2.0-or-later"

    def test_words_of_a_grant(self) -> None:
        assert granted_license(LESSER) == "LGPL-2.1-or-later"

    def test_several_are_a_choice_only_where_the_header_says_so(self) -> None:
        other = "subject to the Mozilla Public License Version 1.1"
        assert granted_license(f"{LESSER}\nAlternatively, {other}") == "LGPL-2.1-or-later OR MPL-1.1"
        assert granted_license(f"{LESSER}\nParts are {other}") == ""

    def test_three_quarters_agree(self) -> None:
        assert agreed_license([Counter({"MIT": 3}), Counter({"ISC": 1})]) == "MIT"
        assert agreed_license([Counter({"MIT": 2, "ISC": 2})]) == ""
        assert agreed_license([]) == ""
        assert agreed_license([Counter({"MPL-2.0": 1})], fewest=2) == ""

    @pytest.mark.parametrize(
        ("paragraphs", "headers", "decide"),
        [
            ([("*", "GPL-2+"), ("src/plugin.h", "LGPL-2+")], "LGPL-2.0-or-later", True),
            (
                [("*", "GPL-2+"), ("src/plugin.h", "LGPL-2+")],
                "BSD-2-Clause",
                False,
            ),  # headers may be freer than the code behind them
            ([("*", "GPL-2+")], "LGPL-2.0-or-later", False),  # which the file does not name
            ([("*", "LGPL-2+")], "GPL-2.0-or-later", False),
            ([("*", "GPL-3+ and LGPL-3+ and Expat")], "LGPL-3.0-or-later", False),
            ([("*", "LGPL-2.1+ and BSD-3-clause")], "LGPL-2.1-or-later", False),
            ([("*", "BSD-2-clause"), ("src/a.c src/b.c", "LGPL-2+")], "LGPL-2.0-or-later", True),
            ([("*", "Frobnicator-1.0")], "MIT", True),
            ([("*", "GPL-2+")], "", False),
        ],
    )
    def test_headers_decide_where_the_file_leaves_a_doubt(
        self, paragraphs: list[tuple[str, str]], headers: str, decide: bool
    ) -> None:
        file = machine_readable(*paragraphs)
        reading = library_reading(file, LIBRARY)
        assert (is_doubtful(file, reading) and headers_decide(file, reading, headers)) is decide

    def test_a_freely_written_file_with_several_licences_leaves_it_to_the_headers(self) -> None:
        file = parse_copyright(f"{LESSER}\n\nThe programs are under the GNU General Public License, version 2.")
        assert headers_decide(file, library_reading(file, LIBRARY), "LGPL-2.1-or-later")
        file = parse_copyright(LESSER)
        assert not headers_decide(file, library_reading(file, LIBRARY), "MIT")

    @pytest.mark.parametrize(
        ("name", "decide"),
        [("Frobnicator-1.0", False), ("Frobnicator License", False), ("BSD-like", True), ("see COPYING", True)],
    )
    def test_nothing_milder_takes_the_place_of_a_licence_of_its_own(self, name: str, decide: bool) -> None:
        file = machine_readable(("*", f"{name}\n You may use this for your own ends and not give it to anybody."))
        reading = library_reading(file, LIBRARY)
        assert headers_decide(file, reading, "MIT") is decide
        assert bool(decided_by_sources(file, reading, [("src/a.c", "MIT")])) is decide
        assert reading is not None
        assert has_names_of_its_own(file, reading) is (name != "see COPYING")


def test_what_the_oldest_release_alone_has_is_read_again_where_it_is_back() -> None:
    def index(*packages: tuple[str, str]) -> dict[str, IndexedPackage]:
        return {name: IndexedPackage(name, "1", source, "libs", "", "", (), "amd64") for name, source in packages}

    oldest, between = index(("libback5", "back"), ("libstay1", "stay")), index(("libstay2", "stay"))
    now = index(("libback8", "back"), ("libback5", "back"), ("libstay3", "stay"), ("libnew1", "new"))
    assert [package.name for package in returned_libraries(now, oldest, [between])] == ["libback8"]


def test_a_collection_kept_by_hand_does_not_speak_for_bindings_of_others() -> None:
    index = {
        name: IndexedPackage(name, "1", source, "libs", "", "", ())
        for name, source in (("libqt6core6", "qt6-base"), ("libicu72", "icu"))
    }
    named = named_by_hand(index)
    assert named("libQt6Frobnicator.so.6", "", "qt6-frobnicator")
    assert not named("libQt6Frobnicator.so.6", "", "libqt6pas")
    assert not named("libQt6Frobnicator.so.6", "MIT", "qt6-frobnicator")
    assert named("libicufrobnicator.so.72", "", "other")
    assert not named("libfrobnicator.so.1", "", "frobnicator")
