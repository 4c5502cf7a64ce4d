"""Which files that are no modules are named in reached code: by their own name, a directory's, a suffix.

Python opens data by names that stand in code as constants, whole or in parts (``files("pkg") / "data" / "units.json"``,
``os.path.join(here, "templates")``, ``glob("*.dat")``).  A file that no constant meets may still be opened by a name from elsewhere;
:meth:`DataReferences.beside` says where that is possible.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from inspector.artifact.tree import Tree
from inspector.facts.python.import_graph import ImportGraph
from inspector.facts.python.module_index import Module

_SHORTEST_STEM = 4  # characters; a shorter stem meets too many words


class DataReferences:
    """Answers for the reached modules of one tree.

    :param reached: the reached modules, as keys.
    """

    def __init__(self, tree: Tree, graph: ImportGraph, reached: Mapping[Module, Any]) -> None:
        self._tree = tree
        self._graph = graph
        self._words: dict[str, Module] = {}
        self._suffixes: dict[tuple[str, str], Module] = {}
        self._readers: dict[str, Module] = {}
        self._stubs: dict[str, Module] = {}
        for module in reached:
            self._take(module)

    def _take(self, module: Module) -> None:
        source = self._graph.source(module)
        if source is None:
            return
        origin = _origin(module)
        for text in (*source.strings, *source.fragments):
            for part in text.replace("\\", "/").split("/"):
                if not part:
                    continue
                self._words.setdefault(part, module)
                if part[0] in ".*" or "." in part:
                    suffix = posixpath.splitext(part.lstrip("*"))[1] or part.lstrip("*")
                    if part.startswith(("*", ".")) and suffix:
                        self._suffixes.setdefault((origin, suffix), module)
        if source.reads_files:
            self._readers.setdefault(origin, module)
        if source.reads_stub:
            stub = self._graph.stub_of(module)
            if stub is not None:
                self._stubs[stub.path] = module

    def named(self, path: str) -> str | None:
        """A clause that says which reached module names a file; None where none does."""
        reader = self._stubs.get(path)
        if reader is not None:
            return f"{reader.name} reads it as its stub"
        directory, _, name = path.rpartition("/")
        origin, inner = self._origin_of(directory)
        stem, suffix = posixpath.splitext(name)
        for word in (name, *(part for part in inner if part)):
            module = self._words.get(word)
            if module is not None:
                return f"{module.name} names {word}"
        module = self._suffixes.get((origin, suffix)) if suffix else None
        if module is not None:
            return f"{module.name} reads files that end in {suffix}"
        module = self._words.get(stem) if len(stem) >= _SHORTEST_STEM else None
        if module is not None and _origin(module) == origin:
            return f"{module.name} names {stem}"
        return None

    def beside(self, path: str) -> str | None:
        """A clause that says which reached module of the file's package opens files beside its code; None where none does."""
        origin, _ = self._origin_of(posixpath.dirname(path))
        module = self._readers.get(origin)
        return None if module is None else f"{module.name} opens files beside its code"

    def _origin_of(self, directory: str) -> tuple[str, tuple[str, ...]]:
        """The top-level package around a directory, by its tree path, and the names of directories in it that are no packages."""
        places = {place for environment in self._graph.index.environments for place in environment.search_path}
        names: tuple[str, ...] = ()
        current = directory
        while current:
            parent, _, name = current.rpartition("/")
            if parent in places:
                return current, _without_packages(self._tree, current, names)
            names = (name, *names)
            current = parent
        return "", tuple(directory.split("/")[-2:])


def _without_packages(tree: Tree, top: str, names: tuple[str, ...]) -> tuple[str, ...]:
    current, found = top, []
    for name in names:
        current = f"{current}/{name}"
        if f"{current}/__init__.py" not in tree:
            found.append(name)
    return tuple(found)


def _origin(module: Module) -> str:
    """The tree path of a module's top-level package, or of itself."""
    return f"{module.place}/{module.top_level}" if not module.loose else module.place
