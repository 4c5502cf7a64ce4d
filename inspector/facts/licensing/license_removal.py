"""What can go so that nothing under an unwanted licence is left: libraries, and the optional modules of Python that are all that needs them."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from inspector.artifact.tree import Tree
from inspector.facts.facts import Facts
from inspector.facts.licensing.components import Component
from inspector.facts.python.extension_modules import is_extension_module, suffix_rank
from inspector.patterns import lazy_pattern
from inspector.resources import load_table

_TOKEN = lazy_pattern(r"[()]|[^\s()]+")
_LEVELS = {"OR": 1, "AND": 2}


class LicenseDrop(Struct, frozen=True):
    """One component under an unwanted licence.

    :ivar component: its name.
    :ivar paths: tree paths that go; empty where it must stay.
    :ivar reasons: clauses.
    :ivar blocked_by: why it cannot go, a clause; None where it can.
    """

    component: str
    paths: tuple[str, ...]
    reasons: tuple[str, ...]
    blocked_by: str | None = None


def asks_for(expression: str, unwanted: Sequence[str]) -> bool:
    """Whether an SPDX expression leaves no choice but an unwanted licence; one with an exception is another licence.

    :param unwanted: identifiers; ``GPL-3.0`` stands for ``GPL-3.0-only`` and ``GPL-3.0-or-later`` too, and ``*`` for any text.
    """
    values: list[bool] = []
    operators: list[str] = []

    def apply() -> None:
        name = operators.pop()
        if len(values) >= 2 and name in _LEVELS:
            last = values.pop()
            values[-1] = (values[-1] and last) if name == "OR" else (values[-1] or last)

    words = _TOKEN.findall(expression)
    for index, word in enumerate(words):
        upper = word.upper()
        if upper in _LEVELS:
            while operators and _LEVELS.get(operators[-1], 0) >= _LEVELS[upper]:
                apply()
            operators.append(upper)
        elif word == "(":
            operators.append(word)
        elif word == ")":
            while operators and operators[-1] != "(":
                apply()
            if operators:
                operators.pop()
        elif upper != "WITH" and (index == 0 or words[index - 1].upper() != "WITH"):
            has_exception = index + 1 < len(words) and words[index + 1].upper() == "WITH"
            values.append(not has_exception and any(_is_meant(word, name) for name in unwanted))
    while operators:
        apply()
    return bool(values) and values[-1]


def _is_meant(identifier: str, name: str) -> bool:
    plain = re.sub(r"(?:-only|-or-later|\+)$", "", identifier, flags=re.IGNORECASE)
    return fnmatch.fnmatchcase(identifier.lower(), name.lower()) or plain.lower() == name.lower()


def license_drops(facts: Facts, tree: Tree, unwanted: Sequence[str]) -> Iterator[LicenseDrop]:
    """The components under unwanted licences, and whether they can go."""
    removals = LibraryRemovals(facts, tree)
    for component in facts.components:
        if component.licenses is not None and asks_for(component.licenses, unwanted):
            if component.kind == "library":
                yield from removals.of(component)
            elif component.kind == "static":
                yield LicenseDrop(
                    component.name, (), (), f"it is inside {component.files[0]}, and only a new build leaves it out"
                )
            else:
                yield LicenseDrop(
                    component.name, (), (), f"it is installed as {component.name}, and others may import it"
                )


class LibraryRemovals:
    """What goes with a library: the optional modules of Python that are all that needs it."""

    def __init__(self, facts: Facts, tree: Tree) -> None:
        self._tree = tree
        self._objects = {found.path: found for found in facts.objects}
        self._loaders = facts.graph.loaders
        self._optional = load_table("licenses/python_modules.toml")["modules"]
        self._wrappers = {row["extension"]: row["modules"] for row in load_table("prune/libraries.toml")["wrapper"]}

    def of(self, component: Component) -> Iterator[LicenseDrop]:
        """Each file of a library with all that needs it."""
        reasons = [f"{component.name} is under {component.licenses}"]
        going: dict[str, None] = {}
        for path in component.files:
            found, why = self._with_needers(path)
            if isinstance(found, str):
                yield LicenseDrop(component.name, (), (), f"{found} needs {path}")
                return
            going.update(dict.fromkeys(found))
            reasons += why
        yield LicenseDrop(component.name, tuple(going), tuple(dict.fromkeys(reasons)))

    def _with_needers(self, path: str) -> tuple[list[str] | str, list[str]]:
        """The file and everything that needs it, with reasons; or the path of what cannot do without."""
        going, reasons, todo = {path: None}, [], [path]
        while todo:
            for loader in self._loaders.get(todo.pop(), ()):
                if loader in going:
                    continue
                found = self._objects.get(loader)
                if found is None or found.elf.is_program:
                    return loader, []
                if is_extension_module(found):
                    name = suffix_rank(found.name)[0]
                    entry = self._optional.get(name)
                    if entry is None or not entry["libraries"] or "/lib-dynload/" not in f"/{loader}":
                        return loader, []
                    reasons.append(f"{loader} needs it; it is asked for by {entry['imported_by']}")
                    going.update(dict.fromkeys(self._wrapping(loader, name)))
                else:
                    todo.append(loader)
                going[loader] = None
        return list(going), reasons

    def _wrapping(self, loader: str, name: str) -> Iterable[str]:
        """Modules of the standard library that are nothing without an extension module."""
        library = loader.rpartition("/lib-dynload/")[0]
        return [path for module in self._wrappers.get(name, ()) if (path := f"{library}/{module}") in self._tree]
