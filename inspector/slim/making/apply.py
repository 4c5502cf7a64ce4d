"""From a plan and its products to the planned tree: what is left, with which content, under which names."""

from __future__ import annotations

import hashlib
import posixpath
import stat
from collections import Counter

from msgspec.structs import replace

from inspector.artifact.nesting import SEPARATOR
from inspector.artifact.tree import Kind, Tree
from inspector.errors import FormatError
from inspector.limits import Limits
from inspector.slim.making.planned_tree import PlannedEntry, PlannedTree, entry_of
from inspector.slim.making.products import Products
from inspector.slim.planning.plan import Action, Plan
from inspector.slim.planning.records import rewritten_record
from inspector.source import BytesSource, Source

_STEP = 1 << 20


def apply_plan(plan: Plan, tree: Tree, products: Products, limits: Limits) -> PlannedTree:
    """The tree that the plan leads to.

    What lies inside another file (``PYZ.pyz!/json/decoder.pyc``) is a part of that one and has no entry of its own.
    Paths of actions that are not in the tree are passed over; a directory goes only where it is empty and no link that stays leads to it.  Names of
    one file stay names of one file where they are given the same new content.

    :param products: new contents; a path without one keeps its own.
    """
    entries = {node.path: entry_of(node) for node in tree if SEPARATOR not in node.path}
    removed = {path for action in plan.actions if action.kind == "remove" for path in action.paths}
    for path in removed:
        node = tree.get(path)
        if node is not None and node.kind is not Kind.DIRECTORY:
            entries.pop(path, None)
    for action in plan.actions:
        _apply_change(entries, action, products)
    _keep_hard_links(entries)
    for action in plan.actions:  # after the first name has its new content
        if action.kind == "share":
            _share(entries, action.paths)
    for action in plan.actions:  # after all changes: records have the digests of what changed
        for path in action.paths if action.kind == "rewrite" else ():
            _rewrite_record(entries, path, tree, products, limits)
    _drop_empty(entries, removed, tree)
    return PlannedTree(entries)


def _apply_change(entries: dict[str, PlannedEntry], action: Action, products: Products) -> None:
    if action.kind in ("strip", "search-path"):
        for path in action.paths:
            _replace(entries, path, products.get(path))
    elif action.kind == "compile":
        for path, source in action.details.items():
            _add_bytecode(entries, path, source, products)


def _replace(entries: dict[str, PlannedEntry], path: str, content: Source | None) -> None:
    entry = entries.get(path)
    if entry is not None and content is not None and entry.kind is Kind.FILE:
        entries[path] = _with_content(entry, content)


def _keep_hard_links(entries: dict[str, PlannedEntry]) -> None:
    """Changed names of one file that have the same new content become names of one new file."""
    first: dict[tuple[int, bytes], PlannedEntry] = {}
    names: Counter[int] = Counter(
        entry.node.inode
        for entry in entries.values()
        if entry.content is not None and entry.node is not None and entry.node.inode is not None
    )
    for path in sorted(entries):
        entry = entries[path]
        number = None if entry.node is None else entry.node.inode
        if entry.content is None or number is None or names[number] < 2:
            continue
        other = first.setdefault((number, _digest(entry.content)), entry)
        if other is not entry:
            entries[path] = replace(entry, content=other.content, link_to=other.path)


def _with_content(entry: PlannedEntry, content: Source) -> PlannedEntry:
    return replace(entry, content=content, size=content.size)


def _add_bytecode(entries: dict[str, PlannedEntry], path: str, source: str, products: Products) -> None:
    """A compiled module: mode, owner and time of its source."""
    origin, content = entries.get(source), products.get(path)
    if origin is None or content is None:
        return
    old = entries.get(path)
    entries[path] = PlannedEntry(
        path=path,
        kind=Kind.FILE,
        mode=(old.mode if old is not None else origin.mode & 0o666 | stat.S_IRUSR),
        size=content.size,
        uid=origin.uid,
        gid=origin.gid,
        mtime=origin.mtime,
        node=None,
        content=content,
    )
    parent = posixpath.dirname(path)
    while parent and parent not in entries:
        above = entries.get(posixpath.dirname(source))
        entries[parent] = PlannedEntry(
            path=parent,
            kind=Kind.DIRECTORY,
            mode=above.mode if above is not None else 0o755,
            size=0,
            uid=origin.uid,
            gid=origin.gid,
            mtime=origin.mtime,
        )
        parent = posixpath.dirname(parent)


def _share(entries: dict[str, PlannedEntry], paths: tuple[str, ...]) -> None:
    """Further names of the first path's file."""
    first = entries.get(paths[0]) if paths else None
    if first is None or first.kind is not Kind.FILE:
        return
    for path in paths[1:]:
        entry = entries.get(path)
        if entry is not None and entry.kind is Kind.FILE:
            entries[path] = replace(
                entry, link_to=first.link_to or first.path, size=first.size, mode=first.mode, mtime=first.mtime, content=first.content,
                node=first.node, uid=first.uid, gid=first.gid,
            )  # fmt: skip


def _rewrite_record(
    entries: dict[str, PlannedEntry], path: str, tree: Tree, products: Products, limits: Limits
) -> None:
    node = tree.get(path)
    if node is None or path not in entries:
        return

    def describe(name: str) -> tuple[bytes | None, int] | None:
        entry = entries.get(name)
        if entry is None:
            return None
        if entry.content is None:
            return None if entry.kind is Kind.DIRECTORY else (None, entry.size)
        return _digest(entry.content), entry.size

    site = posixpath.dirname(posixpath.dirname(path))
    try:
        content = rewritten_record(node.read(limits=limits), site, describe)
    except FormatError as error:
        products.left[path] = str(error)
        return
    entries[path] = _with_content(entries[path], BytesSource(content))


def _digest(source: Source) -> bytes:
    digest = hashlib.sha256()
    for offset in range(0, source.size, _STEP):
        digest.update(source.read_at(offset, min(_STEP, source.size - offset)))
    return digest.digest()


def _drop_empty(entries: dict[str, PlannedEntry], removed: set[str], tree: Tree) -> None:
    """Directories that the plan names, in which nothing is left and to which no link leads."""
    links = [tree.resolve(path) for path, entry in entries.items() if entry.kind is Kind.SYMLINK]
    needed = {node.path for node in links if node is not None}
    members = Counter(posixpath.dirname(path) for path in entries if path)
    for path in sorted(removed, key=len, reverse=True):
        entry = entries.get(path)
        if entry is not None and entry.kind is Kind.DIRECTORY and not members[path] and path not in needed:
            del entries[path]
            members[posixpath.dirname(path)] -= 1
