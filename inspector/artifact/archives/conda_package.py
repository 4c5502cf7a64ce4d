"""Conda packages: the newer form, a ZIP archive of two compressed tar archives (conda-package-handling), and what either form says of itself."""

from __future__ import annotations

import json

from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.package_metadata import PackageInfo, with_package
from inspector.artifact.reader import Candidate
from inspector.artifact.tree import Tree
from inspector.artifact.tree_making.archive_tree import ArchiveTree, note_damages
from inspector.artifact.tree_making.container_tree import problem_of
from inspector.artifact.tree_making.stored_archive import open_stored
from inspector.artifact.tree_making.zip_tree import zip_byte_map
from inspector.errors import FormatError, NothingInspected
from inspector.formats.compressed_stream import Spool
from inspector.formats.zip import ZipArchive
from inspector.limits import Limits
from inspector.model import Problem
from inspector.result import EnvelopeInfo

_INDEX = "info/index.json"


def is_conda_archive(candidate: Candidate) -> bool:
    """Whether a ZIP archive holds ``metadata.json`` beside ``pkg-*.tar.*``."""
    archive = candidate.zip
    if isinstance(archive, FormatError) or b"metadata.json" not in archive:
        return False
    return any(entry.name.startswith(b"pkg-") and b".tar." in entry.name for entry in archive.entries)


def open_conda_archive(candidate: Candidate) -> Artifact:
    """Open a package of the newer form: the files of both of its archives, as an installation unpacks them."""
    archive, limits = candidate.zip, candidate.limits
    if isinstance(archive, FormatError):
        raise archive
    problems: list[Problem] = []
    builder = ArchiveTree(problems, limits)
    spool = Spool(limits.small_file)
    compression = _add_parts(archive, builder, spool, limits, problems)
    tree = builder.tree()
    if not any(True for _ in tree.files()):
        raise NothingInspected(
            f"{candidate.path} is a conda package without a readable file in it", "the file may be damaged"
        )
    counts = zip_byte_map(archive)
    artifact = Artifact(
        path=candidate.path,
        format="conda-package",
        arch=None,
        size=candidate.source.size,
        tree=tree,
        layout=RuntimeLayout(),
        envelope=EnvelopeInfo(compression=compression),
        source=candidate.source,
        problems=problems,
        byte_map=counts,
    )
    return with_package(artifact, conda_statements(tree, limits))


def _add_parts(
    archive: ZipArchive, builder: ArchiveTree, spool: Spool, limits: Limits, problems: list[Problem]
) -> str | None:
    """Add the members of each part; gives the compression of the last."""
    from inspector.formats.tar import read_tar  # every ZIP archive is asked whether it is a conda package

    compression: str | None = None
    for entry in archive.entries:
        if not entry.name.startswith((b"pkg-", b"info-")) or b".tar." not in entry.name:
            continue
        name = entry.name.decode("utf-8", "backslashreplace")
        own: list[Problem] = []
        try:
            stored = open_stored(archive.open(entry), limits, spool=spool)
            members = read_tar(stored.content, limits)
        except FormatError as error:
            problems.append(problem_of(name, error))
            continue
        stored.note_damage(own)
        note_damages(members.damages, own)
        problems += [Problem(kind=one.kind, subject=one.subject or name, message=one.message) for one in own]
        compression = stored.compression
        builder.begin_archive()
        for member in members.entries:
            builder.add(member, stored.stored_size(member.data_start, member.end))
    return compression


def conda_statements(tree: Tree, limits: Limits) -> PackageInfo | None:
    """What ``info/index.json`` states (conda-build documentation, "Package metadata"); None where there is none that can be read."""
    node = tree.get(_INDEX)
    try:
        found = json.loads(node.read(limits=limits)) if node is not None and node.is_file else None
    except (ValueError, RecursionError, FormatError):
        return None
    if not isinstance(found, dict):
        return None

    def text(key: str) -> str:
        value = found.get(key)
        return value if isinstance(value, str) else ""

    depends = found.get("depends")
    return PackageInfo(
        system="conda",
        name=text("name"),
        version=text("version"),
        architecture=text("subdir"),
        license=text("license"),
        depends=tuple(one for one in depends if isinstance(one, str)) if isinstance(depends, list) else (),
    )
