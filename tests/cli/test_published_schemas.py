"""The schemas in ``reports/`` are those of the program, and its documents follow them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from inspector.difference import difference, json_schema, to_json
from inspector.policy.configuration_schema import configuration_schema
from inspector.resources import data_directory
from tests import render_samples
from tests.unit.test_configuration import WHOLE

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
REPORTS = data_directory("reports")


@pytest.mark.parametrize(
    ("name", "schema"), [("diff-1.schema.json", json_schema), ("inspector.toml.schema.json", configuration_schema)]
)
def test_the_published_schema_is_that_of_the_program(name: str, schema: Any, same_as_golden) -> None:
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    same_as_golden(REPORTS / name, json.dumps(made, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def test_differences_follow_it() -> None:
    samples = [render_samples.pyqt5_appimage(), render_samples.tiny_elf(), render_samples.hostile_bundle()]
    validator = jsonschema.Draft202012Validator(json_schema())
    for old in samples:
        for new in samples:
            document = json.loads(to_json(difference(old, new)))
            validator.validate(document)
    document["artifact"]["size"] = "large"
    assert not validator.is_valid(document)


def plain(text: str) -> Any:
    """TOML as an editor gives it to a schema: dates are texts."""
    return json.loads(json.dumps(tomllib.loads(text), default=str))


def test_a_configuration_with_every_key_follows_it() -> None:
    jsonschema.Draft202012Validator(configuration_schema()).validate(plain(WHOLE))


@pytest.mark.parametrize(
    "text",
    [
        "editon = '1'", "[gate]\nfail-on = 'fatal'", "[gate]\nnew-only = 'yes'", "[budget]\ntotal = 'much'", "[budget]\ntotal = -1",
        "[[ignore]]\nrule = 'rpath-absolute'", "[target]\nglibc = 2.31", "[licenses]\ndeny-classes = ['bad']", "[slim]\nkeep = 'a'",
        "[rules.rpath-absolute]\nlevel = 'high'", "[rules.rpath-absolute]", "[budget.growth]\npercent = -1", "[gate]\nrequire = [1]",
    ],
)  # fmt: skip
def test_what_is_wrong_does_not(text: str) -> None:
    assert not jsonschema.Draft202012Validator(configuration_schema()).is_valid(plain(text))


def test_the_readme_and_the_starting_file_follow_it(tmp_path: Path) -> None:
    from inspector.policy.configuration_start import starting_configuration

    validator = jsonschema.Draft202012Validator(configuration_schema())
    for result in (None, render_samples.pyqt5_appimage(), render_samples.hostile_bundle()):
        validator.validate(plain(starting_configuration(result, "0.1")))


def test_config_prints_it(run) -> None:
    done = run("config", "--schema")
    assert json.loads(done.out) == configuration_schema()
