"""From the entries of a ZIP archive to the nodes of a Tree."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from functools import partial

from inspector.artifact.gaps import byte_map
from inspector.artifact.names import safe_name, text_of
from inspector.artifact.tree import KIND_BY_FILE_TYPE, Kind, Node, Tree
from inspector.artifact.tree_making.container_tree import problem_of
from inspector.errors import FormatError
from inspector.formats.zip import ZipArchive, ZipEntry
from inspector.limits import Limits
from inspector.model import Problem

_READ_BY_EVERY_AUDIT = 52  # bytes; larger files are looked at for ELF headers, and what cannot be read is told then
_FILE_MODE, _DIRECTORY_MODE = 0o644, 0o755  # where the archive was not written on Unix


def zip_tree(archive: ZipArchive, limits: Limits, problems: list[Problem]) -> Tree:
    """All members of an archive; directories that no entry names are added.  What cannot be read stays in the tree and becomes a problem.

    Of several entries with one name the last one counts, as for ``unzip`` and for Python's importer.
    """
    return _TreeMaker(archive, limits, problems).tree()


def zip_entries(archive: ZipArchive, limits: Limits) -> dict[str, ZipEntry]:
    """The entry behind each path of :func:`zip_tree`; directories that no entry names have none."""
    maker = _TreeMaker(archive, limits, [])
    maker.tree()
    return maker.entries


def zip_byte_map(archive: ZipArchive) -> dict[str, int]:
    """Every byte of the file that the archive ends: a prefix (an interpreter line, a starter) is a header of it."""
    return byte_map(
        archive.source,
        headers=[(0, archive.start), *archive.header_ranges()],
        entries=archive.data_ranges(),
        end=archive.end.end,
        padding_end=archive.end.end,
    )


class _TreeMaker:
    def __init__(self, archive: ZipArchive, limits: Limits, problems: list[Problem]) -> None:
        self._archive = archive
        self._limits = limits
        self._problems = problems
        self._nodes: dict[str, Node] = {"": Node("", Kind.DIRECTORY, _DIRECTORY_MODE)}
        self.entries: dict[str, ZipEntry] = {}
        self._parents: dict[bytes, str | None] = {b"": ""}

    def tree(self) -> Tree:
        if self._archive.damage is not None:
            self._problems.append(problem_of("", self._archive.damage))
        for entry in self._archive.entries:
            self._add(entry)
        entries = self.entries

        def read_order(files: Sequence[Node]) -> Iterator[Node]:
            return iter(sorted(files, key=lambda node: entries[node.path].header))

        return Tree(self._nodes.values(), read_order=read_order)

    def _add(self, entry: ZipEntry) -> None:
        if entry.name.startswith(b"/"):
            self._problem("unsafe-name", text_of(entry.name), "the name begins with a slash")
        head, _, name = entry.name.strip(b"/").rpartition(b"/")
        if not name:
            if entry.name.strip(b"/"):
                self._problem("unsafe-name", text_of(entry.name), "the entry has no name")
            return
        if len(entry.name) > self._limits.path_length or entry.name.count(b"/") > self._limits.path_depth:
            self._problem("limit-exceeded", text_of(entry.name[:80]) + "…", "a path this long or deep is not listed")
            return
        parent = self._directory(head)
        if parent is None:
            return
        spelled, why = safe_name(name)
        path = f"{parent}/{spelled}" if parent else spelled
        if name == b".":
            return
        if why is not None:
            self._problem("unsafe-name", path, why)
        self._put(path, entry)

    def _put(self, path: str, entry: ZipEntry) -> None:
        kind = KIND_BY_FILE_TYPE.get(stat.S_IFMT(entry.mode), Kind.FILE)
        if entry.is_directory:
            kind = Kind.DIRECTORY
        before = self._nodes.get(path)
        if before is not None:
            if kind is not Kind.DIRECTORY or before.kind is not Kind.DIRECTORY:
                self._problem("name-collision", path, "another entry has this name; the last one counts")
            if before.kind is Kind.DIRECTORY and kind is not Kind.DIRECTORY:
                return  # what lies in it stays where it is
        mode = stat.S_IMODE(entry.mode) or (_DIRECTORY_MODE if kind is Kind.DIRECTORY else _FILE_MODE)
        node = Node(path, kind, mode, mtime=entry.mtime)
        if kind is Kind.FILE:
            node.size, node.stored_size = entry.size, entry.stored_size
            node.opener = partial(self._archive.open, entry)
            if entry.refusal is not None and entry.size < _READ_BY_EVERY_AUDIT:
                self._problems.append(problem_of(path, entry.refusal))
        elif kind is Kind.SYMLINK:
            node.target = self._target(path, entry)
            if node.target is None:
                return
        self._nodes[path] = node
        self.entries[path] = entry

    def _target(self, path: str, entry: ZipEntry) -> str | None:
        """Where a symbolic link points: the member's content, as Info-ZIP writes it."""
        try:
            if entry.size > self._limits.symlink_length:
                raise FormatError(f"a symbolic link with a target of {entry.size} bytes")
            return text_of(self._archive.open(entry).read_at(0, entry.size))
        except FormatError as error:
            self._problems.append(problem_of(path, error))
            return None

    def _directory(self, name: bytes) -> str | None:
        """The tree path of a directory, itself and those above it added where no entry names them; None where a file is in its place."""
        if name in self._parents:
            return self._parents[name]
        path: str | None = ""
        for part in name.split(b"/"):
            if part in (b"", b"."):
                continue
            spelled, why = safe_name(part)
            path = f"{path}/{spelled}" if path else spelled
            node = self._nodes.get(path)
            if node is None:
                self._nodes[path] = Node(path, Kind.DIRECTORY, _DIRECTORY_MODE)
                if why is not None:
                    self._problem("unsafe-name", path, why)
            elif node.kind is not Kind.DIRECTORY:
                self._problem(
                    "name-collision", text_of(name), f"{path} is no directory; what lies below it is left out"
                )
                path = None
                break
        self._parents[name] = path
        return path

    def _problem(self, kind: str, subject: str, message: str) -> None:
        self._problems.append(Problem(kind=kind, subject=subject, message=message))
