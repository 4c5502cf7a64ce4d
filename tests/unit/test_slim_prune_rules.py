"""The prune rules as data: complete, free of mistakes, and asked in the order in which they stand."""

from __future__ import annotations

import re

import pytest

from inspector.errors import InstallationError
from inspector.resources import load_table
from inspector.slim.options import SlimOptions
from inspector.slim.planning import prune_rules as module
from inspector.slim.planning.guards import globs_pattern
from inspector.slim.planning.prune_rules import TABLES, Matcher, Place, active_rules, prune_rules


def test_every_table_is_dated_and_every_rule_says_why_and_what_refutes_it() -> None:
    for table in (*TABLES, "guards", "languages"):
        assert load_table(f"prune/{table}.toml")["as_of"]
    rules = prune_rules()
    assert len(rules) > 30
    for rule in rules.values():
        assert not rule.reason.endswith("."), rule.name
        assert not rule.refuted_by.endswith("."), rule.name
        assert rule.places or rule.name not in ("python-tests", "package-tests", "documentation")
    owners = [module for rule in rules.values() for module in rule.modules]
    assert len(owners) == len(set(owners))


def test_levels_switches_and_asked_rules() -> None:
    assert "package-tests" not in active_rules(SlimOptions(level="safe"))
    assert "package-tests" in active_rules(SlimOptions(level="safe", rules_on=("package-tests",)))
    assert "package-tests" in active_rules(SlimOptions())
    assert "untraced-modules" not in active_rules(SlimOptions())
    assert "python-headers" not in active_rules(SlimOptions(rules_off=("python-headers",)))


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        ({"level": "mild"}, "level 'mild' is none of safe, moderate, aggressive"),
        ({"reason": " "}, "reason must be a text that is not empty"),
        ({"guards": ["hope"]}, "no guard is called 'hope'"),
        ({"match": [{"files": "("}]}, "match: "),
        ({"match": [{}]}, "match: "),
        ({"scope": "everything"}, "scope is application, or not there"),
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"name": "python-tests"}, "python-tests is there twice"),
    ],
)
def test_mistakes_of_the_data_are_named(
    change: dict[str, object], mistake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = dict.fromkeys(("title", "reason", "refuted_by", "source"), "x")
    row = {"name": "one", "level": "safe", **texts, **change}
    tables = {"prune/runtime.toml": {"rule": [{"name": "python-tests", "level": "safe", **texts}, row]}}
    monkeypatch.setattr(module, "load_table", tables.get)
    monkeypatch.setattr(module, "TABLES", ("runtime",))
    prune_rules.cache_clear()
    try:
        with pytest.raises(InstallationError, match=re.escape(mistake)):
            prune_rules()
    finally:
        prune_rules.cache_clear()


@pytest.mark.parametrize(
    ("path", "takes"),
    [
        ("usr/include/a.h", True),
        ("include/a.h", True),
        ("usr/include/keep/a.h", False),
        ("usr/includes/a.h", False),
        ("usr/include/a.hpp", False),
        ("a.h", False),
        ("x.pc", True),
    ],
)
def test_places_are_directory_and_name_together(path: str, takes: bool) -> None:
    places = (Place(re.compile("/include/"), re.compile(r"\.h$")), Place(None, re.compile(r"\.pc$")))
    assert Matcher(places, (Place(re.compile("/keep/"), None),)).takes(path) is takes


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("usr/*.so", "usr/lib/deep/x.so", True),
        ("usr/lib", "usr/lib/deep/x.so", True),
        ("/usr/lib/", "usr/lib/x", True),
        ("./usr/lib", "usr/lib/x", True),
        ("usr/li", "usr/lib/x", False),
        ("*/[ab].txt", "x/b.txt", True),
        ("*.so", "x.so.1", False),
        ("x?y", "x/y", True),
        ("a(b", "a(b", True),
    ],
)
def test_globs_are_those_of_the_shell_and_a_star_crosses_slashes(glob: str, path: str, matches: bool) -> None:
    pattern = globs_pattern((glob, "never/there"))
    assert pattern is not None
    assert (pattern.match(path) is not None) is matches


def test_no_globs_match_nothing() -> None:
    assert globs_pattern(()) is None
    assert globs_pattern(("", "/")) is None
