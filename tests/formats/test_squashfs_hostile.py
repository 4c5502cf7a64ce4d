"""Images that lie.  Each is made byte by byte, and each is wrong in one place only; its honest twin is read first where that says more."""

from __future__ import annotations

import lzma
import struct
import sys
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from inspector.errors import FormatError, LimitExceeded, UnsupportedFormat
from inspector.formats.squashfs import Inode, SquashfsImage
from inspector.limits import Limits
from inspector.source import BytesSource
from tests.squashfs_images import (
    ABSENT,
    BLOCK_SIZE,
    DIRECTORY,
    FIFO,
    FILE,
    NONE,
    RAW_BLOCK,
    SYMLINK,
    common,
    deflate,
    directory_inode,
    file_inode,
    image,
    listing,
    long_directory_inode,
    long_file_inode,
    metadata,
    one_file,
    symlink_inode,
)

zstd = pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")

HELLO = b"hello, world"


def opened(content: bytes, limits: Limits | None = None) -> SquashfsImage:
    return SquashfsImage(BytesSource(content), limits)


def walked(content: bytes, limits: Limits | None = None) -> dict[bytes, Inode]:
    return dict(opened(content, limits).walk())


def honest(**rest: object) -> bytes:
    """One file of one raw block."""
    return one_file(file_inode(2, len(HELLO), (RAW_BLOCK | len(HELLO),)), data=HELLO, **rest)


def test_the_honest_image_is_read() -> None:
    members = walked(honest())
    assert list(members) == [b"", b"file"]
    assert members[b"file"].read_at(0, 100) == HELLO
    assert members[b"file"].uid == 1000
    assert members[b"file"].read_at(5, 3) == HELLO[5:8]
    assert members[b"file"].read_at(12, 3) == members[b"file"].read_at(-1, 3) == members[b""].read_at(0, 3) == b""


def test_an_image_inside_an_image() -> None:
    inner = honest()
    words = tuple(RAW_BLOCK | min(BLOCK_SIZE, len(inner) - at) for at in range(0, len(inner), BLOCK_SIZE))
    outer = walked(one_file(file_inode(2, len(inner), words), data=inner))
    assert dict(SquashfsImage(outer[b"file"]).walk())[b"file"].read_at(0, 100) == HELLO


class TestSuperblock:
    @pytest.mark.parametrize("length", [0, 1, 4, 50, 95])
    def test_truncated(self, length: int) -> None:
        with pytest.raises(FormatError, match=r"no bytes|starts with|ends after"):
            opened(honest()[:length])

    def test_truncated_image_says_how_much_is_there(self) -> None:
        content = honest()
        with pytest.raises(FormatError, match=f"says {len(content)} bytes, {len(content) - 1} are there"):
            opened(content[:-1])

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"block_log": 13}, "block size 4096 and its logarithm 13"),
            ({"block_log": 65}, "logarithm 65"),
            ({"stated_block_size": 0}, "block size 0"),
            ({"stated_block_size": 1 << 21, "block_log": 21}, "block size 2097152"),
            ({"stated_block_size": 2048, "block_log": 11}, "block size 2048"),
            ({"bytes_used": 0}, "says 0 bytes"),
            ({"bytes_used": 96}, "says 96 bytes"),
            ({"bytes_used": 1 << 63}, "says 9223372036854775808 bytes"),
            ({"inode_count": 0}, "no inodes"),
            ({"id_count": 0}, "no user ids"),
            ({"id_count": 5}, "4 of 20 bytes"),
            ({"id_count": 65535}, "pass the end|not where it can be|metadata block"),
            ({"inode_table": 95}, "out of order"),
            ({"inode_table": 1 << 40}, "out of order"),
            ({"directory_table": 96}, "out of order"),
            ({"id_table": ABSENT}, "out of order"),
            ({"id_table": 97}, "out of order"),
            ({"xattr_table": 97}, "out of order"),
            ({"export_table": 97}, "out of order"),
            ({"fragment_count": 1}, "no fragment table"),
            ({"compressor": 0}, "compressor 0"),
            ({"compressor": 7}, "compressor 7"),
            ({"root_reference": 0xFFFF_FFFF_FFFF_FFFF}, "inode table has no byte 65535"),
            ({"root_reference": 9999}, "inode table has no byte 9999"),
            ({"root_reference": 0}, "the root is a file"),
            ({"flags": 0x400}, "metadata block|options"),
        ],
        ids=str,
    )
    def test_contradictions(self, fields: dict[str, int], message: str) -> None:
        with pytest.raises(FormatError, match=message):
            opened(honest(**fields))

    def test_more_fragments_than_the_image_has_bytes(self) -> None:
        content = one_file(
            file_inode(2, 12, fragment=0), data=HELLO, fragments=((96, RAW_BLOCK | 12),), fragment_count=0xFFFF_FFFF
        )
        inode = walked(content)[b"file"]
        with pytest.raises(FormatError, match="pass the end of the image"):
            inode.read_at(0, 1)

    def test_fragment_table_position_means_nothing_without_fragments(self) -> None:
        for position in (0, 5, 1 << 63, ABSENT):
            assert walked(honest(fragment_table=position))[b"file"].read_at(0, 5) == b"hello"

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"sqsh" + bytes(24) + struct.pack(">HH", 3, 1) + bytes(100), "big-endian SquashFS image, version 3.1"),
            (b"sqsh" + bytes(24) + struct.pack(">HH", 4, 0) + bytes(100), "big-endian SquashFS image, version 4.0"),
            (b"hsqs" + bytes(24) + struct.pack("<HH", 3, 0) + bytes(100), "version 3.0"),
            (b"hsqs" + bytes(24) + struct.pack("<HH", 1, 0) + bytes(100), "version 1.0"),
            (b"hsqs" + bytes(24) + struct.pack("<HH", 4, 1) + bytes(100), "version 4.1"),
            (b"shsq" + bytes(200), "vendor"),
            (b"qshs" + bytes(200), "vendor"),
            (bytes(5000) + honest()[:96] + bytes(4096 - 96), "at the end"),
            (bytes(5000) + honest()[:96], "at the end"),
        ],
    )
    def test_other_formats_by_name(self, content: bytes, message: str) -> None:
        with pytest.raises(UnsupportedFormat, match=message):
            opened(content)

    def test_magic_at_the_end_alone_is_no_superblock(self) -> None:
        with pytest.raises(FormatError, match="no SquashFS image") as caught:
            opened(bytes(5000) + b"hsqs" + bytes(92))
        assert not isinstance(caught.value, UnsupportedFormat)

    def test_lzo_is_named(self) -> None:
        with pytest.raises(UnsupportedFormat, match="lzo"):
            opened(honest(compressor=3))

    def test_lz4_names_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "lz4.block", None)
        with pytest.raises(UnsupportedFormat, match=r"bundle-inspect\[lz4\]"):
            opened(honest(compressor=5))


class TestMetadata:
    @staticmethod
    def with_inode_table(table: bytes) -> bytes:
        entries = listing((b"file", 0, 2, FILE))
        return image(b"", entries, inode_blocks=table)

    @pytest.mark.parametrize(
        ("table", "message"),
        [
            (b"\x00\x80", "metadata block of 0 stored bytes"),
            (b"\x00\x00", "metadata block of 0 stored bytes"),
            (struct.pack("<H", 0x8000 | 8193) + bytes(8193), "metadata block of 8193"),
            (struct.pack("<H", 0x7FFF) + bytes(0x7FFF), "metadata block of 32767"),
            (struct.pack("<H", 0x8000 | 10) + bytes(9), "cut short"),
            (b"\x00", "header is cut short"),
            (struct.pack("<H", 8) + b"no zlib!", "zlib"),
            (metadata(bytes(20), deflate)[:-3] + b"abc", "zlib"),
            (
                metadata(b"", None) + struct.pack("<H", len(zlib.compress(b""))) + zlib.compress(b""),
                "decodes to nothing",
            ),
            (metadata(bytes(100)) + metadata(bytes(100)), "is short"),
        ],
    )
    def test_damaged_blocks(self, table: bytes, message: str) -> None:
        with pytest.raises(FormatError, match=message):
            opened(self.with_inode_table(table))

    def test_block_that_decodes_to_too_much(self) -> None:
        bomb = zlib.compress(bytes(8193), 9)
        with pytest.raises(FormatError, match="more than 8192"):
            opened(self.with_inode_table(struct.pack("<H", len(bomb)) + bomb))

    def test_metadata_bomb(self) -> None:
        bomb = metadata(bytes(8192 * 2000), deflate)
        assert len(bomb) < 100_000
        tracemalloc.start()
        try:
            with pytest.raises(LimitExceeded, match="decoded_metadata"):
                opened(self.with_inode_table(bomb), Limits(decoded_metadata=1 << 20))
            assert tracemalloc.get_traced_memory()[1] < 4 << 20
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize("where", [(0, 8192), (0, 8191), (1, 0), (8194, 4000), (8193, 0), (1 << 31, 0)])
    def test_references_outside(self, where: tuple[int, int]) -> None:
        # A table of two blocks, the second of which has only the root.
        entries = struct.pack("<III", 0, where[0], 2) + struct.pack("<HhHH", where[1], 0, FILE, 3) + b"file"
        content = image(bytes(8192) + directory_inode(1, 0, len(entries)), entries, root=8192)
        with pytest.raises(FormatError, match=r"inode table has no byte|cut short|unknown type"):
            walked(content)

    def test_inode_across_two_blocks(self) -> None:
        filler = b"".join(common(FIFO, number) + struct.pack("<I", 1) for number in range(3, 412))
        inodes = filler + file_inode(2, 12, (RAW_BLOCK | 12,))
        assert len(filler) < 8192 < len(inodes)
        entries = listing((b"file", len(filler), 2, FILE))
        content = image(
            inodes + directory_inode(1, 0, len(entries)), entries, root=len(inodes), data=HELLO, inode_count=500
        )
        assert walked(content)[b"file"].read_at(0, 12) == HELLO

    def test_inodes_that_share_bytes(self) -> None:
        """The size words of a long file are read as a second inode."""
        words = file_inode(3, 0)
        outer = long_file_inode(2, len(words) // 4 * BLOCK_SIZE, words)
        honest_entries = listing((b"a", 0, 2, FILE))
        honest_image = image(outer + directory_inode(1, 0, len(honest_entries)), honest_entries, root=len(outer))
        assert list(walked(honest_image)) == [b"", b"a"]
        entries = listing((b"a", 0, 2, FILE), (b"b", len(outer) - len(words), 3, FILE))
        with pytest.raises(FormatError, match="overlaps"):
            walked(image(outer + directory_inode(1, 0, len(entries)), entries, root=len(outer)))


class TestInodes:
    @pytest.mark.parametrize(
        ("inode", "message"),
        [
            (common(0, 2) + bytes(40), "unknown type 0"),
            (common(15, 2) + bytes(40), "unknown type 15"),
            (common(0xFFFF, 2) + bytes(40), "unknown type 65535"),
            (common(FIFO, 2) + bytes(40), "its inode 2 is a fifo"),
            (file_inode(0, 0), "inode number 0 "),
            (file_inode(101, 0), "inode number 101 "),
            (file_inode(NONE, 0), "inode number 4294967295 "),
            (file_inode(2, 0, uid=1), "names owner 1 of 1 ids"),
            (file_inode(2, 0, gid=0xFFFF), "names owner 65535 of 1 ids"),
            (file_inode(2, 12, fragment=0), "names fragment 0 of 0"),
            (file_inode(2, 12, fragment=NONE - 1), "names fragment 4294967294 of 0"),
            (long_file_inode(2, 1 << 63), "a file of 9223372036854775808 bytes"),
            (long_file_inode(2, (1 << 64) - 1), "a file of 18446744073709551615 bytes"),
            (long_file_inode(2, (1 << 63) - 1), "block sizes pass the end"),
            (file_inode(2, NONE), "block sizes pass the end"),
            (file_inode(2, 100 * BLOCK_SIZE, (0,) * 50), "block sizes pass the end"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_files(self, inode: bytes, message: str) -> None:
        with pytest.raises(FormatError, match=message):
            walked(one_file(inode))

    def test_fragment_index_just_behind_the_table(self) -> None:
        fragments = ((96, RAW_BLOCK | 12),)
        assert (
            walked(one_file(file_inode(2, 12, fragment=0), data=HELLO, fragments=fragments))[b"file"].read_at(0, 99)
            == HELLO
        )
        with pytest.raises(FormatError, match="names fragment 1 of 1"):
            walked(one_file(file_inode(2, 12, fragment=1), data=HELLO, fragments=fragments))

    @pytest.mark.parametrize(
        ("inode", "kind", "message"),
        [
            (symlink_inode(2, b""), FormatError, "link to nothing"),
            (symlink_inode(2, b"x" * 65_536), LimitExceeded, "symlink_length"),
            (symlink_inode(2, b"x", length=0xF000_0000), LimitExceeded, "symlink_length"),
            (symlink_inode(2, b"x", length=60_000), FormatError, "passes the end of the inode table"),
            (symlink_inode(2, b"etc\0passwd"), FormatError, "NUL"),
        ],
    )
    def test_links(self, inode: bytes, kind: type[FormatError], message: str) -> None:
        with pytest.raises(kind, match=message):
            walked(one_file(inode, name=b"link", kind=SYMLINK))

    def test_longest_link(self) -> None:
        assert (
            walked(one_file(symlink_inode(2, b"x" * 65_535), name=b"link", kind=SYMLINK))[b"link"].target
            == b"x" * 65_535
        )

    def test_one_number_for_two_inodes(self) -> None:
        first, second = file_inode(2, 0), file_inode(2, 0, mode=0o755)
        entries = listing((b"a", 0, 2, FILE), (b"b", len(first), 2, FILE))
        inodes = first + second
        with pytest.raises(FormatError, match="two inodes have the number 2"):
            walked(image(inodes + directory_inode(1, 0, len(entries)), entries, root=len(inodes)))

    @pytest.mark.parametrize("kept", range(1, 40))
    def test_inode_table_that_ends_within_the_inode(self, kept: int) -> None:
        entries = listing((b"file", 36, 2, FILE))
        root = directory_inode(1, 0, len(entries))
        assert len(root) == 32
        inodes = root + bytes(4) + long_file_inode(2, 0)[:kept]
        with pytest.raises(FormatError, match="cut short"):
            walked(image(inodes, entries))

    def test_count_of_inodes_is_limited(self) -> None:
        inodes = b"".join(file_inode(number, 0) for number in range(2, 12))
        entries = listing(*((b"%02d" % number, 32 * (number - 2), number, FILE) for number in range(2, 12)))
        content = image(inodes + directory_inode(1, 0, len(entries)), entries, root=len(inodes))
        assert len(walked(content, Limits(inodes=10))) == 11
        with pytest.raises(LimitExceeded, match="the inodes limit"):
            walked(content, Limits(inodes=9))
        with pytest.raises(LimitExceeded, match="the inodes limit"):
            list(opened(content, Limits(inodes=9)).walk(lambda path, error: None))


def with_listing(entries: bytes, size: int | None = None) -> bytes:
    """The root is the second inode, at 32; the first one is an empty file."""
    return image(file_inode(2, 0) + directory_inode(1, 0, len(entries) if size is None else size), entries, root=32)


class TestDirectories:
    @pytest.mark.parametrize("name", [b".", b"..", b"/", b"a/b", b"../../etc/passwd", b"a\0b", b"\0", b"n" * 257])
    def test_names_that_are_none(self, name: bytes) -> None:
        with pytest.raises(FormatError, match="is no file name"):
            walked(with_listing(listing((name, 0, 2, FILE))))

    def test_empty_name(self) -> None:
        # The length field holds the length less one, so an empty name is one of 65,536 bytes.
        with pytest.raises(FormatError, match="breaks off within a name"):
            walked(with_listing(listing((b"", 0, 2, FILE))))

    @pytest.mark.parametrize("name", [b"\n", b"\x1b]0;owned\x07", b"\xff", b"...", b"n" * 256, b" ", b"\\"])
    def test_strange_names_stay_as_they_are(self, name: bytes) -> None:
        assert list(walked(with_listing(listing((name, 0, 2, FILE))))) == [b"", name]

    @pytest.mark.parametrize("names", [(b"a", b"a"), (b"b", b"a"), (b"ab", b"a"), (b"\xff", b"a")])
    def test_order(self, names: tuple[bytes, bytes]) -> None:
        with pytest.raises(FormatError, match="is not after"):
            walked(with_listing(listing(*((name, 0, 2, FILE) for name in names))))

    def test_order_across_headers(self) -> None:
        with pytest.raises(FormatError, match="is not after"):
            walked(with_listing(listing((b"b", 0, 2, FILE)) + listing((b"a", 0, 2, FILE))))

    @pytest.mark.parametrize("kind", [0, 8, 9, 14, 0xFFFF])
    def test_types(self, kind: int) -> None:
        with pytest.raises(FormatError, match=f"unknown type {kind}"):
            walked(with_listing(listing((b"file", 0, 2, kind))))

    @pytest.mark.parametrize("kind", [DIRECTORY, SYMLINK, FIFO])
    def test_type_that_is_not_the_inodes(self, kind: int) -> None:
        with pytest.raises(FormatError, match="its inode 2 is a file"):
            walked(with_listing(listing((b"file", 0, 2, kind))))

    @pytest.mark.parametrize("count", [0, 257, 1 << 31])
    def test_counts(self, count: int) -> None:
        with pytest.raises(FormatError, match=f"counts {count or 1 << 32} entries"):
            walked(with_listing(listing((b"file", 0, 2, FILE), count=count)))

    def test_count_that_passes_the_end(self) -> None:
        with pytest.raises(FormatError, match="breaks off within an entry"):
            walked(with_listing(listing((b"file", 0, 2, FILE), count=2)))

    @pytest.mark.parametrize("cut", range(1, 24))
    def test_size_that_does_not_end_with_an_entry(self, cut: int) -> None:
        entries = listing((b"file", 0, 2, FILE))
        assert len(entries) == 24
        with pytest.raises(FormatError, match="breaks off"):
            walked(with_listing(entries, 24 - cut))

    @pytest.mark.parametrize("size", [-3, -2, -1, 0])
    def test_sizes_that_mean_empty(self, size: int) -> None:
        assert list(walked(with_listing(listing((b"file", 0, 2, FILE)), size))) == [b""]

    def test_size_that_passes_the_table(self) -> None:
        with pytest.raises(FormatError, match=r"overlaps|passes the end of the directory table"):
            walked(with_listing(listing((b"file", 0, 2, FILE)), 60_000))

    def test_directory_that_contains_itself(self) -> None:
        entries = listing((b"self", 0, 1, DIRECTORY))
        with pytest.raises(FormatError, match="linked twice, or contains itself"):
            walked(image(directory_inode(1, 0, len(entries)), entries))

    def test_loop_of_two(self) -> None:
        down, up = listing((b"down", 32, 2, DIRECTORY)), listing((b"up", 0, 1, DIRECTORY))
        inodes = directory_inode(1, 0, len(down)) + directory_inode(2, len(down), len(up))
        with pytest.raises(FormatError, match="linked twice, or contains itself"):
            walked(image(inodes, down + up))

    def test_directory_linked_twice(self) -> None:
        """Thirty of these in a chain would be a thousand million paths."""
        entries = listing((b"a", 32, 2, DIRECTORY), (b"b", 32, 2, DIRECTORY))
        content = image(directory_inode(1, 0, len(entries)) + directory_inode(2, 0, 0), entries)
        with pytest.raises(FormatError, match="linked twice"):
            walked(content)
        told: list[tuple[bytes, str]] = []
        members = dict(opened(content).walk(lambda path, error: told.append((path, error.what))))
        assert list(members) == [b"", b"a"]
        assert told == [(b"b", "directory inode 2 is linked twice, or contains itself")]

    def test_two_directories_with_one_listing(self) -> None:
        inner = listing((b"file", 96, 4, FILE))
        outer = listing((b"a", 32, 2, DIRECTORY), (b"b", 64, 3, DIRECTORY))
        inodes = (
            directory_inode(1, len(inner), len(outer))
            + directory_inode(2, 0, len(inner))
            + directory_inode(3, 0, len(inner))
            + file_inode(4, 0)
        )
        with pytest.raises(FormatError, match="overlaps with another one"):
            walked(image(inodes, inner + outer))

    @staticmethod
    def nested(depth: int, name: bytes = b"d") -> bytes:
        inodes = listings = b""
        for number in range(1, depth + 1):
            entries = listing((name, reference_of(number + 1), number + 1, DIRECTORY)) if number < depth else b""
            inodes += directory_inode(number, len(listings), len(entries))
            listings += entries
        return image(inodes, listings, inode_count=depth)

    def test_depth(self) -> None:
        assert len(walked(self.nested(256))) == 256
        with pytest.raises(LimitExceeded, match="path_depth"):
            walked(self.nested(4096))
        assert len(walked(self.nested(4096), Limits(path_depth=4096, path_length=1 << 20))) == 4096  # no recursion

    def test_path_length(self) -> None:
        with pytest.raises(LimitExceeded, match="path_length"):
            walked(self.nested(20, b"n" * 255))
        told: list[bytes] = []
        paths = [path for path, _ in opened(self.nested(20, b"n" * 255)).walk(lambda path, error: told.append(path))]
        assert max(map(len, paths)) == 4095
        assert list(map(len, told)) == [4351]
        with pytest.raises(LimitExceeded, match="paths of more than 30000 bytes"):
            walked(self.nested(17, b"n" * 255), Limits(decoded_metadata=30_000))

    def test_walk_goes_on_behind_a_broken_member(self) -> None:
        broken = common(15, 3) + bytes(16)
        inodes = file_inode(2, 0) + broken + file_inode(4, 0) + directory_inode(5, 60_000, 10)
        entries = listing((b"a", 0, 2, FILE), (b"b", 32, 3, FILE), (b"c", 64, 4, FILE), (b"d", 96, 5, DIRECTORY))
        content = image(inodes + directory_inode(1, 0, len(entries)), entries, root=len(inodes))
        told: list[bytes] = []
        assert [path for path, _ in opened(content).walk(lambda path, error: told.append(path))] == [b"", b"a", b"c"]
        assert told == [b"b", b"d"]
        with pytest.raises(FormatError, match="unknown type 15"):
            walked(content)

    def test_same_error_each_time(self) -> None:
        """A broken inode that many names lead to must not make the honest ones behind it look as if they overlapped."""
        first, second = file_inode(2, 0), file_inode(2, 0)
        names = [b"%03d" % number for number in range(200)]
        entries = b"".join(listing((name, 32 if number else 0, 2, FILE)) for number, name in enumerate(names))
        entries += listing((b"last", 64, 3, FILE))
        inodes = first + second + file_inode(3, 0)
        img = opened(image(inodes + directory_inode(1, 0, len(entries)), entries, root=len(inodes)))
        told: list[str] = []
        for walks in (1, 2, 3):
            assert [path for path, _ in img.walk(lambda path, error: told.append(error.what))] == [b"", b"000", b"last"]
            assert told == ["two inodes have the number 2"] * 199 * walks

    def test_lookup(self) -> None:
        content = self.nested(3)
        found = opened(content).lookup(b"/d//d/")
        assert found is not None
        assert found.number == 3
        for path in (b"e", b"c", b"d/d/d", b"d/..", b"d/."):
            assert opened(content).lookup(path) is None
        assert opened(content).lookup(b"") is not None


def reference_of(number: int) -> int:
    """Where :meth:`TestDirectories.nested` puts inode ``number``."""
    return 32 * (number - 1)


def xz(content: bytes, dictionary: int = 1 << 16) -> bytes:
    return lzma.compress(
        content, lzma.FORMAT_XZ, lzma.CHECK_CRC32, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": dictionary}]
    )


CODECS: list[tuple[int, Callable[[bytes], bytes]]] = [
    (1, deflate),
    (2, lambda content: lzma.compress(content, lzma.FORMAT_ALONE)),
    (4, xz),
    (6, zstd.compress),
]


def stored(compressor: int, blocks: list[bytes], size: int, **rest: object) -> bytes:
    """A file of these stored blocks in an image of uncompressed metadata."""
    words = tuple(len(block) for block in blocks)
    return one_file(file_inode(2, size, words), data=b"".join(blocks), compressor=compressor, **rest)


@pytest.mark.parametrize(("compressor", "compress"), CODECS, ids=["gzip", "lzma", "xz", "zstd"])
class TestCompressedData:
    def test_honest(self, compressor: int, compress: Callable[[bytes], bytes]) -> None:
        content = bytes(range(256)) * 40
        blocks = [compress(content[at : at + 4096]) for at in range(0, len(content), 4096)]
        inode = walked(stored(compressor, blocks, len(content)))[b"file"]
        assert inode.read_at(0, len(content)) == content
        assert inode.read_at(4000, 200) == content[4000:4200]
        assert inode.stored_size == sum(map(len, blocks))
        assert [(block.position, block.stored, block.size) for block in inode.blocks()] == [
            (96, len(blocks[0]), 4096),
            (96 + len(blocks[0]), len(blocks[1]), 4096),
            (96 + len(blocks[0]) + len(blocks[1]), len(blocks[2]), 2048),
        ]

    def test_bomb(self, compressor: int, compress: Callable[[bytes], bytes]) -> None:
        """As much as fits into one stored block of 1 MiB, which would be up to many gigabytes."""
        block = compress(bytes(64 << 20))
        content = stored(compressor, [block], 1 << 20, block_size=1 << 20)
        inode = walked(content)[b"file"]
        tracemalloc.start()
        try:
            with pytest.raises(FormatError, match="more than 1048576"):
                inode.read_at(0, 1 << 20)
            assert tracemalloc.get_traced_memory()[1] < 16 << 20  # the decoder of the old lzma format keeps 8 MiB
        finally:
            tracemalloc.stop()
        assert inode.read_at(0, 100) == bytes(100)  # a prefix costs a prefix

    def test_block_that_decodes_to_one_byte_too_many(self, compressor: int, compress: Callable[[bytes], bytes]) -> None:
        inode = walked(stored(compressor, [compress(bytes(4097))], 4096))[b"file"]
        with pytest.raises(FormatError, match="more than 4096") as caught:
            inode.read_at(0, 4096)
        assert caught.value.offset == 96

    def test_bytes_behind_the_stream_are_ignored(self, compressor: int, compress: Callable[[bytes], bytes]) -> None:
        content = bytes(range(200))
        assert walked(stored(compressor, [compress(content) + b"garbage"], 200))[b"file"].read_at(0, 200) == content

    def test_stream_that_ends_early(self, compressor: int, compress: Callable[[bytes], bytes]) -> None:
        block = compress(bytes(range(256)) * 16)
        for cut in (1, 5, len(block) // 2, len(block) - 1):
            inode = walked(stored(compressor, [block[:-cut]], 4096))[b"file"]
            with pytest.raises(FormatError) as caught:
                inode.read_at(0, 4096)
            assert caught.value.offset == 96

    def test_no_stream_at_all(self, compressor: int, compress: Callable[[bytes], bytes]) -> None:
        inode = walked(stored(compressor, [b"this is no stream of any kind"], 4096))[b"file"]
        for length in (10, 4096, 10):
            with pytest.raises(FormatError):
                inode.read_at(0, length)

    def test_short_blocks(self, compressor: int, compress: Callable[[bytes], bytes]) -> None:
        """format.adoc, 4: all but the last are filled up with zeros."""
        inode = walked(stored(compressor, [compress(b"short"), compress(b"end")], 4096 + 3))[b"file"]
        assert inode.read_at(0, 5000) == b"short".ljust(4096, b"\0") + b"end"
        with pytest.raises(FormatError, match="too short"):
            walked(stored(compressor, [compress(b"en")], 3))[b"file"].read_at(0, 3)

    def test_metadata_of_this_compressor(self, compressor: int, compress: Callable[[bytes], bytes]) -> None:
        content = one_file(file_inode(2, 12, (RAW_BLOCK | 12,)), data=HELLO, compressor=compressor, compress=compress)
        assert walked(content)[b"file"].read_at(0, 12) == HELLO


class TestData:
    def test_zstd_frame_that_lies_about_its_content(self) -> None:
        # RFC 8878, 3.1.1.1: a single-segment frame with an 8-byte content size of 1 TiB, and one raw last block of three bytes.
        frame = (
            b"\x28\xb5\x2f\xfd"
            + bytes([0b1110_0000])
            + struct.pack("<Q", 1 << 40)
            + (3 << 3 | 1).to_bytes(3, "little")
            + b"abc"
        )
        with pytest.raises(FormatError, match="zstd"):
            walked(stored(6, [frame], 3))[b"file"].read_at(0, 3)

    def test_zstd_window_of_a_gigabyte(self) -> None:
        # Window_Descriptor: exponent 20 is 2^30 bytes
        frame = b"\x28\xb5\x2f\xfd" + bytes([0, 20 << 3]) + (3 << 3 | 1).to_bytes(3, "little") + b"abc"
        with pytest.raises(FormatError, match="zstd"):
            walked(stored(6, [frame], 3))[b"file"].read_at(0, 3)
        small = frame.replace(bytes([0, 20 << 3]), bytes([0, 4 << 3]))
        assert walked(stored(6, [small], 3))[b"file"].read_at(0, 3) == b"abc"

    def test_xz_dictionary_beyond_the_limit(self) -> None:
        block = xz(bytes(100), 1 << 27)
        with pytest.raises(LimitExceeded, match="xz_memory"):
            walked(stored(4, [block], 100))[b"file"].read_at(0, 100)
        assert walked(stored(4, [block], 100), Limits(xz_memory=1 << 28))[b"file"].read_at(0, 100) == bytes(100)

    def test_lz4_bomb(self) -> None:
        block = pytest.importorskip("lz4.block")
        packed = block.compress(bytes(1 << 19), store_size=False)
        with pytest.raises(FormatError, match="lz4"):
            walked(stored(5, [packed], 4096, flags=0))[b"file"].read_at(0, 4096)
        honest_block = block.compress(b"hello" * 100, store_size=False)
        assert walked(stored(5, [honest_block], 500))[b"file"].read_at(3, 4) == b"lohe"

    @pytest.mark.parametrize("word", [BLOCK_SIZE + 1, RAW_BLOCK | BLOCK_SIZE + 1, RAW_BLOCK - 1, NONE])
    def test_block_longer_than_blocks_are(self, word: int) -> None:
        with pytest.raises(FormatError, match="the block size is 4096"):
            walked(one_file(file_inode(2, 4096, (word,)), data=bytes(5000)))[b"file"].read_at(0, 1)

    def test_raw_block_of_no_bytes(self) -> None:
        with pytest.raises(FormatError, match="of no bytes, but not sparse"):
            walked(one_file(file_inode(2, 4096, (RAW_BLOCK,))))[b"file"].read_at(0, 1)

    @pytest.mark.parametrize("word", [12, RAW_BLOCK | 12])
    @pytest.mark.parametrize("start", [1 << 62, (1 << 64) - 1, (1 << 64) - 4096, 100_000])
    def test_block_outside_the_image(self, start: int, word: int) -> None:
        inode = long_file_inode(2, 12, struct.pack("<I", word), start=start)
        with pytest.raises(FormatError, match="passes the end of the image"):
            walked(one_file(inode, data=HELLO))[b"file"].read_at(0, 1)

    def test_later_block_outside_the_image(self) -> None:
        inode = file_inode(2, 3 * 4096, (RAW_BLOCK | 4096,) * 3)
        file = walked(one_file(inode, data=bytes(4096)))[b"file"]
        assert file.read_at(0, 4096) == bytes(4096)
        with pytest.raises(FormatError, match="passes the end of the image"):
            file.read_at(2 * 4096, 1)

    def test_tail_behind_the_end_of_its_fragment(self) -> None:
        for data, word in ((HELLO, RAW_BLOCK | 12), (deflate(HELLO), len(deflate(HELLO)))):
            for offset, size in ((1, 12), (12, 1), (4000, 96), (0, 13)):
                inode = walked(
                    one_file(file_inode(2, size, fragment=0, offset=offset), data=data, fragments=((96, word),))
                )[b"file"]
                with pytest.raises(FormatError, match="behind the end of fragment 0"):
                    inode.read_at(0, size)

    @pytest.mark.parametrize("offset", [4096, 4085, NONE])
    def test_tail_that_no_fragment_can_hold(self, offset: int) -> None:
        with pytest.raises(FormatError, match="in a fragment of at most 4096"):
            walked(
                one_file(file_inode(2, 12, fragment=0, offset=offset), data=HELLO, fragments=((96, RAW_BLOCK | 12),))
            )

    def test_broken_fragment_in_a_sweep(self) -> None:
        """The threads that decode ahead find the damage; the reader hears of it when it asks for that fragment, and goes on."""
        good = deflate(b"g" * 100)
        data = good + b"bad!" + good
        fragments = ((96, len(good)), (96 + len(good), 4), (100 + len(good), len(good)), (1 << 40, 5))
        inodes = b"".join(file_inode(number, 100, fragment=number - 2) for number in range(2, 6))
        entries = listing(*((b"%d" % number, 32 * (number - 2), number, FILE) for number in range(2, 6)))
        img = opened(
            image(
                inodes + directory_inode(1, 0, len(entries)), entries, root=len(inodes), data=data, fragments=fragments
            )
        )
        heard = []
        for inode in img.read_order(inode for _, inode in img.walk()):
            try:
                heard.append(inode.read_at(0, 1))
            except FormatError as error:
                heard.append(error.what.encode())
        assert [heard[0], heard[2]] == [b"g", b"g"]
        assert b"zlib" in heard[1]
        assert b"passes the end of the image" in heard[3]

    def test_sparse_terabytes(self) -> None:
        """4 TiB out of nothing: asked for piece by piece it is zeros, and nothing is made that nobody asked for."""
        blocks = 1 << 22  # 16 MiB of size words
        size = (blocks << 20) - 5
        entries = listing((b"file", 32, 2, FILE))
        inodes = directory_inode(1, 0, len(entries)) + long_file_inode(2, size, bytes(4 * blocks), start=0)
        content = image(inodes, entries, block_size=1 << 20, compress=deflate)
        assert len(content) < 150_000
        inode = walked(content, Limits(decoded_data=64 << 20))[b"file"]
        assert inode.size == size
        tracemalloc.start()
        try:
            assert inode.read_at(0, 4) == bytes(4)
            assert inode.read_at(size - 100, 1000) == bytes(100)
            assert inode.read_at(3 << 40, 4) == bytes(4)
            assert inode.stored_size == 0
            assert tracemalloc.get_traced_memory()[1] < 4 << 20
            with pytest.raises(LimitExceeded, match="decoded_data"):
                inode.read_at(0, size)
            assert tracemalloc.get_traced_memory()[1] < 80 << 20
        finally:
            tracemalloc.stop()

    def test_one_block_in_many_files_is_budgeted(self) -> None:
        """Deduplication is honest, so overlap is no error; what it may cost is bounded."""
        block = deflate(bytes(1 << 20))
        words = struct.pack("<I", len(block))
        count = 100
        inodes = b"".join(long_file_inode(number, 1 << 20, words) for number in range(2, count + 2))
        step = len(inodes) // count
        entries = b"".join(
            listing((b"%03d" % number, step * (number - 2), number, FILE)) for number in range(2, count + 2)
        )
        content = image(
            inodes + directory_inode(1, 0, len(entries)),
            entries,
            root=len(inodes),
            data=block,
            block_size=1 << 20,
            inode_count=count + 1,
        )
        image_of_many = opened(content, Limits(decoded_data=50 << 20, block_cache=0))
        files = [inode for _, inode in image_of_many.walk() if inode.is_file]
        assert len({inode.content_key for inode in files}) == 1
        for inode in files:  # the block is the last one used, so it is decoded once
            assert inode.read_at(0, 1 << 20) == bytes(1 << 20)
        assert image_of_many.decoded_bytes == 1 << 20

    def test_expansion_is_limited(self) -> None:
        blocks = [deflate(b"%08d" % number + bytes((1 << 20) - 8)) for number in range(80)]
        content = stored(1, blocks, 80 << 20, block_size=1 << 20)
        assert len(content) < 100_000

        def length_of_all(inode: Inode) -> int:
            return sum(len(inode.read_at(offset, 1 << 20)) for offset in range(0, inode.size, 1 << 20))

        with pytest.raises(LimitExceeded, match="expansion_ratio"):
            length_of_all(walked(content)[b"file"])
        assert length_of_all(walked(content, Limits(expansion_ratio=5000))[b"file"]) == 80 << 20

    def test_fragment_shared_by_thousands_of_files(self) -> None:
        fragment = deflate(bytes(range(256)) * 16)
        count = 2000
        inodes = b"".join(
            file_inode(number, 4000, (), fragment=0, offset=number % 90) for number in range(2, count + 2)
        )
        step = len(inodes) // count
        entries = b"".join(
            listing((b"%05d" % number, step * (number - 2), number, FILE)) for number in range(2, count + 2)
        )
        root = long_directory_inode(1, len(entries))
        content = image(
            inodes + root,
            entries,
            root=len(inodes),
            data=fragment,
            fragments=((96, len(fragment)),),
            inode_count=count + 1,
        )
        img = opened(content)
        for inode in img.read_order(inode for _, inode in img.walk()):
            assert len(inode.read_at(0, 4000)) == 4000
        assert img.decoded_bytes == 4096


class TestXattrs:
    @staticmethod
    def with_xattrs(attributes: bytes, record: bytes, index: int = 0, **fields: int) -> tuple[SquashfsImage, Inode]:
        img = opened(one_file(long_file_inode(2, 0, xattr=index), xattrs=(attributes, record), **fields))
        inode = img.lookup(b"file")
        assert inode is not None
        return img, inode

    def test_honest(self) -> None:
        attributes = struct.pack("<HH", 2, 10) + b"capability" + struct.pack("<I", 3) + b"cap"
        img, inode = self.with_xattrs(attributes, struct.pack("<QII", 0, 1, len(attributes)))
        assert img.xattrs(inode) == {b"security.capability": b"cap"}
        assert img.xattrs(img.root) == {}

    def test_flag_that_denies_them(self) -> None:
        img, inode = self.with_xattrs(b"nonsense", struct.pack("<QII", 0, 1, 8), index=77, flags=0x200)
        assert img.xattrs(inode) == {}

    @pytest.mark.parametrize(
        ("attributes", "record", "index", "message"),
        [
            (b"x" * 20, (0, 1, 20), 1, "xattr index 1 of 1"),
            (b"x" * 20, (0, 1, 20), 0, "unknown type"),
            (b"x" * 20, (20, 1, 20), 0, "no byte 20"),
            (b"x" * 20, (1 << 40, 1, 20), 0, "xattr table has no byte"),
            (struct.pack("<HH", 0, 100) + b"name", (0, 1, 8), 0, "cut short"),
            (struct.pack("<HH", 0, 4) + b"name" + struct.pack("<I", 100), (0, 1, 12), 0, "cut short"),
            (struct.pack("<HH", 0, 4) + b"name" + struct.pack("<I", 1 << 31), (0, 1, 12), 0, "at most 65536"),
            (struct.pack("<HH", 0, 4) + b"name" + b"\0\0", (0, 1, 12), 0, "cut short"),
            (
                struct.pack("<HH", 0x100, 4) + b"name" + struct.pack("<IQ", 8, 1 << 50),
                (0, 1, 20),
                0,
                "xattr table has no byte",
            ),
            (struct.pack("<HH", 0x100, 4) + b"name" + struct.pack("<IQ", 8, 12), (0, 1, 20), 0, "cut short"),
            (struct.pack("<HHI", 0, 0, 0) * 1000, (0, NONE, 8), 0, "cut short"),
            (struct.pack("<HH", 0, 60) + b"n" * 60 + bytes(4), (0, 1 << 20, 8), 0, "unknown type|cut short"),
        ],
    )
    def test_damaged(self, attributes: bytes, record: tuple[int, int, int], index: int, message: str) -> None:
        img, inode = self.with_xattrs(attributes, struct.pack("<QII", *record), index)
        with pytest.raises(FormatError, match=message):
            img.xattrs(inode)

    def test_many_names(self) -> None:
        attributes = b"".join(struct.pack("<HH", 0, 100) + b"%0100d" % number + bytes(4) for number in range(1000))
        img, inode = self.with_xattrs(attributes, struct.pack("<QII", 0, 1000, len(attributes)))
        with pytest.raises(LimitExceeded, match="more than Linux lists"):
            img.xattrs(inode)
