"""Tar archives, plain and compressed, and what Python developers hand out as such: source distributions, python-build-standalone, conda environments.

The archive is decoded once into a temporary file without a name (formats/compressed_stream.py); its members are ranges of that.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from weakref import WeakKeyDictionary

from msgspec import Struct

from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.package_metadata import PackageInfo, parse_core_metadata, with_package
from inspector.artifact.reader import Candidate
from inspector.artifact.tree import Kind, Tree
from inspector.artifact.tree_making.archive_tree import ArchiveTree, note_damages
from inspector.artifact.tree_making.conda_layout import interpreters, is_environment
from inspector.artifact.tree_making.stored_archive import StoredArchive, decoded_head, open_stored
from inspector.errors import FormatError, NothingInspected
from inspector.formats.compressed_stream import compression_of
from inspector.formats.tar import TarArchive, looks_like_tar, read_tar
from inspector.limits import Limits
from inspector.model import Problem
from inspector.result import EnvelopeInfo

_ROOT_NAMES = frozenset({"etc", "bin", "sbin", "lib", "var", "root"})


class OpenedArchive(Struct, frozen=True):
    """A tar archive that was read already; several readers look at one."""

    stored: StoredArchive
    archive: TarArchive
    tree: Tree
    problems: list[Problem]
    is_root_file_system: bool


_opened: WeakKeyDictionary[Candidate, OpenedArchive | None] = WeakKeyDictionary()


def opened_archive(candidate: Candidate) -> OpenedArchive | None:
    """The archive of a candidate, read once; None where it is no tar archive."""
    if candidate not in _opened:
        _opened[candidate] = _read(candidate) if looks_like_tar(_head(candidate)) else None
    return _opened[candidate]


def _head(candidate: Candidate) -> bytes:
    if compression_of(candidate.head) is None:
        return candidate.head
    return decoded_head(candidate.source, candidate.limits)


def _read(candidate: Candidate) -> OpenedArchive:
    limits = candidate.limits
    problems: list[Problem] = []
    stored = open_stored(candidate.source, limits)
    stored.note_damage(problems)
    archive = read_tar(stored.content, limits)
    note_damages(archive.damages, problems)
    at_top = {
        next((part for part in entry.path.split(b"/") if part not in (b"", b".")), b"") for entry in archive.entries
    }
    is_root = b"usr" in at_top and any(name.encode() in at_top for name in _ROOT_NAMES)
    builder = ArchiveTree(problems, limits, root_file_system=is_root)
    for entry in archive.entries:
        builder.add(entry, stored.stored_size(entry.data_start, entry.end))
    return OpenedArchive(stored, archive, builder.tree(), problems, is_root)


def _is_standalone_python(tree: Tree) -> bool:
    if "python/PYTHON.json" in tree:
        return True
    return "python/bin/python3" in tree and any(
        node.name.startswith("python3.") for node in tree.children("python/lib") if node.kind is Kind.DIRECTORY
    )


def _is_conda_package(tree: Tree) -> bool:
    return "info/index.json" in tree and ("info/paths.json" in tree or "info/files" in tree)


def _top_directory(tree: Tree) -> str | None:
    """The one directory that holds everything, or None."""
    at_top = tree.children("")
    return at_top[0].path if len(at_top) == 1 and at_top[0].kind is Kind.DIRECTORY else None


def _is_source_distribution(tree: Tree) -> bool:
    top = _top_directory(tree)  # Source distribution format: one directory {name}-{version}, in it PKG-INFO
    return top is not None and "-" in top and f"{top}/PKG-INFO" in tree


def _plain_layout(opened: OpenedArchive) -> RuntimeLayout:
    """A root file system as such; an AppDir, alone in the archive or in a directory of its own, with its AppRun."""
    if opened.is_root_file_system:
        return RuntimeLayout(file_system_root=True)
    for bundle_root in ("", _top_directory(opened.tree)):
        launcher = None if bundle_root is None else posixpath.join(bundle_root, "AppRun")
        if launcher is not None and launcher in opened.tree:
            return RuntimeLayout(launcher=launcher, bundle_root=bundle_root or "")
    return RuntimeLayout()


def _interpreters(opened: OpenedArchive) -> RuntimeLayout:
    return interpreters(opened.tree)


def _no_roots(_: OpenedArchive) -> RuntimeLayout:
    return RuntimeLayout()


_FLAVOURS: dict[str, tuple[Callable[[Tree], bool], Callable[[OpenedArchive], RuntimeLayout]]] = {
    "python-build-standalone": (_is_standalone_python, _interpreters),
    "conda-pack": (is_environment, _interpreters),
    "conda-package": (_is_conda_package, _no_roots),
    "sdist": (_is_source_distribution, _no_roots),
    "tar": (lambda _: True, _plain_layout),
}
"""How each flavour is told by its tree, and how it lies when it runs."""


def is_archive_of(name: str, candidate: Candidate) -> bool:
    """Whether a file is a tar archive of a flavour: a key of ``_FLAVOURS``."""
    opened = opened_archive(candidate)
    return opened is not None and _FLAVOURS[name][0](opened.tree)


def open_archive_of(name: str, candidate: Candidate) -> Artifact:
    """Open a tar archive of a flavour."""
    opened = opened_archive(candidate)
    if opened is None or not any(True for _ in opened.tree.files()):
        raise NothingInspected(
            f"{candidate.path} is a tar archive that holds no file", "the archive may have been made of nothing"
        )
    source = candidate.source
    counts = opened.stored.byte_map(source, opened.archive.entries, opened.archive.end)
    artifact = Artifact(
        path=candidate.path,
        format=name,
        arch=None,
        size=source.size,
        tree=opened.tree,
        layout=_FLAVOURS[name][1](opened),
        envelope=EnvelopeInfo(compression=opened.stored.compression, trailing_bytes=counts["appended"]),
        source=source,
        problems=opened.problems,
        byte_map=counts,
    )
    return with_package(artifact, _statements(name, opened.tree, candidate.limits))


def _statements(name: str, tree: Tree, limits: Limits) -> PackageInfo | None:
    """What a package of that flavour states of itself."""
    if name == "conda-package":
        from inspector.artifact.archives.conda_package import conda_statements

        return conda_statements(tree, limits)
    node = tree.get(f"{_top_directory(tree)}/PKG-INFO") if name == "sdist" else None
    if node is None or not node.is_file:
        return None
    try:
        return parse_core_metadata(node.read(limits=limits))
    except FormatError:
        return None
