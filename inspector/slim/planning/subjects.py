"""What a person calls the thing that a path belongs to: a distribution, the interpreter, a directory.  Actions are grouped by it."""

from __future__ import annotations

import posixpath

from inspector.facts.facts import Facts
from inspector.slim.planning.source_words import package_of

_PARTS_OF_A_DIRECTORY = 3


class Subjects:
    """Names for one bundle."""

    def __init__(self, facts: Facts) -> None:
        self._owners: dict[str, str] = {}
        for component in facts.components:
            if component.kind in ("python", "interpreter"):
                name = f"{component.name} {component.version}" if component.kind == "interpreter" else component.name
                self._owners.update(dict.fromkeys(component.files, name))

    def of(self, path: str) -> str:
        """The owner of a file or link."""
        owner = self._owners.get(path) or package_of(path)
        if owner is not None:
            return owner
        directory = "/".join(posixpath.dirname(path).split("/")[:_PARTS_OF_A_DIRECTORY])
        return f"{directory}/" if directory else "the root"
