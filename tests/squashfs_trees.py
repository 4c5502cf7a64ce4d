"""Trees for the SquashFS writer, each with one difficulty of its own, and what a reader must say about them."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import count

from inspector.formats.squashfs import InodeKind
from inspector.formats.squashfs.entry import ImageEntry
from inspector.source import BytesSource, Source
from tests.squashfs_images import Manifest

BLOCK = 4096
"""The block size of most trees: every edge of a block is then a small file."""

_SHORT_PATHS = "the runtime of 2018 extracts no long paths, of images of mksquashfs neither"

FILE, DIRECTORY, SYMLINK = InodeKind.FILE, InodeKind.DIRECTORY, InodeKind.SYMLINK


@dataclass(frozen=True, slots=True)
class SampleTree:
    """What is written, and how.

    :ivar options: of ``write_image``.
    :ivar not_for: reader -> why it cannot show this tree, whoever wrote the image.
    """

    entries: tuple[ImageEntry, ...]
    options: dict[str, object] = field(default_factory=dict)
    not_for: dict[str, str] = field(default_factory=dict)


class PatternSource:
    """A large content that is made when it is read: blocks of noise, of text and of zeros by turns."""

    def __init__(self, size: int, seed: int = 1) -> None:
        self.size = size
        noise = random.Random(seed)
        self._chunks = (noise.randbytes(1 << 16), noise.randbytes(64) * 1024, bytes(1 << 16))

    def read_at(self, offset: int, length: int) -> bytes:
        """See :class:`inspector.source.Source`."""
        end = min(offset + length, self.size)
        parts = []
        while offset < end:
            number, start = divmod(offset, 1 << 16)
            # The number in front of each chunk makes it differ from all others
            chunk = number.to_bytes(8, "little") + self._chunks[number % 3][8:] if number % 3 < 2 else self._chunks[2]
            parts.append(chunk[start : start + end - offset])
            offset += len(parts[-1])
        return b"".join(parts)


def file(path: bytes, content: bytes | Source = b"", **fields: object) -> ImageEntry:
    source = BytesSource(content) if isinstance(content, bytes) else content
    return ImageEntry(path, FILE, content=source, **fields)  # type: ignore[arg-type]


def directory(path: bytes, **fields: object) -> ImageEntry:
    return ImageEntry(path, DIRECTORY, **{"mode": 0o755, **fields})  # type: ignore[arg-type]


def link(path: bytes, target: bytes, **fields: object) -> ImageEntry:
    return ImageEntry(path, SYMLINK, 0o777, target=target, **fields)  # type: ignore[arg-type]


def noise(length: int, seed: int = 0) -> bytes:
    """Bytes that no compressor makes smaller."""
    return random.Random(f"noise {length} {seed}").randbytes(length)


def text(length: int, seed: int = 0) -> bytes:
    """Bytes that every compressor makes smaller."""
    randomness = random.Random(f"text {length} {seed}")
    words = [randomness.randbytes(randomness.randrange(2, 9)) for _ in range(200)]
    return b" ".join(randomness.choices(words, k=length // 3 + 1))[:length]


@cache
def mixed() -> tuple[ImageEntry, ...]:
    """Something of everything that matters to a compressor and a block size."""
    sizes = (1, 100, 4095, 4096, 4097, 8192, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 300_000)
    return (
        directory(b"noise"),
        directory(b"text"),
        *(file(b"noise/%d" % size, noise(size)) for size in sizes),
        *(file(b"text/%d" % size, text(size)) for size in sizes),
        *(file(b"text/small %03d" % number, text(number * 7, number)) for number in range(100)),
        file(b"zeros", bytes(300_000)),
        link(b"link", b"text/100"),
    )


def _one_file() -> SampleTree:
    return SampleTree((file(b"only", b"its content\n", mode=0o600, mtime=1_700_000_000),))


def _empty_root() -> SampleTree:
    return SampleTree(())


def _root_with_attributes() -> SampleTree:
    return SampleTree((directory(b"", mode=0o1700, mtime=1_234_567_890, uid=7, gid=8), file(b"a", b"a")))


def _empty_files() -> SampleTree:
    inside = (file(b"%s/%03d" % (name, number)) for name in (b"a", b"b") for number in range(100))
    return SampleTree((directory(b"a"), directory(b"b"), directory(b"c"), *inside, ImageEntry(b"no content", FILE)))


def _block_edges(**options: object) -> SampleTree:
    sizes = [
        size
        for blocks in (0, 1, 2, 3, 7)
        for size in (blocks * BLOCK - 1, blocks * BLOCK, blocks * BLOCK + 1)
        if size > 0
    ]
    files = [file(b"text %d" % size, text(size)) for size in sizes] + [
        file(b"noise %d" % size, noise(size)) for size in sizes
    ]
    return SampleTree(tuple(files), options)


def _fragments_that_fill() -> SampleTree:
    """Tails that fill fragments to the last byte, that miss it by one, and that begin the next one."""
    sizes = (2048, 2048, 4095, 1, 4095, 2, 4096 - 3, 1, 1, 1, 1000, 3096, 3097, 999, 1)
    return SampleTree(tuple(file(b"%02d" % number, noise(size, number)) for number, size in enumerate(sizes)))


def _many_fragments() -> SampleTree:
    """A fragment table of more than one metadata block (512 fragments of 16 bytes)."""
    return SampleTree(tuple(file(b"%04d" % number, noise(2500, number)) for number in range(600)))


def _sparse() -> SampleTree:
    hole = bytes(5 * BLOCK)
    return SampleTree(
        (
            file(b"all zeros", bytes(10 * BLOCK)),
            file(b"all zeros, short end", bytes(10 * BLOCK + 5)),
            file(b"one zero", b"\0"),
            file(b"a block of zeros", bytes(BLOCK)),
            file(b"a block of zeros but one", bytes(BLOCK - 1)),
            file(b"hole in front", hole + text(5000)),
            file(b"hole in the middle", text(5000) + hole + text(5000, 1)),
            file(b"hole at the end", text(2 * BLOCK) + hole),
            file(b"hole at the end, short", text(2 * BLOCK) + hole + b"\0\0"),
            file(b"holes and data by turns", (text(BLOCK) + bytes(BLOCK)) * 9 + b"end"),
            file(b"nearly a hole", bytes(BLOCK - 1) + b"x" + bytes(BLOCK)),
        )
    )


def _hard_links() -> SampleTree:
    large, small = text(10_000), b"small"
    many = (file(b"many/%03d" % number, small, link_group="many", mtime=5) for number in range(70))
    return SampleTree(
        (
            *(directory(name) for name in (b"a", b"a/b", b"many", b"z")),
            *(file(path, large, link_group="large", uid=3, mode=0o750) for path in (b"a/b/one", b"a/two", b"z/three")),
            *many,
            *(file(path, b"", link_group="empty") for path in (b"empty", b"z/empty")),
            *(link(path, b"a/two", link_group="link") for path in (b"link", b"z/link")),
            *(ImageEntry(path, InodeKind.FIFO, link_group="fifo") for path in (b"fifo", b"a/fifo")),
            file(b"alone", small, link_group="alone"),
            file(b"equal, not linked", large),
        ),
    )


def _long_names() -> SampleTree:
    names = [bytes([letter]) * 255 for letter in b"abcdefgh"]
    nested = [b"/".join(names[: depth + 1]) for depth in range(8)]
    return SampleTree(
        (
            *(directory(path) for path in nested),
            *(file(path + b"/" + b"F" * 255, path[:9]) for path in nested),
            *(file(b"%03d" % number + b"n" * 252, b"%d" % number) for number in range(150)),
            *(file(b"s" * length, b"") for length in range(1, 255, 13)),
        ),
        not_for={"AppImage runtime": _SHORT_PATHS},
    )


def _odd_names() -> SampleTree:
    names = (b"caf\xe9", b"\xff\xfe", b"new\nline", b"\x1b[31mred", "ünïcödé".encode(), b" ", b"-", b"back\\slash")
    more = (b"\\xe9", b"a b", b"*", b"~", b"%s", b"\x7f", b"\x01", b"...", b"..a", b".hidden", b"A", b"a", b"\xf0\x9f")
    return SampleTree(
        (
            *(file(name, name) for name in names + more),
            directory(b"d\xefr"),
            file(b"d\xefr/\xe9", b"in an odd directory"),
            link(b"d\xefr/link", b"\xe9"),
        )
    )


def _sorting() -> SampleTree:
    """Names that sort otherwise when "/" takes part, or when bytes are signed."""
    names = (b"a", b"a-b", b"a.b", b"a0", b"a b", b"ab", b"a\xff", b"B", b"b", b"\xc3\xa4")
    return SampleTree(
        tuple(entry for name in names for entry in (directory(name), file(name + b"/x", name), file(name + b"z", name)))
    )


def _xattrs() -> SampleTree:
    blue = {b"user.colour": b"blue"}
    long = {b"user.long": noise(900), b"user.colour": b"blue"}
    return SampleTree(
        (
            directory(b"", xattrs={b"user.root": b"yes"}),
            directory(b"d", xattrs=blue),
            file(b"d/one", b"1", xattrs=blue),
            file(b"d/two", b"2", xattrs={**blue, b"user.binary": bytes(range(256))}),
            file(b"d/long", b"3", xattrs=long),
            file(b"d/long again", text(9000), xattrs={b"user.other name": noise(900)}),
            file(b"d/" + b"n" * 200, b"", xattrs={b"user." + b"k" * 250: b"long key"}),
            file(b"hard 1", b"hard", xattrs=blue, link_group=1),
            file(b"hard 2", b"hard", xattrs=blue, link_group=1),
            file(b"none", b""),
        )
    )


def _empty_xattrs() -> SampleTree:
    return SampleTree(
        (directory(b"d", xattrs={b"user.e": b""}), file(b"d/f", b"", xattrs={b"user.e": b"", b"user.f": b""})),
        not_for={
            "squashfuse": "squashfuse 0.1.105 finds no attribute without a value, in images of mksquashfs neither"
        },
    )


def _privileged_xattrs() -> SampleTree:
    capability = bytes.fromhex("0100000200200000000000000000000000000000")  # cap_net_raw+ep, VFS_CAP_REVISION_2
    trusted = {b"trusted.note": b"for root's eyes"}
    return SampleTree(
        (
            file(b"ping", b"\x7fELF", mode=0o755, xattrs={b"security.capability": capability}),
            file(b"trusted", b"", xattrs=trusted),
            link(b"link", b"trusted", xattrs=trusted),
            ImageEntry(b"fifo", InodeKind.FIFO, xattrs=trusted),
            ImageEntry(b"null", InodeKind.CHARACTER_DEVICE, 0o666, device=(1, 3), xattrs=trusted),
            ImageEntry(b"loop", InodeKind.BLOCK_DEVICE, 0o660, device=(7, 0), xattrs=trusted),
        ),
        not_for={
            "squashfuse": "squashfuse 0.1.105 takes trusted and security for each other, in images of mksquashfs too"
        },
    )


def _large_xattrs() -> SampleTree:
    return SampleTree(
        (
            file(b"one", b"1", xattrs={b"user.large": noise(65_536)}),
            file(b"two", b"2", xattrs={b"user.large": noise(65_536), b"user.text": text(30_000)}),
            file(b"three", b"3", xattrs={b"user.%03d" % number: text(500, number) for number in range(100)}),
        ),
        not_for={"unsquashfs": "most file systems hold no attribute of 64 KiB"},
    )


def _many_xattr_sets() -> SampleTree:
    """An xattr id table of more than one metadata block (512 ids of 16 bytes)."""
    return SampleTree(
        tuple(file(b"%04d" % number, b"", xattrs={b"user.number": b"%d" % number}) for number in range(600)),
        not_for={"AppImage runtime": "extracted files have no attributes"},
    )


def _many_ids() -> SampleTree:
    """An id table of more than one metadata block (2,048 ids of 4 bytes)."""
    return SampleTree(
        (
            *(file(b"%04d" % number, b"", uid=number, gid=100_000 + number) for number in range(1_100)),
            file(b"largest", b"", uid=0xFFFF_FFFE, gid=0xFFFF_FFFE),
        ),
        not_for={"AppImage runtime": "extracted files have the user's owner"},
    )


def _deep() -> SampleTree:
    names = [b"directory-%03d" % number for number in range(200)]
    paths = [b"/".join(names[:depth]) for depth in range(1, 201)]
    return SampleTree(
        (*(directory(path) for path in paths), file(paths[-1] + b"/file", b"at the bottom")),
        not_for={"AppImage runtime": _SHORT_PATHS},
    )


def _devices() -> SampleTree:
    numbers = ((0, 0), (1, 3), (8, 255), (259, 70_000), (4095, 0xFFFFF), (0x123, 0xABCDE), (5, 256))
    kinds = (InodeKind.CHARACTER_DEVICE, InodeKind.BLOCK_DEVICE)
    devices = (
        ImageEntry(b"%s %d %d" % (kind.value.encode(), *device), kind, 0o660, device=device)
        for kind in kinds
        for device in numbers
    )
    return SampleTree(
        (*devices, ImageEntry(b"fifo", InodeKind.FIFO, 0o622), ImageEntry(b"socket", InodeKind.SOCKET, 0o755))
    )


def _duplicates() -> SampleTree:
    base = text(20_000)
    return SampleTree(
        (
            *(file(b"same %d" % number, base) for number in range(5)),
            file(b"same beginning", base[:-1] + b"!"),
            file(b"same end", b"!" + base[1:]),
            file(b"same, longer", base + b"!"),
            *(file(b"small %d" % number, base[:100]) for number in range(5)),
            *(file(b"blocks %d" % number, noise(2 * BLOCK)) for number in range(3)),
            *(file(b"zeros %d" % number, bytes(3 * BLOCK)) for number in range(3)),
        )
    )


def _links() -> SampleTree:
    targets = (b"a", b"/absolute", b"..", b"../../etc/passwd", b"dangling/", b"caf\xe9", b"x" * 255, b"y/" * 2000, b" ")
    many = (link(b"many/%04d" % number, b"target of number %d" % number + b"-" * 90) for number in range(300))
    return SampleTree(
        (directory(b"many"), *(link(b"%d" % number, target) for number, target in enumerate(targets)), *many)
    )


def _modes() -> SampleTree:
    special = (0, 0o7777, 0o4755, 0o2755, 0o1777, 0o6711, 0o400, 0o200, 0o100)
    return SampleTree(
        (
            *(file(b"file %04o" % mode, b"%o" % mode, mode=mode) for mode in special),
            *(directory(b"directory %04o" % mode, mode=mode) for mode in (0o7755, 0o1777, 0o700, 0o2775)),
        )
    )


def _times() -> SampleTree:
    times = (0, 1, 1_000_000_000, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)
    return SampleTree(
        tuple(
            entry
            for time in times
            for entry in (
                file(b"file %d" % time, b"", mtime=time),
                directory(b"directory %d" % time, mtime=time),
                link(b"link %d" % time, b"x", mtime=time),
            )
        )
    )


def _indexed_directory() -> SampleTree:
    """Listings of several metadata blocks: the index of one finds files, that of the other directories."""
    files = (file(b"files/%05d %s" % (number, b"-" * (number % 90)), b"%d" % number) for number in range(500))
    directories = (directory(b"directories/%04d %s" % (number, b"." * 80)) for number in range(150))
    return SampleTree((directory(b"files"), directory(b"directories"), *files, *directories))


def _listing_edges() -> SampleTree:
    """Listings of 8,182 to 8,205 bytes: around the length of a metadata block."""
    directories = []
    files = []
    for number in range(24):
        name = b"%02d/" % number
        directories.append(directory(name[:-1]))
        files += [file(name + b"%02d" % index + b"-" * 198, b"") for index in range(39)]
        files.append(file(name + b"z" * (50 + number), b""))
    return SampleTree((*directories, *files))


def _many_directories() -> SampleTree:
    first = (directory(b"%03d" % number) for number in range(120))
    second = (directory(b"%03d/%d" % (number, inner)) for number in range(120) for inner in range(2))
    return SampleTree((*first, *second))


def _many_blocks() -> SampleTree:
    """A file whose size words fill several metadata blocks of the inode table (2,048 words each)."""
    return SampleTree((file(b"large", PatternSource(20_000_000)), file(b"small", b"behind it")))


def _mixed(**options: object) -> SampleTree:
    return SampleTree(mixed(), {"block_size": 131_072, **options})


@cache
def many_files() -> SampleTree:
    """65,537 files in one directory, and hard links whose inodes are too far apart for one header."""
    pairs = [(b"many/%d" % number, b"%d" % number if number % 64 == 0 else b"") for number in range(65_537)]
    pairs.sort()
    ends = {pairs[0][0]: "first", pairs[-1][0]: "last"}
    names = [file(path, content, link_group=ends.get(path)) for path, content in pairs]
    linked = [file(b"z%d" % number, pairs[-number][1], link_group=("first", "last")[number]) for number in (0, 1)]
    return SampleTree((directory(b"many"), *names, *linked))


_MAKERS: dict[str, Callable[[], SampleTree]] = {
    "one file": _one_file,
    "empty root": _empty_root,
    "root with attributes": _root_with_attributes,
    "empty files": _empty_files,
    "block edges": _block_edges,
    "block edges, tail ends": lambda: _block_edges(tail_ends=True),
    "block edges, no fragments": lambda: _block_edges(fragments=False),
    "fragments that fill": _fragments_that_fill,
    "many fragments": _many_fragments,
    "sparse": _sparse,
    "sparse, tail ends": lambda: SampleTree(_sparse().entries, {"tail_ends": True}),
    "hard links": _hard_links,
    "long names": _long_names,
    "odd names": _odd_names,
    "sorting": _sorting,
    "xattrs": _xattrs,
    "empty xattrs": _empty_xattrs,
    "privileged xattrs": _privileged_xattrs,
    "large xattrs": _large_xattrs,
    "many xattr sets": _many_xattr_sets,
    "many ids": _many_ids,
    "deep": _deep,
    "devices": _devices,
    "duplicates": _duplicates,
    "duplicates, stored each": lambda: SampleTree(_duplicates().entries, {"deduplicate": False}),
    "links": _links,
    "modes": _modes,
    "times": _times,
    "indexed directory": _indexed_directory,
    "listing edges": _listing_edges,
    "many directories": _many_directories,
    "many blocks": _many_blocks,
    "gzip": lambda: _mixed(compressor="gzip"),
    "gzip 1": lambda: _mixed(compressor="gzip", level=1),
    "xz": lambda: _mixed(compressor="xz"),
    "xz 0, small dictionary": lambda: _mixed(compressor="xz", level=0, dictionary_size=8192),
    "xz 9, odd dictionary": lambda: _mixed(compressor="xz", level=9, dictionary_size=98_304),
    "zstd": lambda: _mixed(compressor="zstd"),
    "zstd 1": lambda: _mixed(compressor="zstd", level=1),
    "zstd 22": lambda: _mixed(compressor="zstd", level=22),
    "lz4": lambda: _mixed(compressor="lz4"),
    "lz4 high compression": lambda: _mixed(compressor="lz4", level=12),
    "blocks of 8 KiB": lambda: _mixed(compressor="gzip", block_size=8192),
    "blocks of 1 MiB": lambda: SampleTree(
        (*mixed(), *(file(b"large %d" % size, text(size)) for size in ((1 << 20) - 1, 1 << 20, (1 << 20) + 1))),
        {"compressor": "zstd", "level": 3, "block_size": 1 << 20, "tail_ends": True},
    ),
    "exportable": lambda: _mixed(exportable=True),
}

NAMES = tuple(_MAKERS)
"""The names of all trees but the largest, :func:`many_files`."""


@cache
def tree(name: str) -> SampleTree:
    """A tree by name; gzip and blocks of 4 KiB where it does not say otherwise."""
    made = _MAKERS[name]()
    defaults: dict[str, object] = {"compressor": "gzip", "block_size": BLOCK}
    return SampleTree(made.entries, {**defaults, **made.options}, made.not_for)


def expected_manifest(entries: tuple[ImageEntry, ...]) -> Manifest:
    """What a reader must find: path -> kind, mode, mtime, owner, size, target, device, sha256."""
    found: Manifest = {b"": ("directory", 0o755, 0, 0, 0, 0, b"", (0, 0), "")}
    for entry in entries:
        size, digest = 0, ""
        if entry.kind is FILE:
            size, digest = (0, hashlib.sha256().hexdigest()) if entry.content is None else _digest(entry.content)
        found[entry.path] = (
            entry.kind.value,
            entry.mode,
            entry.mtime,
            entry.uid,
            entry.gid,
            size,
            entry.target,
            entry.device,
            digest,
        )
    return found


def expected_links(entries: tuple[ImageEntry, ...]) -> set[frozenset[bytes]]:
    """The sets of names that share an inode, those with one name left out."""
    groups: dict[object, set[bytes]] = {}
    single = count()
    for entry in entries:
        key = ("single", next(single)) if entry.link_group is None else ("group", entry.link_group)
        groups.setdefault(key, set()).add(entry.path)
    return {frozenset(paths) for paths in groups.values() if len(paths) > 1}


def expected_xattrs(entries: tuple[ImageEntry, ...]) -> dict[bytes, dict[bytes, bytes]]:
    """The extended attributes of those that have any."""
    return {entry.path: dict(entry.xattrs) for entry in entries if entry.xattrs}


def _digest(source: Source) -> tuple[int, str]:
    digest = hashlib.sha256()
    for chunk in _chunks(source):
        digest.update(chunk)
    return source.size, digest.hexdigest()


def _chunks(source: Source) -> Iterator[bytes]:
    return (source.read_at(offset, 1 << 20) for offset in range(0, source.size, 1 << 20))
