"""What conda-pack packs: a conda environment, at the top of an archive or image or in a directory of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from inspector.artifact.artifact import RuntimeLayout
from inspector.artifact.tree import Tree
from inspector.patterns import lazy_pattern

_UNPACK, _HISTORY, _BIN = "bin/conda-unpack", "conda-meta/history", "bin/"
_INTERPRETER = lazy_pattern(r"(?:^|/)bin/(?:python|pypy)\d(?:\.\d+)?t?$")


def holds_environment(names: Iterable[str], contains: Callable[[str], bool]) -> bool:
    """Whether an archive's members are an environment: the program that rewrites prefixes, or conda's history beside programs.

    :param names: of the members, of which only the first parts are looked at where the environment does not lie at the top.
    :param contains: whether there is a member of this name.
    """
    if contains(_UNPACK):
        return True
    names = list(names)
    tops = {name.partition("/")[0] for name in names}
    places = [""] + ([f"{top}/" for top in tops] if len(tops) == 1 else [])
    return any(
        contains(place + _UNPACK)
        or (contains(place + _HISTORY) and any(name.startswith(place + _BIN) for name in names))
        for place in places
    )


def is_environment(tree: Tree) -> bool:
    """Whether a tree is an environment."""
    return holds_environment((node.path for node in tree if node.path), tree.__contains__)


def interpreters(tree: Tree) -> RuntimeLayout:
    """Started is the interpreter; whatever it finds lies beside it, through run paths with $ORIGIN."""
    programs = (node.path for node in tree.files() if _INTERPRETER.search(node.path) and node.mode & 0o111)
    return RuntimeLayout(roots=tuple(sorted(programs)))
