"""``inspect licenses`` on real bundles: copyleft behind Python modules, notices, documents by their makers' schemas and tools, peers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import corpus
from corpus.licenses.distribution_peers import ListedDistribution, cyclonedx_py, normalized_name, pip_licenses
from inspector.cli import main
from inspector.pipeline import audit
from inspector.result import ComponentInfo, Result, load_result

pytestmark = pytest.mark.corpus

APPLICATION = "usr/bin/application"
MODULES = "usr/lib/python3.11/lib-dynload"
SUFFIX = "cpython-311-x86_64-linux-gnu.so"


@pytest.fixture(autouse=True)
def _reproducible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.slow
class TestPythonWithReadline:
    """A Python with GNU Readline and GDBM: bundled as modules, linked into its one executable, and not there at all."""

    def run(self, path: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> tuple[Result, list[str]]:
        report, screen = tmp_path / "r.json", tmp_path / "screen.txt"
        assert main(["licenses", str(path), "--isolated", "-q", "-o", str(report), "-o", str(screen)]) == 0
        capfd.readouterr()
        return load_result(report), screen.read_text().splitlines()

    def test_bundled_as_modules(
        self, corpus_artifact: Callable[[str], Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        result, screen = self.run(corpus_artifact("readline-modules.AppDir"), tmp_path, capfd)
        assert {found.component: (found.license, found.chain) for found in result.licenses.exposures} == {
            "GNU Readline": (
                "GPL-3.0-or-later",
                (APPLICATION, f"{MODULES}/readline.{SUFFIX}", "usr/lib/libreadline.so.8"),
            ),
            "GNU dbm": ("GPL-3.0-or-later", (APPLICATION, f"{MODULES}/_gdbm.{SUFFIX}", "usr/lib/libgdbm.so.6")),
        }
        assert "    application → readline….so → libreadline.so.8" in screen
        assert "    application → _gdbm….so → libgdbm.so.6" in screen

    def test_linked_into_one_executable(
        self, corpus_artifact: Callable[[str], Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        result, screen = self.run(corpus_artifact("readline-static.AppDir"), tmp_path, capfd)
        found = {found.component: found for found in result.licenses.exposures}
        assert set(found) == {"GNU Readline", "GNU dbm"}
        assert {one.linkage for one in found.values()} == {"static"}
        assert found["GNU Readline"].chain == ("usr/bin/application", "built-in module readline", "GNU Readline 8.2")
        assert "    application → built-in module readline → GNU Readline 8.2" in screen
        assert "    application → built-in module _gdbm → GNU dbm" in screen

    def test_without_them_nothing_is_exposed(
        self, corpus_artifact: Callable[[str], Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        result, screen = self.run(corpus_artifact("readline-none.AppDir"), tmp_path, capfd)
        assert result.licenses.exposures == ()
        assert "Copyleft  none is known in it" in screen
        assert not any("Readline" in line for line in screen)


@pytest.fixture(scope="module")
def modules_bundle(corpus_artifact: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with every document about the bundle with the modules, written twice."""
    directory = tmp_path_factory.mktemp("documents")
    bundle = corpus_artifact("readline-modules.AppDir")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        for number in (1, 2):
            outputs = [
                part
                for suffix in ("cdx.json", "spdx.json", "csv")
                for part in ("-o", str(directory / f"{number}.{suffix}"))
            ]
            notices = ["--notices", str(directory / f"{number}.txt")]
            assert main(["licenses", str(bundle), "--isolated", "--no-progress", *outputs, *notices]) in (0, 1)
    return directory


@pytest.mark.slow
class TestDocuments:
    @pytest.mark.parametrize("suffix", ["cdx.json", "spdx.json", "csv", "txt"])
    def test_the_same_bytes_each_time(self, modules_bundle: Path, suffix: str) -> None:
        assert (modules_bundle / f"1.{suffix}").read_bytes() == (modules_bundle / f"2.{suffix}").read_bytes()

    def test_cyclonedx_by_its_schema(self, modules_bundle: Path) -> None:
        text = (modules_bundle / "1.cdx.json").read_text()
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
        broken = text.replace('"bomFormat": "CycloneDX"', '"bomFormat": "Cyclone"')
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(broken) is not None

    def test_spdx_by_its_schema(self, modules_bundle: Path, corpus_artifact: Callable[[str], Path]) -> None:
        jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
        schema = json.loads(corpus_artifact("schemas/spdx-2.3.schema.json").read_bytes())
        document: dict[str, Any] = json.loads((modules_bundle / "1.spdx.json").read_bytes())
        validator = jsonschema.Draft7Validator(schema)
        validator.validate(document)
        assert len(document["files"]) > 300
        del document["files"][0]["checksums"]
        with pytest.raises(jsonschema.ValidationError):
            validator.validate(document)

    @pytest.mark.peer
    def test_spdx_by_the_projects_own_tool(self, modules_bundle: Path) -> None:
        parser = pytest.importorskip("spdx_tools.spdx.parser.parse_anything", reason="spdx-tools is not installed")
        validation = pytest.importorskip("spdx_tools.spdx.validation.document_validator")
        document = parser.parse_file(str(modules_bundle / "1.spdx.json"))
        assert [message.validation_message for message in validation.validate_full_spdx_document(document)] == []


@pytest.mark.slow
def test_notices_of_an_application(
    corpus_artifact: Callable[[str], Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Debian's libraries with copyright files that refer to common-licenses, wheels with texts, a runtime that ships none."""
    path = tmp_path / "N.txt"
    assert (
        main(["licenses", str(corpus_artifact("flask-app.AppImage")), "--isolated", "-qq", "--notices", str(path)]) == 0
    )
    assert "no text of" not in capfd.readouterr().err
    text = path.read_text()
    components, _, texts = text.partition("\nTEXTS\n")
    assert "Texts: none" not in components
    for words in (
        "GNU GENERAL PUBLIC LICENSE",  # readline, gdbm: their copyright files only refer to it
        "GNU LESSER GENERAL PUBLIC LICENSE",  # libfuse inside the runtime, which ships no text
        "Mozilla Public License Version 2.0",  # certifi's LICENSE is a summary
        "how to obtain complete source code for the DB software",  # Berkeley DB: Sleepycat, in its copyright file
        "PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2",
    ):
        assert words in texts, words
    assert "Copyright 2010 Pallets" in components
    assert "Copyright 1995-2013 Jean-loup Gailly and Mark Adler" in components


def listed(result: Result) -> dict[str, list[ComponentInfo]]:
    found: dict[str, list[ComponentInfo]] = {}
    for component in result.components:
        if component.kind == "python":
            found.setdefault(normalized_name(component.name), []).append(component)
    return found


# Where cyclonedx-py's licence is another than ours, and why.
_OTHER_LICENSES: dict[str, str] = {}


@pytest.mark.slow
@pytest.mark.peer
@pytest.mark.parametrize(
    "application",
    [
        "flask-app",
        *(pytest.param(name, marks=pytest.mark.heavy) for name in ("pyqt5-widgets", "pandas-report", "python-runtime")),
    ],
)
def test_peers_list_nothing_that_we_do_not(application: str, corpus_artifact: Callable[[str], Path]) -> None:
    """Every distribution that cyclonedx-py and pip-licenses find in the AppDir is found in the AppImage, with equal name and version."""
    python = corpus_artifact(f"{application}.AppDir") / "usr/bin/python3.11"
    peers: dict[str, list[ListedDistribution]] = {}
    try:
        peers = {"cyclonedx-py": cyclonedx_py(python), "pip-licenses": pip_licenses(python)}
    except corpus.Unavailable as reason:
        pytest.skip(str(reason))
    ours = listed(audit(corpus_artifact(f"{application}.AppImage")))
    for peer, distributions in peers.items():
        assert len(distributions) >= 2, peer
        for theirs in distributions:
            matching = [one for one in ours.get(normalized_name(theirs.name), []) if one.version == theirs.version]
            assert matching, (peer, theirs)
            if theirs.license and theirs.name not in _OTHER_LICENSES:
                assert matching[0].licenses in (theirs.license, None), (peer, theirs, matching[0].licenses)
    # What we list and they do not is vendored inside another distribution, where no sys.path leads.
    seen = {normalized_name(theirs.name) for theirs in peers["cyclonedx-py"]}
    for name, components in ours.items():
        if name not in seen:
            assert all(component.part_of for component in components), name
