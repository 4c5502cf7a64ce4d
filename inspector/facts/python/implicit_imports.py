"""Imports that no source shows: what the interpreter itself needs, what C code imports, modules that stand aside until another is imported.

The data are ``rules/python/implicit_imports.toml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from msgspec import Struct

from inspector.resources import load_table


class ImplicitImport(Struct, frozen=True):
    """What a module imports unseen.

    :ivar imports: full names; "name.*" stands for everything below a package.
    :ivar when: a module that must be reached too, or None.
    :ivar reason: a clause.
    """

    imports: tuple[str, ...]
    when: str | None
    reason: str


class NotCalled(Struct, frozen=True):
    """Functions that no application calls: they test their module.

    :ivar module: a pattern of full names.
    :ivar functions: patterns of the functions' names, behind those of functions and classes around them.
    :ivar standard_library: whether it holds for modules of the standard library only.
    """

    module: str
    functions: tuple[str, ...]
    standard_library: bool


class ImplicitImports(Struct, frozen=True):
    """The table.

    :ivar at_start: modules that every interpreter imports, or may import by itself at any time.
    :ivar not_called: functions that no application calls.
    :ivar not_names: modules whose strings are names of modules that they do not import.
    :ivar prose: modules of the standard library whose names are words of documentation, where strings cannot be told apart.
    :ivar by_module: rows by the module that imports.
    :ivar instead: modules whose own imports are not followed, because they only serve imports of others, with the reason.
    :ivar open_programs: modules which let their user run any Python code.
    """

    at_start: tuple[str, ...]
    not_called: tuple[NotCalled, ...]
    not_names: frozenset[str]
    prose: frozenset[str]
    by_module: Mapping[str, tuple[ImplicitImport, ...]]
    instead: Mapping[str, str]
    open_programs: frozenset[str]


@cache
def implicit_imports() -> ImplicitImports:
    """The table, read once."""
    table = load_table("python/implicit_imports.toml")
    rows: dict[str, list[ImplicitImport]] = {}
    for row in table["imports"]:
        rows.setdefault(row["module"], []).append(ImplicitImport(tuple(row["imports"]), row.get("when"), row["reason"]))
    return ImplicitImports(
        at_start=tuple(name for row in table["at_start"] for name in row["modules"]),
        not_called=tuple(
            NotCalled(row["module"], tuple(row["functions"]), row.get("standard_library", False))
            for row in table["not_called"]
        ),
        not_names=frozenset(row["module"] for row in table["not_names"]),
        prose=frozenset(name for row in table["prose"] for name in row["modules"]),
        by_module={module: tuple(found) for module, found in rows.items()},
        instead={row["module"]: row["reason"] for row in table["not_followed"]},
        open_programs=frozenset(name for row in table["open_programs"] for name in row["modules"]),
    )
