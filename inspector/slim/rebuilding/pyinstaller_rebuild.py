"""A PyInstaller program with another archive: the bootloader's own bytes stay, members that do not change are copied as they are stored.

What changed is stored as it was before, as a zlib stream (level 9) or plain.  Two names of one file share its stored bytes.  The archive keeps its
length
modulo 16, by zeros in front of its table of contents, so that nothing behind it loses its alignment.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import BinaryIO

from msgspec.structs import replace

from inspector.artifact.artifact import Artifact
from inspector.artifact.frozen.pyinstaller import member_path
from inspector.artifact.tree import Kind
from inspector.artifact.tree_making.frozen_tree import FrozenTree
from inspector.errors import FormatError, UsageError
from inspector.formats.elf import read_elf
from inspector.formats.pyinstaller import Entry, PyInstallerArchive, read_archive
from inspector.formats.spliced_program import spliced_program
from inspector.limits import Limits
from inspector.progress import Progress
from inspector.slim.making.planned_tree import PlannedEntry, PlannedTree
from inspector.slim.rebuilding.rebuild_options import RebuildOptions, RebuildOutcome
from inspector.source import Source

_STEP = 1 << 20
_UNIT = 16  # of the archive's length; see spliced_program
_LEVEL = 9


def check(artifact: Artifact, options: RebuildOptions) -> None:
    """Refuse what is for AppImages only, and a program that is not whole.

    :raises UsageError: where an option does not fit, or members lie in another program.
    """
    others = dict.fromkeys(artifact.envelope.members_from if artifact.envelope is not None else ())
    if artifact.layout.refusal is not None:
        others.setdefault(artifact.layout.refusal.subject)
    if others:
        raise UsageError(
            f"{artifact.path} takes members from {', '.join(others)},"
            " and one program of a multipackage bundle cannot be made smaller without the others",
            "build the programs apart, without MERGE, and slim each",
        )
    for name, value in {
        "--sign": options.sign,
        "--recompress": options.recompress,
        "--runtime": options.runtime,
    }.items():
        if value is not None:
            raise UsageError(f"{name} is for AppImages, and {artifact.path} is a PyInstaller program", "leave it out")


def write(
    artifact: Artifact,
    planned: PlannedTree,
    path: Path,
    options: RebuildOptions,
    *,
    final_name: str,
    limits: Limits,
    progress: Progress,
) -> RebuildOutcome:
    """Write the program; see :func:`inspector.slim.rebuilding.rebuild.rebuild`."""
    del options, final_name
    source = artifact.source
    archive = None if source is None else read_archive(source, limits)
    if source is None or archive is None:
        raise FormatError("the program has no archive")
    cookie = archive.cookie
    program = spliced_program(source, read_elf(source, limits, load_symbols=False), cookie.start, cookie.end)
    with path.open("xb") as file:
        file.write(program.head)
        length = _Writer(file, archive, planned, len(program.head)).write(limits, progress)
        head, tail = program.around(length)
        file.write(tail)
        file.seek(0)
        file.write(head)
    path.chmod(Path(artifact.path).stat().st_mode & 0o7777)
    return RebuildOutcome(())


class _Writer:
    """One archive in the making."""

    def __init__(self, file: BinaryIO, archive: PyInstallerArchive, planned: PlannedTree, start: int) -> None:
        self._file = file
        self._archive = archive
        self._planned = planned
        self._start = start
        self._entries: list[Entry] = []
        self._stored: dict[str, Entry] = {}  # by path, whose bytes are written
        self._left: list[tuple[int, Entry, PlannedEntry]] = []

    def write(self, limits: Limits, progress: Progress) -> int:
        """Write members, table and cookie; gives the archive's length."""
        progress.stage("Writing the archive", len(self._archive.entries))
        names = FrozenTree(limits, [])
        known: set[str] = set()
        for entry in self._archive.entries:
            progress.advance(1)
            path = member_path(names.path_of(entry.name), entry)
            if (
                entry.kind in "od" or path in known
            ):  # an option, a member of another program, a name that the tree has once
                self._copy(entry)
                continue
            known.add(path)
            self._member(entry, path)
        for place, entry, planned in self._left:
            self._entries[place] = self._shared(entry, planned)
        self._add_new(known)
        return self._finish()

    def _member(self, entry: Entry, path: str) -> None:
        planned = self._planned.get(path)
        if planned is None:
            if not entry.is_extracted:
                raise FormatError(f"{path} cannot be taken out of the program: it is what the program starts with")
            return
        if planned.link_to is not None:
            self._left.append((len(self._entries), entry, planned))
            self._entries.append(entry)
            return
        if entry.kind == "n" or planned.is_unchanged:
            self._stored[path] = self._copy(entry)
            return
        content = planned.source()
        if planned.kind is not Kind.FILE or content is None:
            raise FormatError(f"{path} is planned to be no file any more, which the archive cannot hold")
        self._stored[path] = self._put(entry, content)

    def _shared(self, entry: Entry, planned: PlannedEntry) -> Entry:
        first = self._stored.get(planned.link_to or "")
        if first is None:
            raise FormatError(f"{planned.path} shares its file with {planned.link_to}, which is not there")
        return replace(entry, offset=first.offset, stored=first.stored, size=first.size, compressed=first.compressed)

    def _add_new(self, known: set[str]) -> None:
        """Files that the input does not have: compiled bytecode."""
        for planned in self._planned:
            content = planned.source()
            if planned.node is None and content is not None and planned.path not in known:
                self._put(Entry(planned.path.encode("utf-8", "surrogateescape"), 0, 0, 0, True, "x"), content)

    def _position(self) -> int:
        return self._file.tell() - self._start

    def _copy(self, entry: Entry) -> Entry:
        """An entry with the bytes that it has."""
        first, last = self._archive.entry_range(entry)
        moved = replace(entry, offset=self._position())
        for offset in range(first, last, _STEP):
            length = min(_STEP, last - offset)
            content = self._archive.source.read_at(offset, length)
            if len(content) != length:
                raise FormatError("the program became shorter while it was read", offset)
            self._file.write(content)
        self._entries.append(moved)
        return moved

    def _put(self, entry: Entry, content: Source) -> Entry:
        """An entry with new content."""
        offset = self._position()
        packer = zlib.compressobj(_LEVEL) if entry.compressed else None
        for start in range(0, content.size, _STEP):
            length = min(_STEP, content.size - start)
            piece = content.read_at(start, length)
            if len(piece) != length:
                raise FormatError("a new content became shorter while it was read", start)
            self._file.write(piece if packer is None else packer.compress(piece))
        if packer is not None:
            self._file.write(packer.flush())
        new = replace(entry, offset=offset, stored=self._position() - offset, size=content.size)
        self._entries.append(new)
        return new

    def _finish(self) -> int:
        cookie = self._archive.cookie
        table = b"".join(entry.encode() for entry in self._entries)
        old = cookie.end - cookie.start
        length = self._position() + len(table) + cookie.size
        padding = (old - length) % _UNIT
        self._file.write(b"\0" * padding)
        place = self._position()
        self._file.write(table)
        self._file.write(cookie.encode(length + padding, (place, len(table))))
        return length + padding
