"""Which functions do something with names of modules: ``rules/python/import_functions.toml``."""

from __future__ import annotations

from functools import cache
from typing import Any

from msgspec import Struct

from inspector.resources import load_table


class ImportFunctions(Struct, frozen=True):
    """Last names of functions; the table says what each list means."""

    importers: frozenset[str]
    importer_keywords: frozenset[str]
    walkers: frozenset[str]
    file_readers: frozenset[str]
    runners: frozenset[str]
    stub_readers: frozenset[str]
    lazy_attributes: frozenset[str]
    path_changers: frozenset[str]
    transparent: frozenset[str]
    common_names: frozenset[str]
    importing_words: tuple[str, ...]
    plugin_words: tuple[str, ...]


@cache
def import_functions() -> ImportFunctions:
    """The table, read once."""
    table: dict[str, Any] = load_table("python/import_functions.toml")
    values: dict[str, Any] = {
        name: tuple(table[name]) if name.endswith("_words") else frozenset(table[name])
        for name in ImportFunctions.__struct_fields__
    }
    return ImportFunctions(**values)
