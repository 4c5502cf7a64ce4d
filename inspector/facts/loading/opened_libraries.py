"""Libraries that the code of a bundle opens by name with dlopen, where no DT_NEEDED tells of them.

Three grounds, the surest first: what a file says itself in ``.note.dlopen`` (UAPI.12 "ELF dlopen metadata"), what is known of well-known code
(``rules/libraries/opened.toml``), and names of libraries in the data of code that calls dlopen.  The last is a guess and never a fault:
:func:`names_in_data` is for ``inspect why`` and its like, and no part of an audit, because it reads the data of every object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal

from msgspec import Struct

from inspector.artifact.tree import Tree
from inspector.errors import FormatError
from inspector.facts.binaries.elf_objects import ElfObject
from inspector.patterns import fits_glob, lazy_pattern
from inspector.resources import load_table

Priority = Literal["required", "recommended", "suggested"]

_OPENING_CALLS = frozenset({"dlopen", "dlmopen", "g_module_open", "SDL_LoadObject", "lt_dlopen", "lt_dlopenext"})
_NAME = lazy_pattern(rb"(?<![\w./+$-])(lib[A-Za-z0-9_+.-]{1,80}\.so(?:\.\d+){0,3})(?=\0)")
_MOST_DATA = 8 << 20
_MOST_NAMES = 64


class OpenedLibrary(Struct, frozen=True):
    """One library that one object opens.

    :ivar opener: tree path of the object.
    :ivar sonames: alternatives in the order in which they are tried; one is enough.
    :ivar feature: what it is for, "" where nobody says.
    :ivar source: where it is written: "its .note.dlopen", a web address, "a text in its data".
    """

    opener: str
    sonames: tuple[str, ...]
    feature: str
    priority: Priority
    basis: Literal["note", "catalogue", "data"]
    source: str


def find_opened_libraries(objects: Sequence[ElfObject]) -> tuple[OpenedLibrary, ...]:
    """What the objects open by their notes and by the catalogue, in the order of the objects; no byte is read for it."""
    found: list[OpenedLibrary] = []
    for opener in objects:
        noted: set[str] = set()
        for note in opener.elf.notes.dlopen:
            noted.update(note.sonames)
            feature = note.description or note.feature or ""
            found.append(
                OpenedLibrary(opener.path, note.sonames, feature, _priority(note.priority), "note", "its .note.dlopen")
            )
        for entry in _known(opener.name) or _known(opener.elf.soname or ""):
            sonames = tuple(entry["sonames"])
            if not noted.intersection(sonames) and not set(opener.elf.needed).intersection(sonames):
                found.append(
                    OpenedLibrary(
                        opener.path,
                        sonames,
                        entry["feature"],
                        _priority(entry["priority"]),
                        "catalogue",
                        entry["source"],
                    )
                )
    return tuple(found)


def names_in_data(opener: ElfObject, tree: Tree) -> tuple[OpenedLibrary, ...]:
    """Names of libraries in the data of an object that calls dlopen; nothing for one that does not.

    Reads up to 8 MiB of each of its sections of data.  What it needs anyway, and itself, are left out.
    """
    if not opener.elf.symbols.undefined_names() & _OPENING_CALLS:
        return ()
    node = tree.get(opener.path)
    names: dict[str, None] = {}
    for section in (opener.elf.section(name) for name in (".rodata", ".data", ".data.rel.ro")):
        if section is None or node is None or not section.occupies_file:
            continue
        try:
            data = node.read_at(section.offset, min(section.size, _MOST_DATA))
        except (FormatError, OSError):
            continue
        names.update(dict.fromkeys(name.decode("ascii") for name in _NAME.findall(data)))
    known = {opener.elf.soname, opener.name, *opener.elf.needed}
    return tuple(
        OpenedLibrary(opener.path, (name,), "", "suggested", "data", "a text in its data")
        for name in list(names)[:_MOST_NAMES]
        if name not in known
    )


def _priority(text: str) -> Priority:
    """The specification's default is "recommended"; an unknown word is taken for it too."""
    return "required" if text == "required" else "suggested" if text == "suggested" else "recommended"


@cache
def _openers() -> tuple[Mapping[str, list[dict[str, Any]]], list[tuple[str, dict[str, Any]]]]:
    """Entries by the exact name of who opens them, and by globs."""
    exact: dict[str, list[dict[str, Any]]] = {}
    globs: list[tuple[str, dict[str, Any]]] = []
    for entry in load_table("libraries/opened.toml")["opened"]:
        for opener in entry["opener"]:
            if any(char in opener for char in "*?["):
                globs.append((opener, entry))
            else:
                exact.setdefault(opener, []).append(entry)
    return exact, globs


def _known(name: str) -> list[dict[str, Any]]:
    exact, globs = _openers()
    found = exact.get(name)
    return found if found is not None else [entry for glob, entry in globs if fits_glob(name, glob)]
