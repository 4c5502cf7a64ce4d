"""A tree written to a directory, so that it can be run: to verify a plan, to compile bytecode, to record a trace.

The directory is new, and nothing is written but below directories made here, so that no link of a hostile tree leads out of it.  Times are kept, for
bytecode is valid by them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from inspector.artifact.names import text_of
from inspector.artifact.tree import Kind
from inspector.errors import FormatError
from inspector.model import Problem
from inspector.progress import SILENT, Progress
from inspector.slim.making.planned_tree import PlannedEntry, PlannedTree
from inspector.slim.rebuilding.image_entries import Original
from inspector.source import Source

_STEP = 1 << 20
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_TAKEN = "something else has its name"
_DEVICES = {Kind.CHARACTER_DEVICE: stat.S_IFCHR, Kind.BLOCK_DEVICE: stat.S_IFBLK}
_ANNOUNCED = 64  # files between two steps of the progress


def write_tree(
    planned: PlannedTree,
    directory: Path,
    *,
    exact: bool = False,
    shared_with: Path | None = None,
    originals: Mapping[str, Original] | None = None,
    progress: Progress = SILENT,
) -> list[Problem]:
    """Write a tree into a directory that does not exist or is empty.

    Owners are those of the process.  Names that share a file of the input share one here.  Sockets are left out, and so are devices that may not be
    made and what cannot be read; all of it is told.

    :param exact: whether modes are kept as they are; otherwise setuid, setgid and sticky bits, which mean nothing where a tree is only tried out, are
        dropped, and every directory can be written by its owner, so that it can be removed again.
    :param shared_with: a directory of the same file system that the input was written to before: what did not change becomes a hard link to it, which
        costs next to nothing.  What a program then writes into such a file in place, it writes in both.
    :param originals: what the input's container knows beyond its nodes (:mod:`inspector.slim.rebuilding.image_entries`): names that are not UTF-8,
        devices.  Without them such a name stays spelled ``\\xNN``, and devices are left out.
    :raises OSError: where the medium fails or is full, or the directory is not empty.
    """
    writer = _TreeWriter(directory, exact=exact, shared_with=shared_with, originals=originals or {})
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise FileExistsError(f"{directory} is not empty")
    files: list[PlannedEntry] = []
    for entry in planned:
        if entry.kind is Kind.FILE:
            files.append(entry)
        elif entry.kind is not Kind.SYMLINK:
            writer.write_other(entry)
    files.sort(key=lambda entry: (entry.link_to is not None, _read_group(entry)))
    progress.stage("Unpacking", total=len(files))
    for count, entry in enumerate(files, 1):
        writer.write_file(entry)
        if count % _ANNOUNCED == 0:
            progress.advance(_ANNOUNCED)
    for entry in planned:  # after all files: no path that is opened leads through a link
        if entry.kind is Kind.SYMLINK:
            writer.write_link(entry)
    writer.finish_directories()
    return writer.problems


def _read_group(entry: PlannedEntry) -> int:
    """Files of one compressed unit lie together in the order of writing."""
    return -1 if entry.node is None or entry.node.read_group is None else entry.node.read_group


class _TreeWriter:
    def __init__(self, root: Path, *, exact: bool, shared_with: Path | None, originals: Mapping[str, Original]) -> None:
        self.problems: list[Problem] = []
        self._root = root
        self._originals = originals
        self._places: dict[str, Path] = {"": root}
        self._shared_with = shared_with
        self._mode_bits = 0o7777 if exact else 0o777
        self._directory_bits = 0 if exact else stat.S_IRWXU
        self._directories: dict[str, PlannedEntry | None] = {"": None}
        self._by_inode: dict[int, str] = {}
        self._written: set[str] = set()

    def write_other(self, entry: PlannedEntry) -> None:
        """A directory or a pipe; what needs privileges is left out."""
        if entry.kind is Kind.DIRECTORY:
            if not entry.path:
                self._directories[""] = entry
            elif self._has_parent(entry):
                self._place(entry.path).mkdir(mode=0o700)
                self._directories[entry.path] = entry
        elif entry.kind is Kind.FIFO and self._has_parent(entry):
            os.mkfifo(self._place(entry.path))
            self._finish(entry)
        elif not self._make_device(entry):
            self._tell(entry, f"a {entry.kind.value} is not unpacked")

    def _make_device(self, entry: PlannedEntry) -> bool:
        known = None if entry.node is None else self._originals.get(entry.node.path)
        if known is None or entry.kind not in _DEVICES or not self._has_parent(entry):
            return False
        try:
            os.mknod(self._place(entry.path), _DEVICES[entry.kind], os.makedev(*known.device))
        except PermissionError:
            return False
        self._finish(entry)
        return True

    def _finish(self, entry: PlannedEntry) -> None:
        """The mode, whatever the umask, and the time of what is no regular file."""
        place = self._place(entry.path)
        if entry.kind is not Kind.SYMLINK:
            place.chmod(entry.mode & self._mode_bits)
        if entry.mtime is not None:
            os.utime(place, (entry.mtime, entry.mtime), follow_symlinks=False)

    def _place(self, path: str) -> Path:
        """Where a path lies on disk: under the bytes that the input has for it; of a new one, behind those of its directory."""
        place = self._places.get(path)
        if place is None:
            known = self._originals.get(path)
            if known is not None:
                place = self._root / os.fsdecode(known.path)
            else:
                parent, _, name = path.rpartition("/")
                place = self._place(parent) / name
            self._places[path] = place
        return place

    def write_link(self, entry: PlannedEntry) -> None:
        """A symbolic link, wherever it points."""
        if self._has_parent(entry):
            try:
                self._place(entry.path).symlink_to(self._target(entry))
                self._finish(entry)
            except FileExistsError:
                self._tell(entry, _TAKEN)

    def _target(self, entry: PlannedEntry) -> str:
        """As the input has it, where it still points there."""
        known = None if entry.node is None else self._originals.get(entry.node.path)
        if known is not None and text_of(known.target) == entry.target:
            return os.fsdecode(known.target)
        return entry.target or ""

    def write_file(self, entry: PlannedEntry) -> None:
        """A regular file, or a further name of one."""
        if not self._has_parent(entry):
            return
        path = self._place(entry.path)
        other = self._same_file(entry)
        try:
            if other is not None:
                os.link(self._place(other), path, follow_symlinks=False)
                return
            if self._link_to_shared(entry, path):
                return
            descriptor = os.open(path, _NEW_FILE, 0o600)
        except FileExistsError:
            self._tell(entry, _TAKEN)
            return
        source = entry.source()
        try:
            if source is not None:
                self._copy(entry, source, descriptor)
            os.fchmod(descriptor, entry.mode & self._mode_bits)
            if entry.mtime is not None:
                os.utime(descriptor, (entry.mtime, entry.mtime))
        finally:
            os.close(descriptor)
        self._written.add(entry.path)
        if entry.node is not None and entry.node.inode is not None and entry.content is None:
            self._by_inode.setdefault(entry.node.inode, entry.path)

    def finish_directories(self) -> None:
        """Modes and times of directories, the innermost first: a directory without the write bit takes no more members."""
        for path, entry in sorted(self._directories.items(), reverse=True):
            if entry is None:
                continue
            place = self._place(path)
            place.chmod(entry.mode & self._mode_bits | self._directory_bits)
            if entry.mtime is not None:
                os.utime(place, (entry.mtime, entry.mtime))

    def _same_file(self, entry: PlannedEntry) -> str | None:
        if entry.link_to is not None:
            return entry.link_to if entry.link_to in self._written else None
        if entry.node is None or entry.node.inode is None or entry.content is not None:
            return None
        return self._by_inode.get(entry.node.inode)

    def _link_to_shared(self, entry: PlannedEntry, path: Path) -> bool:
        """Make it a further name of the input's file on disk, where that is still what it was."""
        if self._shared_with is None or entry.node is None or not entry.is_unchanged:
            return False
        original = self._shared_with / entry.node.path
        try:
            status = original.lstat()
            same = (status.st_size, stat.S_IMODE(status.st_mode)) == (entry.size, entry.mode & self._mode_bits)
            if not (same and stat.S_ISREG(status.st_mode) and entry.mtime in (None, int(status.st_mtime))):
                return False
            os.link(original, path, follow_symlinks=False)
        except FileExistsError:
            raise
        except OSError:  # another file system, or more names than it allows
            return False
        self._written.add(entry.path)
        return True

    def _copy(self, entry: PlannedEntry, source: Source, descriptor: int) -> None:
        """The content; of what cannot be read, as much as there is."""
        offset = 0
        with suppress(FormatError):
            while offset < entry.size:
                content = source.read_at(offset, min(_STEP, entry.size - offset))
                if not content:
                    break
                offset += len(content)
                while content:
                    content = content[os.write(descriptor, content) :]
        if offset != entry.size:
            self._tell(entry, f"only {offset} of {entry.size} bytes can be read")

    def _has_parent(self, entry: PlannedEntry) -> bool:
        """Whether the directory was made here; missing ones are made, and none is made where a member has its name."""
        parent = entry.path.rpartition("/")[0]
        missing = []
        while parent not in self._directories:
            missing.append(parent)
            parent = parent.rpartition("/")[0]
        try:
            for path in reversed(missing):
                self._place(path).mkdir(mode=0o755)
                self._directories[path] = None
        except OSError:
            self._tell(entry, "it lies below something that is no directory")
            return False
        return True

    def _tell(self, entry: PlannedEntry, message: str) -> None:
        self.problems.append(Problem(kind="not-unpacked", subject=entry.path, message=message))
