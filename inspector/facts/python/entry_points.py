"""Entry points of installed distributions (PyPA specification "Entry points"): by group, name and the module behind it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence

from msgspec import Struct

from inspector.artifact.tree import Tree
from inspector.errors import FormatError
from inspector.facts.python.distributions import PythonDistribution

_LONGEST_FILE = 1 << 20  # bytes; the largest known have 20 KB
SCRIPT_GROUPS = frozenset({"console_scripts", "gui_scripts"})
"""Groups that installers turn into programs; no code reads them to find plugins."""


class EntryPoint(Struct, frozen=True):
    """One line.

    :ivar group: "console_scripts", "pytest11", …
    :ivar module: the module before the colon.
    :ivar attribute: what stands behind it, or "".
    :ivar distribution: PEP 503 name of the distribution that has it.
    """

    group: str
    name: str
    module: str
    attribute: str
    distribution: str


def read_entry_points(tree: Tree, distributions: Sequence[PythonDistribution]) -> tuple[EntryPoint, ...]:
    """All entry points, in the order of distributions and lines; files that cannot be read have none."""
    found: list[EntryPoint] = []
    for distribution in distributions:
        path = posixpath.join(posixpath.dirname(distribution.metadata_path), "entry_points.txt")
        node = tree.resolve(path)
        if node is None or not node.is_file:
            continue
        try:
            text = node.read_at(0, _LONGEST_FILE).decode("utf-8", "replace")
        except (FormatError, OSError):
            continue
        found += _parse(text.splitlines(), distribution.normalized_name)
    return tuple(found)


def _parse(lines: Iterable[str], distribution: str) -> list[EntryPoint]:
    group, found = "", []
    for line in lines:
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip()
        elif "=" in line and not line.startswith(("#", ";")) and group:
            name, _, value = line.partition("=")
            module, _, attribute = value.partition("[")[0].partition(":")
            found.append(EntryPoint(group, name.strip(), module.strip(), attribute.strip(), distribution))
    return found
