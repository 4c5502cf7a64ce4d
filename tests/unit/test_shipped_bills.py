"""Bills of materials inside an artifact, held against its files: confirmed, not found, left out; and documents that are none."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspector.checks.components import check
from inspector.facts.collect import collect_facts
from inspector.facts.facts import Facts
from inspector.facts.licensing.component import Component
from inspector.facts.licensing.shipped_bills import CheckedBill, check_shipped_bills
from inspector.limits import Limits
from tests.bundles import appdir

PLACE = "site-packages/thing-1.0.dist-info/sboms/auditwheel.cdx.json"


def component(
    name: str, kind: str = "library", path: str = "thing.libs/x.so", url: str = "", version: str | None = None
) -> Component:
    return Component(
        name=name,
        version=version,
        kind=cast(Any, kind),
        licenses=None,
        license_class="unknown",
        evidence=(),
        files=(path,),
        package_url=url,
    )


THING = component("thing", "python", PLACE)
PNG = component("libpng", version="1.6.58", path="thing.libs/libpng16-ab12cd34.so.16.58.0")
SSL = component("OpenSSL", path="thing.libs/libssl-ab12cd34.so.3", url="pkg:github/openssl/openssl")
ZLIB = component("zlib", "static", "thing/_core.so")


def bills(document: object, *components: Component, path: str = PLACE, owner: str = "thing") -> tuple[CheckedBill, ...]:
    tree = appdir({path: document if isinstance(document, str) else json.dumps(document)}).tree
    owners = {each.files[0]: owner for each in components} | {path: owner}
    found, problems = check_shipped_bills(tree, components, owners)
    assert not problems
    return found


def cyclonedx(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"bomFormat": "CycloneDX", "specVersion": "1.4", "components": list(entries)}


def test_what_a_bill_lists_is_there_is_not_there_or_is_left_out() -> None:
    document = cyclonedx(
        {"type": "library", "name": "thing", "version": "1.0", "purl": "pkg:pypi/thing@1.0"},
        {"type": "library", "name": "openssl-libs", "version": "3.0", "purl": "pkg:rpm/almalinux/openssl-libs@3.0"},
        {"type": "library", "name": "libimagequant", "version": "4.4.1"},
        {"type": "library", "name": "serde", "version": "1.0", "purl": "pkg:cargo/serde@1.0"},
        {"type": "file", "name": "README"},
    )
    (bill,) = bills(document, THING, PNG, SSL, ZLIB)
    assert (bill.format, bill.of) == ("CycloneDX 1.4", "thing")
    assert bill.confirmed == ("openssl-libs 3.0",)
    assert bill.absent == ("libimagequant 4.4.1",)
    assert bill.unlisted == ("libpng 1.6.58", "zlib")


def test_a_bill_speaks_of_its_distribution_alone() -> None:
    other = component("curl", path="other.libs/libcurl.so.4")
    tree = appdir({PLACE: json.dumps(cyclonedx({"name": "libpng", "version": "1"}))}).tree
    found, _ = check_shipped_bills(
        tree, (THING, PNG, other), {PLACE: "thing", PNG.files[0]: "thing", other.files[0]: "other"}
    )
    assert found[0].unlisted == ()


def test_two_bills_of_one_distribution_make_one_list() -> None:
    second = PLACE.replace("auditwheel", "own")
    tree = appdir(
        {PLACE: json.dumps(cyclonedx({"name": "libpng"})), second: json.dumps(cyclonedx({"name": "zlib"}))}
    ).tree
    owners = dict.fromkeys((PLACE, second, PNG.files[0], ZLIB.files[0]), "thing")
    found, _ = check_shipped_bills(tree, (THING, PNG, ZLIB), owners)
    assert [bill.unlisted for bill in found] == [(), ()]


def test_a_list_of_crates_leaves_out_no_library() -> None:
    (bill,) = bills(cyclonedx({"name": "serde", "version": "1", "purl": "pkg:cargo/serde@1"}), THING, PNG)
    assert (bill.absent, bill.unlisted) == ((), ())


def test_spdx_2_and_3() -> None:
    two = {
        "spdxVersion": "SPDX-2.3",
        "documentDescribes": ["SPDXRef-app"],
        "packages": [
            {"SPDXID": "SPDXRef-app", "name": "app"},
            {"SPDXID": "SPDXRef-png", "name": "libpng", "versionInfo": "1.6"},
            {
                "SPDXID": "SPDXRef-x",
                "name": "nothing",
                "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:deb/debian/nothing@1"}],
            },
        ],
    }
    (bill,) = bills(two, PNG, path="usr/share/app.spdx.json", owner="")
    assert (bill.format, bill.of, bill.confirmed, bill.absent) == ("SPDX 2.3", "", ("libpng 1.6",), ("nothing",))
    three = {
        "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
        "@graph": [{"type": "software_Package", "name": "libpng"}, {"type": "Agent"}],
    }
    (bill,) = bills(three, PNG, path="usr/share/app.spdx.json", owner="")
    assert (bill.format, bill.confirmed) == ("SPDX 3.0", ("libpng",))


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000, '"x"', "", "\xff"])
def test_a_broken_bill_in_its_own_place_is_a_problem_and_elsewhere_nothing(text: str) -> None:
    found, problems = check_shipped_bills(appdir({PLACE: text}).tree, (), {})
    assert (found, [each.kind for each in problems]) == ((), ["broken-bill-of-materials"])
    assert check_shipped_bills(appdir({"a/bom.json": text}).tree, (), {}) == ((), ())


def test_what_could_not_be_read_is_told_of_the_artifact() -> None:
    artifact = appdir({PLACE: "{"})
    collect_facts(artifact, Limits())
    assert [(problem.kind, problem.subject) for problem in artifact.problems] == [("broken-bill-of-materials", PLACE)]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "bomFormat",
                    "components",
                    "name",
                    "version",
                    "purl",
                    "type",
                    "packages",
                    "spdxVersion",
                    "@graph",
                    "externalRefs",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["components", "packages", "@graph", "@context", "documentDescribes", "specVersion"]), _JSON
    ),
    st.sampled_from(["CycloneDX", "SPDX"]),
)
def test_any_document_can_be_read(document: dict[str, Any], form: str) -> None:
    document |= {"bomFormat": "CycloneDX"} if form == "CycloneDX" else {"spdxVersion": "SPDX-2.3"}
    (bill,) = bills(document, THING, PNG)
    assert isinstance(bill, CheckedBill)


def test_what_differs_is_a_finding() -> None:
    bill = CheckedBill("x.cdx.json", "CycloneDX 1.4", "thing", ("a",), ("libimagequant 4.4.1",), ("libpng", "bzip2"))
    (found,) = check(Facts(name="x", format="appdir", arch=None, shipped_bills=(bill,)))
    assert found.message == (
        "the bill of materials lists 1 component that is not found: libimagequant 4.4.1 and leaves out 2 components: libpng, bzip2"
    )
    assert (found.rule, found.severity, found.subject) == ("shipped-bill-differs", "info", "x.cdx.json")
