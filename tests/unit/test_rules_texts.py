"""The texts in ``rules/``: complete, consistent, and with commands that exist."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from inspector.catalogue import Rule, find_rule, load_rules

FAMILY_PREFIX = {
    "floors": "FLR",
    "libraries": "LIB",
    "search-paths": "RPT",
    "hardening": "HRD",
    "appimage": "APP",
    "licenses": "LIC",
    "components": "CMP",
    "sizes": "SIZ",
    "python-packages": "PKG",
    "policy": "POL",
}
RULES = list(load_rules().values())
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


@each_rule
def test_a_code_begins_with_its_familys_letters(rule: Rule) -> None:
    assert rule.code[:3] == FAMILY_PREFIX[rule.family]


@each_rule
def test_a_text_teaches(rule: Rule) -> None:
    """Summary for lists, an explanation of more than a sentence, a remediation that can be typed, honest limits, an example, a source."""
    assert len(rule.summary) <= 140
    assert not rule.summary.endswith(".")
    assert len(rule.explanation) > 150
    assert re.search(r"^    \S", rule.remediation, flags=re.MULTILINE) or rule.code == "LIC002"
    assert rule.limitations
    assert all(limitation.endswith(".") for limitation in rule.limitations)
    assert rule.examples
    assert rule.references


@each_rule
def test_a_reference_is_an_address_or_a_manual_page(rule: Rule) -> None:
    for reference in rule.references:
        assert re.fullmatch(r"https://\S+|[\w.+-]+\([1-9]\)", reference), reference


@each_rule
def test_paragraphs_are_wrapped_for_readers_of_the_file(rule: Rule) -> None:
    assert all(len(line) <= 150 for line in (rule.explanation + "\n" + rule.remediation).splitlines())
    assert "\t" not in rule.explanation + rule.remediation


@each_rule
def test_a_rule_is_found_by_its_name_and_its_code(rule: Rule) -> None:
    assert find_rule(rule.name) is find_rule(rule.code) is rule


def test_the_catalogue_and_the_checks_have_the_same_rules() -> None:
    from inspector.checks import ALL_RULES
    from inspector.policy.demands import DEMAND_RULES

    assert {rule.name for rule in RULES} == {*ALL_RULES, *DEMAND_RULES}


def test_codes_of_a_family_are_counted_without_gaps() -> None:
    for family, prefix in FAMILY_PREFIX.items():
        codes = [rule.code for rule in RULES if rule.family == family]
        assert codes == [f"{prefix}{number:03}" for number in range(1, len(codes) + 1)]


@pytest.mark.peer
def test_the_options_of_patchelf_that_remediations_name_exist() -> None:
    if shutil.which("patchelf") is None:
        pytest.skip("patchelf is not installed")
    version = subprocess.run(["patchelf", "--version"], capture_output=True, text=True, check=True).stdout
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < (0, 18):
        pytest.skip(f"{version.strip()} is older than 0.18, which the remediations ask for")
    text = subprocess.run(["patchelf", "--help"], capture_output=True, text=True, check=False)
    known = set(re.findall(r"--[a-z-]+", text.stdout + text.stderr))
    used = {
        option
        for rule in RULES
        for line in rule.remediation.splitlines()
        if line.startswith("    patchelf")
        for option in re.findall(r"--[a-z-]+", line)
    }
    assert used
    assert used <= known
