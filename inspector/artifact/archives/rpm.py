"""RPM packages: a header, and a compressed cpio archive of files for the root file system."""

from __future__ import annotations

from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.package_metadata import PackageInfo, with_package
from inspector.artifact.reader import Candidate
from inspector.artifact.tree_making.archive_tree import ArchiveTree, note_damages
from inspector.artifact.tree_making.stored_archive import open_stored
from inspector.errors import NothingInspected
from inspector.formats.cpio import read_cpio
from inspector.formats.rpm import read_rpm
from inspector.model import Problem
from inspector.result import EnvelopeInfo
from inspector.source import SliceSource

_MACHINES = {"armv7hl": "armv7l", "i386": "i686", "i586": "i686", "noarch": None, "": None}
"""Machine names as ``uname -m`` prints them, where RPM has another name (rpm, rpmrc.in)."""


def open_rpm(candidate: Candidate) -> Artifact:
    """Open an RPM package; see ``archive_readers``."""
    source, limits = candidate.source, candidate.limits
    problems: list[Problem] = []
    package = read_rpm(source, limits)
    if package.payload_format != "cpio":
        raise NothingInspected(
            f"{candidate.path} is an RPM package whose payload is {package.payload_format!r}, not a cpio archive",
            "unpack it and audit the directory",
        )
    payload = SliceSource(source, package.payload_offset)
    if payload.size == 0:
        raise NothingInspected(f"{candidate.path} is an RPM package without a payload", "the file may be cut off")
    stored = open_stored(payload, limits, "lzma" if package.compressor == "lzma" else None)
    stored.note_damage(problems)
    archive = read_cpio(stored.content, limits, package.files)
    note_damages(archive.damages, problems)
    builder = ArchiveTree(problems, limits, root_file_system=not package.is_source)
    for entry in archive.entries:
        builder.add(entry, stored.stored_size(entry.data_start, entry.end))
    tree = builder.tree()
    if not any(True for _ in tree.files()):
        raise NothingInspected(
            f"{candidate.path} is an RPM package without a file in it", "audit the packages that it requires"
        )
    counts = stored.byte_map(payload, archive.entries, archive.end, archive.trailer)
    counts["headers"] += package.payload_offset
    artifact = Artifact(
        path=candidate.path,
        format="rpm",
        arch=_MACHINES.get(package.arch, package.arch),
        size=source.size,
        tree=tree,
        layout=RuntimeLayout(file_system_root=not package.is_source),
        envelope=EnvelopeInfo(
            offset=package.payload_offset,
            payload_size=payload.size,
            compression=stored.compression,
            trailing_bytes=counts["appended"],
        ),
        source=source,
        problems=problems,
        byte_map=counts,
    )
    stated = PackageInfo(
        system="rpm",
        name=package.name,
        version=package.version,
        architecture=package.arch,
        license=package.license,
        depends=tuple(dict.fromkeys(name for name in package.requires if not name.startswith("rpmlib("))),
    )
    return with_package(artifact, stated)
