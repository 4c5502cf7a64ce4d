"""Which project a shared library is from, by the functions that it exports: where its name says nothing, or something else.

``rules/licenses/exported_symbols.toml`` lists, for libraries whose licence matters most, functions that no other project exports together. The string
table of the dynamic symbols is searched first; rows are decoded only where all names of a project are in it.
"""

from __future__ import annotations

from functools import cache

from msgspec import Struct

from inspector.errors import LimitExceeded
from inspector.formats.elf import ElfFile
from inspector.patterns import fits_glob
from inspector.resources import load_table

_MOST_SYMBOLS = (
    200_000  # rows of a table that is decoded; libraries of the projects in question have a hundredth of that
)
_OWN_SHARE = 0.5
"""Of the exported names, those that must begin like the project's; its own libraries have 0.82 and more (Debian 12)."""


class ExportingProject(Struct, frozen=True):
    """A row of the table.

    :ivar soname: whose row of the library catalogue speaks for the project.
    :ivar names: globs of SONAMEs that promise these functions.
    :ivar symbols: functions that the project's library exports, all of them.
    :ivar own: how the names of its functions begin.
    """

    soname: str
    names: tuple[str, ...]
    symbols: tuple[str, ...]
    own: tuple[str, ...]


def exporting_project(elf: ElfFile) -> ExportingProject | None:
    """The project whose functions are most of what a library exports; None where there is none, or more than one."""
    found = [row for row in _projects() if _is_library_of(elf, row)]
    return found[0] if len(found) == 1 else None


def promised_project(name: str) -> ExportingProject | None:
    """The row that a SONAME or file name, without hashes of wheel repair tools, promises."""
    return next((row for row in _projects() if any(fits_glob(name, pattern) for pattern in row.names)), None)


def _is_library_of(elf: ElfFile, row: ExportingProject) -> bool:
    table = elf.symbols
    if not table.is_loaded or len(table) > _MOST_SYMBOLS or not all(table.has_name(symbol) for symbol in row.symbols):
        return False
    try:
        names = table.exported_names()
    except LimitExceeded:
        return False
    return names.issuperset(row.symbols) and sum(name.startswith(row.own) for name in names) >= _OWN_SHARE * len(names)


@cache
def _projects() -> tuple[ExportingProject, ...]:
    rows = load_table("licenses/exported_symbols.toml")["projects"]
    return tuple(
        ExportingProject(row["soname"], tuple(row["names"]), tuple(row["symbols"]), tuple(row["own"])) for row in rows
    )
