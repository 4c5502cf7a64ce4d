"""What a distribution's package says of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PackageMetadata:
    """A package's own statements, as written.

    :ivar system: "deb", "rpm", "snap", "flatpak" or "conda".
    :ivar license: as the package states it; "" where its format has no such field.
    :ivar depends: what it needs to be there, each as written.
    """

    system: str
    name: str
    version: str
    architecture: str = ""
    license: str = ""
    depends: tuple[str, ...] = ()


def parse_control(content: bytes) -> PackageMetadata:
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
    return PackageMetadata(
        system="deb",
        name=fields.get("package", ""),
        version=fields.get("version", ""),
        architecture=fields.get("architecture", ""),
        depends=tuple(part.strip() for part in depends if part.strip()),
    )
