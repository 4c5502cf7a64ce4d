"""A writer of Python packed resources, versions 1 to 3, from PyOxidizer's published description of the format.

It writes what the description says and nothing else; the tests hold what the format's own writer wrote beside it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_FLAVORS = {"module": 1, "built-in": 2, "frozen": 3, "extension": 4, "shared-library": 5}
_FLAGS = {"module": 0x16, "built-in": 0x17, "frozen": 0x18, "extension": 0x19, "shared-library": 0x1A, "file": 0x1B}
_NAME, _FLAVOR, _PACKAGE, _EXECUTABLE = 0x03, 0x02, 0x04, 0x1C
_PLAIN = {
    "source": (0x06, "<I"), "bytecode": (0x07, "<I"), "bytecode-1": (0x08, "<I"), "bytecode-2": (0x09, "<I"), "extension": (0x0A, "<I"),
    "shared-library": (0x0D, "<Q"), "file": (0x1D, "<Q"),
}  # fmt: skip
_NAMED = {"package-resource": 0x0B, "distribution-file": 0x0C}
_DEPENDENCIES = 0x0E


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource.

    :ivar flavor: a key of the table of flavors.
    :ivar contents: bytes by field: "source", "bytecode", "extension", "shared-library", "file".
    :ivar files: by "package-resource" and "distribution-file", bytes by name.
    """

    name: str
    flavor: str
    package: bool = False
    executable: bool = False
    contents: Mapping[str, bytes] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, bytes]] = field(default_factory=dict)
    dependencies: Sequence[str] = ()


def write(resources: Sequence[Resource], version: int = 3, *, padding: bool = False) -> bytes:
    """The packed resources.

    :param padding: whether a zero byte follows each element of a blob section.
    """
    sections: dict[int, bytearray] = {}
    after = b"\0" if padding else b""

    def put(kind: int, content: bytes) -> None:
        sections.setdefault(kind, bytearray()).extend(content + after)

    index = bytearray()
    for resource in resources:
        name = resource.name.encode()
        index += b"\x01" + struct.pack("<BH", _NAME, len(name))
        put(_NAME, name)
        index += (
            struct.pack("<BB", _FLAVOR, _FLAVORS[resource.flavor]) if version == 1 else bytes([_FLAGS[resource.flavor]])
        )
        if resource.package:
            index.append(_PACKAGE)
        if resource.executable:
            index.append(_EXECUTABLE)
        for what, content in resource.contents.items():
            kind, number = _PLAIN[what]
            index += bytes([kind]) + struct.pack(number, len(content))
            put(kind, content)
        for what, files in resource.files.items():
            index += struct.pack("<BI", _NAMED[what], len(files))
            for file_name, content in files.items():
                index += struct.pack("<HQ", len(file_name.encode()), len(content))
                put(_NAMED[what], file_name.encode())
                put(_NAMED[what], content)
        if resource.dependencies:
            index += struct.pack("<BH", _DEPENDENCIES, len(resource.dependencies))
            for library in resource.dependencies:
                index += struct.pack("<H", len(library.encode()))
                put(_DEPENDENCIES, library.encode())
        index += b"\xff"
    index += b"\0"
    blobs = b"".join(
        b"\x01" + struct.pack("<BBBQBB", 0x02, kind, 0x03, len(content), 0x04, 2 if padding else 1) + b"\xff"
        for kind, content in sections.items()
    )
    blobs += b"\0"
    header = struct.pack("<7sBBIII", b"pyembed", version, len(sections), len(blobs), len(resources), len(index))
    return header + blobs + bytes(index) + b"".join(sections.values())
