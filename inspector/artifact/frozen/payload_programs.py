"""Programs that carry a payload which is recognised and not read: Bun, .NET single-file programs, PyApp.

The program itself is audited as the ELF file that it is; a problem says what else is in it, so that nobody takes silence for absence.  Programs of
Go and
Rust, and those that UPX packed, are ELF files as well: what their own build information says is read with the static components.
"""

from __future__ import annotations

import struct

from inspector.artifact.artifact import Artifact
from inspector.artifact.reader import Candidate
from inspector.artifact.single_elf import open_elf
from inspector.limits import KIB, MIB
from inspector.model import Problem
from inspector.patterns import lazy_pattern
from inspector.source import Source

_BUN_TRAILER = b"\n---- Bun! ----\n"  # bun, src/StandaloneModuleGraph.zig
_BUN_SECTION = ".bun"
_BUN_TAIL = 4 * KIB
# dotnet/runtime, src/native/corehost/apphost/bundle_marker.c: SHA-256 of ".net core bundle\n", behind the offset of the bundle's header
_DOTNET_MARK = bytes.fromhex("8b1202b96a612038727b930214d7a03213f5b9e6efae3318ee3b2dce24b36aae")
_DOTNET_HEADER = struct.Struct(
    "<IIi"
)  # major and minor version, number of files (bundle format, docs/design/datacontracts and Bundler)
_PYAPP = lazy_pattern(
    rb"PYAPP_(?:PROJECT_NAME|PROJECT_VERSION|INSTALL_DIR_|UV_|SELF_|SKIP_|PIP_|METADATA_|STARTUP_|EXEC_|PASS_LOCATION|LOCAL)\w*"
)
_CHUNK = MIB
_OVERLAP = 128


def _find(source: Source, mark: bytes) -> int | None:
    position = 0
    while position < source.size:
        found = source.read_at(position, _CHUNK + len(mark)).find(mark)
        if found >= 0:
            return position + found
        position += _CHUNK
    return None


def is_bun(candidate: Candidate) -> bool:
    """Whether a program ends with Bun's trailer, or a section of it does."""
    source, elf = candidate.source, candidate.elf
    if elf is None or not elf.is_program:
        return False
    section = elf.section(_BUN_SECTION)
    ends = [source.size] if section is None else [source.size, min(section.offset + section.size, source.size)]
    return any(_BUN_TRAILER in source.read_at(max(end - _BUN_TAIL, 0), min(_BUN_TAIL, end)) for end in ends)


def _dotnet_files(candidate: Candidate) -> int | None:
    """How many files the bundle of a .NET program holds; None where the program is none."""
    source, elf = candidate.source, candidate.elf
    if elf is None or not elf.is_program:
        return None
    place = _find(source, _DOTNET_MARK)
    if place is None or place < 8:
        return None
    (offset,) = struct.unpack("<q", source.read_at(place - 8, 8))
    raw = source.read_at(offset, _DOTNET_HEADER.size) if 0 < offset < source.size else b""
    if len(raw) < _DOTNET_HEADER.size:
        return None
    major, minor, files = _DOTNET_HEADER.unpack(raw)
    return int(files) if 0 < major < 100 and minor < 100 and 0 < files < 1_000_000 else None


def is_dotnet(candidate: Candidate) -> bool:
    """Whether a program is a .NET host with a bundle."""
    return _dotnet_files(candidate) is not None


def is_pyapp(candidate: Candidate) -> bool:
    """Whether at least three of the variables that PyApp knows are in the program: one alone may stand in anybody's documentation."""
    source, elf = candidate.source, candidate.elf
    if elf is None or not elf.is_program:
        return False
    found: set[bytes] = set()
    position = 0
    while position < source.size and len(found) < 3:
        found.update(_PYAPP.findall(source.read_at(position, _CHUNK + _OVERLAP)))
        position += _CHUNK
    return len(found) >= 3


def _opened(candidate: Candidate, said: str) -> Artifact:
    artifact = open_elf(candidate)
    artifact.problems.append(Problem(kind="payload-not-read", subject="", message=said))
    return artifact


def open_bun(candidate: Candidate) -> Artifact:
    """The program as an ELF file."""
    return _opened(
        candidate,
        "it is a program that Bun compiled: Bun's own libraries are in it and are looked for; the JavaScript that it runs, and the native"
        " modules among it, are not read",
    )


def open_dotnet(candidate: Candidate) -> Artifact:
    """The program as an ELF file."""
    return _opened(
        candidate,
        f"it is a .NET single-file program with a bundle of {_dotnet_files(candidate)} files: the assemblies and libraries in it are not"
        " read; publish without PublishSingleFile and audit the folder",
    )


def open_pyapp(candidate: Candidate) -> Artifact:
    """The program as an ELF file."""
    return _opened(
        candidate,
        "it is a PyApp program: on its first start it unpacks or downloads a Python and installs its project into it; neither is read;"
        " audit the directory that it installs to",
    )
