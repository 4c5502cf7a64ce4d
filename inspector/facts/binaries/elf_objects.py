"""The ELF objects of a tree: one sweep over the heads of all files, and a full read of those that are ELF."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from inspector.artifact.artifact import Artifact
from inspector.artifact.nesting import HEAD_LENGTH, may_be_artifact
from inspector.artifact.tree import Node
from inspector.errors import FormatError
from inspector.formats.elf import ElfFile, looks_like_elf, read_elf
from inspector.formats.elf.packer import packer_of
from inspector.limits import Limits
from inspector.model import Problem
from inspector.progress import SILENT, Progress

_SMALLEST_ELF = 52  # bytes of an Elf32_Ehdr; nothing shorter is an ELF file
_REPORT_EVERY = 256


class ElfObject(Struct, frozen=True):
    """One ELF file of the tree.

    :ivar path: tree path.
    :ivar identity: equal for hard links of one file.
    :ivar executable: whether its mode lets it be executed.
    :ivar byte_kinds: bytes of the file by kind ("code", "debug", …), see :meth:`inspector.formats.elf.ElfFile.byte_kinds`.
    """

    path: str
    identity: str
    executable: bool
    elf: ElfFile
    byte_kinds: Mapping[str, int]

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


def read_elf_objects(
    artifact: Artifact, limits: Limits, progress: Progress = SILENT, ordered: Iterator[Node] | None = None
) -> tuple[ElfObject, ...]:
    """Every ELF object of the tree, by path.  Members that cannot be read become problems of the artifact, and those that may be artifacts of their
    own are noted in :attr:`Artifact.archives`.

    :param ordered: what :meth:`Tree.files_in_read_order` gave to somebody who had other work in between.
    :raises OSError: never; a member that the medium does not give is a problem too.
    """
    artifact.archives.clear()
    total = sum(1 for _ in artifact.tree.files())
    progress.stage("Reading files", total)
    objects: list[ElfObject] = []
    by_inode: dict[int, ElfFile] = {}
    for count, node in enumerate(ordered or artifact.tree.files_in_read_order(), 1):
        if count % _REPORT_EVERY == 0:
            progress.advance(_REPORT_EVERY)
        if node.size < _SMALLEST_ELF:
            continue
        elf = by_inode.get(node.inode) if node.inode is not None else None
        if elf is None:
            elf = _read(node, artifact, limits)
        if elf is None:
            continue
        if node.inode is not None:
            by_inode[node.inode] = elf
        identity = node.path if node.inode is None else f"#{node.inode}"
        objects.append(ElfObject(node.path, identity, node.is_executable, elf, elf.byte_kinds()))
    objects.sort(key=lambda found: found.path)
    return tuple(objects)


def _read(node: Node, artifact: Artifact, limits: Limits) -> ElfFile | None:
    try:
        head = node.read_at(0, HEAD_LENGTH)
        if not looks_like_elf(head):
            if may_be_artifact(node, head, None):
                artifact.archives.append(node.path)
            return None
    except (FormatError, OSError) as error:
        artifact.problems.append(Problem(kind="unreadable-member", subject=node.path, message=str(error)))
        return None
    try:
        elf = read_elf(node, limits)
        if may_be_artifact(node, head, elf):
            artifact.archives.append(node.path)
    except (FormatError, OSError) as error:
        artifact.problems.append(Problem(kind="malformed-elf", subject=node.path, message=str(error)))
        return None
    if elf.defects:
        more = f" (and {len(elf.defects) - 1} more)" if len(elf.defects) > 1 else ""
        artifact.problems.append(Problem(kind="malformed-elf", subject=node.path, message=f"{elf.defects[0]}{more}"))
    if not elf.has_dynamic and elf.type in ("DYN", "EXEC") and (packer := packer_of(node)) is not None:
        message = (
            f"packed with {packer}: what it needs, and which versions, cannot be seen; audit it before it is packed"
        )
        artifact.problems.append(Problem(kind="packed-program", subject=node.path, message=message))
    return elf


def main_architecture(objects: tuple[ElfObject, ...], container: str | None) -> str | None:
    """The machine that the artifact is for: its container's, else that of most of its objects."""
    counts: dict[str, int] = {}
    for found in objects:
        if found.elf.has_dynamic or found.elf.is_program:
            counts[found.elf.arch] = counts.get(found.elf.arch, 0) + 1
    if container is not None and (container in counts or not counts):
        return container
    return max(sorted(counts), key=lambda arch: counts[arch]) if counts else container
