"""The tables of licence words: valid SPDX on the right, classifiers that exist on the left."""

from __future__ import annotations

import json
import lzma

import pytest

from inspector.facts.licensing.canonical_expressions import canonical_expression, known_identifiers
from inspector.facts.licensing.license_classes import CLASS_ORDER, license_class
from inspector.facts.licensing.python_licenses import _plain, stated_license
from inspector.resources import data_directory, load_table

TABLE = load_table("licenses/classifiers.toml")
NEWER = load_table("licenses/newer_identifiers.toml")


def test_the_right_side_is_spdx_as_the_list_spells_it() -> None:
    licenses = pytest.importorskip("packaging.licenses")
    for section in ("classifiers", "license_field", "beginnings"):
        for words, spdx in TABLE[section].items():
            assert licenses.canonicalize_license_expression(spdx) == spdx, words
    newer = set(NEWER["licenses"])
    for identifier in known_identifiers() - newer:
        assert licenses.canonicalize_license_expression(identifier) == identifier


def test_newer_identifiers_are_those_of_the_list_that_packaging_lacks() -> None:
    spdx = pytest.importorskip("packaging.licenses._spdx")
    with lzma.open(data_directory("rules") / "licenses/texts/spdx.json.xz") as stream:
        texts = json.load(stream)
    for kind, known in (("licenses", spdx.LICENSES), ("exceptions", spdx.EXCEPTIONS)):
        assert {name for name in texts[kind] if name.lower() not in known} <= set(NEWER[kind]) <= set(texts[kind])
    assert NEWER["list_version"] == load_table("licenses/texts/spdx.toml")["list_version"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unrar", "UnRAR"),
        ("MIT OR ossp", "MIT OR OSSP"),
        ("mit-stk AND (mit OR gpl-2.0-only)", "MIT-STK AND (MIT OR GPL-2.0-only)"),
        ("gpl-2.0-or-later with KVIRC-openssl-exception", "GPL-2.0-or-later WITH kvirc-openssl-exception"),
        ("OSSP WITH Classpath-exception-2.0", "OSSP WITH Classpath-exception-2.0"),
        ("UnRAR OR NotALicense", None),
        ("UnRAR WITH No-exception", None),
        ("UnRAR OR", None),
    ],
)
def test_identifiers_that_packaging_does_not_know_yet(text: str, expected: str | None) -> None:
    assert canonical_expression(text) == expected


def test_every_newer_identifier_has_a_class() -> None:
    assert [name for name in NEWER["licenses"] if license_class(name) == "unknown"] == []
    # An exception that the table does not name leaves the base's class, so what makes a difference has to be told by one that does.
    assert license_class("LGPL-2.1-or-later WITH Simple-Library-Usage-exception") == "weak-copyleft"
    assert license_class("GPL-2.0-only WITH Classpath-exception-2.0-short") == "permissive"


def test_families_have_classes_that_exist() -> None:
    for section in ("classifier_classes", "license_field_classes"):
        assert set(TABLE[section].values()) <= set(CLASS_ORDER)


def test_the_keys_are_in_the_form_that_is_looked_up() -> None:
    for section in ("license_field", "license_field_classes", "beginnings"):
        for words in TABLE[section]:
            assert _plain(words) == words


def test_classifiers_exist_on_the_index() -> None:
    trove = pytest.importorskip("trove_classifiers")
    known = {
        name.rpartition(" :: ")[2]
        for name in {*trove.classifiers, *trove.deprecated_classifiers}
        if name.startswith("License :: ")
    }
    for section in ("classifiers", "classifier_classes"):
        assert set(TABLE[section]) <= known
    unread = {name for name in known if name not in TABLE["classifiers"] and name not in TABLE["classifier_classes"]}
    assert len(unread) < 15, unread


@pytest.mark.parametrize(
    "expression",
    ["MIT", "MIT OR Apache-2.0", "MIT AND (BSD-3-Clause OR ISC)", "GPL-2.0-only WITH Classpath-exception-2.0", "mit"],
)
def test_the_short_way_to_an_expression_gives_what_packaging_gives(expression: str) -> None:
    licenses = pytest.importorskip("packaging.licenses")
    assert canonical_expression(expression) == licenses.canonicalize_license_expression(expression)


@pytest.mark.parametrize("text", ["", "MIT OR", "MIT Apache-2.0", "AND", "MIT AND AND MIT", "NotALicense", "MIT WITH"])
def test_what_is_no_expression(text: str) -> None:
    assert canonical_expression(text) is None


def test_plain_expressions_do_not_import_packaging() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from inspector.facts.licensing.python_licenses import stated_license; "
        "stated_license('MIT OR Apache-2.0', None, []); sys.exit('packaging' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_expression_decides_alone() -> None:
    stated = stated_license("MIT", "GPL v3", ["License :: OSI Approved :: BSD License"])
    assert (stated.expression, stated.source) == ("MIT", "License-Expression")
    assert license_class(stated.expression) == stated.license_class
