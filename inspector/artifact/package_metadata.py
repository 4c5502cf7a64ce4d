"""What a package states of itself, read from its own files and put into the artifact's envelope."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from inspector.artifact.artifact import Artifact
from inspector.result import EnvelopeInfo, PackageInfo

__all__ = ["PackageInfo", "parse_control", "parse_core_metadata", "with_package"]

_LONGEST_VALUE = 1 << 16
_LONGEST_LICENSE = 200  # whole licence texts stand there too


def with_package(artifact: Artifact, package: PackageInfo | None) -> Artifact:
    """The artifact with a package's statements in its envelope."""
    if package is None:
        return artifact
    return replace(artifact, envelope=msgspec.structs.replace(artifact.envelope or EnvelopeInfo(), package=package))


def parse_control(content: bytes) -> PackageInfo:
    """The first paragraph of a Debian control file (deb-control(5))."""
    fields = dict(_fields(content))
    depends = [*fields.get("pre-depends", "").split(","), *fields.get("depends", "").split(",")]
    return PackageInfo(
        system="deb",
        name=fields.get("package", ""),
        version=fields.get("version", ""),
        architecture=fields.get("architecture", ""),
        depends=tuple(part.strip() for part in depends if part.strip()),
    )


def parse_core_metadata(content: bytes) -> PackageInfo:
    """The headers of a source distribution's PKG-INFO (PyPA, "Core metadata specifications")."""
    pairs = _fields(content)
    fields = dict(pairs[::-1])  # of a header that comes again the first one counts
    return PackageInfo(
        system="sdist",
        name=fields.get("name", ""),
        version=fields.get("version", ""),
        license=(fields.get("license-expression") or fields.get("license", ""))[:_LONGEST_LICENSE],
        depends=tuple(value for name, value in pairs if name == "requires-dist"),
    )


def _fields(content: bytes) -> list[tuple[str, str]]:
    """Names in small letters and values of the first paragraph, folded lines joined (RFC 822)."""
    fields: list[tuple[str, str]] = []
    for line in content.decode("utf-8", "backslashreplace").splitlines():
        if not line.strip():
            if fields:
                break
        elif line[0] in " \t":
            if fields:
                fields[-1] = (fields[-1][0], f"{fields[-1][1]} {line.strip()}"[:_LONGEST_VALUE])
        elif not line.startswith("#"):
            name, colon, value = line.partition(":")
            if colon and name.strip():
                fields.append((name.strip().lower(), value.strip()[:_LONGEST_VALUE]))
    return fields
