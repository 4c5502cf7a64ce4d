"""Directories: an AppDir, or any other one.

The tree is listed through directory descriptors and never follows a link.  Files are opened when they are read, a few at a time, and only if they are
still the files that were listed; sockets, pipes and devices are never opened.
"""

from __future__ import annotations

import os
import stat
from collections import OrderedDict
from functools import partial
from operator import attrgetter

from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.names import text_of
from inspector.artifact.tree import KIND_BY_FILE_TYPE, Kind, Node, Tree
from inspector.errors import FormatError, LimitExceeded, NothingInspected
from inspector.limits import Limits
from inspector.model import Problem

LIMITATIONS = (
    "A file's content is not compared before it is read: equal files are known by hard links only.",
    "Directories deeper than the limit path_depth are not listed.",
)
_OPEN_FILES = 32


def open_directory(path: str | os.PathLike[str], shown: str, limits: Limits) -> Artifact:
    """List a directory as an artifact of format "appdir" (it holds an AppRun or a desktop file) or "directory".

    :param shown: the path as text, for messages and the Result.
    :raises NothingInspected: where it cannot be listed, holds no file, or more than the limits allow.
    """
    try:
        root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise NothingInspected(
            f"{shown} cannot be listed: {error.strerror}", "check the directory's permissions"
        ) from error
    files = DirectoryFiles(root)
    try:
        listing = _Listing(files, limits)
        listing.run()
    except LimitExceeded as error:
        files.close()
        raise NothingInspected(f"{shown} is too large: {error}") from error
    except BaseException:
        files.close()
        raise
    tree = Tree(listing.nodes)
    if not any(True for _ in tree.files()) and not listing.problems:
        files.close()
        raise NothingInspected(f"{shown} holds no file", "give the directory that the application lies in")
    launcher = tree.get("AppRun")
    is_appdir = launcher is not None or any(node.path.endswith(".desktop") and "/" not in node.path for node in tree)
    return Artifact(
        path=shown,
        format="appdir" if is_appdir else "directory",
        arch=None,
        size=listing.size,
        tree=tree,
        layout=RuntimeLayout(launcher=None if launcher is None else "AppRun"),
        problems=listing.problems,
        on_close=files.close,
    )


class DirectoryFiles:
    """The files below one directory, opened on demand; holds the directory's descriptor and those of the last files that were read."""

    def __init__(self, root: int) -> None:
        self.root = root
        self._open: OrderedDict[bytes, int] = OrderedDict()

    def descriptor(self, path: bytes, device: int, inode: int) -> int:
        """A descriptor for reading the regular file that was listed under ``path`` as (device, inode).

        :raises FormatError: where it cannot be opened, or is not that file any more.
        """
        found = self._open.get(path)
        if found is not None:
            self._open.move_to_end(path)
            return found
        if self.root < 0:
            raise FormatError("the artifact is closed")
        try:
            # O_NONBLOCK: should the name have become a pipe meanwhile, opening it must not wait for a writer
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self.root)
        except OSError as error:
            raise FormatError(f"cannot be opened: {error.strerror}") from error
        status = os.fstat(descriptor)
        if (status.st_dev, status.st_ino) != (device, inode) or not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise FormatError("is not the file that was listed a moment ago")
        self._open[path] = descriptor
        if len(self._open) > _OPEN_FILES:
            os.close(self._open.popitem(last=False)[1])
        return descriptor

    def close(self) -> None:
        """Give all descriptors back."""
        for descriptor in (*self._open.values(), *([self.root] if self.root >= 0 else ())):
            os.close(descriptor)
        self._open.clear()
        self.root = -1

    def __del__(self) -> None:
        self.close()


class ListedFile:
    """One regular file below a directory as a :class:`inspector.source.Source`."""

    __slots__ = ("_device", "_files", "_inode", "_path", "size")

    def __init__(self, files: DirectoryFiles, path: bytes, device: int, inode: int, size: int) -> None:
        self._files = files
        self._path = path
        self._device = device
        self._inode = inode
        self.size = size

    def read_at(self, offset: int, length: int) -> bytes:
        """See :class:`inspector.source.Source`."""
        length = min(length, self.size - offset)
        if offset < 0 or length <= 0:
            return b""
        descriptor = self._files.descriptor(self._path, self._device, self._inode)
        try:
            chunk = os.pread(descriptor, length, offset)
            while len(chunk) < length and (more := os.pread(descriptor, length - len(chunk), offset + len(chunk))):
                chunk += more
        except OSError as error:
            raise FormatError(f"cannot be read: {error.strerror}", offset) from error
        return chunk


class _Listing:
    """Walks a directory depth first, holding one descriptor a level."""

    def __init__(self, files: DirectoryFiles, limits: Limits) -> None:
        self.nodes: list[Node] = [Node("", Kind.DIRECTORY, stat.S_IMODE(os.fstat(files.root).st_mode))]
        self.problems: list[Problem] = []
        self.size = 0
        self._files = files
        self._limits = limits
        self._paths: set[str] = {""}
        self._numbers: dict[tuple[int, int], int] = {}  # (device, inode) of files with several names

    def run(self) -> None:
        """List everything below the root.

        :raises LimitExceeded: where there are more names than ``Limits.inodes``.
        """
        descriptors = [os.dup(self._files.root)]
        try:
            todo = [self._scan(descriptors[0], "", b"")]
            while todo:
                if not todo[-1]:
                    todo.pop()
                    os.close(descriptors.pop())
                    continue
                path, raw, name = todo[-1].pop()
                if len(descriptors) >= self._limits.path_depth:
                    self._problem(
                        "limit-exceeded", path, f"directories deeper than {self._limits.path_depth} are not listed"
                    )
                    continue
                try:
                    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
                    descriptors.append(os.open(name, flags, dir_fd=descriptors[-1]))
                except OSError as error:
                    self._problem("unreadable", path, f"the directory cannot be listed: {error.strerror}")
                    continue
                todo.append(self._scan(descriptors[-1], path + "/", raw + b"/"))
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _scan(self, descriptor: int, prefix: str, raw_prefix: bytes) -> list[tuple[str, bytes, bytes]]:
        """Add the names of one directory; returns its directories (path, path in bytes, name), the first to be walked last."""
        try:
            with os.scandir(descriptor) as names:
                entries = sorted(names, key=attrgetter("name"))
        except OSError as error:
            self._problem("unreadable", prefix.rstrip("/"), f"the directory cannot be listed: {error.strerror}")
            return []
        if len(self.nodes) + len(entries) > self._limits.inodes:
            raise LimitExceeded(f"more than {self._limits.inodes} names")
        below = []
        for entry in entries:
            name = os.fsencode(entry.name)
            path = prefix + text_of(name)
            raw = raw_prefix + name
            if path in self._paths:
                self._problem(
                    "name-collision", path, "another name is written the same way as text; this one was left out"
                )
                continue
            if len(raw) > self._limits.path_length:
                self._problem("limit-exceeded", prefix + "…", f"a path of {len(raw)} bytes is not listed")
                continue
            try:
                node = self._node(entry, path, raw, descriptor)
            except OSError as error:
                self._problem("unreadable", path, f"the entry cannot be examined: {error.strerror}")
                continue
            self._paths.add(path)
            self.nodes.append(node)
            if node.kind is Kind.DIRECTORY:
                below.append((path, raw, name))
        return below[::-1]

    def _node(self, entry: os.DirEntry[str], path: str, raw: bytes, descriptor: int) -> Node:
        status = entry.stat(follow_symlinks=False)
        kind = KIND_BY_FILE_TYPE.get(stat.S_IFMT(status.st_mode), Kind.FILE)
        node = Node(
            path,
            kind,
            stat.S_IMODE(status.st_mode),
            inode=self._number(status),
            mtime=int(status.st_mtime),
            uid=status.st_uid,
            gid=status.st_gid,
        )
        if kind is Kind.FILE:
            node.size = node.stored_size = status.st_size
            node.opener = partial(ListedFile, self._files, raw, status.st_dev, status.st_ino, status.st_size)
        elif kind is Kind.SYMLINK:
            node.target = text_of(os.fsencode(os.readlink(entry.name, dir_fd=descriptor)))
        return node

    def _number(self, status: os.stat_result) -> int:
        """The tree's own inode number; counts a file's bytes once, however many names it has."""
        if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
            key = (status.st_dev, status.st_ino)
            known = self._numbers.get(key)
            if known is not None:
                return known
            self._numbers[key] = len(self.nodes)
        if stat.S_ISREG(status.st_mode):
            self.size += status.st_size
        return len(self.nodes)

    def _problem(self, kind: str, subject: str, message: str) -> None:
        self.problems.append(Problem(kind=kind, subject=subject, message=message))
