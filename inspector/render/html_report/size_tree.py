"""The tree of files as the map of sizes shows it: of the list of all files where the Result has one, else of its larger rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from inspector.render.escaping import escape
from inspector.result import Result

_MOST_CHARACTERS = 800_000
"""Of the columns of files: what keeps a report of some ten thousand files below 1.5 MB.  The smallest files are counted in their directory then."""
_NUMBERS = 22
"""Characters that a file takes beside its name, about."""


class SizeNode(Struct):
    """A directory, or a file, whose ``directories`` and ``contents`` are empty.

    :ivar name: without the directory; "" for the root and for small files that are counted together.
    :ivar raw: bytes of it and all below; ``stored`` like it.
    :ivar component: an index of :attr:`SizeTree.components`, -1 for directories and where it is not known; ``removable`` like it.
    """

    name: str
    raw: int = 0
    stored: int = 0
    files: int = 0
    component: int = -1
    removable: int = -1
    directories: dict[str, SizeNode] = field(default_factory=dict)
    contents: list[SizeNode] = field(default_factory=list)

    @property
    def children(self) -> list[SizeNode]:
        """Directories and files, the largest first."""
        return sorted([*self.directories.values(), *self.contents], key=lambda node: (-node.raw, node.name))


class SizeTree(Struct, frozen=True):
    """The root, and the names that its nodes' indices mean.

    :ivar components: names of ``sizes.by_component``, the largest first.
    :ivar removables: kinds of removable files, the largest first.
    :ivar listed: files that have a node of their own.
    """

    root: SizeNode
    components: tuple[str, ...]
    removables: tuple[str, ...]
    listed: int


class _File(Struct, frozen=True):
    path: str
    raw: int
    stored: int
    component: str
    removable: str


def size_tree(result: Result) -> SizeTree:
    """The tree of an artifact."""
    files, totals = _files_of(result)
    kept = _largest(files)
    components = [row.name for row in sorted(result.sizes.by_component, key=lambda row: (-row.raw, row.name))]
    component_index = {name: number for number, name in enumerate(dict.fromkeys(components))}
    bytes_by_kind: dict[str, int] = {}
    for file in files:
        if file.removable:
            bytes_by_kind[file.removable] = bytes_by_kind.get(file.removable, 0) + file.raw
    removables = sorted(bytes_by_kind, key=lambda kind: (-bytes_by_kind[kind], kind))
    removable_index = {kind: number for number, kind in enumerate(removables)}

    root = SizeNode("")
    for file in files:
        parent = root
        *directories, name = [part for part in file.path.split("/") if part] or ["?"]
        _add(root, file.raw, file.stored, 1)
        for directory in directories:
            parent = parent.directories.setdefault(directory, SizeNode(directory))
            _add(parent, file.raw, file.stored, 1)
        if file.path in kept:
            parent.contents.append(
                SizeNode(
                    name,
                    file.raw,
                    file.stored,
                    1,
                    component_index.get(file.component, -1),
                    removable_index.get(file.removable, -1),
                )
            )
    _take_totals(root, totals)
    _count_the_rest(root)
    return SizeTree(root, tuple(component_index), tuple(removables), len(kept))


def _files_of(result: Result) -> tuple[list[_File], dict[str, tuple[int, int, int]]]:
    """The files that are known by name, and raw bytes, stored bytes and files of directories, where those are known beside them."""
    inside = tuple(
        f"{nested.path}!/" for nested in result.nested
    )  # their bytes are those of the file that they are inside of
    if result.files.entries is not None:
        return [
            _File(entry.path, entry.size, 0 if entry.shared else entry.stored_size, entry.component, entry.removable)
            for entry in result.files.entries
            if entry.kind == "file" and not entry.path.startswith(inside)
        ], {}
    rows = result.sizes.tree
    parents = {row.name.rpartition("/")[0] for row in rows}
    directories = {row.name for row in rows if row.files > 1 or row.name in parents}
    total = result.sizes.total
    totals = {row.name: (row.raw, row.stored, row.files) for row in rows if row.name in directories}
    totals[""] = (total.raw, total.stored, result.files.count)
    return [
        _File(row.name, row.raw, row.stored, row.component, row.removable)
        for row in rows
        if row.name not in directories
    ], totals


def _largest(files: list[_File]) -> set[str]:
    """Paths of the files that the report names: all of them, or the largest that there is room for."""
    kept: set[str] = set()
    room = _MOST_CHARACTERS
    for file in sorted(files, key=lambda file: (-file.raw, file.path)):
        room -= len(file.path.rpartition("/")[2]) + _NUMBERS
        if room < 0:
            break
        kept.add(file.path)
    return kept


def _add(node: SizeNode, raw: int, stored: int, files: int) -> None:
    node.raw += raw
    node.stored += stored
    node.files += files


def _take_totals(root: SizeNode, totals: dict[str, tuple[int, int, int]]) -> None:
    """What the Result says of directories counts, as their small files have no rows."""
    for path, (raw, stored, files) in totals.items():
        node = root
        for part in path.split("/") if path else ():
            node = node.directories.setdefault(part, SizeNode(part))
        node.raw, node.stored, node.files = max(node.raw, raw), max(node.stored, stored), max(node.files, files)


def walk(root: SizeNode) -> Iterator[SizeNode]:
    """All directories, each before those in it, in the order of their names."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += [node.directories[name] for name in sorted(node.directories, reverse=True)]


def _count_the_rest(root: SizeNode) -> None:
    """Bytes of a directory that no child has become a child without a name."""
    for node in walk(root):
        children = [*node.directories.values(), *node.contents]
        raw = node.raw - sum(child.raw for child in children)
        stored = node.stored - sum(child.stored for child in children)
        files = node.files - sum(child.files for child in children)
        if raw > 0 or stored > 0 or files > 0:
            node.contents.append(SizeNode("", max(raw, 0), max(stored, 0), max(files, 1)))


def columns(tree: SizeTree) -> dict[str, object]:
    """The tree for the script, column by column: directories before those in them, each with the numbers of its directories and files."""
    names: list[str] = []
    directory_counts: list[int] = []
    file_counts: list[int] = []
    files: list[SizeNode] = []
    for node in walk(tree.root):
        names.append(node.name)
        directory_counts.append(len(node.directories))
        file_counts.append(len(node.contents))
        files += sorted(node.contents, key=lambda file: file.name)
    return {
        "directories": {"names": _joined(names), "directories": directory_counts, "files": file_counts},
        "files": {
            "names": _joined(file.name for file in files),
            "raw": [file.raw for file in files],
            "stored": [file.stored for file in files],
            "count": {str(number): file.files for number, file in enumerate(files) if file.files != 1},
            "component": [file.component for file in files],
            "removable": [file.removable for file in files],
        },
    }


def _joined(names: Iterable[str]) -> str:
    """Names with slashes between them, which none of them has."""
    return "/".join(escape(name) for name in names)
