"""Who has to supply a shared library, the host or the bundle: the AppImage excludelist and its gaps, from ``rules/appimage/excludelist.toml``.

A judgement of the community about desktop distributions at a date, not a measurement of any host.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Literal

from msgspec import Struct

from inspector.patterns import fits_glob
from inspector.resources import load_table

_TABLE = "appimage/excludelist.toml"

Supplier = Literal["host", "either", "bundle"]


class HostLibrary(Struct, frozen=True):
    """What is known of a soname.

    :ivar pattern: the soname, or the fnmatch pattern that matched.
    :ivar group: the kind of library, a short title ("OpenGL and Mesa").
    :ivar supplier: "host": bundling it is a mistake; "either": debated; "bundle": hosts lack it although one would expect it.
    :ivar reason: one clause, without a final full stop.
    :ivar reference: the thread or page that reports it, or the list itself.
    :ivar listed: whether the community's excludelist names it.
    :ivar debated: for "host", why some bundle it all the same, one clause; None where nobody does.
    """

    pattern: str
    group: str
    supplier: Supplier
    reason: str
    reference: str
    listed: bool
    debated: str | None = None


class LibrarySet(Struct, frozen=True):
    """Libraries of which all come from one side, all bundled or none."""

    name: str
    sonames: tuple[str, ...]
    reason: str
    reference: str


def host_library(soname: str) -> HostLibrary | None:
    """What the list says of a soname, or None where it says nothing: such a library belongs into the bundle."""
    exact, globs = _entries()
    found = exact.get(soname)
    if found is not None:
        return found
    for glob, entry in globs:
        if fits_glob(soname, glob):
            return entry
    return None


def split_sets(bundled: Collection[str]) -> list[tuple[LibrarySet, tuple[str, ...], tuple[str, ...]]]:
    """The sets of which a bundle holds some members and not all: ``(set, bundled sonames, absent sonames)``.

    Absent members are not wrong by themselves; they are when something in the bundle needs them from the host.
    """
    names = set(bundled)
    found = []
    for library_set in library_sets():
        present = tuple(name for name in library_set.sonames if name in names)
        absent = tuple(name for name in library_set.sonames if name not in names)
        if present and absent:
            found.append((library_set, present, absent))
    return found


@cache
def library_sets() -> tuple[LibrarySet, ...]:
    """The sets of libraries that come from one side together."""
    return tuple(
        LibrarySet(row["name"], tuple(row["sonames"]), row["reason"], row["reference"])
        for row in load_table(_TABLE)["all_or_none"]
    )


def excludelist_date() -> str:
    """The day (ISO 8601) as of which the data speak."""
    return str(load_table(_TABLE)["as_of"])


@cache
def _entries() -> tuple[dict[str, HostLibrary], list[tuple[str, HostLibrary]]]:
    """Entries by exact soname, and globs in the order of the table."""
    table = load_table(_TABLE)
    exact: dict[str, HostLibrary] = {}
    globs = []
    for row in table["library"]:
        for soname in row["sonames"]:
            entry = HostLibrary(
                pattern=soname,
                group=table["groups"][row["group"]]["title"],
                supplier=row["supplier"],
                reason=row["reason"],
                reference=row.get("reference", table["source"]),
                listed=row["listed"],
                debated=row.get("debated"),
            )
            if any(character in soname for character in "*?["):
                globs.append((soname, entry))
            else:
                exact.setdefault(soname, entry)
    return exact, globs
