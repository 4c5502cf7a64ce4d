"""CycloneDX and SPDX documents: what they say of components, files, links and licences; that they repeat byte for byte."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import hypothesis
import hypothesis.strategies as st
import msgspec
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from inspector.errors import UsageError
from inspector.limits import Limits
from inspector.pipeline import audit_opened
from inspector.render.bill_of_materials import component_keys, created_at
from inspector.render.registry import RenderOptions, load_renderer
from inspector.result import ComponentInfo, LicenseStatement, Result
from tests import render_samples
from tests.bundles import Content, appdir
from tests.elf_builder import TinyElf

Json = dict[str, Any]
SITE = "usr/lib/python3.11/site-packages"
SAMPLES = {
    "pyqt5": render_samples.pyqt5_appimage(),
    "tiny": render_samples.tiny_elf(),
    "hostile": render_samples.hostile_bundle(),
}


def bundle() -> Result:
    """A program that loads zlib and a library with SQLite linked into it, and a Python distribution."""
    files: dict[str, Content] = {
        "AppRun": '#!/bin/sh\nHERE="$(dirname "$(readlink -f "$0")")"\nexec "$HERE/usr/bin/app" "$@"\n',
        "usr/bin/app": TinyElf(
            interpreter="/lib64/ld-linux-x86-64.so.2",
            program=True,
            needed=("libreadline.so.8",),
            runpath="$ORIGIN/../lib",
        ),
        "usr/lib/libreadline.so.8": TinyElf(soname="libreadline.so.8", needed=("libtinfo.so.6",), runpath="$ORIGIN"),
        "usr/lib/libtinfo.so.6": TinyElf(soname="libtinfo.so.6"),
        f"{SITE}/ada.py": "\n",
        f"{SITE}/ada-1.0.dist-info/METADATA": "Metadata-Version: 2.4\nName: ada\nVersion: 1.0\nLicense-Expression: LicenseRef-Ada OR MIT\n\n",
        f"{SITE}/ada-1.0.dist-info/RECORD": "ada.py,,\nada-1.0.dist-info/METADATA,,\nada-1.0.dist-info/RECORD,,\n",
    }
    return audit_opened(appdir(files), limits=Limits(), digest_files=True).result


@pytest.fixture
def epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")


def document(format_name: str, result: Result) -> Json:
    return json.loads(load_renderer(format_name)([result], RenderOptions()))  # type: ignore[no-any-return]


def by_name(rows: list[Json], name: str) -> Json:
    (found,) = [row for row in rows if row["name"] == name]
    return found


class TestBoth:
    @pytest.mark.parametrize("format_name", ["cyclonedx", "spdx"])
    def test_the_same_bytes_for_the_same_epoch(self, format_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        render = load_renderer(format_name)
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        first = render([bundle()], RenderOptions())
        assert render([bundle()], RenderOptions()) == first
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000001")
        assert render([bundle()], RenderOptions()) != first

    @pytest.mark.parametrize("format_name", ["cyclonedx", "spdx"])
    def test_one_artifact_a_document(self, format_name: str) -> None:
        with pytest.raises(UsageError, match="describes one artifact"):
            load_renderer(format_name)([SAMPLES["tiny"], SAMPLES["tiny"]], RenderOptions())

    @pytest.mark.parametrize("written", ["", "soon", "-1", "1e9", "1_0", "9" * 13, "²"])
    def test_an_epoch_that_is_none(self, written: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", written)
        with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH"):
            created_at()

    def test_names_of_components_are_apart_whatever_they_are_called(self) -> None:
        names = ["a", "a", "a-2", "a 2", "…", "…", "c++", "c--", "x" * 1000]
        keys = component_keys([ComponentInfo(name=name, version=None, kind="library", licenses=None) for name in names])
        assert len(set(keys)) == len(names)
        assert all(re.fullmatch(r"[A-Za-z0-9.-]+", key) for key in keys)


@pytest.mark.usefixtures("epoch")
class TestCycloneDx:
    @pytest.mark.parametrize("name", SAMPLES)
    def test_every_document_follows_the_schema(self, name: str) -> None:
        text = load_renderer("cyclonedx")([SAMPLES[name]], RenderOptions()).decode()
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None

    def test_what_it_says(self) -> None:
        result = bundle()
        text = load_renderer("cyclonedx")([result], RenderOptions()).decode()
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
        found: Json = json.loads(text)
        assert found["specVersion"] == "1.6"
        assert found["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
        assert found["metadata"]["component"]["name"] == "Test.AppDir"
        readline = by_name(found["components"], "GNU Readline")
        assert readline["licenses"] == [{"license": {"id": "GPL-3.0-or-later", "acknowledgement": "concluded"}}]
        assert readline["purl"].startswith("pkg:generic/gnu-readline")
        content = next(entry for entry in result.files.entries or () if entry.path == "usr/lib/libreadline.so.8")
        assert {row["alg"]: row["content"] for row in readline["hashes"]} == {
            "SHA-1": content.sha1,
            "SHA-256": content.sha256,
        }
        assert [row["location"] for row in readline["evidence"]["occurrences"]] == ["usr/lib/libreadline.so.8"]
        methods = readline["evidence"]["identity"][0]["methods"]
        assert {"technique": "binary-analysis", "confidence": 0.9, "value": "SONAME libreadline.so.8"} in methods
        properties = [(row["name"], row["value"]) for row in readline["properties"]]
        assert ("bundle-inspect:exposure", "usr/bin/app -> usr/lib/libreadline.so.8") in properties
        assert ("bundle-inspect:linkage", "dynamic by artifact") in properties
        ada = by_name(found["components"], "ada")
        assert ada["licenses"] == [{"expression": "LicenseRef-Ada OR MIT", "acknowledgement": "concluded"}]
        assert ada["purl"] == "pkg:pypi/ada@1.0"
        uses = {row["ref"]: row.get("dependsOn", []) for row in found["dependencies"]}
        assert readline["bom-ref"] in uses["artifact"]
        assert uses[readline["bom-ref"]] == [by_name(found["components"], "ncurses")["bom-ref"]]


@pytest.mark.usefixtures("epoch")
class TestSpdx:
    def test_what_it_says(self) -> None:
        result = bundle()
        found = document("spdx", result)
        assert found["spdxVersion"] == "SPDX-2.3"
        assert found["creationInfo"]["created"] == "2023-11-14T22:13:20Z"
        assert found["documentNamespace"].startswith("https://spdx.org/spdxdocs/Test.AppDir-")
        readline = by_name(found["packages"], "GNU Readline")
        assert readline["licenseConcluded"] == "GPL-3.0-or-later"
        assert readline["sourceInfo"].startswith("SONAME libreadline.so.8")
        assert readline["externalRefs"][0]["referenceLocator"].startswith("pkg:generic/gnu-readline")
        ada = by_name(found["packages"], "ada")
        assert (ada["licenseDeclared"], ada["licenseConcluded"]) == ("LicenseRef-Ada OR MIT",) * 2
        assert [row["licenseId"] for row in found["hasExtractedLicensingInfos"]] == ["LicenseRef-Ada"]
        links = {
            (row["spdxElementId"], row["relationshipType"], row["relatedSpdxElement"]) for row in found["relationships"]
        }
        ncurses = by_name(found["packages"], "ncurses")["SPDXID"]
        assert ("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Artifact") in links
        assert ("SPDXRef-Artifact", "DYNAMIC_LINK", readline["SPDXID"]) in links
        assert (readline["SPDXID"], "DYNAMIC_LINK", ncurses) in links

    def test_every_file_has_its_digests_and_one_place(self) -> None:
        result = bundle()
        found = document("spdx", result)
        files = {row["fileName"]: row for row in found["files"]}
        regular = [entry for entry in result.files.entries or () if entry.kind == "file"]
        assert set(files) == {f"./{entry.path}" for entry in regular}
        for entry in regular:
            sums = {row["algorithm"]: row["checksumValue"] for row in files[f"./{entry.path}"]["checksums"]}
            assert sums == {"SHA1": entry.sha1, "SHA256": entry.sha256}
        contained = [
            row["relatedSpdxElement"] for row in found["relationships"] if row["relationshipType"] == "CONTAINS"
        ]
        assert all(contained.count(row["SPDXID"]) == 1 for row in files.values())

    def test_verification_codes_are_those_of_the_files(self) -> None:
        found = document("spdx", bundle())
        ids = {row["SPDXID"]: row["checksums"][0]["checksumValue"] for row in found["files"]}
        for package in found["packages"]:
            own = [
                ids[row["relatedSpdxElement"]]
                for row in found["relationships"]
                if row["spdxElementId"] == package["SPDXID"] and row["relatedSpdxElement"] in ids
            ]
            if package["name"] == "Test.AppDir":
                own = list(ids.values())
            assert package["filesAnalyzed"] is bool(own)
            if own:
                code = hashlib.sha1("".join(sorted(own)).encode()).hexdigest()
                assert package["packageVerificationCode"]["packageVerificationCodeValue"] == code

    def test_a_report_without_digests_names_no_files(self) -> None:
        found = document("spdx", SAMPLES["pyqt5"])
        assert "files" not in found
        assert not any(package["filesAnalyzed"] for package in found["packages"])

    def test_identifiers_are_what_the_specification_allows(self) -> None:
        for result in (*SAMPLES.values(), bundle()):
            found = document("spdx", result)
            names = [row["SPDXID"] for row in (*found["packages"], *found.get("files", ()))]
            assert len(set(names)) == len(names)
            assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", name) for name in names)
            known = {*names, "SPDXRef-DOCUMENT"}
            for row in found["relationships"]:
                assert {row["spdxElementId"], row["relatedSpdxElement"]} <= known


_SCHEMA = JsonStrictValidator(SchemaVersion.V1_6)
_WORDS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["MIT", "GPL-2.0-only OR MIT", "MIT AND", "(", "LicenseRef-a_b", "", "1" * 3000]),
)
_COMPONENTS = st.lists(
    st.builds(
        ComponentInfo,
        name=_WORDS,
        version=st.none() | _WORDS,
        kind=st.sampled_from(["library", "static", "python", "interpreter", "font", "something new"]),
        licenses=st.none() | _WORDS,
        stated=_WORDS,
        package_url=_WORDS | st.sampled_from(["pkg:generic/x y@1", "pkg:pypi/", "pkg:npm/%40a/b@1"]),
        found=st.lists(
            st.builds(LicenseStatement, expression=st.none() | _WORDS, source=_WORDS, mentioned=st.tuples(_WORDS)),
            max_size=2,
        ).map(tuple),
        evidence=st.lists(_WORDS, max_size=2).map(tuple),
        files=st.lists(_WORDS, max_size=3).map(tuple),
    ),
    max_size=4,
)


@pytest.mark.slow
@hypothesis.settings(max_examples=40, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(components=_COMPONENTS)
def test_whatever_an_artifact_says_the_documents_stay_valid(components: list[ComponentInfo], epoch: None) -> None:
    result = msgspec.structs.replace(SAMPLES["tiny"], components=tuple(components))
    text = load_renderer("cyclonedx")([result], RenderOptions()).decode()
    assert _SCHEMA.validate_str(text) is None
    assert load_renderer("cyclonedx")([result], RenderOptions()).decode() == text
    found = document("spdx", result)
    assert len({package["SPDXID"] for package in found["packages"]}) == len(components) + 1
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", package["SPDXID"]) for package in found["packages"])
    assert len(load_renderer("components")([result], RenderOptions())) > 0


class TestCsv:
    def test_a_line_a_component(self) -> None:
        import csv
        import io

        result = bundle()
        text = load_renderer("components")([result], RenderOptions()).decode()
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        assert [row["component"] for row in rows] == [component.name for component in result.components]
        readline = next(row for row in rows if row["component"] == "GNU Readline")
        assert readline["license"] == "GPL-3.0-or-later"
        assert readline["class"] == "strong-copyleft"
        assert readline["reached"] == "by usr/bin/app"
        assert readline["exposure"] == "usr/bin/app -> usr/lib/libreadline.so.8"

    def test_no_cell_is_a_formula(self) -> None:
        text = load_renderer("components")([SAMPLES["hostile"]], RenderOptions()).decode()
        assert "\x1b" not in text
        assert not re.search(r'(?:^|,)"?[=+@]', text, re.MULTILINE)
