"""Search path strings: tokens, separators, empty elements.  Statements G7 to G9 of the loader's rules (glibc, elf/dl-load.c)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from inspector.patterns import lazy_pattern

_TOKEN = lazy_pattern(r"\$(?:\{(ORIGIN|LIB|PLATFORM)\}|(ORIGIN|LIB|PLATFORM)(?![A-Za-z0-9_]))")

LIB_VALUES = ("lib64", "lib", "lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu", "lib32")
"""What $LIB may mean: "lib64" where the ABI keeps 64-bit libraries there, else "lib"; on Debian and its children the multiarch directory instead.
Where the system is not known each is tried: a directory that exists in the bundle under one of them is found."""


class SearchDirectory(Struct, frozen=True):
    """One directory to look into.

    :ivar path: run-time path as the loader puts it together, without a trailing slash; ".." is left to the kernel; "" is the current directory.
    :ivar via: where it is written, for people ("RUNPATH $ORIGIN/../lib").
    """

    path: str
    via: str


def expand_tokens(text: str, *, origin: str, platform: str | None, lib: str) -> str | None:
    """Replace ``$ORIGIN``, ``$LIB`` and ``$PLATFORM`` (bare or in braces); any other ``$`` stays as it is (G7).

    None where a token is used that has no value here: the loader drops such an element.
    """
    if "$" not in text:
        return text
    values = {"ORIGIN": origin, "LIB": lib, "PLATFORM": platform}
    missing = False

    def value(match: re.Match[str]) -> str:
        nonlocal missing
        found = values[match[1] or match[2]]
        missing |= found is None
        return found or ""

    expanded = _TOKEN.sub(value, text)
    return None if missing else expanded


def split_path(text: str, separators: str) -> list[str]:
    """The elements of a search path, empty ones included (G8)."""
    return re.split(f"[{re.escape(separators)}]", text)


def directories(
    text: str,
    *,
    label: str,
    origin: str,
    platform: str | None,
    separators: str = ":",
    lib: Sequence[str] = LIB_VALUES,
) -> list[SearchDirectory]:
    """The directories that a path string names, duplicates removed, in order.

    :param label: what the string is ("RUNPATH", "LD_LIBRARY_PATH").
    :param origin: directory of the object that the string belongs to.
    :param platform: value of ``$PLATFORM``, None where the kernel gives none.
    :param lib: values of ``$LIB``; several where the system is not known.
    """
    found: dict[str, SearchDirectory] = {}
    for element in split_path(text, separators):
        values = lib if "LIB" in element and "$" in element else lib[:1]
        for value in values:
            path = expand_tokens(element, origin=origin, platform=platform, lib=value)
            if path is None or (element and not path):
                continue
            if len(path) > 1:
                path = path.rstrip("/") or "/"
            via = f"{label} {element}" if element else f"{label} (empty element: the current directory)"
            found.setdefault(path, SearchDirectory(path, via))
    return list(found.values())
