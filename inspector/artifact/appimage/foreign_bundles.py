"""Relatives of the AppImage that are told apart and not read yet: better a name than a wrong audit of their starter alone."""

from __future__ import annotations

from functools import partial

from inspector.artifact.artifact import Artifact
from inspector.artifact.reader import Candidate, Reader
from inspector.errors import NothingInspected

# Where each one says what it is: RunImage and FlatImage in the slot of the AppImage's magic bytes, wrappe in a trailer of 801 bytes
# (pkgforge/soar, crates/soar-package/src/formats/mod.rs), onelf in a footer of 76 bytes (QaidVoid/onelf, crates/onelf-format/src/footer.rs)
_WRAPPE_TRAILER, _WRAPPE_TAG = 801, b"PE3DATA\0"
_ONELF_FOOTER, _ONELF_TAG, _ONELF_END = 76, b"ONELF\0\x01\0", b"FLENONE\0"


def _is_wrappe(candidate: Candidate) -> bool:
    source = candidate.source
    return candidate.is_elf and source.read_at(source.size - _WRAPPE_TRAILER, 8) == _WRAPPE_TAG


def _is_onelf(candidate: Candidate) -> bool:
    footer = candidate.source.read_at(candidate.source.size - _ONELF_FOOTER, _ONELF_FOOTER) if candidate.is_elf else b""
    return footer.startswith(_ONELF_TAG) and footer.endswith(_ONELF_END)


def _refuse(name: str, advice: str, candidate: Candidate) -> Artifact:
    raise NothingInspected(f"{candidate.path} is {name}, which is not readable yet", advice)


READERS = (
    Reader(
        "", "a RunImage", ("RunImage is recognised, not read.",), lambda candidate: candidate.magic == b"RI\x02",
        partial(_refuse, "a RunImage", "unpack it with --runtime-extract and audit the directory"),
    ),
    Reader(
        "", "a FlatImage", ("FlatImage is recognised, not read.",), lambda candidate: candidate.magic == b"FI\x01",
        partial(_refuse, "a FlatImage", "unpack it and audit the directory"),
    ),
    Reader(
        "", "a wrappe file", ("wrappe files are recognised, not read.",), _is_wrappe,
        partial(_refuse, "a program packed by wrappe", "audit the directory that it was packed from"),
    ),
    Reader(
        "", "an onelf package", ("onelf packages are recognised, not read.",), _is_onelf,
        partial(_refuse, "an onelf package", "audit the directory that it was packed from"),
    ),
)  # fmt: skip
