"""Where the bytes are: by component, directory, kind and file, raw and stored; debug, test, bytecode and static-library bytes."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from heapq import nsmallest
from typing import NamedTuple

from inspector.artifact.tree import Tree
from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.duplicates import Duplicates
from inspector.facts.kinds import is_test, kind_of
from inspector.model import ByteCount
from inspector.result import SizeRow, SizesInfo, TreeRow

_MOST_ROWS = 20
_TREE_SHARE = 1000  # directories and files of at least a thousandth of the whole stand in the tree
_CHAIN_SHARE = 0.9  # a directory that is nearly all of its parent is shown in the parent's place


class FileFact(NamedTuple):
    """What the sizes know of one regular file.

    :ivar raw: bytes of its content.
    :ivar stored: bytes in the container; 0 where another path counts them.
    :ivar debug: raw bytes of debug information in it.
    """

    raw: int
    stored: int
    kind: str
    is_test: bool
    debug: int


STATIC_LIBRARIES = "static libraries and objects"
BYTECODE, SPARE_BYTECODE = "Python bytecode", "Python bytecode (optimised)"


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


def file_facts(tree: Tree, objects: Sequence[ElfObject], duplicates: Duplicates) -> dict[str, FileFact]:
    """Every regular file by tree path.

    Stored bytes count shared blocks and hard links once, for the first name that has them, so that they add up to what the container holds.
    """
    elf_by_path = {found.path: found for found in objects}
    facts: dict[str, FileFact] = {}
    for node in tree.files():
        path = node.path
        found = elf_by_path.get(path)
        kind = kind_of(node.name) if found is None else _elf_kind(found)
        debug = 0 if found is None else found.byte_kinds.get("debug", 0)
        stored = 0 if path in duplicates.shared else node.stored_size
        facts[path] = FileFact(node.size, stored, kind, is_test(path), debug)
    return facts


def measure_sizes(
    files: Mapping[str, FileFact], objects: Sequence[ElfObject], owners: Mapping[str, str], duplicates: Duplicates
) -> SizesInfo:
    """The sizes of a tree; raw bytes count every name of a file.

    :param owners: component name by tree path, for every regular file.
    """
    components, kinds, direct, tests = _Tally(), _Tally(), _Tally(), _Tally()
    debug_raw = debug_stored = 0
    for path, (raw, stored, kind, test, debug) in files.items():
        kinds.add(kind, raw, stored)
        components.add(owners.get(path, "other"), raw, stored)
        direct.add(path.rpartition("/")[0], raw, stored)
        if test:
            tests.add("tests", raw, stored)
        if debug:
            debug_raw += debug
            debug_stored += stored * debug // raw
    directories = _with_descendants(direct)
    total = ByteCount(raw=sum(file.raw for file in files.values()), stored=sum(file.stored for file in files.values()))
    return SizesInfo(
        total=total,
        by_component=components.largest(None),
        by_directory=_directories(directories),
        by_type=kinds.largest(None),
        largest=_largest_files(files),
        duplicates=duplicates.groups,
        duplicate_bytes=duplicates.wasted,
        debug_bytes=ByteCount(raw=debug_raw, stored=debug_stored),
        test_bytes=tests.total("tests"),
        bytecode_bytes=kinds.total(BYTECODE, SPARE_BYTECODE),
        static_library_bytes=kinds.total(STATIC_LIBRARIES),
        elf_sections=_section_bytes(objects),
        tree=_tree(directories, files, owners, total.raw),
    )


def _section_bytes(objects: Sequence[ElfObject]) -> dict[str, int]:
    sections: dict[str, int] = {}
    for found in objects:
        for name, count in found.byte_kinds.items():
            sections[name] = sections.get(name, 0) + count
    return dict(sorted(sections.items()))


def _elf_kind(found: ElfObject) -> str:
    if found.elf.type == "REL":
        return STATIC_LIBRARIES
    return "ELF programs" if found.elf.is_program else "ELF shared libraries"


def _with_descendants(direct: _Tally) -> _Tally:
    """From what lies directly in each directory to what lies anywhere below it; the root is left out."""
    sums = _Tally()
    for directory, (raw, stored, files) in direct.rows.items():
        name = directory
        while name:
            row = sums.rows.setdefault(name, [0, 0, 0])
            row[0] += raw
            row[1] += stored
            row[2] += files
            name = name.rpartition("/")[0]
    return sums


def _largest_files(files: Mapping[str, FileFact]) -> tuple[SizeRow, ...]:
    largest = nsmallest(_MOST_ROWS, files.items(), key=lambda item: (-item[1].raw, item[0]))
    return tuple(SizeRow(name=path, raw=file.raw, stored=file.stored) for path, file in largest)


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


def removable_kind(file: FileFact) -> str:
    """The kind of files that a release seldom needs and this one is of, as :attr:`FileEntry.removable` has it; "" for others."""
    if file.is_test:
        return "tests"
    if file.kind == SPARE_BYTECODE:
        return "spare bytecode"
    return file.kind if file.kind == STATIC_LIBRARIES else ""


def _tree(
    directories: _Tally, files: Mapping[str, FileFact], owners: Mapping[str, str], total: int
) -> tuple[TreeRow, ...]:
    least = max(total // _TREE_SHARE, 1)
    rows = [
        TreeRow(name=row.name, raw=row.raw, stored=row.stored, files=row.files)
        for row in directories.largest(None)
        if row.raw >= least
    ]
    rows += [
        TreeRow(
            name=path,
            raw=file.raw,
            stored=file.stored,
            component=owners.get(path, "other"),
            removable=removable_kind(file),
        )
        for path, file in files.items()
        if file.raw >= least
    ]
    return tuple(sorted(rows, key=lambda row: row.name))
