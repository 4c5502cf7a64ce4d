"""Files with the same content that can be one file with several names."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from inspector.artifact.tree import Node, Tree
from inspector.facts.duplicates import find_duplicates

_WITHOUT_LINKS = frozenset(("wheel", "egg", "zipapp", "pex", "shiv", "zip"))


def can_share(format_name: str) -> bool:
    """Whether an artifact's container can keep one file under several names; a ZIP archive cannot."""
    return format_name not in _WITHOUT_LINKS


def shareable(tree: Tree, is_left: Callable[[str], bool]) -> Iterator[tuple[str, ...]]:
    """Groups of tree paths, the first of which stays; all of one content, mode and owner.

    Sources of Python modules must have one time as well, since bytecode is valid for a time.  Names that the container stores once already are no
    groups: nothing would become smaller.

    :param is_left: whether a tree path is not to be touched, or goes.
    """
    kept = Tree(
        (node for node in tree if node.is_file and node.content_key is None and not is_left(node.path)),
        deduplicated=tree.deduplicated,
    )
    for group in find_duplicates(kept).groups:
        alike: dict[tuple[object, ...], list[Node]] = {}
        for path in group.paths:
            node = tree.get(path)
            if node is None:
                continue
            time = node.mtime if node.name.endswith((".py", ".pyw")) else None
            alike.setdefault((node.mode, node.uid, node.gid, time), []).append(node)
        for nodes in alike.values():
            if len(nodes) > 1:
                yield tuple(sorted(node.path for node in nodes))
