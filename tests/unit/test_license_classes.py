"""The class of a licence expression, and the table of classes against the SPDX licence list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.facts.licensing.license_classes import CLASS_ORDER, _classifier, license_class, strictest
from inspector.resources import load_table


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", "permissive"),
        ("mit", "permissive"),
        ("Unlicense", "public-domain"),
        ("blessing", "public-domain"),
        ("LGPL-2.1-or-later", "weak-copyleft"),
        ("LGPL-2.1+", "weak-copyleft"),
        ("MPL-2.0", "weak-copyleft"),
        ("GPL-3.0-only", "strong-copyleft"),
        ("GPL-2.0", "strong-copyleft"),
        ("GPL-2.0+", "strong-copyleft"),
        ("Sleepycat", "strong-copyleft"),
        ("AGPL-3.0-or-later", "network-copyleft"),
        ("LicenseRef-NVIDIA-CUDA-EULA", "proprietary"),
        ("CC-BY-4.0", "permissive"),
        ("CC-BY-SA-4.0", "weak-copyleft"),
        ("CC-BY-NC-4.0", "proprietary"),
        ("NASA-1.3", "weak-copyleft"),
        ("BSD-Protection", "strong-copyleft"),
        # exceptions
        ("GPL-3.0-or-later WITH GCC-exception-3.1", "permissive"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "permissive"),
        ("Apache-2.0 WITH LLVM-exception", "permissive"),
        ("GPL-2.0-or-later WITH Bootloader-exception", "permissive"),
        ("LGPL-2.0-or-later WITH WxWindows-exception-3.1", "permissive"),
        ("LGPL-2.1-only WITH OCCT-exception-1.0", "weak-copyleft"),
        ("GPL-2.0-only WITH Universal-FOSS-exception-1.0", "strong-copyleft"),
        ("GPL-2.0-only WITH made-up-exception", "strong-copyleft"),
        ("MIT WITH GCC-exception-3.1", "permissive"),
        ("LicenseRef-x WITH GCC-exception-3.1", "unknown"),
        # OR takes the mildest, AND the strictest; AND binds tighter
        ("GPL-2.0-only OR MIT", "permissive"),
        ("LGPL-3.0-or-later OR GPL-2.0-or-later", "weak-copyleft"),
        ("MIT AND GPL-2.0-only", "strong-copyleft"),
        ("MIT OR GPL-2.0-only AND AGPL-3.0-only", "permissive"),
        ("(MIT OR GPL-2.0-only) AND AGPL-3.0-only", "network-copyleft"),
        ("GPL-3.0-only OR LicenseRef-Qt-Commercial", "strong-copyleft"),
        ("LGPL-3.0-only OR GPL-2.0-only OR LicenseRef-Qt-Commercial", "weak-copyleft"),
        ("((MIT))", "permissive"),
        ("MIT and (Apache-2.0 or GPL-2.0-only)", "permissive"),
        # unknown stays unknown, and does not hide what is known
        ("LicenseRef-whatever", "unknown"),
        ("MIT AND LicenseRef-whatever", "unknown"),
        ("MIT OR LicenseRef-whatever", "permissive"),
        ("GPL-2.0-only AND LicenseRef-whatever", "strong-copyleft"),
        ("GPL-2.0-only OR LicenseRef-whatever", "unknown"),
        ("NOASSERTION", "unknown"),
        # no expressions
        (None, "unknown"),
        ("", "unknown"),
        ("BSD License", "unknown"),
        ("MIT OR", "unknown"),
        ("OR MIT", "unknown"),
        ("(MIT", "unknown"),
        ("MIT)", "unknown"),
        ("GPL-2.0-only WITH", "unknown"),
        ("see LICENSE.txt; © 2020", "unknown"),
        ("(" * 200 + "MIT" + ")" * 200, "unknown"),
        ("MIT AND " * 2000 + "MIT", "unknown"),
    ],
)
def test_class_of_an_expression(expression: str | None, expected: str) -> None:
    assert license_class(expression) == expected


@given(st.text(alphabet="MITGPLAND ORWH()-+.230", max_size=60))
def test_any_text_has_a_class(text: str) -> None:
    assert license_class(text) in CLASS_ORDER


_names = st.sampled_from(["MIT", "GPL-3.0-only", "LGPL-2.1-only", "AGPL-3.0-only", "Unlicense", "LicenseRef-x"])


@given(_names, _names)
def test_and_never_asks_less_than_or(one: str, other: str) -> None:
    rank = CLASS_ORDER.index
    both, either = license_class(f"{one} AND {other}"), license_class(f"{one} OR {other}")
    assert rank(either) <= rank(license_class(one)) <= rank(both)
    assert both == license_class(f"{other} AND {one}")


def test_the_strictest_of_several() -> None:
    assert strictest(["permissive", "weak-copyleft"]) == "weak-copyleft"
    assert strictest([]) == "unknown"


def test_the_table_names_classes_that_exist_and_each_identifier_once() -> None:
    table = load_table("licenses/classes.toml")
    assert set(table["classes"]) <= set(CLASS_ORDER)
    exact = [name.lower() for names in table["classes"].values() for name in set(names) if not set("*[") & set(name)]
    assert len(exact) == len(set(exact))


def test_the_table_agrees_with_the_spdx_list() -> None:
    """Every exact identifier and exception exists, each pattern matches some, and what people meet every day has a class."""
    spdx = pytest.importorskip("packaging.licenses._spdx")
    table = load_table("licenses/classes.toml")
    from fnmatch import fnmatchcase

    newer = load_table("licenses/newer_identifiers.toml")
    for section, known, added in (
        ("classes", spdx.LICENSES, "licenses"),
        ("exceptions", spdx.EXCEPTIONS, "exceptions"),
    ):
        names = [*(row["id"] for row in known.values()), *newer[added]]
        for identifier in (name for group in table[section].values() for name in group):
            if not identifier.startswith("LicenseRef-"):
                assert any(fnmatchcase(name, identifier) for name in names), identifier
    classify = _classifier("classes")
    unclassified = [row["id"] for row in spdx.LICENSES.values() if classify(row["id"]) is None]
    assert len(unclassified) < 0.25 * len(spdx.LICENSES)
    exception = _classifier("exceptions")
    exceptions = [*(row["id"] for row in spdx.EXCEPTIONS.values()), *newer["exceptions"]]
    assert [name for name in exceptions if exception(name) is None] == []
