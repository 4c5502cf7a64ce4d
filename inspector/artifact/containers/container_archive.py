"""Where container images come from: a tar archive, or the directory of an OCI image layout."""

from __future__ import annotations

from msgspec.structs import replace

from inspector.artifact.archives.tar import opened_archive
from inspector.artifact.artifact import Artifact
from inspector.artifact.containers.container_image import holds_image, read_image
from inspector.artifact.package_metadata import PackageInfo, with_package
from inspector.artifact.reader import Candidate
from inspector.artifact.tree import Tree
from inspector.errors import NothingInspected
from inspector.limits import Limits
from inspector.result import EnvelopeInfo


def is_image_archive(name: str, candidate: Candidate) -> bool:
    """Whether a file is a tar archive with an image layout ("oci") or with what ``docker save`` once wrote ("docker")."""
    opened = opened_archive(candidate)
    return opened is not None and holds_image(opened.tree) and ("oci-layout" in opened.tree) == (name == "oci")


def is_image_layout(tree: Tree) -> bool:
    """Whether a directory is an OCI image layout."""
    return "oci-layout" in tree and holds_image(tree)


def open_image_archive(name: str, candidate: Candidate) -> Artifact:
    """Open what :func:`is_image_archive` told."""
    opened = opened_archive(candidate)
    if opened is None:
        raise NothingInspected(f"{candidate.path} is no tar archive")
    source = candidate.source
    counts = opened.stored.byte_map(source, opened.archive.entries, opened.archive.end)
    artifact = Artifact(
        path=candidate.path,
        format=name,
        arch=None,
        size=source.size,
        tree=opened.tree,
        envelope=EnvelopeInfo(trailing_bytes=counts["appended"]),
        source=source,
        problems=opened.problems,
        byte_map=counts,
    )
    return merged_image(name, artifact, candidate.limits)


def open_image_layout(listed: Artifact, limits: Limits) -> Artifact:
    """Open what :func:`is_image_layout` told."""
    return merged_image("oci", listed, limits)


def merged_image(name: str, artifact: Artifact, limits: Limits) -> Artifact:
    """The artifact whose tree is that of the image in the layout."""
    image = read_image(artifact.tree, limits, artifact.problems)
    if not any(True for _ in image.tree.files()):
        raise NothingInspected(f"{artifact.path} holds an image without a file in it", "check how it was built")
    envelope = artifact.envelope or EnvelopeInfo()
    compression = ", ".join(image.compressions) or None
    merged = replace(
        artifact,
        format=name,
        arch=image.arch,
        tree=image.tree,
        layout=image.layout,
        envelope=EnvelopeInfo(compression=compression, trailing_bytes=envelope.trailing_bytes),
    )
    return with_package(merged, PackageInfo(system="oci", architecture=image.architecture, command=image.command))
