"""What a package states of itself, read from its own files and put into the artifact's envelope."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from inspector.artifact.artifact import Artifact
from inspector.result import EnvelopeInfo, PackageInfo

__all__ = ["PackageInfo", "parse_control", "with_package"]


def with_package(artifact: Artifact, package: PackageInfo | None) -> Artifact:
    """The artifact with a package's statements in its envelope."""
    if package is None:
        return artifact
    return replace(artifact, envelope=msgspec.structs.replace(artifact.envelope or EnvelopeInfo(), package=package))


def parse_control(content: bytes) -> PackageInfo:
    """The first paragraph of a Debian control file (deb-control(5))."""
    fields: dict[str, str] = {}
    last = ""
    for line in content.decode("utf-8", "backslashreplace").splitlines():
        if not line.strip():
            if fields:
                break
        elif line[0] in " \t":
            if last:
                fields[last] += " " + line.strip()
        elif not line.startswith("#"):
            last, colon, value = line.partition(":")
            last = last.strip().lower() if colon else ""
            if last:
                fields[last] = value.strip()
    depends = [*fields.get("pre-depends", "").split(","), *fields.get("depends", "").split(",")]
    return PackageInfo(
        system="deb",
        name=fields.get("package", ""),
        version=fields.get("version", ""),
        architecture=fields.get("architecture", ""),
        depends=tuple(part.strip() for part in depends if part.strip()),
    )
