"""Artifacts inside artifacts: members that some reader knows, opened in place and never unpacked.

A member's path inside is written behind an exclamation mark: ``usr/bin/app!/libssl.so.3``.  Which members are worth a look is told by the first bytes
that the sweep over all files reads anyhow (:func:`may_be_artifact`); only those few are shown to the readers.
"""

from __future__ import annotations

import posixpath

from msgspec import Struct
from msgspec.structs import replace

from inspector.artifact.artifact import Artifact
from inspector.artifact.files_beside import MembersBeside
from inspector.artifact.reader import Candidate
from inspector.artifact.tree import Node
from inspector.artifact.zip_ending import ZIP_BEGINNINGS
from inspector.errors import FormatError, NothingInspected
from inspector.formats.elf import ElfFile
from inspector.limits import MIB, Limits
from inspector.model import Problem

SEPARATOR = "!/"
HEAD_LENGTH = 16
"""Bytes that :func:`may_be_artifact` wants of a file."""

_SMALLEST = 100  # bytes; a ZIP archive with one member has more
_TAIL = 64
_PAYLOAD_SECTIONS = frozenset(("pydata",))  # PyInstaller: the archive as an ELF section
_LARGE_DATA = MIB
_PACKED_RESOURCES = b"pyembed"
_BEGINNINGS = (b"#!", *ZIP_BEGINNINGS, _PACKED_RESOURCES)
_PACKAGE_NAMES = (
    ".whl",
    ".egg",
    ".pex",
    ".pyz",
    ".shiv",
    ".AppImage",
)  # of these something is said when they cannot be read


class NestedFile(Struct, frozen=True):
    """A member that was opened as an artifact of its own.

    :ivar path: the member's tree path in the outer artifact.
    :ivar artifact: what it is; closing it is not needed, the outer one holds the bytes.
    """

    path: str
    artifact: Artifact


def nested_path(outer: str, inner: str) -> str:
    """The path of a member of a nested artifact; of "" the path of the artifact itself."""
    return f"{outer}{SEPARATOR}{inner}" if inner else outer


def may_be_artifact(node: Node, head: bytes, elf: ElfFile | None) -> bool:
    """Whether a member is worth showing to the readers.

    :param head: its first :data:`HEAD_LENGTH` bytes.
    :param elf: what they are the beginning of, if that is an ELF file.
    :raises FormatError: where the member cannot be decoded.
    """
    if elf is not None:
        return node.size >= _SMALLEST and (
            head[8:10] == b"AI" or (elf.is_program and (_has_payload(elf) or _is_of_a_folder(elf)))
        )
    if not head.startswith(_BEGINNINGS) or node.size < _SMALLEST:
        return False
    # A script ends with text; an archive behind a starter ends with a record or with padding.
    return not head.startswith(b"#!") or b"\0" in node.read_at(node.size - _TAIL, _TAIL)


def _is_whole(candidate: Candidate) -> bool:
    """Whether a member may be an artifact as it is: a program without a payload has at most modules of its own, and is no further searched."""
    elf = candidate.elf
    return elf is None or candidate.magic.startswith(b"AI") or _has_payload(elf)


def _is_of_a_folder(elf: ElfFile) -> bool:
    """Whether a large program looks for libraries from its own directory on, as Nuitka's programs do: their modules are among their constants."""
    if elf.size < _LARGE_DATA:
        return False
    return any("$ORIGIN" in path for path in (elf.rpath, elf.runpath) if path is not None)


def _has_payload(elf: ElfFile) -> bool:
    """Whether something lies behind the program, or most of it is constant data: Nuitka 4.1 and PyOxidizer link their archives in."""
    if elf.image_end < elf.size:
        return True
    largest = 0
    for section in elf.sections:
        if section.name in _PAYLOAD_SECTIONS:
            return True
        if section.name in (".rodata", ".data", ".lrodata"):
            largest = max(largest, section.size)
    return largest >= _LARGE_DATA and largest * 2 >= elf.size


def open_nested(outer: Artifact, path: str, limits: Limits, elf: ElfFile | None = None) -> NestedFile | None:
    """A member as an artifact, or None where no reader knows it as one; what a reader cannot open becomes a problem of the outer artifact.

    :param path: tree path of the member.
    :param elf: its headers, where they were read already.
    """
    from inspector.artifact.opening import DIRECTORY_READERS, READERS

    node = outer.tree.get(path)
    if node is None:
        return None
    try:
        candidate = Candidate(node.path, node, limits, elf=elf, beside=MembersBeside(outer.tree, path))
        for reader in READERS if _is_whole(candidate) else ():
            if reader.nests and not _is_own_starter(outer, path, reader.format) and reader.recognises(candidate):
                opened = reader.open(candidate)
                if (
                    opened.format == "elf"
                ):  # the file that it is for the outer artifact; what its reader says of it is worth telling
                    outer.problems += [replace(problem, subject=path) for problem in opened.problems]
                    return None
                return NestedFile(path, opened)
        for member in (reader.member for reader in DIRECTORY_READERS if reader.member is not None):
            if not _is_opened(outer, path) and member.recognises(candidate):
                return NestedFile(path, member.open(candidate))
        if path.endswith(_PACKAGE_NAMES) and not candidate.is_elf and isinstance(candidate.zip, FormatError):
            raise candidate.zip
    except (FormatError, NothingInspected, OSError) as error:
        message = error.message if isinstance(error, NothingInspected) else str(error)
        message = message.removeprefix(f"{posixpath.basename(path)} ").removeprefix(f"{path} ")
        outer.problems.append(Problem(kind="nested-unreadable", subject=path, message=message))
    return None


def _is_opened(outer: Artifact, path: str) -> bool:
    """Whether the outer artifact's tree has what is inside the member."""
    return next(iter(outer.tree.children(f"{path}!")), None) is not None


def _is_own_starter(outer: Artifact, path: str, format_name: str) -> bool:
    """Whether the member is what starts the outer artifact of the same format: its payload was opened already."""
    return outer.format.removesuffix("-folder") == format_name and (
        path == outer.layout.launcher or path in outer.layout.roots
    )
