"""Licences of components: declared, found in texts, concluded from both; of distributions and what they vendor, JavaScript, fonts, icons."""

from __future__ import annotations

import json
import struct

import pytest

from inspector.facts.licensing.bundled_copyright import BundledCopyrights
from inspector.facts.licensing.component import Component
from inspector.facts.licensing.components import begin_components, finish_components
from inspector.facts.licensing.recognised_files import RecognisedFiles
from inspector.facts.licensing.spdx_texts import spdx_text
from inspector.facts.licensing.static_component import StaticScan
from inspector.facts.python.distributions import collect_python_distributions
from tests.bundles import appdir

SITE = "usr/lib/python3.11/site-packages"


def text_of(identifier: str) -> str:
    return spdx_text(identifier) or ""


def components_of(files: dict[str, bytes | str]) -> dict[str, Component]:
    tree = appdir(files).tree
    texts, copyrights = RecognisedFiles(tree), BundledCopyrights(tree)
    begun = begin_components(tree, [], collect_python_distributions(tree).distributions, texts, copyrights)
    found = finish_components(begun, StaticScan())
    assert not found.problems
    return {component.name: component for component in found.components}


def distribution(headers: str, texts: dict[str, str]) -> Component:
    info = f"{SITE}/example-1.0.dist-info"
    files: dict[str, bytes | str] = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: example\nVersion: 1.0\n{headers}\n\n",
        f"{info}/RECORD": "",
    }
    return components_of(files | {f"{info}/{name}": text for name, text in texts.items()})["example"]


def test_a_text_decides_where_the_metadata_name_a_family() -> None:
    found = distribution(
        "Classifier: License :: OSI Approved :: BSD License", {"licenses/LICENSE.txt": text_of("BSD-3-Clause")}
    )
    assert (found.licenses, found.concluded_from) == ("BSD-3-Clause", "licence text")
    assert found.declared is not None
    assert (found.declared.expression, found.declared.mentioned) == (None, ("BSD License",))
    assert found.license_files == (f"{SITE}/example-1.0.dist-info/licenses/LICENSE.txt",)


def test_a_text_of_another_family_than_the_metadata_decides_nothing() -> None:
    found = distribution("License: GPL v3", {"LICENSE": text_of("MIT")})
    assert (found.licenses, found.license_class, found.stated) == (None, "strong-copyleft", "GPL v3")
    assert [each.expression for each in found.found] == ["MIT"]


def test_an_expression_of_the_metadata_stands_and_the_text_is_told_beside_it() -> None:
    found = distribution("License-Expression: MIT", {"licenses/LICENSE": text_of("GPL-3.0-only")})
    assert (found.licenses, found.concluded_from) == ("MIT", "declared")
    assert [each.mentioned for each in found.found] == [("GPL-3.0-only", "GPL-3.0-or-later")]


def test_a_text_that_two_licences_share_tells_the_class_alone() -> None:
    found = distribution("", {"COPYING": text_of("LGPL-2.1-only")})
    assert (found.licenses, found.license_class) == (None, "weak-copyleft")
    assert found.stated == "LGPL-2.1-only or LGPL-2.1-or-later"


def test_several_texts_leave_it_open() -> None:
    found = distribution("", {"LICENSE.APACHE": text_of("Apache-2.0"), "LICENSE.BSD": text_of("BSD-2-Clause")})
    assert (found.licenses, found.license_class) == (None, "unknown")
    assert [each.expression for each in found.found] == ["Apache-2.0", "BSD-2-Clause"]


def test_a_remark_on_a_licence_is_no_licence() -> None:
    remark = (
        "The data in this package come from many places, and what may be done with them is written in the documentation of each. "
        * 20
    )
    found = distribution("", {"LICENSE": f"{remark}\n\n{text_of('MIT')}"})
    assert found.licenses is None
    assert [each.expression for each in found.found] == ["MIT"]


def test_a_vendored_module_has_the_version_of_the_list_and_the_text_beside_it() -> None:
    vendor = f"{SITE}/pip/_vendor"
    info = f"{SITE}/pip-24.0.dist-info"
    found = components_of(
        {
            f"{info}/METADATA": "Metadata-Version: 2.1\nName: pip\nVersion: 24.0\nLicense-Expression: MIT\n\n",
            f"{info}/RECORD": "\n".join(
                f"pip/_vendor/{name},,"
                for name in ("idna/core.py", "idna/LICENSE.md", "six.py", "six.LICENSE", "vendor.txt")
            ),
            f"{vendor}/vendor.txt": "idna==3.7  # pinned\nsix==1.16.0\nurllib3==2.0\nnot a requirement\n",
            f"{vendor}/__init__.py": "",
            f"{vendor}/idna/core.py": "x = 1\n",
            f"{vendor}/idna/LICENSE.md": text_of("BSD-3-Clause"),
            f"{vendor}/six.py": "x = 1\n",
            f"{vendor}/six.LICENSE": text_of("MIT"),
        }
    )
    assert set(found) == {"pip", "idna", "six"}
    assert (found["idna"].version, found["idna"].licenses, found["idna"].part_of) == ("3.7", "BSD-3-Clause", "pip")
    assert (found["six"].version, found["six"].licenses) == ("1.16.0", "MIT")
    assert found["six"].package_url == "pkg:pypi/six@1.16.0"


def test_a_vendored_distribution_says_who_carries_it() -> None:
    inner = f"{SITE}/setuptools/_vendor/tomli-2.0.1.dist-info"
    found = components_of(
        {
            f"{SITE}/setuptools-70.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: setuptools\nVersion: 70.0\n\n",
            f"{SITE}/setuptools-70.0.dist-info/RECORD": "setuptools/_vendor/tomli-2.0.1.dist-info/METADATA,,\n"
            "setuptools/_vendor/tomli/__init__.py,,\n",
            f"{inner}/METADATA": "Metadata-Version: 2.1\nName: tomli\nVersion: 2.0.1\nClassifier: License :: OSI Approved :: MIT License\n\n",
            f"{inner}/RECORD": "tomli/__init__.py,,\n",
            f"{inner}/LICENSE": text_of("MIT"),
            f"{SITE}/setuptools/_vendor/tomli/__init__.py": "",
        }
    )
    assert (found["tomli"].part_of, found["tomli"].licenses) == ("setuptools", "MIT")
    assert found["tomli"].license_files == (f"{inner}/LICENSE",)
    assert set(found) == {"setuptools", "tomli"}


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"license": "MIT"}, "MIT"),
        ({"license": "(MIT OR Apache-2.0)"}, "MIT OR Apache-2.0"),
        ({"license": {"type": "ISC", "url": "x"}}, "ISC"),
        ({"licenses": [{"type": "MIT"}, {"type": "GPL-2.0-only"}]}, "MIT OR GPL-2.0-only"),
        ({"license": "UNLICENSED"}, "LicenseRef-Proprietary"),
        ({"license": "SEE LICENSE IN LICENSE.txt"}, "Zlib"),
    ],
)
def test_a_javascript_package(stated: dict[str, object], expected: str) -> None:
    directory = "opt/app/node_modules/@scope/thing"
    package = json.dumps({"name": "@scope/thing", "version": "1.2.3", **stated})
    files: dict[str, bytes | str] = {f"{directory}/package.json": package}
    if "SEE" in str(stated):
        files[f"{directory}/LICENSE.txt"] = text_of("Zlib")
    found = components_of(files)["@scope/thing"]
    assert found.licenses == expected
    assert found.package_url == "pkg:npm/%40scope/thing@1.2.3"


@pytest.mark.parametrize("content", ["[" * 5000, "{", "[]", '{"name": 1}', '{"name": "../../etc"}', "\0"])
def test_what_is_no_package_is_passed_over(content: str) -> None:
    assert components_of({"node_modules/x/package.json": content}) == {}


def font(names: dict[int, str]) -> bytes:
    """A font with nothing but a name table, in Windows' English."""
    storage = b"".join(text.encode("utf-16-be") for text in names.values())
    records, at = b"", 0
    for identifier, text in names.items():
        records += struct.pack(">6H", 3, 1, 0x409, identifier, 2 * len(text), at)
        at += 2 * len(text)
    table = struct.pack(">3H", 0, len(names), 6 + 12 * len(names)) + records + storage
    return b"\0\1\0\0" + struct.pack(">4H", 1, 16, 0, 0) + b"name" + struct.pack(">3I", 0, 28, len(table)) + table


def test_a_font_says_its_family_version_and_licence() -> None:
    names = {1: "Nice Sans", 5: "Version 2.37; build 5", 14: "https://scripts.sil.org/OFL"}
    found = components_of(
        {"usr/share/fonts/nice/Nice.ttf": font(names), "usr/share/fonts/nice/Nice-Bold.ttf": font(names)}
    )
    component = found["Nice Sans (font)"]
    assert (component.version, component.licenses, component.kind, len(component.files)) == (
        "2.37",
        "OFL-1.1",
        "font",
        2,
    )


def test_a_font_without_a_licence_is_no_component_and_a_broken_one_no_problem() -> None:
    assert (
        components_of({"a/b.ttf": font({1: "Nice"}), "a/c.ttf": b"\0\1\0\0\xff\xff" + b"\xff" * 40, "a/d.otf": b""})
        == {}
    )


def test_the_licence_of_one_family_is_not_its_neighbours() -> None:
    found = components_of(
        {
            "fonts/DejaVuSans.ttf": font({1: "DejaVu Sans"}),
            "fonts/cmr10.ttf": font({1: "cmr10"}),
            "fonts/LICENSE_DEJAVU": text_of("Bitstream-Vera"),
        }
    )
    assert {name: component.licenses for name, component in found.items()} == {"DejaVu Sans (font)": "Bitstream-Vera"}


def test_an_icon_theme_with_its_text() -> None:
    found = components_of(
        {
            "usr/share/icons/Nice/index.theme": "[Icon Theme]\nName=Nice\n",
            "usr/share/icons/Nice/COPYING": text_of("CC0-1.0"),
        }
    )
    assert (found["Nice (icon theme)"].licenses, found["Nice (icon theme)"].kind) == ("CC0-1.0", "icons")


def test_a_grant_among_other_words_is_the_components_own() -> None:
    grant = (
        "This Source Code Form is subject to the terms of the Mozilla Public License, v. 2.0. If a copy of the MPL was not distributed with this\n"
        "file, You can obtain one at http://mozilla.org/MPL/2.0/.\n"
    )
    remark = (
        "This package contains certificates of many authorities, which were extracted from files of others by a program. "
        * 6
    )
    assert distribution("", {"LICENSE": f"{remark}\n\n{grant}"}).licenses == "MPL-2.0"
