"""The members of an artifact and of the artifacts inside it, by the paths that a Result writes: ``usr/bin/app!/lib/LICENSE``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from inspector.artifact.artifact import Artifact
from inspector.artifact.nesting import SEPARATOR, nested_path, open_nested
from inspector.artifact.tree import Node
from inspector.limits import Limits


class NestedTrees:
    """One view over all trees; an artifact inside is opened when a member of it is asked for.

    :param nested: paths of the artifacts inside, as the Result has them; what cannot be opened again has no members.
    """

    def __init__(self, artifact: Artifact, nested: Iterable[str] = (), limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._nested = tuple(dict.fromkeys(nested))
        self._artifact = artifact
        self._opened: dict[str, Artifact | None] = {"": artifact}

    def get(self, path: str) -> Node | None:
        """The node of exactly this path; its own ``path`` is that in its own artifact."""
        found = self._artifact.tree.get(
            path
        )  # modules of an archive are nodes of the tree too, "PYZ.pyz!/json/decoder.pyc"
        if found is not None or SEPARATOR not in path:
            return found
        for place in sorted(self._nested, key=len, reverse=True):
            if path.startswith(place + SEPARATOR):
                inner = self._open(place)
                return inner.tree.get(path[len(place) + len(SEPARATOR) :]) if inner is not None else None
        return None

    def file_paths(self) -> Iterator[str]:
        """The paths of all regular files."""
        for place in ("", *self._nested):
            artifact = self._open(place)
            if artifact is not None:
                yield from (nested_path(place, node.path) if place else node.path for node in artifact.tree.files())

    def _open(self, place: str) -> Artifact | None:
        if place not in self._opened:
            outer, member = self._parent_of(place)
            parent = self._open(outer)
            inside = open_nested(parent, member, self._limits) if parent is not None else None
            self._opened[place] = inside.artifact if inside is not None else None
        return self._opened[place]

    def _parent_of(self, place: str) -> tuple[str, str]:
        """The artifact that one lies in, and its path there."""
        for outer in sorted(self._nested, key=len, reverse=True):
            if place.startswith(outer + SEPARATOR):
                return outer, place[len(outer) + len(SEPARATOR) :]
        return "", place
