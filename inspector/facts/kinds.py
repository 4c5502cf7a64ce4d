"""What kind of file a path is, and whether it is a test, told by name alone; the tables stand in ``rules/sizes/kinds.toml``."""

from __future__ import annotations

import re
from functools import cache

from inspector.patterns import lazy_pattern
from inspector.resources import load_table


@cache
def _kinds_by_suffix() -> dict[str, str]:
    return {suffix: row["kind"] for row in load_table("sizes/kinds.toml")["kind"] for suffix in row["suffixes"]}


@cache
def _test_patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    table = load_table("sizes/kinds.toml")["tests"]
    directories, files = ("|".join(f"(?:{pattern})" for pattern in table[key]) for key in ("directories", "files"))
    return re.compile(directories), re.compile(files)


@cache
def _is_test_directory(directory: str) -> bool:
    return _test_patterns()[0].search(f"/{directory}/") is not None


_VERSIONED_LIBRARY = lazy_pattern(r"\.so(?:\.\d+)+$")
_OPTIMISED = lazy_pattern(r"\.opt-[12]\.pyc$")


def kind_of(name: str) -> str:
    """The kind of a file that is not ELF, by the last suffixes of its name; "other" where the table knows none."""
    if _OPTIMISED.search(name):
        return "Python bytecode (optimised)"
    if _VERSIONED_LIBRARY.search(name):
        return "other"
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    return _kinds_by_suffix().get(suffix, "other")


def is_test(path: str) -> bool:
    """Whether a tree path lies in a test suite that ships with a library or with Python."""
    directory, _, name = path.rpartition("/")
    return _is_test_directory(directory) or _test_patterns()[1].search(name) is not None
