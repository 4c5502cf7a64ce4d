"""From the planned tree to the entries of a new image: exact names, hard links, devices and attributes, of which a tree of text knows too little."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from hashlib import blake2b

from msgspec import Struct, field
from msgspec.structs import replace

from inspector.artifact.names import text_of
from inspector.artifact.tree import Kind
from inspector.errors import FormatError
from inspector.formats.squashfs import Inode, InodeKind, SquashfsImage
from inspector.formats.squashfs.entry import ImageEntry
from inspector.slim.making.planned_tree import PlannedEntry, PlannedTree
from inspector.source import Source

_CHUNK = 1 << 20
_KINDS = {kind: InodeKind(kind.value) for kind in Kind}


class Original(Struct, frozen=True):
    """What the input's container knows of a name beyond its node.

    :ivar path: the path in bytes.
    :ivar target: of a symbolic link, in bytes.
    :ivar device: major and minor number of a device.
    :ivar xattrs: extended attributes by name.
    """

    path: bytes
    target: bytes = b""
    device: tuple[int, int] = (0, 0)
    xattrs: Mapping[bytes, bytes] = field(default_factory=dict)


def originals_of_image(image: SquashfsImage) -> dict[str, Original]:
    """By tree path, what nodes of a SquashFS image cannot say; plain names are left out.  Members that cannot be read have no nodes either.

    :raises FormatError: where extended attributes cannot be read, with the path.
    """
    found: dict[str, Original] = {}
    by_inode: dict[int, dict[bytes, bytes]] = {}
    for path, inode in image.walk(lambda path, error: None):  # noqa: ARG005 - whoever opened the image was told
        xattrs = by_inode.get(inode.number)
        if xattrs is None:
            try:
                xattrs = by_inode[inode.number] = image.xattrs(inode)
            except FormatError as error:
                raise type(error)(f"{path[:200]!r}: {error.what}", error.offset) from None
        text = text_of(path)
        if xattrs or inode.device != (0, 0) or not (_is_plain(path) and _is_plain(inode.target)):
            found.setdefault(
                text, Original(path, inode.target, inode.device, xattrs)
            )  # of twins, the tree has the first
    return found


def originals_of_directory(directory: str | os.PathLike[str]) -> dict[str, Original]:
    """The same for a directory on disk.  Its extended attributes are left out: most are labels of the machine it lies on.

    :raises OSError: where it cannot be listed.
    """
    found: dict[str, Original] = {}
    root = os.fsencode(directory)
    todo = [b""]
    while todo:
        prefix = todo.pop()
        with os.scandir(root + b"/" + prefix) as names:
            entries = sorted(names, key=lambda entry: entry.name)
        for entry in entries:
            path = prefix + entry.name
            status = entry.stat(follow_symlinks=False)
            is_device = stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode)
            device = (os.major(status.st_rdev), os.minor(status.st_rdev)) if is_device else (0, 0)
            target = os.readlink(entry.path) if stat.S_ISLNK(status.st_mode) else b""  # noqa: PTH115 - a Path is text
            text = text_of(path)
            if is_device or not (_is_plain(path) and _is_plain(target)):
                found.setdefault(text, Original(path, target, device))
            if stat.S_ISDIR(status.st_mode):
                todo.append(path + b"/")
    return found


def _is_plain(raw: bytes) -> bool:
    """Whether the text of these bytes gives them back, and could not be meant for any others."""
    if b"\\" in raw:
        return False
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def image_entries(
    planned: PlannedTree, originals: Mapping[str, Original] | None = None, *, unknown_mtime: int = 0
) -> list[ImageEntry]:
    """The entries for :func:`inspector.formats.squashfs.writer.write_image`, in the order of the planned tree.

    Names that share an inode of the input stay hard links where they still have one content; ``link_to`` makes new ones.  An unchanged file of a
    SquashFS image is handed on as that image's Inode, so that its stored blocks can be copied.  Directories that no entry names are added.

    :param originals: from :func:`originals_of_image` or :func:`originals_of_directory`; without them, bytes of names that are not UTF-8 stay spelled
        ``\\xNN``, devices are 0:0 and extended attributes are gone.
    :param unknown_mtime: of entries that have no time, in seconds since 1970.
    :raises FormatError: where ``link_to`` names no regular file, goes round in a circle, or a name cannot be written in bytes.
    :raises OSError: where new content that is compared, because its names were hard links, cannot be read.
    """
    return _Entries(planned, originals or {}, unknown_mtime).all()


class _Entries:
    def __init__(self, planned: PlannedTree, originals: Mapping[str, Original], unknown_mtime: int) -> None:
        self._planned = planned
        self._originals = originals
        self._unknown_mtime = unknown_mtime
        self._paths: dict[str, bytes] = {"": b""}
        self._names_of_inode: dict[int, int] = {}
        for entry in planned:
            if entry.kind is not Kind.DIRECTORY and entry.node is not None and entry.node.inode is not None:
                number = entry.node.inode
                self._names_of_inode[number] = self._names_of_inode.get(number, 0) + 1
        self._linked_to = {self._link_target(entry).path for entry in planned if entry.link_to is not None}

    def all(self) -> list[ImageEntry]:
        made: dict[str, ImageEntry] = {}
        for entry in self._planned:
            for directory in self._missing_directories(entry.path, made):
                made[directory.path] = self._entry(directory)
            made[entry.path] = self._entry(entry)
        return list(made.values())

    def _missing_directories(self, path: str, made: Mapping[str, ImageEntry]) -> Iterator[PlannedEntry]:
        names = path.split("/")
        for count in range(1, len(names)):
            parent = "/".join(names[:count])
            if parent not in made and parent not in self._planned:
                yield PlannedEntry(parent, Kind.DIRECTORY, 0o755, 0)

    def _entry(self, entry: PlannedEntry) -> ImageEntry:
        if entry.link_to is not None:
            # One inode: whichever name comes first in the image tells its mode, owner and time
            return replace(self._entry(self._link_target(entry)), path=self._bytes(entry.path))
        original = self._original(entry)
        target = b""
        if entry.kind is Kind.SYMLINK:
            target = _encoded(entry.target or "")
            if original is not None and text_of(original.target) == entry.target:
                target = original.target
        return ImageEntry(
            self._bytes(entry.path),
            _KINDS[entry.kind],
            entry.mode,
            entry.uid,
            entry.gid,
            self._unknown_mtime if entry.mtime is None else entry.mtime,
            _content(entry),
            target,
            (0, 0) if original is None else original.device,
            {} if original is None else original.xattrs,
            self._link_group(entry),
        )

    def _original(self, entry: PlannedEntry) -> Original | None:
        """What the container knows of the entry's node, wherever in the planned tree that stands now."""
        return None if entry.node is None else self._originals.get(entry.node.path)

    def _bytes(self, path: str) -> bytes:
        """A path as the input has it; of a new one, the name behind the bytes of its directory."""
        known = self._paths.get(path)
        if known is None:
            original = self._originals.get(path)
            if original is not None:
                known = original.path
            else:
                parent, slash, name = path.rpartition("/")
                known = self._bytes(parent) + slash.encode() + _encoded(name)
            self._paths[path] = known
        return known

    def _link_target(self, entry: PlannedEntry) -> PlannedEntry:
        """The entry whose file an entry shares, at the end of all links."""
        passed = {entry.path}
        found = entry
        while found.link_to is not None:
            following = self._planned.get(found.link_to)
            if following is None or following.kind is not Kind.FILE:
                raise FormatError(f"{entry.path} is to share the file {found.link_to}, which is not there")
            if following.path in passed:
                raise FormatError(f"{entry.path} is to share its own file")
            passed.add(following.path)
            found = following
        return found

    def _link_group(self, entry: PlannedEntry) -> tuple[object, ...] | None:
        """What entries of one inode have in common; None where the entry stands alone."""
        if entry.kind is Kind.DIRECTORY:
            return None
        node = entry.node
        if node is not None and node.inode is not None and self._names_of_inode[node.inode] > 1:
            attributes = (entry.mode, entry.uid, entry.gid, entry.mtime, entry.target)
            if entry.content is None:
                return "input", node.inode, attributes
            return "changed", node.inode, attributes, _digest(entry.content)
        return ("planned", entry.path) if entry.path in self._linked_to else None


def _content(entry: PlannedEntry) -> Source | None:
    """A regular file's content; that of an unchanged file of an image is its Inode, whose stored blocks can be copied."""
    source = entry.source()
    if source is not None and entry.is_unchanged and entry.node is not None and isinstance(entry.node.content, Inode):
        return entry.node.content
    return source


def _digest(source: Source) -> bytes:
    digest = blake2b(digest_size=32)
    for start in range(0, source.size, _CHUNK):
        digest.update(source.read_at(start, _CHUNK))
    return digest.digest()


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise FormatError(f"the name {text!r} cannot be written in UTF-8") from None
