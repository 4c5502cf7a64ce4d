"""Tar archives, plain and compressed, and what Python developers hand out as such: source distributions, python-build-standalone, conda environments.

The archive is decoded once into a temporary file without a name (formats/compressed_stream.py); its members are ranges of that.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from weakref import WeakKeyDictionary

from inspector.artifact.archive_tree import ArchiveTree, note_damages
from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.reader import Candidate, Reader
from inspector.artifact.stored_archive import StoredArchive, decoded_head, open_stored
from inspector.artifact.tree import Kind, Tree
from inspector.errors import NothingInspected
from inspector.formats.compressed_stream import compression_of
from inspector.formats.tar import TarArchive, looks_like_tar, read_tar
from inspector.model import Problem
from inspector.result import EnvelopeInfo

_INTERPRETER = re.compile(r"(?:^|/)bin/(?:python|pypy)\d(?:\.\d+)?t?$")
_ROOT_NAMES = frozenset({"etc", "bin", "sbin", "lib", "var", "root"})


@dataclass(frozen=True, slots=True)
class _Opened:
    """A tar archive that was read already; several readers look at one."""

    stored: StoredArchive
    archive: TarArchive
    tree: Tree
    problems: list[Problem]
    is_root_file_system: bool


_opened: WeakKeyDictionary[Candidate, _Opened | None] = WeakKeyDictionary()


def _open_archive(candidate: Candidate) -> _Opened | None:
    """The archive of a candidate, read once; None where it is no tar archive."""
    if candidate not in _opened:
        _opened[candidate] = _read(candidate) if looks_like_tar(_head(candidate)) else None
    return _opened[candidate]


def _head(candidate: Candidate) -> bytes:
    if compression_of(candidate.head) is None:
        return candidate.head
    return decoded_head(candidate.source, candidate.limits)


def _read(candidate: Candidate) -> _Opened:
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
    return _Opened(stored, archive, builder.tree(), problems, is_root)


def _is_standalone_python(tree: Tree) -> bool:
    if "python/PYTHON.json" in tree:
        return True
    return "python/bin/python3" in tree and any(
        node.name.startswith("python3.") for node in tree.children("python/lib") if node.kind is Kind.DIRECTORY
    )


def _is_conda_environment(tree: Tree) -> bool:
    return "bin/conda-unpack" in tree or ("conda-meta/history" in tree and "bin" in tree)


def _is_conda_package(tree: Tree) -> bool:
    return "info/index.json" in tree and ("info/paths.json" in tree or "info/files" in tree)


def _top_directory(tree: Tree) -> str | None:
    """The one directory that holds everything, or None."""
    at_top = tree.children("")
    return at_top[0].path if len(at_top) == 1 and at_top[0].kind is Kind.DIRECTORY else None


def _is_source_distribution(tree: Tree) -> bool:
    top = _top_directory(tree)  # Source distribution format: one directory {name}-{version}, in it PKG-INFO
    return top is not None and "-" in top and f"{top}/PKG-INFO" in tree


def _plain_layout(opened: _Opened) -> RuntimeLayout:
    """A root file system as such; an AppDir, alone in the archive or in a directory of its own, with its AppRun."""
    if opened.is_root_file_system:
        return RuntimeLayout(file_system_root=True)
    for bundle_root in ("", _top_directory(opened.tree)):
        launcher = None if bundle_root is None else posixpath.join(bundle_root, "AppRun")
        if launcher is not None and launcher in opened.tree:
            return RuntimeLayout(launcher=launcher, bundle_root=bundle_root or "")
    return RuntimeLayout()


def _interpreters(opened: _Opened) -> RuntimeLayout:
    """Started is the interpreter; whatever it finds lies beside it, through run paths with $ORIGIN."""
    programs = (node.path for node in opened.tree.files() if _INTERPRETER.search(node.path) and node.mode & 0o111)
    return RuntimeLayout(roots=tuple(sorted(programs)))


def _no_roots(_: _Opened) -> RuntimeLayout:
    return RuntimeLayout()


def _open(name: str, layout: Callable[[_Opened], RuntimeLayout], candidate: Candidate) -> Artifact:
    opened = _open_archive(candidate)
    if opened is None or not any(True for _ in opened.tree.files()):
        raise NothingInspected(
            f"{candidate.path} is a tar archive that holds no file", "the archive may have been made of nothing"
        )
    source = candidate.source
    counts = opened.stored.byte_map(source, opened.archive.entries, opened.archive.end)
    return Artifact(
        path=candidate.path,
        format=name,
        arch=None,
        size=source.size,
        tree=opened.tree,
        layout=layout(opened),
        envelope=EnvelopeInfo(compression=opened.stored.compression, trailing_bytes=counts["appended"]),
        source=source,
        problems=opened.problems,
        byte_map=counts,
    )


def _recognises(fits: Callable[[Tree], bool], candidate: Candidate) -> bool:
    if candidate.is_elf:
        return False
    opened = _open_archive(candidate)
    return opened is not None and fits(opened.tree)


_COMMON = (
    "Archives of several volumes and members compressed one by one are not read.",
    "What is compressed with lz4, lzip or compress(1) is named and not read.",
    "Where a stream is compressed, a member's stored size is its share, within a quarter of a megabyte.",
    "Extended attributes and access control lists are not shown.",
)


def _reader(
    name: str, title: str, fits: Callable[[Tree], bool], layout: Callable[[_Opened], RuntimeLayout], *limitations: str
) -> Reader:
    return Reader(name, title, (*limitations, *_COMMON), partial(_recognises, fits), partial(_open, name, layout))


READERS = (
    _reader(
        "python-build-standalone", "a python-build-standalone archive", _is_standalone_python, _interpreters,
        "Object files of the full archives are listed as files; which of them a later link takes is not known.",
    ),
    _reader(
        "conda-pack", "an environment packed by conda-pack", _is_conda_environment, _interpreters,
        "Prefixes that conda-unpack rewrites after extraction are read as they lie in the archive.",
    ),
    _reader(
        "conda-package", "a conda package", _is_conda_package, _no_roots,
        "Libraries of the packages that it depends on are not there, and so count as missing.",
    ),
    _reader(
        "sdist", "a source distribution", _is_source_distribution, _no_roots,
        "What a build would make of it is not known: only the files that are there are judged.",
    ),
    _reader(
        "tar", "a tar archive", lambda _: True, _plain_layout,
        "Whether the members are a whole root file system is told by the names at the top: usr beside bin, etc, lib, root, sbin or var.",
    ),
)  # fmt: skip
