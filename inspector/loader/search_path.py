"""Search path strings: tokens, separators, empty elements.  Statements G7 and G8 of the loader's rules (glibc, elf/dl-load.c)."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

_TOKEN = re.compile(r"\$(?:\{(ORIGIN|LIB|PLATFORM)\}|(ORIGIN|LIB|PLATFORM)(?![A-Za-z0-9_]))")

# What $LIB means: "lib64" where the ABI keeps 64-bit libraries there, else "lib"; Debian and its children use the multiarch directory instead.
# The bundle cannot know, so each known value is tried (a directory that exists in the bundle under one of them is found).
LIB_VALUES = ("lib64", "lib", "lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu", "lib32")


@dataclass(frozen=True, slots=True)
class SearchDirectory:
    """One directory to look into.

    :ivar path: run-time path without a trailing slash; "" is the current directory.
    :ivar via: where it is written, for people ("RUNPATH $ORIGIN/../lib").
    """

    path: str
    via: str


def expand_tokens(text: str, *, origin: str, platform: str, lib: str) -> str:
    """Replace ``$ORIGIN``, ``$LIB`` and ``$PLATFORM`` (bare or in braces); any other ``$`` stays as it is (G7)."""
    if "$" not in text:
        return text
    values = {"ORIGIN": origin, "LIB": lib, "PLATFORM": platform}
    return _TOKEN.sub(lambda match: values[match[1] or match[2]], text)


def split_path(text: str, separators: str) -> list[str]:
    """The elements of a search path, empty ones included (G8)."""
    return re.split(f"[{re.escape(separators)}]", text)


def directories(text: str, *, label: str, origin: str, platform: str, separators: str = ":") -> list[SearchDirectory]:
    """The directories that a path string names, duplicates removed, in order.

    :param label: what the string is ("RUNPATH", "LD_LIBRARY_PATH").
    :param origin: directory of the object that the string belongs to.
    """
    found: dict[str, SearchDirectory] = {}
    for element in split_path(text, separators):
        values = LIB_VALUES if "LIB" in element and "$" in element else LIB_VALUES[:1]
        for lib in values:
            path = expand_tokens(element, origin=origin, platform=platform, lib=lib)
            path = posixpath.normpath(path) if path else ""
            via = f"{label} {element}" if element else f"{label} (empty element: the current directory)"
            found.setdefault(path, SearchDirectory(path, via))
    return list(found.values())
