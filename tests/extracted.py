"""What lies in a directory, and what a Tree says, in one form, so that a reader can be compared with the program that unpacks its format."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from inspector.artifact import Artifact
from inspector.artifact.names import text_of
from inspector.artifact.tree import KIND_BY_FILE_TYPE, Kind, Node

Described = tuple[str, int, int, str]
"""Kind, permission bits (0 of a link), bytes, and SHA-256 of the content or the target of a link."""

_STEP = 1 << 20


def extracted(directory: Path) -> dict[str, Described]:
    """Everything below a directory by its path."""
    found = {}
    for parent, directories, files in os.walk(os.fsencode(directory)):
        for name in (*directories, *files):
            path = Path(os.fsdecode(parent), os.fsdecode(name))
            status = path.lstat()
            kind = KIND_BY_FILE_TYPE[stat.S_IFMT(status.st_mode)]
            content = ""
            if kind is Kind.FILE:
                with path.open("rb") as stream:
                    content = hashlib.file_digest(stream, "sha256").hexdigest()
            elif kind is Kind.SYMLINK:
                content = text_of(os.fsencode(path.readlink()))
            mode = 0 if kind is Kind.SYMLINK else stat.S_IMODE(status.st_mode)
            shown = text_of(os.fsencode(path.relative_to(directory)))
            found[shown] = (kind.value, mode, status.st_size if kind is Kind.FILE else 0, content)
    return found


def described(nodes: Iterable[Node]) -> dict[str, Described]:
    """The same of the nodes of a Tree, without its root."""
    return {
        node.path: (node.kind.value, 0 if node.kind is Kind.SYMLINK else node.mode, node.size, _content(node))
        for node in nodes
        if node.path
    }


def _content(node: Node) -> str:
    if node.kind is not Kind.FILE:
        return node.target or ""
    digest = hashlib.sha256()
    done = 0
    while chunk := node.read_at(done, _STEP):
        digest.update(chunk)
        done += len(chunk)
    assert done == node.size, f"{node.path}: {done} bytes of {node.size}"
    return digest.hexdigest()


def names_of_one_file(directory: Path) -> set[frozenset[str]]:
    """The names below a directory that hard links make names of one file."""
    groups: dict[tuple[int, int], set[str]] = {}
    for parent, _, files in os.walk(os.fsencode(directory)):
        for name in files:
            path = Path(os.fsdecode(parent), os.fsdecode(name))
            status = path.lstat()
            shown = text_of(os.fsencode(path.relative_to(directory)))
            groups.setdefault((status.st_dev, status.st_ino), set()).add(shown)
    return {frozenset(names) for names in groups.values() if len(names) > 1}


def linked_names(nodes: Iterable[Node]) -> set[frozenset[str]]:
    """The same of the nodes of a Tree."""
    groups: dict[int | None, set[str]] = {}
    for node in nodes:
        if node.kind in (Kind.FILE, Kind.SYMLINK):
            groups.setdefault(node.inode, set()).add(node.path)
    return {frozenset(names) for names in groups.values() if len(names) > 1}


def assert_whole(artifact: Artifact) -> None:
    """Nothing is wrong with it, and its bytes are all accounted for."""
    assert artifact.problems == []
    if artifact.source is not None:
        assert sum(artifact.byte_map.values()) == artifact.size, artifact.byte_map
        assert all(count >= 0 for count in artifact.byte_map.values()), artifact.byte_map
        assert artifact.byte_map["unexplained"] == artifact.byte_map["appended"] == 0, artifact.byte_map
