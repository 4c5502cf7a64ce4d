"""What cannot be in an image, and settings that no image can have, are refused, all but too many owners before a byte is written."""

from __future__ import annotations

import io

import pytest

from inspector.errors import FormatError, LimitExceeded, UnsupportedFormat
from inspector.formats.squashfs import InodeKind
from inspector.formats.squashfs.entry import ImageEntry
from inspector.formats.squashfs.writer import write_image
from tests.squashfs_trees import directory, file, link


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([file(b"a"), file(b"a")], "two entries for b'a'"),
        ([directory(b"a"), file(b"a/b"), directory(b"c"), link(b"a/b", b"x")], "two entries for b'a/b'"),
        ([directory(b""), directory(b"")], "two entries for the root"),
        ([file(b"")], "the root is a file"),
        ([file(b"a/b")], "b'a/b' is not in a directory that has an entry"),
        ([file(b"a"), file(b"a/b")], "b'a/b' is not in a directory that has an entry"),
        ([file(b"/a")], "no file name"),
        ([directory(b"a"), file(b"a//b")], "no file name"),
        ([directory(b"a/")], "no file name"),
        ([file(b"..")], "no file name"),
        ([directory(b"."), file(b"./b")], "no file name"),
        ([file(b"a\0b")], "NUL"),
        ([file(b"n" * 257)], "a name of 257 bytes"),
        ([file(b"a", mode=0o100644)], "mode 0o100644"),
        ([file(b"a", mode=-1)], "mode"),
        ([file(b"a", uid=-1)], "owner -1:0"),
        ([file(b"a", gid=1 << 32)], "owner 0:4294967296"),
        ([link(b"a", b"")], "a symbolic link to nothing"),
        ([link(b"a", b"b\0c")], "NUL byte"),
        ([ImageEntry(b"a", InodeKind.BLOCK_DEVICE, device=(4096, 0))], "device 4096:0"),
        ([ImageEntry(b"a", InodeKind.BLOCK_DEVICE, device=(0, 1 << 20))], "device 0:1048576"),
        ([file(b"a", xattrs={b"system.posix_acl_access": b"x"})], "b'a': an extended attribute b'system.posix_acl_access'"),
        ([file(b"a", xattrs={b"user.": b"x"})], "b'a': an extended attribute"),
        ([file(b"a", xattrs={b"user." + b"x" * 251: b"x"})], "b'a': an extended attribute"),
        ([file(b"a", xattrs={b"user.x": bytes(65_537)})], "has 65537 bytes"),
        ([file(b"a", link_group=1), link(b"b", b"a", link_group=1)], "b'b' cannot be a hard link to b'a'"),
        ([directory(b"a", link_group=1), directory(b"b", link_group=1)], "b'b' cannot be a hard link to b'a'"),
    ],
)  # fmt: skip
def test_entries_that_no_image_can_hold(entries: list[ImageEntry], why: str) -> None:
    for order in (entries, entries[::-1]):
        target = io.BytesIO()
        with pytest.raises(FormatError) as caught:
            write_image(order, target)
        assert not target.getvalue()
        if order is entries:
            assert why in str(caught.value)


def test_link_that_is_too_long() -> None:
    with pytest.raises(LimitExceeded, match="a symbolic link of 65536 bytes: the symlink_length limit"):
        write_image([link(b"a", b"x" * 65_536)], io.BytesIO())


def test_more_owners_than_an_image_can_name() -> None:
    entries = [file(b"%05d" % number, uid=number, gid=100_000 + number) for number in range(32_767)]
    write_image([*entries], io.BytesIO(), threads=1)
    with pytest.raises(LimitExceeded, match="more than 65535 different user and group ids"):
        write_image([*entries, file(b"more", uid=70_000, gid=0xFFFF_FFFF)], io.BytesIO(), threads=1)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"compressor": "lzo"}, "possible are gzip, xz, zstd, lz4"),
        ({"compressor": "lzma"}, "cannot be compressed with lzma"),
        ({"compressor": "brotli"}, "cannot be compressed with brotli"),
        ({"compressor": "gzip", "level": 0}, "gzip has no level 0; possible are 1 to 9"),
        ({"compressor": "gzip", "level": 10}, "gzip has no level 10"),
        ({"compressor": "zstd", "level": 23}, "zstd has no level 23; possible are 1 to 22"),
        ({"compressor": "zstd", "level": -1}, "zstd has no level -1"),
        ({"compressor": "xz", "level": 10}, "xz has no level 10; possible are 0 to 9"),
        ({"compressor": "lz4", "level": 1}, "lz4 has no level 1; possible are 3 to 12"),
        ({"compressor": "zstd", "dictionary_size": 8192}, "zstd has no dictionary size"),
        ({"compressor": "xz", "dictionary_size": 4096}, "xz has no dictionary of 4096 bytes"),
        ({"compressor": "xz", "dictionary_size": 262_144}, "xz has no dictionary of 262144 bytes"),
        ({"compressor": "xz", "dictionary_size": 10_000}, "xz has no dictionary of 10000 bytes"),
        ({"block_size": 2048}, "a block size of 2048 bytes"),
        ({"block_size": 100_000}, "a block size of 100000 bytes"),
        ({"block_size": 2 << 20}, "a block size of 2097152 bytes"),
    ],
)
def test_settings_that_no_image_can_have(options: dict[str, object], why: str) -> None:
    target = io.BytesIO()
    with pytest.raises(UnsupportedFormat) as caught:
        write_image([file(b"a")], target, **options)  # type: ignore[arg-type]
    assert why in str(caught.value)
    assert not target.getvalue()
