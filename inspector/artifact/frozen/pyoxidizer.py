"""PyOxidizer's programs: CPython linked statically, and packed resources in its read-only data or in a file beside it.

The program lies in the tree under its own name, with zeros in the place of its resources; these lie below ``NAME!/``, modules as a directory would
have
them.  Modules that are built in or frozen have no bytes of their own there: their names lie in ``built-in modules`` and ``frozen modules``.
"""

from __future__ import annotations

import posixpath

from msgspec.structs import replace

from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.gaps import byte_map, ranges_between
from inspector.artifact.reader import Candidate
from inspector.artifact.tree import Node
from inspector.artifact.tree_making.container_tree import problem_of
from inspector.artifact.tree_making.frozen_tree import BlankedSource, FrozenTree, mode_of
from inspector.errors import FormatError, NothingInspected
from inspector.formats.pyoxidizer import (
    Blob,
    PackedResource,
    PackedResources,
    find_packed_resources,
    read_packed_resources,
)
from inspector.limits import Limits
from inspector.model import Problem
from inspector.result import EnvelopeInfo, RuntimeInfo
from inspector.source import SliceSource, Source

FORMAT = "pyoxidizer"
FOLDER_FORMAT = "pyoxidizer-folder"
_FILE = "packed-resources"
_MAGIC = b"pyembed"
_SUFFIXES = {
    "source": ".py",
    "bytecode": ".pyc",
    "bytecode-1": ".opt-1.pyc",
    "bytecode-2": ".opt-2.pyc",
    "extension": ".so",
}
_MOST_FILES = 16  # packed-resources files of one folder; more are not read


def recognises(candidate: Candidate) -> bool:
    """Whether an ELF file is a program with packed resources in it."""
    if candidate.elf is None or not candidate.elf.is_program:
        return False
    try:
        return find_packed_resources(candidate.source, candidate.limits) is not None
    except FormatError:
        return True  # opened once more, which then says what is wrong


def open_program(candidate: Candidate) -> Artifact:
    """The program as an artifact.

    :raises NothingInspected: where it cannot be read as one.
    :raises FormatError: where its archive is damaged.
    """
    elf, source = candidate.elf, candidate.source
    packed = find_packed_resources(source, candidate.limits)
    if elf is None or packed is None:
        raise NothingInspected(
            f"{candidate.path} is a PyOxidizer program whose ELF headers cannot be read: {candidate.elf_error}",
            "the file may be cut off; compare its size with the original",
        )
    members = FrozenTree(candidate.limits, [])
    name = members.path_of(posixpath.basename(candidate.path).encode("utf-8", "surrogateescape"))
    stored = source.size - (packed.end - packed.start)
    members.add_file(
        name, source.size, stored, mode=mode_of(source), content=BlankedSource(source, packed.start, packed.end)
    )
    entries = add_resources(members, source, packed, f"{name}!/")
    return Artifact(
        path=candidate.path,
        format=FORMAT,
        arch=elf.arch,
        size=source.size,
        tree=members.tree(),
        layout=RuntimeLayout(launcher=name if elf.is_program else None, roots=(name,)),
        envelope=EnvelopeInfo(
            runtime=RuntimeInfo(
                kind="PyOxidizer",
                version=f"packed resources {packed.version}",
                needs=elf.needed,
                linkage=elf.linkage,
            ),
            payload_size=packed.end - packed.start,
        ),
        source=source,
        problems=members.problems,
        byte_map=byte_map(
            source,
            headers=[
                (0, packed.start),
                *ranges_between(entries, packed.start, packed.end),
                (packed.end, min(elf.image_end, source.size)),
            ],
            entries=entries,
            end=elf.image_end,
            padding_end=elf.image_end,
        ),
    )


def add_resources(members: FrozenTree, source: Source, packed: PackedResources, prefix: str) -> list[tuple[int, int]]:
    """The resources as nodes; gives the ranges of their contents in the source."""
    entries: list[tuple[int, int]] = []
    for resource in packed.resources:
        for kind in ("built-in", "frozen"):
            if kind in resource.flags:
                members.add_file(f"{prefix}{kind} modules/{members.path_of(resource.name.encode())}", 0, 0)
        if "namespace" in resource.flags:
            members.add_directory(prefix + members.path_of(resource.name.replace(".", "/").encode()))
        for blob in resource.blobs:
            if blob.path is not None:
                continue
            path = prefix + members.path_of(_path_of(resource, blob).encode("utf-8", "surrogateescape"))
            executable = "executable" in resource.flags or blob.kind in ("extension", "shared-library")
            content = SliceSource(source, blob.offset, blob.size)
            mode = 0o755 if executable else 0o644
            if members.add_file(path, blob.size, blob.size, mode=mode, content=content) is not None:
                entries.append((blob.offset, blob.offset + blob.size))
    return entries


def _path_of(resource: PackedResource, blob: Blob) -> str:
    """Where a directory of modules would have a resource's content."""
    base = resource.name.replace(".", "/")
    if blob.kind in ("shared-library", "file"):
        return resource.name
    if blob.kind == "package-resource":
        return f"{base}/{blob.name}"
    if blob.kind == "distribution-file":
        return f"{resource.name}.dist-info/{blob.name}"
    if "package" in resource.flags and blob.kind != "extension":
        base += "/__init__"
    return base + _SUFFIXES[blob.kind]


# -- packed resources in a file of a directory


def _is_file_of_resources(node: Node) -> bool:
    if node.name != _FILE:
        return False
    try:
        return node.read_at(0, len(_MAGIC)) == _MAGIC
    except (FormatError, OSError):
        return False


def open_folder(artifact: Artifact, limits: Limits) -> Artifact:
    """The directory with what its files of packed resources hold."""
    members = FrozenTree(limits, artifact.problems)
    members.take(artifact.tree)
    for node in [node for node in artifact.tree.files() if _is_file_of_resources(node)][:_MOST_FILES]:
        try:
            packed = read_packed_resources(node, 0, limits)
        except FormatError as error:
            artifact.problems.append(problem_of(node.path, error))
            continue
        _tell_appended(artifact.problems, node.path, packed, node)
        add_resources(members, node, packed, f"{node.path}!/")
        contents = sum(blob.size for found in packed.resources for blob in found.blobs)
        node.stored_size = max(node.stored_size - contents, 0)  # the members have the rest
    return replace(artifact, format=FOLDER_FORMAT, tree=members.tree())


def is_resources(candidate: Candidate) -> bool:
    """Whether a member of another artifact is a file of packed resources."""
    return posixpath.basename(candidate.path) == _FILE and candidate.head.startswith(_MAGIC)


def open_resources(candidate: Candidate) -> Artifact:
    """What such a file holds.

    :raises FormatError: where it is damaged.
    """
    source = candidate.source
    members = FrozenTree(candidate.limits, [])
    packed = read_packed_resources(source, 0, candidate.limits)
    _tell_appended(members.problems, "", packed, source)
    add_resources(members, source, packed, "")
    return Artifact(
        path=candidate.path,
        format=FOLDER_FORMAT,
        arch=None,
        size=source.size,
        tree=members.tree(),
        source=source,
        problems=members.problems,
    )


def _tell_appended(problems: list[Problem], subject: str, packed: PackedResources, source: Source) -> None:
    if packed.end < source.size:
        message = f"{source.size - packed.end} bytes lie behind the packed resources"
        problems.append(Problem(kind="appended-bytes", subject=subject, message=message))
