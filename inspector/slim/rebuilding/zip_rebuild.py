"""A ZIP archive (wheel, zipapp, PEX, shiv) from a planned tree: members in their order, unchanged ones copied as they are stored."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import BinaryIO

from inspector.artifact.artifact import Artifact
from inspector.artifact.tree import Kind
from inspector.artifact.tree_making.zip_tree import zip_entries
from inspector.errors import FormatError, UsageError
from inspector.formats.zip import MOST_BYTES, MOST_ENTRIES, ZipArchive, ZipEntry, ZipWriter
from inspector.limits import Limits
from inspector.progress import Progress
from inspector.slim.making.planned_tree import PlannedEntry, PlannedTree
from inspector.slim.rebuilding.archive_records import prefix_of
from inspector.slim.rebuilding.rebuild_options import RebuildOptions, RebuildOutcome
from inspector.source import BytesSource, Source

_TYPES = {Kind.FILE: stat.S_IFREG, Kind.DIRECTORY: stat.S_IFDIR, Kind.SYMLINK: stat.S_IFLNK}
_STEP = 1 << 20


def check(artifact: Artifact, options: RebuildOptions) -> None:
    """Refuse what is for AppImages only, archives that need ZIP64 records, and those with something behind them.

    :raises UsageError: where an option or the archive does not fit.
    """
    for name, value in {"--sign": options.sign, "--recompress": options.recompress}.items():
        if value is not None:
            raise UsageError(f"{name} is for AppImages, and {artifact.path} is a ZIP archive", "leave it out")
    if artifact.source is None or artifact.size > MOST_BYTES or len(artifact.tree) > MOST_ENTRIES:
        raise UsageError(
            f"{artifact.path} is too large to be written: archives of more than 4 GB or 65534 members are only read",
            f"see what could go with: inspect slim {artifact.path} --dry-run",
        )
    if artifact.byte_map.get("appended") or artifact.byte_map.get("unexplained"):
        raise UsageError(
            f"{artifact.path} has bytes that belong to no member, and they may be found by their place",
            f"see what could go with: inspect slim {artifact.path} --dry-run",
        )


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
    """Write the archive; see :func:`inspector.slim.rebuilding.rebuild.rebuild`.

    :raises FormatError: where a member cannot be read, or the archive becomes too large.
    """
    del options, final_name
    source = artifact.source
    if source is None:
        raise FormatError("there is no archive")
    archive = ZipArchive(source, limits)
    progress.stage("Writing the archive", len(planned))
    with path.open("xb") as file:
        file.write(prefix_of(artifact, planned, source.read_at(0, archive.start)))
        copied = write_members(file, archive, planned, limits, progress)
        size = file.tell()
    path.chmod(Path(artifact.path).stat().st_mode & 0o777)
    return RebuildOutcome(bytes_copied=copied, bytes_compressed=size - copied)


def write_members(file: BinaryIO, archive: ZipArchive, planned: PlannedTree, limits: Limits, progress: Progress) -> int:
    """The members of a planned tree behind the prefix that a file has, in the order of the archive that they come from; how many bytes were copied.

    :raises FormatError: where a member cannot be read, or the archive becomes too large.
    """
    entries = zip_entries(archive, limits)
    copied = 0
    writer = ZipWriter(file, offsets_from=archive.end.prefix)
    for name, entry in sorted(entries.items(), key=lambda item: item[1].header):
        wanted = planned.get(name)
        if wanted is None:
            continue
        progress.advance(1)
        if _is_as_it_was(wanted):
            writer.copy(archive, entry, mode=_changed_mode(wanted))
            copied += entry.stored_size
        else:
            writer.replace(entry, _content(wanted), mode=_changed_mode(wanted), mtime=wanted.mtime)
    compress = any(entry.method for entry in entries.values())
    for further in _further(planned, entries):
        progress.advance(1)
        written_as = further.path.encode("utf-8", "surrogateescape") + (b"/" if further.kind is Kind.DIRECTORY else b"")
        mode = _TYPES[further.kind] | further.mode
        writer.add(written_as, _content(further), mode=mode, mtime=further.mtime, compress=compress)
    writer.finish(archive.end.comment)
    return copied


def _is_as_it_was(wanted: PlannedEntry) -> bool:
    return wanted.is_unchanged and wanted.node is not None and wanted.target == wanted.node.target


def _changed_mode(wanted: PlannedEntry) -> int | None:
    if wanted.node is not None and wanted.mode == wanted.node.mode:
        return None
    return _TYPES[wanted.kind] | wanted.mode


def _content(wanted: PlannedEntry) -> Source:
    if wanted.kind is Kind.SYMLINK:
        return BytesSource((wanted.target or "").encode("utf-8", "surrogateescape"))
    return wanted.source() or BytesSource(b"")


def _further(planned: PlannedTree, entries: dict[str, ZipEntry]) -> list[PlannedEntry]:
    """What the input has no entry for: new files, and directories that nothing lies in."""
    parents = {path.rpartition("/")[0] for path in planned.entries}
    return [
        entry
        for entry in planned
        if entry.path and entry.path not in entries and (entry.kind is not Kind.DIRECTORY or entry.path not in parents)
    ]
