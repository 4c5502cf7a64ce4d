"""The loader of rule texts: what it accepts, what it refuses, and that it names every mistake at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspector import catalogue
from inspector.catalogue import Rule, find_rule, load_rule, load_rules
from inspector.errors import InstallationError, UsageError

GOOD = """
name = "{name}"
code = "{code}"
since = "0.1"
severity = "warning"
confidence = "high"
summary = "A summary"
explanation = "Why."
remediation = "How."
"""


def write(directory: Path, family: str, name: str, code: str, extra: str = "") -> Path:
    path = directory / family / f"{name}.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(GOOD.format(name=name, code=code) + extra, encoding="utf-8")
    return path


def rules_of(directory: Path) -> dict[str, Rule]:
    return catalogue._rules_below(directory)


def test_a_rule_carries_everything_that_its_file_says(tmp_path: Path) -> None:
    extra = """
references = ["ld.so(8)"]
limitations = ["None."]
examples = ["a finding"]
renamed_from = ["old-name"]
[[options]]
name = "maximum"
default = "2.28"
summary = "The highest version that passes"
"""
    write(tmp_path, "floors", "some-rule", "FLR001", extra)
    rule = rules_of(tmp_path)["some-rule"]
    assert (rule.family, rule.code, rule.severity, rule.renamed_from) == ("floors", "FLR001", "warning", ("old-name",))
    assert rule.references == ("ld.so(8)",)
    assert rule.options[0].default == "2.28"


def test_rules_are_ordered_by_family_and_code(tmp_path: Path) -> None:
    write(tmp_path, "sizes", "first-one", "SIZ001")
    write(tmp_path, "floors", "a-second", "FLR002")
    write(tmp_path, "floors", "z-first", "FLR001")
    assert list(rules_of(tmp_path)) == ["z-first", "a-second", "first-one"]


def test_a_file_without_a_hyphen_is_a_data_table_and_no_rule(tmp_path: Path) -> None:
    write(tmp_path, "floors", "some-rule", "FLR001")
    (tmp_path / "floors" / "causes.toml").write_text("anything = 1", encoding="utf-8")
    assert list(rules_of(tmp_path)) == ["some-rule"]


def test_all_mistakes_of_all_files_are_named_together(tmp_path: Path) -> None:
    write(tmp_path, "floors", "some-rule", "FLR001", "colour = 'red'\nreferences = 'one'")
    (tmp_path / "floors" / "not-toml.toml").write_text("= =", encoding="utf-8")
    (tmp_path / "floors" / "half-rule.toml").write_text('name = "half-rule"', encoding="utf-8")
    path = write(tmp_path, "floors", "other-rule", "FLR1")
    path.write_text(path.read_text().replace('"other-rule"', '"another-rule"').replace('"warning"', '"grave"'))
    with pytest.raises(InstallationError) as caught:
        rules_of(tmp_path)
    for part in (
        "some-rule: unknown key 'colour'",
        "some-rule: references must be a list of texts",
        "floors/not-toml: ",
        "half-rule: code must be a text",
        "half-rule: remediation must be a text",
        "other-rule: its name is 'another-rule'",
        "code 'FLR1' is not three capitals",
        "severity 'grave' is none of error, warning, info",
    ):
        assert part in caught.value.message


@pytest.mark.parametrize("alias", ["code", "old name", "name"])
def test_two_rules_never_share_a_name_a_code_or_an_old_name(tmp_path: Path, alias: str) -> None:
    write(tmp_path, "floors", "some-rule", "FLR001")
    code = "FLR001" if alias == "code" else "SIZ001"
    extra = 'renamed_from = ["some-rule"]' if alias == "old name" else ""
    write(tmp_path, "sizes", "some-rule" if alias == "name" else "other-rule", code, extra)
    with pytest.raises(InstallationError, match="already taken by some-rule"):
        rules_of(tmp_path)


def test_a_rule_is_found_by_name_code_and_older_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "floors", "some-rule", "FLR001", 'renamed_from = ["older-name"]')
    rules = rules_of(tmp_path)
    monkeypatch.setattr(catalogue, "load_rules", lambda: rules)
    for text in ("some-rule", "FLR001", "flr001", "Some_Rule", " older-name "):
        assert find_rule(text).name == "some-rule"


def test_an_unknown_rule_gets_the_nearest_names_as_a_hint() -> None:
    with pytest.raises(UsageError) as caught:
        find_rule("rpath-absolut")
    assert caught.value.hint == "did you mean rpath-absolute?"
    with pytest.raises(UsageError) as caught:
        find_rule("qqqq")
    assert caught.value.hint == "all rules are listed by: inspect rules"


def test_one_rule_can_be_had_without_reading_the_others() -> None:
    assert load_rule("rpath-absolute") == load_rules()["rpath-absolute"]
    with pytest.raises(InstallationError):
        load_rule("no-such-rule")
