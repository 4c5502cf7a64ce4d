from __future__ import annotations

import json
from importlib import import_module

import msgspec
import pytest

from inspector.errors import UsageError
from inspector.render.registry import FORMATS, RenderOptions, format_for_path, load_renderer, unknown_format
from inspector.render.result_json import published_schema
from inspector.resources import data_directory
from inspector.result import Result, load_result
from tests import render_samples

SAMPLES = [render_samples.pyqt5_appimage(), render_samples.tiny_elf(), render_samples.hostile_bundle()]


@pytest.mark.parametrize("result", SAMPLES, ids=["pyqt5", "tiny", "hostile"])
def test_json_is_the_result_and_comes_back(result: Result, tmp_path) -> None:
    document = load_renderer("json")([result], RenderOptions())
    (tmp_path / "r.json").write_bytes(document)
    assert load_result(tmp_path / "r.json") == result
    assert document.endswith(b"}\n")
    assert json.loads(document)["schema"] == "inspector/result/1"


def test_several_artifacts_are_an_array_even_where_one_could_be_read() -> None:
    for results in (SAMPLES, SAMPLES[:1]):
        document = json.loads(load_renderer("json")(results, RenderOptions(several=True)))
        assert document["schema"] == "inspector/result/1"
        assert len(document["results"]) == len(results)
        assert msgspec.convert(document["results"], list[Result]) == results


SCHEMA_FILE = data_directory("reports") / "result-1.schema.json"


def test_the_published_schema_is_that_of_the_classes(same_as_golden) -> None:
    same_as_golden(SCHEMA_FILE, json.dumps(published_schema(), indent=2, sort_keys=True) + "\n")


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("result", SAMPLES, ids=["pyqt5", "tiny", "hostile"])
def test_documents_follow_the_published_schema(result: Result, several: bool) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    schema = json.loads(SCHEMA_FILE.read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    document = json.loads(load_renderer("json")([result], RenderOptions(several=several)))
    validator.validate(document)
    artifact = (document["results"][0] if several else document)["artifact"]
    artifact["size"] = "large"
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(document)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("result.json", "json"),
        ("a/b/RESULT.JSON", "json"),
        ("report.txt", "text"),
        ("report.html", "html"),
        ("app.cdx.json", "cyclonedx"),
        ("app.spdx.json", "spdx"),
        ("x.components.csv", "components"),
        ("findings.csv", "csv"),
        ("json", None),
        ("", None),
    ],
)
def test_suffixes(path: str, name: str | None) -> None:
    assert format_for_path(path) == name


def test_every_format_has_a_renderer_and_no_two_share_a_suffix() -> None:
    suffixes = [suffix for entry in FORMATS.values() for suffix in entry.suffixes]
    assert len(suffixes) == len(set(suffixes))
    for name, entry in FORMATS.items():
        assert entry.name == name
        assert callable(import_module(entry.module).render)


def test_an_unknown_format_names_what_there_is() -> None:
    error = unknown_format("the suffix of x.html")
    assert isinstance(error, UsageError)
    assert "text (.txt), json (.json)" in error.message
