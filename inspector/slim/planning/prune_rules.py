"""The prune rules: what may go, at which level, why, and what would prove it wrong; read from ``rules/prune/*.toml``.

Keys of a ``[[rule]]``::

    name, level, title       "python-tests", "safe" | "moderate" | "aggressive", what goes, for a person
    kind                     what is done ("remove" where nothing is said)
    scope                    "application": only where the bundle's modules are known; else everywhere
    asked                    true: never done unasked, an option of its own asks for it
    match, except            places: { directories = regular expression, files = regular expression }, both searched, the directory with a slash at
                             both ends, the file by its last name; a place without one of them takes all
    modules, beside          top-level modules that go under this rule where nothing reaches them, and files beside them
    guards                   what keeps a file all the same, by name: see inspector/slim/planning/guards.py
    reason, refuted_by       why it can go, and what would prove that wrong, a clause each
    confidence               "high" where nothing is said
    source                   where that is known from
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, Literal, get_args

from msgspec import Struct

from inspector.errors import InstallationError, UsageError
from inspector.model import Confidence
from inspector.resources import load_table
from inspector.slim.options import LEVEL_ORDER, Level, SlimOptions
from inspector.slim.planning.plan import ActionKind

TABLES = ("runtime", "bytecode", "modules", "packages", "qt", "libraries", "system")
"""Files of ``rules/prune/`` with rules, in the order in which they are asked: the first one that takes a file has it."""

GuardName = Literal[
    "compiles-at-run-time", "headers-are-asked-for", "stubs-are-read", "not-imported", "data-not-read", "test-data-not-read", "is-an-archive",
    "is-no-product",
]  # fmt: skip

_TEXTS = ("name", "level", "title", "reason", "refuted_by", "source")
_KEYS = frozenset((*_TEXTS, "kind", "scope", "asked", "match", "except", "modules", "beside", "guards", "confidence"))


class Place(Struct, frozen=True):
    """Where files lie and how they are called; None stands for any."""

    directories: re.Pattern[str] | None
    files: re.Pattern[str] | None


class PruneRule(Struct, frozen=True):
    """One rule; see the module for what its fields mean.  ``table`` is the file that it stands in."""

    name: str
    level: Level
    title: str
    reason: str
    refuted_by: str
    source: str
    table: str
    kind: ActionKind = "remove"
    for_applications: bool = False
    asked: bool = False
    places: tuple[Place, ...] = ()
    exceptions: tuple[Place, ...] = ()
    modules: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    guards: tuple[GuardName, ...] = ()
    confidence: Confidence = "high"


@cache
def prune_rules() -> Mapping[str, PruneRule]:
    """All rules by name, in the order in which they are asked.

    :raises InstallationError: naming every mistake of the data.
    """
    mistakes: list[str] = []
    rules: dict[str, PruneRule] = {}
    for table in TABLES:
        for row in load_table(f"prune/{table}.toml")["rule"]:
            rule = _rule(row, table, mistakes)
            if rule is not None:
                if rule.name in rules:
                    mistakes.append(f"prune/{table}.toml: {rule.name} is there twice")
                rules[rule.name] = rule
    if mistakes:
        raise InstallationError(
            "the prune rules have mistakes:\n  " + "\n  ".join(mistakes), "reinstall bundle-inspect"
        )
    return rules


def active_rules(options: SlimOptions) -> Mapping[str, PruneRule]:
    """The rules that run with these options; those that an option of its own asks for are among them.

    :raises UsageError: where ``--rule`` names one that there is not.
    """
    rules = prune_rules()
    for name in (*options.rules_on, *options.rules_off):
        if name not in rules:
            close = get_close_matches(name, rules, n=3, cutoff=0.5)
            raise UsageError(f"there is no prune rule {name!r}", f"did you mean {' or '.join(close or sorted(rules))}?")
    level = LEVEL_ORDER[options.level]
    return {
        name: rule
        for name, rule in rules.items()
        if name not in options.rules_off and (name in options.rules_on or LEVEL_ORDER[rule.level] <= level)
    }


def _rule(row: Mapping[str, Any], table: str, mistakes: list[str]) -> PruneRule | None:
    name = row.get("name", "without a name")
    found = [f"unknown key {key!r}" for key in row if key not in _KEYS]
    found += [
        f"{key} must be a text that is not empty"
        for key in _TEXTS
        if not isinstance(row.get(key), str) or not row[key].strip()
    ]
    for key, allowed in (("level", Level), ("kind", ActionKind), ("confidence", Confidence)):
        if key in row and row[key] not in get_args(allowed):
            found.append(f"{key} {row[key]!r} is none of {', '.join(get_args(allowed))}")
    if row.get("scope", "application") != "application":
        found.append("scope is application, or not there")
    found += [f"no guard is called {guard!r}" for guard in row.get("guards", ()) if guard not in get_args(GuardName)]
    places: dict[str, tuple[Place, ...]] = {}
    for key in ("match", "except"):
        try:
            places[key] = tuple(_place(entry) for entry in row.get(key, ()))
        except (re.error, KeyError, TypeError) as error:
            found.append(f"{key}: {error}")
    mistakes += [f"prune/{table}.toml, {name}: {mistake}" for mistake in found]
    if found:
        return None
    return PruneRule(
        name=row["name"],
        level=row["level"],
        title=row["title"],
        reason=row["reason"],
        refuted_by=row["refuted_by"],
        source=row["source"],
        table=table,
        kind=row.get("kind", "remove"),
        for_applications="scope" in row,
        asked=bool(row.get("asked", False)),
        places=places["match"],
        exceptions=places["except"],
        modules=tuple(row.get("modules", ())),
        beside=tuple(row.get("beside", ())),
        guards=tuple(row.get("guards", ())),
        confidence=row.get("confidence", "high"),
    )


def _place(entry: Mapping[str, str]) -> Place:
    if not entry or set(entry) - {"directories", "files"}:
        raise KeyError(f"a place has directories, files or both, not {', '.join(entry) or 'nothing'}")
    directories, files = entry.get("directories"), entry.get("files")
    return Place(None if directories is None else re.compile(directories), None if files is None else re.compile(files))


class Matcher:
    """Asks many places about many paths; what a directory answers is kept, as a tree has ten times fewer directories than files."""

    def __init__(self, places: tuple[Place, ...], exceptions: tuple[Place, ...] = ()) -> None:
        self._places = places
        self._exceptions = exceptions
        self._known: dict[str, tuple[tuple[re.Pattern[str] | None, ...], tuple[re.Pattern[str] | None, ...]]] = {}

    def takes(self, path: str) -> bool:
        """Whether a tree path lies in one of the places and in none of the exceptions."""
        directory, _, name = path.rpartition("/")
        known = self._known.get(directory)
        if known is None:
            shown = f"/{directory}/" if directory else "/"
            known = self._known[directory] = (_names(self._places, shown), _names(self._exceptions, shown))
        wanted, unwanted = known
        return bool(wanted) and _any(wanted, name) and not (unwanted and _any(unwanted, name))


def _names(places: tuple[Place, ...], directory: str) -> tuple[re.Pattern[str] | None, ...]:
    return tuple(
        place.files for place in places if place.directories is None or place.directories.search(directory) is not None
    )


def _any(patterns: tuple[re.Pattern[str] | None, ...], name: str) -> bool:
    return any(pattern is None or pattern.search(name) is not None for pattern in patterns)
