"""A static delta whose parts lie in the file itself: what a Flatpak bundle is.  Its parts are applied to nothing but an index of objects.

A part is a list of operations over a block of raw data (``ostree-repo-static-delta-private.h``): most objects are a range of that block, others are
put together of several.  The decoded parts lie one behind the other in one spool (``compressed_stream.py``), and files are ranges of it.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Sequence

from msgspec import Struct

from inspector.errors import FormatError, LimitExceeded, UnsupportedFormat
from inspector.formats.compressed_stream import Spool, decode_stream
from inspector.formats.gvariant import Value
from inspector.formats.ostree.objects import COMMIT, DIRMETA, DIRTREE, EXTENSIONS, FILE, FileObject
from inspector.limits import Limits
from inspector.source import SliceSource, Source

SUPERBLOCK_TYPE = "(a{sv}tayay(a{sv}aya(say)sstayay)aya(uayttay)a(yaytt))"
_SIGNED_TYPE = "(taya{sv})"
_SIGNED_MAGIC = (b"OSTSGNDT", b"TDNGSTSO")
_PART_TYPE = "(yay)"
_PAYLOAD_TYPE = "(a(uuu)aa(ayay)ayay)"
_CHECKSUM = 32
_STEP = 1 << 20
_MOST_PARTS = 100_000
_LONGEST_METADATA = 10 << 20  # ostree-core.h: OSTREE_MAX_METADATA_SIZE is 10 MiB


class _Object(Struct, frozen=True):
    """Where an object's bytes lie: ranges of sources, one behind the other."""

    mode: tuple[int, int, int] | None
    content: Source
    stored: int


class JoinedSource:
    """Ranges of sources one behind the other, as one :class:`inspector.source.Source`."""

    def __init__(self, parts: Sequence[Source]) -> None:
        self._parts = tuple(parts)
        self.size = sum(part.size for part in parts)

    def read_at(self, offset: int, length: int) -> bytes:
        """See :class:`inspector.source.Source`."""
        length = min(length, self.size - offset)
        if offset < 0 or length <= 0:
            return b""
        found = []
        for part in self._parts:
            if offset < part.size:
                chunk = part.read_at(offset, min(length, part.size - offset))
                found.append(chunk)
                length -= len(chunk)
                offset += len(chunk)
                if length <= 0:
                    break
            offset -= part.size
        return b"".join(found)


class StaticDelta:
    """The delta of a file, its parts decoded and indexed; an :class:`~inspector.formats.ostree.objects.ObjectStore`.

    :ivar statements: the superblock's dictionary without the parts, by name.
    :ivar commit: checksum of the commit that it leads to.
    :ivar damages: parts that cannot be read; (b"", error).
    :ivar part_ranges: where the parts' compressed bytes lie in the source.
    :raises FormatError: where the superblock cannot be read.
    """

    def __init__(self, source: Source, limits: Limits) -> None:
        self._limits = limits
        self._spool = Spool(limits.small_file)
        self._objects: dict[tuple[int, bytes], _Object] = {}
        self.damages: list[tuple[bytes, FormatError]] = []
        self.part_ranges: list[tuple[int, int]] = []
        self.statements: dict[str, Value] = {}
        superblock = Value(SUPERBLOCK_TYPE, _unsigned(source))
        parts: dict[int, Value] = {}
        for name, value in superblock[0].items():
            last = name.rpartition("/")[2]
            if name.startswith("deltas/") and last.isascii() and last.isdigit() and len(last) < 10:
                parts[int(last)] = value
            else:
                self.statements[name] = value
        order = self.statements.get("ostree.endianness")
        if order is not None and order.type.code == "y" and order.integer() == ord("B"):
            raise UnsupportedFormat("it was written on a big-endian machine, whose numbers are not read")
        self.commit = superblock[3].content()
        self._add_commit(superblock[4])
        if superblock[2].end > superblock[2].start:
            self._damage(FormatError("the delta needs an older commit, which the file does not carry"))
        entries = superblock[6]
        if len(entries) > _MOST_PARTS:
            raise LimitExceeded(f"a delta of {len(entries)} parts")
        for number in range(len(entries)):
            try:
                self._apply(parts.get(number), entries[number])
            except LimitExceeded:
                raise
            except FormatError as error:
                self._damage(FormatError(f"part {number} of the delta: {error}"))
        if len(superblock[7]):
            self._damage(FormatError(f"{len(superblock[7])} objects of the delta are not in the file"))

    def metadata(self, kind: int, checksum: bytes) -> bytes:
        """See :class:`~inspector.formats.ostree.objects.ObjectStore`."""
        found = self._found(kind, checksum)
        content = found.content.read_at(0, min(found.content.size, _LONGEST_METADATA))
        if hashlib.sha256(content).digest() != checksum:
            raise FormatError(f"the {EXTENSIONS[kind]} object {checksum.hex()} has another checksum")
        return content

    def file(self, checksum: bytes) -> FileObject:
        """See :class:`~inspector.formats.ostree.objects.ObjectStore`."""
        found = self._found(FILE, checksum)
        if found.mode is None:
            raise FormatError(f"the file object {checksum.hex()} has no mode")
        uid, gid, mode = found.mode
        if stat.S_ISLNK(mode):
            target = found.content.read_at(0, min(found.content.size, self._limits.symlink_length))
            return FileObject(mode, uid, gid, None, target, found.stored)
        return FileObject(mode, uid, gid, found.content, b"", found.stored)

    def _found(self, kind: int, checksum: bytes) -> _Object:
        found = self._objects.get((kind, checksum))
        if found is None:
            raise FormatError(f"the {EXTENSIONS.get(kind, kind)} object {checksum.hex()} is not there")
        return found

    def _damage(self, error: FormatError) -> None:
        self.damages.append((b"", error))

    def _add_commit(self, commit: Value) -> None:
        content = SliceSource(commit.source, commit.start, commit.end - commit.start)
        self._objects[COMMIT, self.commit] = _Object(None, content, content.size)

    def _apply(self, part: Value | None, entry: Value) -> None:
        """Decode a part and index what its operations make."""
        if part is None:
            raise FormatError("it is not in the file")
        if part.type.code != "(" or [inner.code for inner in part.type.parts] != ["y", "a"]:
            raise FormatError("it has another type than a part of a delta")
        if _digest(part) != entry[1].content():
            self._damage(
                FormatError(f"a part of the delta at byte {part.start} has another checksum than the superblock states")
            )
        body = part[1]
        self.part_ranges.append((body.start, body.end))
        packed = SliceSource(body.source, body.start, body.end - body.start)
        compression = part[0].integer()
        payload: Source = packed
        if compression == ord("x"):
            stream = decode_stream(packed, self._limits, "xz", self._spool)
            if stream.damage is not None:
                raise stream.damage
            payload = stream
        elif compression:
            raise UnsupportedFormat(f"it is compressed in a way that is not known ({compression})")
        objects = entry[4].content()
        if len(objects) % (1 + _CHECKSUM):
            raise FormatError("its list of objects is cut off")
        names = [
            (objects[place], objects[place + 1 : place + 1 + _CHECKSUM])
            for place in range(0, len(objects), 1 + _CHECKSUM)
        ]
        _Operations(Value(_PAYLOAD_TYPE, payload), names, self._objects, packed.size).run()


class _Operations:
    """Runs the operations of one part; each object that they finish goes into the index.

    :param stored: bytes of the part as it lies in the file.
    """

    def __init__(
        self, payload: Value, names: Sequence[tuple[int, bytes]], objects: dict[tuple[int, bytes], _Object], stored: int
    ) -> None:
        self._modes = payload[0]
        raw = payload[2]
        self._raw = SliceSource(payload.source, raw.start, raw.end - raw.start)
        self._program = payload[3].content()
        self._position = 0
        self._names = names
        self._next = 0
        self._objects = objects
        self._stored, self._size = stored, max(payload.end - payload.start, 1)
        self._mode: tuple[int, int, int] | None = None
        self._pieces: list[Source] = []
        self._read_from: Source | None = None

    def run(self) -> None:
        """Run the program to its end.

        :raises FormatError: where an operation is unknown or names what is not there.
        """
        operations: dict[int, Callable[[], None]] = {
            ord("S"): self._open_splice_and_close,
            ord("o"): self._open,
            ord("w"): self._write,
            ord("r"): self._set_read_source,
            ord("R"): self._unset_read_source,
            ord("c"): self._close,
        }
        while self._position < len(self._program):
            code = self._program[self._position]
            self._position += 1
            operation = operations.get(code)
            if operation is None:
                what = "patches an older file" if code == ord("B") else f"is not known ({code})"
                raise UnsupportedFormat(f"an operation {what}")
            operation()

    def _number(self) -> int:
        """Seven bits a byte, the lowest first (ostree-varint.c)."""
        value = 0
        for shift in range(0, 70, 7):
            if self._position >= len(self._program):
                raise FormatError("an operation is cut off")
            byte = self._program[self._position]
            self._position += 1
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return value
        raise FormatError("a number of an operation does not end")

    def _range(self, size: int, offset: int, source: Source | None = None) -> SliceSource:
        source = self._raw if source is None else source
        if offset + size > source.size:
            raise FormatError("an operation names bytes that are not there")
        return SliceSource(source, offset, size)

    def _current(self) -> tuple[int, bytes]:
        if self._next >= len(self._names):
            raise FormatError("operations make more objects than the part lists")
        return self._names[self._next]

    def _read_mode(self) -> None:
        index, _ = self._number(), self._number()  # the second one: extended attributes
        if index >= len(self._modes):
            raise FormatError("an operation names a mode that is not there")
        uid, gid, mode = (number.integer("big") for number in self._modes[index])
        self._mode = (uid, gid, mode)

    def _open_splice_and_close(self) -> None:
        kind, _ = self._current()
        if kind not in (DIRTREE, DIRMETA, COMMIT):
            self._read_mode()
        size, offset = self._number(), self._number()
        self._pieces = [self._range(size, offset)]
        self._close()

    def _open(self) -> None:
        self._read_mode()
        self._number()  # the object's size, which the writes add up to
        self._pieces = []

    def _write(self) -> None:
        size, offset = self._number(), self._number()
        self._pieces.append(self._range(size, offset, self._read_from))

    def _set_read_source(self) -> None:
        checksum = self._range(_CHECKSUM, self._number()).read_at(0, _CHECKSUM)
        found = self._objects.get((FILE, checksum))
        if found is None:
            raise FormatError("an operation reads an object that the file does not carry")
        self._read_from = found.content

    def _unset_read_source(self) -> None:
        self._read_from = None

    def _close(self) -> None:
        key = self._current()
        content = self._pieces[0] if len(self._pieces) == 1 else JoinedSource(self._pieces)
        share = min(self._stored * content.size // self._size, self._stored)
        self._objects[key] = _Object(self._mode, content, share)
        self._next += 1
        self._mode, self._pieces, self._read_from = None, [], None


def _unsigned(source: Source) -> Source:
    """The superblock of a delta, out of its wrapper where it is signed."""
    if source.read_at(0, 8) not in _SIGNED_MAGIC:
        return source
    inner = Value(_SIGNED_TYPE, source)[1]
    return SliceSource(source, inner.start, inner.end - inner.start)


def _digest(value: Value) -> bytes:
    digest = hashlib.sha256()
    for offset in range(value.start, value.end, _STEP):
        digest.update(value.source.read_at(offset, min(_STEP, value.end - offset)))
    return digest.digest()
