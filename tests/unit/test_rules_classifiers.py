"""The tables of licence words: valid SPDX on the right, classifiers that exist on the left."""

from __future__ import annotations

import pytest

from inspector.facts.licensing.license_classes import CLASS_ORDER, license_class
from inspector.facts.licensing.python_licenses import _known_identifiers, _plain, canonical_expression, stated_license
from inspector.resources import load_table

TABLE = load_table("licenses/classifiers.toml")


def test_the_right_side_is_spdx_as_the_list_spells_it() -> None:
    licenses = pytest.importorskip("packaging.licenses")
    for section in ("classifiers", "license_field", "beginnings"):
        for words, spdx in TABLE[section].items():
            assert licenses.canonicalize_license_expression(spdx) == spdx, words
    for identifier in _known_identifiers():
        assert licenses.canonicalize_license_expression(identifier) == identifier


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
