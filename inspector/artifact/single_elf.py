"""One ELF file on its own: a program, a library, or anything else that no other reader claimed."""

from __future__ import annotations

import posixpath
from functools import partial

from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.reader import Candidate, Reader
from inspector.artifact.tree import Kind, Node, Tree
from inspector.errors import NothingInspected
from inspector.source import FileSource, Source


def open_elf(candidate: Candidate) -> Artifact:
    """The file as an artifact of one member, itself.

    :raises NothingInspected: where its headers cannot be read.
    """
    elf = candidate.elf
    if elf is None:
        raise NothingInspected(
            f"{candidate.path} begins like an ELF file but is none: {candidate.elf_error}",
            "the file may be cut off; compare its size with the original",
        )
    source = candidate.source
    name = posixpath.basename(candidate.path) or "file"
    node = Node(name, Kind.FILE, 0o644, source.size, source.size, inode=1, opener=partial(_itself, source))
    if isinstance(source, FileSource):
        status = source.path.stat()
        node.mode, node.mtime, node.uid, node.gid = (
            status.st_mode & 0o7777,
            int(status.st_mtime),
            status.st_uid,
            status.st_gid,
        )
    end = min(elf.image_end, source.size)
    return Artifact(
        path=candidate.path,
        format="elf",
        arch=elf.arch,
        size=source.size,
        tree=Tree([node]),
        layout=RuntimeLayout(launcher=name if elf.is_program else None),
        source=source,
        byte_map={"headers": 0, "entries": end, "padding": 0, "appended": source.size - end, "unexplained": 0},
    )


def _itself(source: Source) -> Source:
    return source


READER = Reader(
    format="elf",
    title="an ELF file",
    limitations=("Bytes that a bundler appended behind the ELF part are counted, not read.",),
    recognises=lambda candidate: candidate.is_elf,
    open=open_elf,
    nests=False,
)
