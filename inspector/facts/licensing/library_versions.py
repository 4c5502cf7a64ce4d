"""Which release of its project a shared library is: from the packager's note, the file name, or the version nodes of its symbols.

Most file names do not say: libtool's ``.so.62.3.0`` counts interfaces, not releases. ``rules/licenses/file_name_versions.toml`` lists the libraries
whose file name was found to carry the release in several of them, and ``library_versions.toml`` those that encode it. Version strings in read-only
data are the matter of the scan for static components, whose answer callers may put first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Literal

from msgspec import Struct

from inspector.facts.licensing.library_licenses import plain_library_name
from inspector.patterns import lazy_pattern
from inspector.resources import load_table

VersionSource = Literal["package note", "file name", "SONAME", "symbol versions"]

_NUMBERED = lazy_pattern(
    r"(lib[^/]+?)(?:\.so\.|-(?=\d[\d.]*\.so)|\.(?=\d[\d.]*\.so))(\d[\d.]*[a-z]?(?:-\d+)?)(?:\.so(?:\..*)?)?"
)
_GROUPS = lazy_pattern(r"\{(\d+(?:\+\d+)*)\}")
_NUMBERS = lazy_pattern(r"\d+(?:[._]\d+)+|\d+")
_LONGEST = 64  # characters of a version that is passed on


class LibraryVersion(Struct, frozen=True):
    """A release.

    :ivar version: as the project writes it.
    :ivar source: what says so.
    :ivar exact: False where it is only the oldest release that it can be (symbol versions).
    """

    version: str
    source: VersionSource
    exact: bool = True


def version_in_file_name(name: str) -> LibraryVersion | None:
    """The release that a file name carries, hashes of wheel repair tools passed over; None where its numbers mean something else or nothing is known.

    :param name: the last part of a path (``libz-1a2b3c4d.so.1.3.1``).
    """
    match = _NUMBERED.fullmatch(plain_library_name(name))
    if match is None or len(match[2]) > _LONGEST:
        return None
    stem, numbers = match[1], match[2]
    for row in _encoded().get(stem, ()):
        found = re.fullmatch(row["pattern"], numbers)
        if found is not None:
            return LibraryVersion(_release(row["release"], found), "file name")
    # One number is an interface, also where the rest of a longer one would be a release (libz.so.1).
    if "." in numbers and stem in _released():
        return LibraryVersion(numbers, "file name")
    return None


def version_of_symbols(name: str, nodes: Iterable[str]) -> LibraryVersion | None:
    """The oldest release that a library can be, from the version nodes that it defines (``GLIBC_2.36``).

    :param name: its SONAME or file name.
    :param nodes: names of its version definitions.
    """
    stem = plain_library_name(name).partition(".so")[0]
    prefix = _symbol_prefixes().get(stem) or _symbol_prefixes().get(re.sub(r"-[\d.]+$", "", stem))
    if prefix is None:
        return None
    versions = []
    for node in nodes:
        numbers = _NUMBERS.fullmatch(node.removeprefix(prefix)) if node.startswith(prefix) else None
        if numbers is not None and len(numbers[0]) <= _LONGEST:
            versions.append(tuple(int(part) for part in re.split("[._]", numbers[0])))
    if not versions:
        return None
    return LibraryVersion(".".join(map(str, max(versions))), "symbol versions", exact=False)


def _release(form: str, numbers: re.Match[str]) -> str:
    """A form like "2.{1}.{2+3}" with the groups of a match."""
    return _GROUPS.sub(lambda group: str(sum(int(numbers[int(number)]) for number in group[1].split("+"))), form)


@cache
def _released() -> frozenset[str]:
    return frozenset(load_table("licenses/file_name_versions.toml")["release"])


@cache
def _encoded() -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for row in load_table("licenses/library_versions.toml")["file_names"]:
        for stem in row["stems"]:
            found.setdefault(stem, []).append(row)
    return found


@cache
def _symbol_prefixes() -> dict[str, str]:
    rows = load_table("licenses/library_versions.toml")["symbol_versions"]
    return {stem: row["prefix"] for row in rows for stem in row["stems"]}
