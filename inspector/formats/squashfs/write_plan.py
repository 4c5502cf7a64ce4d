"""From a list of entries to the inodes of an image, checked and in the order in which they are written."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable, Iterator

from inspector.errors import FormatError, LimitExceeded
from inspector.formats.squashfs.entry import ImageEntry
from inspector.formats.squashfs.inode import Inode, InodeKind
from inspector.limits import Limits
from inspector.source import Source

_LONGEST_NAME = 256  # squashfs_fs.h: SQUASHFS_NAME_LEN
_LARGEST_ID = 0xFFFF_FFFF
_LARGEST_FILE = (1 << 63) - 1  # loff_t is signed
_MOST_INODES = 0xFFFF_FFFF


class StoredContent:
    """The content of one regular file, or of several equal ones, and where it comes to lie.

    :ivar path: of the first file that has it, for messages.
    :ivar start: position of the first block in the image.
    :ivar words: the blocks' size words.
    :ivar fragment: index of the fragment that holds the tail, or None.
    :ivar sparse_bytes: bytes of blocks that are all zeros and therefore not stored.
    :ivar same_as: the equal content that is stored in its place, or None.
    """

    __slots__ = ("fragment", "fragment_offset", "path", "same_as", "size", "source", "sparse_bytes", "start", "words")

    def __init__(self, path: bytes, source: Source) -> None:
        self.path = path
        self.source = source
        self.size = source.size
        self.start: int | None = None
        self.words = array("I")
        self.fragment: int | None = None
        self.fragment_offset = 0
        self.sparse_bytes = 0
        self.same_as: StoredContent | None = None

    @property
    def stored(self) -> StoredContent:
        """Itself, or the equal content that is stored in its place."""
        content = self
        while content.same_as is not None:
            content = content.same_as
        return content


class PlannedInode:
    """One inode to write.

    :ivar nlink: its names; of a directory, its own two and its subdirectories' "..".
    :ivar number: from 1 on in the order in which inodes are written; the root is the last.
    :ivar children: of a directory, by name, bytewise ascending.
    :ivar reference: position of the metadata block in the inode table << 16 | offset in the decoded block; None until it is written.
    """

    __slots__ = ("children", "content", "entry", "nlink", "number", "parent", "reference", "xattr_index")

    def __init__(self, entry: ImageEntry) -> None:
        self.entry = entry
        self.nlink = 2 if entry.kind is InodeKind.DIRECTORY else 1
        self.number = 0
        self.parent: PlannedInode | None = None
        self.children: list[tuple[bytes, PlannedInode]] = []
        self.content: StoredContent | None = None
        self.reference: int | None = None
        self.xattr_index: int | None = None


class WritePlan:
    """A tree to write.

    :param entries: in any order.
    :ivar root: the root directory.
    :ivar directories: all directories, each after those below it, the root last.
    :ivar inodes: all inodes in the order in which they are written: those of a directory's names one behind the other, in front of its own.
    :ivar contents: the contents of regular files that are not empty, each once, in the order of the paths.
    :raises FormatError: where a name, a path or a value is one that no image may have, two entries have one path, or a directory is missing.
    :raises LimitExceeded: where there are more, longer or deeper paths than the limits allow.
    """

    def __init__(self, entries: Iterable[ImageEntry], limits: Limits) -> None:
        self._limits = limits
        self._contents: dict[Hashable, StoredContent] = {}
        self.root = self._arrange(entries)
        self.directories = list(_from_below(self.root))
        self.inodes = self._number()
        self.contents = list(self._contents.values())

    def _arrange(self, entries: Iterable[ImageEntry]) -> PlannedInode:
        """Build the tree of inodes; the root."""
        listed: list[tuple[list[bytes], ImageEntry]] = []
        for entry in entries:
            listed.append((_checked_names(entry, self._limits), entry))
            if len(listed) > self._limits.inodes + 1:
                raise LimitExceeded(f"more than {self._limits.inodes} names: the inodes limit")
        listed.sort(key=lambda pair: pair[0])
        if not listed or listed[0][0]:
            listed.insert(0, ([], ImageEntry(b"", InodeKind.DIRECTORY, 0o755)))
        root = PlannedInode(listed[0][1])
        if root.entry.kind is not InodeKind.DIRECTORY:
            raise FormatError(f"the root is a {root.entry.kind.value}, not a directory")
        directories = {b"": root}
        groups: dict[Hashable, PlannedInode] = {}
        for names, entry in listed[1:]:
            if not names:
                raise FormatError("two entries for the root")
            parent = directories.get(entry.path[: -len(names[-1]) - 1])
            if parent is None:
                raise FormatError(f"{entry.path[:200]!r} is not in a directory that has an entry")
            if parent.children and parent.children[-1][0] == names[-1]:
                raise FormatError(f"two entries for {entry.path[:200]!r}")
            inode = self._inode(entry, groups)
            parent.children.append((names[-1], inode))
            if entry.kind is InodeKind.DIRECTORY:
                directories[entry.path] = inode
                inode.parent = parent
                parent.nlink += 1
        return root

    def _inode(self, entry: ImageEntry, groups: dict[Hashable, PlannedInode]) -> PlannedInode:
        """The inode of an entry: a new one, or that of its link group."""
        if entry.link_group is not None:
            known = groups.get(entry.link_group)
            if known is not None:
                if known.entry.kind is not entry.kind or entry.kind is InodeKind.DIRECTORY:
                    raise FormatError(f"{entry.path[:200]!r} cannot be a hard link to {known.entry.path[:200]!r}")
                known.nlink += 1
                return known
        inode = PlannedInode(entry)
        if entry.link_group is not None:
            groups[entry.link_group] = inode
        if entry.kind is InodeKind.FILE and entry.content is not None and entry.content.size:
            if entry.content.size > _LARGEST_FILE:
                raise FormatError(f"{entry.path[:200]!r}: a file of {entry.content.size} bytes")
            key = _identity(entry.content)
            content = self._contents.get(key)
            if content is None:
                content = self._contents[key] = StoredContent(entry.path, entry.content)
            inode.content = content
        return inode

    def _number(self) -> list[PlannedInode]:
        """Give the inodes their numbers."""
        ordered = []
        for directory in self.directories:
            for _, child in directory.children:
                if not child.number:
                    ordered.append(child)
                    child.number = len(ordered)
        ordered.append(self.root)
        self.root.number = len(ordered)
        if len(ordered) > _MOST_INODES:
            raise LimitExceeded(f"{len(ordered)} inodes; an image numbers at most {_MOST_INODES}")
        return ordered


def _identity(source: Source) -> Hashable:
    """Equal only for sources that are known, without reading, to have equal bytes."""
    if isinstance(source, Inode):
        return id(source.container), source.content_key
    return id(source)


def _checked_names(entry: ImageEntry, limits: Limits) -> list[bytes]:
    """The names of an entry's path.

    :raises FormatError: where the entry cannot be in an image.
    """
    path = entry.path
    shown = path[:200]
    if len(path) > limits.path_length:
        raise LimitExceeded(f"a path of {len(path)} bytes: the path_length limit")
    if b"\0" in path:
        raise FormatError(f"{shown!r} has a NUL byte")
    names = path.split(b"/") if path else []
    if len(names) > limits.path_depth:
        raise LimitExceeded(f"{shown!r} is {len(names)} names deep: the path_depth limit")
    for name in names:
        if name in (b"", b".", b".."):
            raise FormatError(f"{shown!r} is no path: {name!r} is no file name")
        if len(name) > _LONGEST_NAME:
            raise FormatError(f"{shown!r}: a name of {len(name)} bytes; at most {_LONGEST_NAME} are possible")
    _check_values(entry, shown, limits)
    return names


def _check_values(entry: ImageEntry, shown: bytes, limits: Limits) -> None:
    """:raises FormatError: where a value of the entry does not fit its field."""
    if not 0 <= entry.mode <= 0o7777:
        raise FormatError(f"{shown!r}: mode {entry.mode:#o} is more than permission bits")
    if not (0 <= entry.uid <= _LARGEST_ID and 0 <= entry.gid <= _LARGEST_ID):
        raise FormatError(f"{shown!r}: owner {entry.uid}:{entry.gid}; an id has 32 bits")
    if entry.kind is InodeKind.SYMLINK:
        if not entry.target or b"\0" in entry.target:
            raise FormatError(f"{shown!r}: a symbolic link to nothing, or with a NUL byte")
        if len(entry.target) > limits.symlink_length:
            raise LimitExceeded(f"{shown!r}: a symbolic link of {len(entry.target)} bytes: the symlink_length limit")
    major, minor = entry.device
    if not (0 <= major < 1 << 12 and 0 <= minor < 1 << 20):  # linux/kdev_t.h: new_encode_dev
        raise FormatError(f"{shown!r}: device {major}:{minor} does not fit the image's 12 and 20 bits")


def _from_below(root: PlannedInode) -> Iterator[PlannedInode]:
    """All directories, those below a directory before it, without recursion."""

    def below(directory: PlannedInode) -> Iterator[PlannedInode]:
        return (child for _, child in directory.children if child.entry.kind is InodeKind.DIRECTORY)

    stack = [(root, below(root))]
    while stack:
        directory, rest = stack[-1]
        child = next(rest, None)
        if child is None:
            stack.pop()
            yield directory
        else:
            stack.append((child, below(child)))
