"""The rule catalogue: every rule's text and numbers, read from ``rules/<family>/<rule-name>.toml``.

A rule's name has at least one hyphen (``rpath-absolute``); a TOML file without a hyphen in its name is a data table of the family
(``rules/floors/causes.toml``) and no concern of this module.  Logic, severity overrides and printing live elsewhere.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, get_args

from msgspec import Struct

from inspector.errors import InstallationError, UsageError
from inspector.model import Confidence, Severity
from inspector.patterns import lazy_pattern
from inspector.resources import data_directory
from inspector.toml import parse_toml

_NAME = lazy_pattern(r"[a-z0-9]+(?:-[a-z0-9]+)+")
_CODE = lazy_pattern(r"[A-Z]{3}[0-9]{3}")
_SINCE = lazy_pattern(r"[0-9]+\.[0-9]+(?:\.[0-9]+)?")
_LISTS = ("references", "limitations", "examples", "renamed_from")


class RuleOption(Struct, frozen=True):
    """Something that a configuration may set for a rule.

    :ivar default: as it is written in TOML ("false", "\\"2.28\\"").
    """

    name: str
    default: str
    summary: str


class Rule(Struct, frozen=True):
    """One rule as a person reads it; the check in ``inspector/checks/<family>.py`` only emits findings under its name.

    :ivar code: short alias, three capitals of the family and three digits ("RPT001"); never used twice, never given away again.
    :ivar since: the first version that had the rule.
    :ivar severity: what a finding has unless the check lowers or raises it for its case.
    :ivar summary: one sentence for lists; plain text.
    :ivar explanation: paragraphs separated by empty lines: what is so, and what happens to a user because of it.
    :ivar remediation: what to do, with commands that can be typed; paragraphs, code lines indented by four spaces.
    :ivar references: URLs, or manual pages written ``ld.so(8)``.
    :ivar limitations: what the check cannot see, one sentence each.
    :ivar examples: findings as the check words them.
    :ivar renamed_from: older names, still accepted everywhere.
    """

    name: str
    code: str
    family: str
    since: str
    severity: Severity
    confidence: Confidence
    summary: str
    explanation: str
    remediation: str
    references: tuple[str, ...] = ()
    limitations: tuple[str, ...] = ()
    options: tuple[RuleOption, ...] = ()
    examples: tuple[str, ...] = ()
    renamed_from: tuple[str, ...] = ()


_KEYS = {*Rule.__struct_fields__} - {"family"}
_TEXTS = ("name", "code", "since", "severity", "confidence", "summary", "explanation", "remediation")


@cache
def load_rules() -> dict[str, Rule]:
    """All rules by name, in the order of family and code; read once.

    :raises InstallationError: naming every mistake that the files have.
    """
    return _rules_below(data_directory("rules"))


@cache
def load_rule(name: str) -> Rule:
    """The rule of exactly this name; reads only its file, so that an audit pays for the rules that fired and no others.

    :raises InstallationError: where the file is missing or has mistakes: a check and the data do not fit.
    """
    path = _rule_paths().get(name)
    if path is None:
        raise InstallationError(f"no rule file is named {name}.toml", "reinstall bundle-inspect")
    mistakes: list[str] = []
    rule = _read(path, mistakes)
    if rule is None or mistakes:
        raise _installation_error(mistakes)
    return rule


@cache
def _rule_paths() -> dict[str, Path]:
    return {path.stem: path for path in reversed(_rule_files(data_directory("rules")))}


def find_rule(text: str) -> Rule:
    """The rule that a person means: its name, its code or an older name, in capitals or not.

    :raises UsageError: where there is none, with the nearest names as the hint.
    """
    rules = load_rules()
    wanted = text.strip().lower().replace("_", "-")
    by_name = {old: rule for rule in rules.values() for old in rule.renamed_from} | rules
    by_code = {rule.code.lower(): rule for rule in rules.values()}
    rule = by_name.get(wanted) or by_code.get(wanted)
    if rule is not None:
        return rule
    raise UsageError(f"there is no rule {text!r}", _nearest(wanted, by_name))


def _nearest(wanted: str, by_name: dict[str, Rule]) -> str:
    from difflib import get_close_matches  # only a typing mistake needs it

    close = [by_name[name].name for name in get_close_matches(wanted, by_name, n=3, cutoff=0.6)]
    close += [by_name[name].name for name in by_name if wanted and wanted in name]
    unique = list(dict.fromkeys(close))[:3]
    return f"did you mean {' or '.join(unique)}?" if unique else "all rules are listed by: inspect rules"


def _rule_files(directory: Path) -> list[Path]:
    return [path for path in sorted(directory.glob("*/*.toml")) if "-" in path.stem]


def _rules_below(directory: Path) -> dict[str, Rule]:
    mistakes: list[str] = []
    read = [_read(path, mistakes) for path in _rule_files(directory)]
    rules = sorted((rule for rule in read if rule is not None), key=lambda rule: (rule.family, rule.code))
    owners: dict[str, str] = {}
    for rule in rules:
        for alias in (rule.name, rule.code, *rule.renamed_from):
            if alias in owners:
                mistakes.append(f"{rule.family}/{rule.name}: {alias} is already taken by {owners[alias]}")
            owners.setdefault(alias, rule.name)
    if mistakes:
        raise _installation_error(mistakes)
    return {rule.name: rule for rule in rules}


def _installation_error(mistakes: list[str]) -> InstallationError:
    return InstallationError("the rule catalogue has mistakes:\n  " + "\n  ".join(mistakes), "reinstall bundle-inspect")


def _read(path: Path, mistakes: list[str]) -> Rule | None:
    """The rule of one file; what is wrong with it is added to ``mistakes``, and None returned where no rule can be made of it."""
    where = f"{path.parent.name}/{path.stem}"
    try:
        table = parse_toml(path.read_bytes())
    except (OSError, ValueError) as error:
        mistakes.append(f"{where}: {error}")
        return None
    found = [f"unknown key {key!r}" for key in table if key not in _KEYS]
    for key in _TEXTS:
        value = table.get(key)
        if not isinstance(value, str) or not value.strip():
            found.append(f"{key} must be a text that is not empty")
    for key in _LISTS:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            found.append(f"{key} must be a list of texts")
    options = _options(table.get("options", []), found)
    if not found:
        found += _value_mistakes(table, path)
    mistakes += [f"{where}: {mistake}" for mistake in found]
    if found:
        return None
    values: dict[str, Any] = {key: table[key].strip("\n").rstrip() for key in _TEXTS}
    values |= {key: tuple(table.get(key, ())) for key in _LISTS}
    return Rule(family=path.parent.name, options=options, **values)


def _value_mistakes(table: dict[str, Any], path: Path) -> list[str]:
    """What is wrong with values that have the right type."""
    found = []
    if table["name"] != path.stem:
        found.append(f"its name is {table['name']!r}, but a rule has the name of its file")
    if not _NAME.fullmatch(table["name"]):
        found.append("a rule's name is lower-case words joined by hyphens")
    if not _CODE.fullmatch(table["code"]):
        found.append(f"code {table['code']!r} is not three capitals and three digits")
    if not _SINCE.fullmatch(table["since"]):
        found.append(f"since {table['since']!r} is no version")
    for key, allowed in (("severity", get_args(Severity)), ("confidence", get_args(Confidence))):
        if table[key] not in allowed:
            found.append(f"{key} {table[key]!r} is none of {', '.join(allowed)}")
    if "\n" in table["summary"].strip():
        found.append("the summary must be one line")
    return found


def _options(value: object, found: list[str]) -> tuple[RuleOption, ...]:
    if not isinstance(value, list):
        found.append("options must be tables")
        return ()
    options = []
    for item in value:
        if not isinstance(item, dict) or set(item) != {"name", "default", "summary"}:
            found.append("an option has a name, a default and a summary")
        elif not all(isinstance(text, str) and text for text in item.values()):
            found.append("name, default and summary of an option are texts")
        else:
            options.append(RuleOption(**item))
    return tuple(options)
