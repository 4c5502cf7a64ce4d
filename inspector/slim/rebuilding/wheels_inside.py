"""A PEX whose distributions are archives, with the members of these archives as members of its tree, and the way back to files.

Such are the packed layout, where each wheel is an archive of what would be installed, and what ``--no-pre-install-wheels`` makes, where each is the
wheel itself (seen of pex 2.105).  With their members in the tree they are planned, proved and recorded like those of any other PEX.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from inspector.artifact.artifact import Artifact
from inspector.artifact.tree import Kind, Node, Tree
from inspector.artifact.tree_making.zip_tree import zip_byte_map, zip_tree
from inspector.artifact.zip_ending import archive_at_end
from inspector.errors import FormatError
from inspector.formats.zip import MOST_BYTES, MOST_ENTRIES, ZipArchive
from inspector.limits import Limits
from inspector.model import Problem
from inspector.progress import SILENT
from inspector.slim.making.planned_tree import PlannedEntry, PlannedTree, entry_of
from inspector.slim.rebuilding.zip_rebuild import write_members
from inspector.source import FileSource, Source

_FORMATS = ("pex", "pex-directory")
_DEPENDENCIES = ".deps"
_HEAD = 64


class _Wheel(Struct, frozen=True):
    """One archive that is opened.

    :ivar node: the file in the artifact's own tree.
    :ivar members: tree paths below it, its own among them.
    """

    node: Node
    archive: ZipArchive
    members: frozenset[str]


class WheelsInside:
    """An artifact's wheels, opened; of other formats, and where there are none, the artifact as it is.

    :ivar artifact: the artifact with a directory in the place of each wheel that is a file, and its members in it.
    :ivar left: why a wheel stays a file, by its tree path.
    """

    def __init__(self, artifact: Artifact, limits: Limits) -> None:
        self._limits = limits
        self._wheels: dict[str, _Wheel] = {}
        self._packed: dict[str, FileSource] = {}
        self.left: dict[str, str] = {}
        self.artifact = artifact
        if artifact.format not in _FORMATS:
            return
        nodes = {node.path: node for node in artifact.tree}
        for node in artifact.tree.children(_DEPENDENCIES):
            if node.is_file and node.name.endswith(".whl"):
                self._open(node, nodes)
        if self._wheels:
            self.artifact = replace(artifact, tree=Tree(nodes.values()))

    def __bool__(self) -> bool:
        return bool(self._wheels)

    def close(self) -> None:
        """Give the files back that wheels were written to."""
        for source in self._packed.values():
            source.close()

    def pack(self, path: str, planned: PlannedTree, scratch: Path) -> Source | None:
        """The file that a wheel becomes by a planned tree with its members, written to a directory; None where no byte of it changes.

        :raises FormatError: where a member cannot be read.
        :raises OSError: where the directory is full.
        """
        wheel = self._wheels.get(path)
        if wheel is None:
            return None
        prefix = f"{path}/"
        members = {name: entry for name, entry in planned.entries.items() if name == path or name.startswith(prefix)}
        if members.keys() == wheel.members and all(_is_as_it_was(entry) for entry in members.values()):
            return None
        inner = {
            name[len(prefix) :]: replace(entry, path=name[len(prefix) :])
            for name, entry in members.items()
            if name != path
        }
        place = scratch / f"wheel-{len(self._packed)}"
        with place.open("xb") as file:
            write_members(file, wheel.archive, PlannedTree(inner), self._limits, SILENT)
        source = self._packed[path] = FileSource(place)
        return source

    def files(self, planned: PlannedTree, scratch: Path) -> PlannedTree:
        """A planned tree with the wheels as files again, as the container has them; errors as for :meth:`pack`.

        :param planned: with all records made true.
        """
        entries = dict(planned.entries)
        for path, wheel in self._wheels.items():
            source = self._packed.get(path) or self.pack(path, planned, scratch)
            if path not in entries:
                continue
            for name in [name for name in entries if name.startswith(f"{path}/")]:
                del entries[name]
            entries[path] = entry_of(wheel.node)
            if source is not None:
                entries[path] = replace(entries[path], content=source, size=source.size)
        return PlannedTree(entries)

    def _open(self, node: Node, nodes: dict[str, Node]) -> None:
        try:
            archive = archive_at_end(node, node.read_at(0, _HEAD), self._limits)
            if isinstance(archive, FormatError):
                raise archive
            problems: list[Problem] = []
            tree = zip_tree(archive, self._limits, problems)
            for problem in problems:
                if not _is_of_an_empty_directory(problem, tree):
                    raise FormatError(f"{problem.subject or 'the archive'}: {problem.message}")
            if next((entry for entry in archive.entries if entry.refusal is not None), None) is not None:
                raise FormatError("it has members that cannot be read")
            bytes_of = zip_byte_map(archive)
            if archive.start or bytes_of.get("appended") or bytes_of.get("unexplained"):
                raise FormatError("it has bytes that belong to no member")
            if node.size > MOST_BYTES or len(archive.entries) > MOST_ENTRIES:
                raise FormatError("it is too large to be written")
            if len(nodes) + len(tree) > self._limits.inodes:
                raise FormatError("with its members there are more than the inodes limit")
        except FormatError as error:
            self.left[node.path] = str(error)
            return
        members = {node.path: Node(node.path, Kind.DIRECTORY, 0o755)}
        for inner in tree:
            if inner.path:
                path = f"{node.path}/{inner.path}"
                # The key is its own, so that nobody plans hard links into an archive
                members[path] = replace(inner, path=path, content_key=("in a wheel", path) if inner.is_file else None)
        self._wheels[node.path] = _Wheel(node, archive, frozenset(members))
        nodes.update(members)


def _is_of_an_empty_directory(problem: Problem, tree: Tree) -> bool:
    """Whether a problem is the name of a directory with nothing in it: pex 2.1 wrote "../" into its archives, and it is copied as it is."""
    node = tree.get(problem.subject)
    is_directory = node is not None and node.kind is Kind.DIRECTORY
    return problem.kind == "unsafe-name" and is_directory and not tree.children(problem.subject)


def _is_as_it_was(entry: PlannedEntry) -> bool:
    node = entry.node
    return (
        entry.is_unchanged
        and entry.link_to is None
        and node is not None
        and (entry.mode, entry.mtime, entry.target) == (node.mode, node.mtime, node.target)
    )
