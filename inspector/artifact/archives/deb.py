"""Debian packages: an ar archive of a control archive and a data archive (deb(5)), the latter as the root file system that it is unpacked over."""

from __future__ import annotations

from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.gaps import byte_map
from inspector.artifact.package_metadata import PackageInfo, parse_control, with_package
from inspector.artifact.reader import Candidate
from inspector.artifact.tree_making.archive_tree import ArchiveTree, note_damages
from inspector.artifact.tree_making.container_tree import problem_of
from inspector.artifact.tree_making.stored_archive import open_stored
from inspector.errors import FormatError, NothingInspected
from inspector.formats.ar import MAGIC, ArMember, read_ar
from inspector.formats.tar import read_tar
from inspector.limits import Limits
from inspector.model import Problem
from inspector.result import EnvelopeInfo

_MACHINES = {
    "amd64": "x86_64", "i386": "i686", "arm64": "aarch64", "armhf": "armv7l", "armel": "armv6l", "ppc64el": "ppc64le",
    "s390x": "s390x", "riscv64": "riscv64", "mips64el": "mips64", "loong64": "loongarch64",
}  # fmt: skip
"""Machine names as ``uname -m`` prints them, by Debian's architecture names (dpkg, data/cputable)."""


def open_deb(candidate: Candidate) -> Artifact:
    """Open a Debian package; see ``archive_readers``."""
    source, limits = candidate.source, candidate.limits
    problems: list[Problem] = []
    outer = read_ar(source, limits)
    if outer.damage is not None:
        problems.append(problem_of("", outer.damage))
    data = outer.first(b"data.tar")
    if data is None:
        raise NothingInspected(
            f"{candidate.path} is a Debian package without a data archive", "the file may be cut off"
        )
    stored = open_stored(data.content, limits, "lzma" if data.name.endswith(b".lzma") else None)
    stored.note_damage(problems)
    archive = read_tar(stored.content, limits)
    note_damages(archive.damages, problems)
    builder = ArchiveTree(problems, limits, root_file_system=True)
    for entry in archive.entries:
        builder.add(entry, stored.stored_size(entry.data_start, entry.end))
    tree = builder.tree()
    if not any(True for _ in tree.files()):
        raise NothingInspected(
            f"{candidate.path} is a Debian package without a file in it", "audit the packages that it depends on"
        )
    package = _metadata(outer.first(b"control.tar"), limits, problems)
    counts = byte_map(
        source,
        headers=[(0, len(MAGIC)), *((member.start, member.start + 60) for member in outer.members)],
        entries=[(member.start + 60, member.end) for member in outer.members],
        end=outer.end,
        padding_end=source.size,
    )
    counts["padding"] += counts["unexplained"]  # nothing but the newlines that make members even lies between them
    counts["unexplained"] = 0
    artifact = Artifact(
        path=candidate.path,
        format="deb",
        arch=_MACHINES.get(package.architecture) if package is not None else None,
        size=source.size,
        tree=tree,
        layout=RuntimeLayout(file_system_root=True),
        envelope=EnvelopeInfo(
            offset=data.start + 60,
            payload_size=data.content.size,
            compression=stored.compression,
            trailing_bytes=counts["appended"],
        ),
        source=source,
        problems=problems,
        byte_map=counts,
    )
    return with_package(artifact, package)


def _metadata(member: ArMember | None, limits: Limits, problems: list[Problem]) -> PackageInfo | None:
    """The control file's statements; what cannot be read is a problem and no more."""
    if member is None:
        problems.append(Problem(kind="corrupt-member", subject="", message="the package has no control archive"))
        return None
    try:
        content = open_stored(member.content, limits).content
        for entry in read_tar(content, limits).entries:
            if entry.path.lstrip(b"./") == b"control" and entry.content is not None and entry.size <= limits.small_file:
                return parse_control(entry.content.read_at(0, entry.size))
    except FormatError as error:
        problems.append(problem_of("", error))
        return None
    problems.append(
        Problem(kind="corrupt-member", subject="", message="the package's control archive has no control file")
    )
    return None
