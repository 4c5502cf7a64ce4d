"""Search paths that point to the machine that built the bundle, and what they should be: ``$ORIGIN`` and the directories where the needs are found.

Only elements that are a build machine's go; what the object finds in the bundle today is found by the new path too.  Where what is needed
is missing, the path stays: it may be the only one that leads there.  Loader rules: ld.so(8).
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator

from msgspec import Struct

from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.facts import Facts
from inspector.facts.loading.search_paths import SearchElement
from inspector.formats.elf.runpath import SearchPathKind


class SearchPathRepair(Struct, frozen=True):
    """The new search path of one object.

    :ivar kind: the kind that it has, and keeps.
    :ivar new: elements joined by ":"; "" where the entry goes.
    :ivar gone: the elements that go.
    """

    path: str
    kind: SearchPathKind
    new: str
    gone: tuple[str, ...]


def search_path_repairs(facts: Facts, is_left: Callable[[str], bool]) -> Iterator[SearchPathRepair]:
    """Repairs, by path.

    :param is_left: whether a tree path is not to be touched, or goes.
    """
    if facts.is_root_file_system:
        return
    elements: dict[tuple[str, str], list[SearchElement]] = {}
    for element in facts.search_elements:
        elements.setdefault((element.path, element.label), []).append(element)
    objects = {found.path: found for found in facts.objects}
    for (path, label), row in sorted(elements.items()):
        found = objects.get(path)
        if is_left(path) or found is None or not any(element.kind == "build" for element in row):
            continue
        if label == "RPATH" and found.elf.runpath is not None:
            continue  # glibc ignores it (elf/dl-load.c), and the RUNPATH is repaired
        if _something_is_missing(path, facts, inherited=label == "RPATH"):
            continue  # the build machine's directory is the only place where it can be, as on the packager's own system
        yield _repair(found, label, row, facts)


def _repair(found: ElfObject, label: str, row: list[SearchElement], facts: Facts) -> SearchPathRepair:
    gone = tuple(dict.fromkeys(element.element for element in row if element.kind == "build"))
    kept = [element for element in row if element.kind != "build"]
    searched = {element.directory for element in kept if element.directory is not None}
    origin = posixpath.dirname(found.path)
    added: dict[str, None] = {}
    for need in facts.graph.needs.get(found.path, ()):
        directory = posixpath.dirname(need.path) if need.path is not None else None
        if directory is not None and directory not in searched:
            added[_from_origin(origin, directory)] = None
    new = [*added, *(element.element for element in kept)]
    kind: SearchPathKind = "rpath" if label == "RPATH" else "runpath"
    return SearchPathRepair(found.path, kind, ":".join(dict.fromkeys(new)), gone)


def _something_is_missing(path: str, facts: Facts, *, inherited: bool) -> bool:
    """Whether the object, or with an inherited search path something that it loads, needs what neither the bundle nor a system has."""
    seen, todo = {path}, [path]
    while todo:
        for need in facts.graph.needs.get(todo.pop(), ()):
            if need.origin == "missing":
                return True
            if inherited and need.path is not None and need.path not in seen:
                seen.add(need.path)
                todo.append(need.path)
    return False


def _from_origin(origin: str, directory: str) -> str:
    relative = posixpath.relpath(f"/{directory}", f"/{origin}")
    return "$ORIGIN" if relative == "." else f"$ORIGIN/{relative}"
