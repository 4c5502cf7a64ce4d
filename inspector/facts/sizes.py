"""Where the bytes are: by component, directory, kind and file, raw and stored; debug, test, bytecode and static-library bytes."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence

from inspector.artifact.tree import Tree
from inspector.facts.duplicates import Duplicates
from inspector.facts.elf_objects import ElfObject
from inspector.facts.kinds import is_test, kind_of
from inspector.model import ByteCount
from inspector.result import SizeRow, SizesInfo

_MOST_ROWS = 20
_TREE_SHARE = 1000  # directories and files of at least a thousandth of the whole stand in the tree
_CHAIN_SHARE = 0.9  # a directory that is nearly all of its parent is shown in the parent's place


class _Tally:
    """Raw bytes, stored bytes and files by name."""

    def __init__(self) -> None:
        self.rows: dict[str, list[int]] = {}

    def add(self, name: str, raw: int, stored: int) -> None:
        row = self.rows.get(name)
        if row is None:
            self.rows[name] = [raw, stored, 1]
        else:
            row[0] += raw
            row[1] += stored
            row[2] += 1

    def total(self, *names: str) -> ByteCount:
        rows = [self.rows[name] for name in names if name in self.rows]
        return ByteCount(raw=sum(row[0] for row in rows), stored=sum(row[1] for row in rows))

    def largest(self, most: int | None = _MOST_ROWS) -> tuple[SizeRow, ...]:
        rows = sorted(self.rows.items(), key=lambda item: (-item[1][0], item[0]))[:most]
        return tuple(SizeRow(name=name, raw=raw, stored=stored, files=files) for name, (raw, stored, files) in rows)


def measure_sizes(
    tree: Tree, objects: Sequence[ElfObject], owners: Mapping[str, str], duplicates: Duplicates
) -> SizesInfo:
    """The sizes of a tree.

    Raw bytes count every name of a file; stored bytes count shared blocks and hard links once, for the first name that has them, so that the
    stored column adds up to what the container really holds.

    :param owners: component name by tree path, for every regular file.
    """
    elf_by_path = {found.path: found for found in objects}
    components, kinds, directories, files, tests = _Tally(), _Tally(), _Tally(), _Tally(), _Tally()
    sections: dict[str, int] = {}
    debug_raw = debug_stored = 0
    parents: dict[str, tuple[str, ...]] = {}
    for node in tree.files():
        path, raw = node.path, node.size
        stored = 0 if path in duplicates.shared else node.stored_size
        found = elf_by_path.get(path)
        if found is None:
            kind = kind_of(node.name)
        else:
            kind = _elf_kind(found)
            byte_kinds = found.elf.byte_kinds()
            for name, count in byte_kinds.items():
                sections[name] = sections.get(name, 0) + count
            debug = byte_kinds.get("debug", 0)
            debug_raw += debug
            debug_stored += stored * debug // raw if raw else 0
        kinds.add(kind, raw, stored)
        components.add(owners.get(path, "other"), raw, stored)
        files.add(path, raw, stored)
        directory = posixpath.dirname(path)
        lineage = parents.get(directory)
        if lineage is None:
            lineage = parents[directory] = _lineage(directory)
        for ancestor in lineage:
            directories.add(ancestor, raw, stored)
        if is_test(f"/{path}"):
            tests.add("tests", raw, stored)
    total = ByteCount(raw=sum(row[0] for row in kinds.rows.values()), stored=sum(row[1] for row in kinds.rows.values()))
    return SizesInfo(
        total=total,
        by_component=components.largest(None),
        by_directory=_directories(directories),
        by_type=kinds.largest(None),
        largest=files.largest(),
        duplicates=duplicates.groups,
        duplicate_bytes=duplicates.wasted,
        debug_bytes=ByteCount(raw=debug_raw, stored=debug_stored),
        test_bytes=tests.total("tests"),
        bytecode_bytes=kinds.total("Python bytecode", "Python bytecode (optimised)"),
        static_library_bytes=kinds.total("static libraries and objects"),
        elf_sections=dict(sorted(sections.items())),
        tree=_tree(directories, files, total.raw),
    )


def _elf_kind(found: ElfObject) -> str:
    if found.elf.type == "REL":
        return "static libraries and objects"
    return "ELF programs" if found.elf.is_program else "ELF shared libraries"


def _lineage(directory: str) -> tuple[str, ...]:
    """A directory and all that it lies in, without the root."""
    names: list[str] = []
    while directory:
        names.append(directory)
        directory = posixpath.dirname(directory)
    return tuple(names)


def _directories(directories: _Tally) -> tuple[SizeRow, ...]:
    """The largest directories, those left out that are little more than one directory inside them."""
    largest_child: dict[str, int] = {}
    for name, (raw, _, _) in directories.rows.items():
        parent = posixpath.dirname(name)
        largest_child[parent] = max(largest_child.get(parent, 0), raw)
    kept = _Tally()
    kept.rows = {
        name: row for name, row in directories.rows.items() if largest_child.get(name, 0) <= _CHAIN_SHARE * row[0]
    }
    return kept.largest()


def _tree(directories: _Tally, files: _Tally, total: int) -> tuple[SizeRow, ...]:
    least = max(total // _TREE_SHARE, 1)
    rows: Iterable[SizeRow] = (
        *(row for row in directories.largest(None) if row.raw >= least),
        *(row for row in files.largest(None) if row.raw >= least),
    )
    return tuple(sorted(rows, key=lambda row: row.name))
