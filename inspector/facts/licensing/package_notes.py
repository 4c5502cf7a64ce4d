"""The packager's note in an ELF file: which distribution's package it was built as.

UAPI group, "Package Metadata for Executable Files" (https://uapi-group.org/specifications/specs/package_metadata_for_executable_files/). Fedora
writes it into everything, Debian into what asks for it. Values are the packager's own words and nothing checks them: evidence, not proof.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from msgspec import Struct

_LONGEST = 256  # characters of a value that is kept
_PURL_TYPES = {"deb": "deb", "rpm": "rpm", "apk": "apk", "alpm": "alpm", "pacman": "alpm"}


class PackageNote(Struct, frozen=True):
    """One note.

    :ivar type: the packaging system: "deb", "rpm", …
    :ivar name: of the package, as the note says it (Debian: source package).
    :ivar os: the distribution's ID of os-release(5), or "".
    :ivar license: where the packager states one, as written, or "".
    """

    type: str
    name: str
    version: str = ""
    os: str = ""
    os_version: str = ""
    architecture: str = ""
    license: str = ""

    @property
    def package_url(self) -> str | None:
        """A package URL, or None for a packaging system that the specification of package URLs has no type for."""
        type_ = _PURL_TYPES.get(self.type)
        if type_ is None:
            return None
        namespace = f"{quote(self.os.lower(), safe='')}/" if self.os else ""
        version = f"@{quote(self.version, safe=':.~-')}" if self.version else ""
        qualifiers = [f"arch={quote(self.architecture, safe='')}"] if self.architecture else []
        if self.os and self.os_version:
            qualifiers.append(f"distro={quote(f'{self.os.lower()}-{self.os_version}', safe='-.')}")
        return f"pkg:{type_}/{namespace}{quote(self.name, safe='.-')}{version}" + (
            f"?{'&'.join(qualifiers)}" if qualifiers else ""
        )


def read_package_note(note: Mapping[str, Any] | None) -> PackageNote | None:
    """The JSON object of ``.note.package``; None without type or name, which the specification demands."""
    if note is None:
        return None
    values = {key: _text(note.get(name)) for key, name in _FIELDS.items()}
    return PackageNote(**values) if values["type"] and values["name"] else None


_FIELDS = {
    "type": "type",
    "name": "name",
    "version": "version",
    "os": "os",
    "os_version": "osVersion",
    "architecture": "architecture",
    "license": "license",
}


def _text(value: object) -> str:
    """Text of a bounded length without control characters."""
    if not isinstance(value, str):
        return ""
    return "".join(sign for sign in value[:_LONGEST] if sign.isprintable()).strip()
