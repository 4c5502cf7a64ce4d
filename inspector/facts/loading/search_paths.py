"""RPATH, RUNPATH and LD_LIBRARY_PATH element by element: what each is, and whether it leads to a directory of the bundle."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Literal

from msgspec import Struct

from inspector.artifact.tree import Kind, Tree
from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.loading.run_time_paths import Mount
from inspector.loader.search_path import directories, split_path
from inspector.resources import load_table

ElementKind = Literal["origin", "bundle", "absolute", "build", "relative", "empty"]


class SearchElement(Struct, frozen=True):
    """One element of an object's RPATH or RUNPATH.

    :ivar label: "RPATH" or "RUNPATH".
    :ivar element: as written.
    :ivar kind: "origin" begins with a token, "absolute" and "build" are fixed places (the latter of a build machine), "relative" and "empty" hang on
        the current directory.
    :ivar directory: the tree path that it leads to, or None where no directory of the bundle is there.
    :ivar repeats: whether an earlier element leads to the same directory.
    """

    path: str
    label: str
    element: str
    kind: ElementKind
    directory: str | None
    repeats: bool = False


@cache
def _build_places() -> re.Pattern[str]:
    return re.compile(
        "|".join(f"(?:{pattern})" for pattern in load_table("search-paths/places.toml")["build"]["paths"])
    )


def search_elements(objects: Sequence[ElfObject], tree: Tree, mount: Mount) -> tuple[SearchElement, ...]:
    """Every element of every object's search path; a RPATH beside a RUNPATH is listed too, though glibc ignores it."""
    elements: list[SearchElement] = []
    known: dict[tuple[str, str], tuple[ElementKind, str | None]] = {}
    for found in objects:
        for label, text in (("RPATH", found.elf.rpath), ("RUNPATH", found.elf.runpath)):
            if text is not None:
                elements.extend(_elements(found.path, label, text, tree, mount, known))
    return tuple(elements)


def _elements(
    path: str,
    label: str,
    text: str,
    tree: Tree,
    mount: Mount,
    known: dict[tuple[str, str], tuple[ElementKind, str | None]],
) -> Iterator[SearchElement]:
    seen: set[str] = set()
    origin = posixpath.dirname(path)
    for element in split_path(text, ":"):
        key = (origin, element)
        if key not in known:
            known[key] = (_kind(element), _directory(element, mount.run_time(origin), tree, mount))
        kind, directory = known[key]
        identity = element if directory is None else directory
        yield SearchElement(path, label, element, kind, directory, identity in seen)
        seen.add(identity)


def _kind(element: str) -> ElementKind:
    if not element:
        return "empty"
    if element.startswith(("$ORIGIN", "${ORIGIN}")):
        return "origin"
    if not element.startswith("/"):
        return "relative"
    return "build" if _build_places().match(element) else "absolute"


def _directory(element: str, origin: str, tree: Tree, mount: Mount) -> str | None:
    if not element:
        return None
    for directory in directories(element, label="", origin=origin, platform=""):
        tree_path = mount.tree_path(directory.path)
        if tree_path == "":
            return ""
        node = tree.resolve(tree_path) if tree_path is not None else None
        if node is not None and node.kind is Kind.DIRECTORY:
            return node.path
    return None
