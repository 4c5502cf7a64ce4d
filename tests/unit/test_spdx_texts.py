from __future__ import annotations

import hashlib

from packaging.licenses import _spdx  # the list that expressions are checked by

from inspector.facts.licensing import spdx_texts
from inspector.resources import data_directory, load_table


def test_texts_are_of_the_release_that_the_table_names() -> None:
    table = load_table("licenses/texts/spdx.toml")
    packed = (data_directory("rules") / "licenses/texts/spdx.json.xz").read_bytes()
    assert hashlib.sha256(packed).hexdigest() == table["sha256"]
    assert len(spdx_texts.spdx_identifiers()) == table["licenses"]
    assert len(spdx_texts.spdx_exceptions()) == table["exceptions"]
    assert spdx_texts.list_version() == (table["list_version"], "2026-02-20")


def test_every_identifier_that_packaging_accepts_has_a_text() -> None:
    for identifier in (*_spdx.LICENSES, *_spdx.EXCEPTIONS):
        text = spdx_texts.spdx_text(identifier)
        assert text is not None, identifier
        assert text.strip(), identifier
        assert text.endswith("\n"), identifier


def test_words_that_the_licences_are_known_by() -> None:
    for identifier, words in {
        "MIT": "The above copyright notice and this permission notice",
        "gpl-3.0-or-later": "29 June 2007",
        "GPL-2.0+": "Version 2, June 1991",
        "LGPL-2.1-only": "GNU LESSER GENERAL PUBLIC LICENSE",
        "Apache-2.0": "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION",
        "GCC-exception-3.1": "Eligible Compilation Process",
    }.items():
        assert words in (spdx_texts.spdx_text(identifier) or ""), identifier
    assert spdx_texts.spdx_text("LicenseRef-Qt-Commercial") is None


def test_identifiers_that_share_a_text_share_it() -> None:
    shared = {identifiers for identifiers, _ in spdx_texts.distinct_texts() if "GPL-2.0-only" in identifiers}
    assert len(shared) == 1
    assert {"GPL-2.0", "GPL-2.0-only", "GPL-2.0-or-later"} <= set(shared.pop())
