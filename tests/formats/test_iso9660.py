"""The ISO 9660 reader on volumes made byte by byte: what it must understand, and what it must not fall for."""

from __future__ import annotations

import random
import stat
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.errors import FormatError, LimitExceeded, UnsupportedFormat
from inspector.formats.iso9660 import Iso9660Image, IsoEntry
from inspector.formats.iso9660.zisofs import ZisofsFile
from inspector.limits import Limits
from inspector.source import BytesSource
from tests.iso9660_volumes import (
    ROOT,
    SECTOR,
    directory,
    entry,
    record,
    rr_child,
    rr_continued,
    rr_link,
    rr_mode,
    rr_name,
    rr_start,
    rr_zisofs,
    volume,
    zisofs,
)

FILE, DIRECTORY, LINK = stat.S_IFREG | 0o640, stat.S_IFDIR | 0o750, stat.S_IFLNK | 0o777


def walk(content: bytes, **limits: int) -> tuple[dict[bytes, IsoEntry], Iso9660Image]:
    image = Iso9660Image(BytesSource(content), limits=Limits(**limits))
    return {b"/".join(found.path): found for found in image.walk()}, image


def read(image: Iso9660Image, found: IsoEntry) -> bytes:
    source = image.open(found)
    return source.read_at(0, source.size)


def root(*records: bytes) -> bytes:
    return directory(*records, use=rr_start() + rr_mode(DIRECTORY))


def messages(image: Iso9660Image) -> list[str]:
    return [f"{b'/'.join(damage.path).decode()}: {damage.error.what}" for damage in image.damages]


def test_names_without_rock_ridge_are_those_that_linux_shows() -> None:
    found, image = walk(
        volume(
            directory(
                record(b"README.TXT;1", ROOT + 1, 5),
                record(b"BARE.;1", ROOT + 1, 5),
                record(b"SUB", ROOT + 2, SECTOR, flags=2),
            ),
            b"hello",
            directory(record(b"X.Y;3", ROOT + 1, 5), own=ROOT + 2),
        )
    )
    assert not image.rock_ridge
    assert list(found) == [b"", b"readme.txt", b"bare", b"sub", b"sub/x.y"]
    assert read(image, found[b"readme.txt"]) == b"hello"
    assert found[b"sub"].mode == stat.S_IFDIR | 0o755


def test_volume_descriptor() -> None:
    _, image = walk(volume(directory(), application_use=b"zsync|https://example.org/a.zsync"))
    assert image.volume.identifier == "TEST"
    assert image.volume.created == 1577934245  # 2020-01-02 03:04:05 UTC
    assert image.volume.application_use.startswith(b"zsync|https://example.org/a.zsync\0")


def test_rock_ridge_name_in_pieces_and_continued_elsewhere() -> None:
    rest = rr_name(b"-part") + entry(b"ST", b"") + b"garbage"
    use = rr_mode(FILE) + rr_name(b"first", 1) + rr_continued(ROOT + 1, 100, len(rest))
    found, image = walk(volume(root(record(b"F;1", ROOT + 2, 3, use)), bytes(100) + rest, b"abc"))
    assert not image.damages
    assert found[b"first-part"].mode == FILE
    assert read(image, found[b"first-part"]) == b"abc"


@pytest.mark.parametrize(
    ("components", "target"),
    [
        ([(0, b"usr"), (0, b"bin")], b"usr/bin"),
        ([(8, b""), (0, b"etc")], b"/etc"),
        ([(4, b""), (4, b""), (0, b"x"), (2, b"")], b"../../x/."),
        ([(1, b"long"), (0, b"er"), (0, b"y")], b"longer/y"),
        ([(0, b"before"), (8, b""), (0, b"after")], b"/after"),
        ([], b""),
    ],
)
def test_symbolic_links(components: list[tuple[int, bytes]], target: bytes) -> None:
    use = rr_mode(LINK) + rr_name(b"link") + rr_link(*components)
    found, _ = walk(volume(root(record(b"L;1", 0, 0, use))))
    assert found[b"link"].target == target
    assert found[b"link"].size == 0


def test_hard_links_have_one_inode_and_equal_content_keys() -> None:
    names = [
        record(bytes([65 + number]) + b";1", location, size, rr_mode(FILE) + rr_name(bytes([97 + number])))
        for number, (location, size) in enumerate([(ROOT + 1, 3), (ROOT + 1, 3), (ROOT + 2, 3), (0, 0), (0, 0)])
    ]
    found, _ = walk(volume(root(*names), b"abc", b"abc"))
    a, b, c, empty, other_empty = (found[bytes([97 + number])] for number in range(5))
    assert a.inode == b.inode != c.inode
    assert a.content_key == b.content_key != c.content_key
    assert empty.inode != other_empty.inode
    assert empty.content_key is None


def test_serial_numbers_decide_where_there_are_some() -> None:
    use = [rr_mode(FILE, serial) + rr_name(name) for serial, name in ((7, b"a"), (7, b"b"), (8, b"c"))]
    found, _ = walk(
        volume(root(*(record(b"%d;1" % number, ROOT + 1, 3, one) for number, one in enumerate(use))), b"abc")
    )
    assert [found[name].inode for name in (b"a", b"b", b"c")] == [7, 7, 8]


def test_file_in_several_sections() -> None:
    parts = [record(b"BIG;1", ROOT + 1, SECTOR, flags=0x80), record(b"BIG;1", ROOT + 3, 4)]
    found, image = walk(volume(directory(*parts, record(b"Z;1", ROOT + 2, 1)), b"a" * SECTOR, b"z", b"tail"))
    assert list(found) == [b"", b"big", b"z"]
    source = image.open(found[b"big"])
    assert source.size == found[b"big"].stored_size == SECTOR + 4
    assert source.read_at(SECTOR - 2, 4) == b"aata"
    assert source.read_at(0, 9999) == b"a" * SECTOR + b"tail"


def test_relocated_directory_is_found_at_its_child_link() -> None:
    use = rr_mode(DIRECTORY) + rr_name(b"deep") + rr_child(ROOT + 1)
    hidden = record(b"MOVED", ROOT + 1, SECTOR, rr_mode(DIRECTORY) + rr_name(b"moved") + entry(b"RE", b""), flags=2)
    inner = directory(
        record(b"F;1", ROOT + 2, 3, rr_mode(FILE) + rr_name(b"file")), own=ROOT + 1, use=rr_mode(DIRECTORY)
    )
    found, _ = walk(volume(root(record(b"DEEP;1", ROOT + 1, 0, use), hidden), inner, b"abc"))
    assert list(found) == [b"", b"deep", b"deep/file"]


@given(
    content=st.lists(st.sampled_from([b"\0" * 4096, b"ab" * 2048, b"x"]), max_size=12).map(b"".join),
    offset=st.integers(0, 50_000),
    length=st.integers(0, 50_000),
)
def test_zisofs_reads_any_range(content: bytes, offset: int, length: int) -> None:
    source = ZisofsFile(BytesSource(zisofs(content, 12)), len(content), 12)
    assert source.read_at(offset, length) == content[offset : offset + length]


def test_zisofs_member() -> None:
    content = b"hello " * 20_000 + bytes(70_000) + b"end"
    stored = zisofs(content)
    use = rr_mode(FILE) + rr_name(b"f") + rr_zisofs(len(content))
    found, image = walk(volume(root(record(b"F;1", ROOT + 1, len(stored), use)), stored))
    assert (found[b"f"].size, found[b"f"].stored_size) == (len(content), len(stored))
    assert read(image, found[b"f"]) == content


def _zisofs_with(offset: int, replacement: bytes) -> bytes:
    stored = bytearray(zisofs(b"abc" * 5000, 12))
    stored[offset : offset + len(replacement)] = replacement
    return bytes(stored)


@pytest.mark.parametrize(
    ("stored", "size", "what"),
    [
        (b"no magic at all, sorry", 15_000, "does not begin with its magic"),
        (_zisofs_with(8, struct.pack("<I", 99)), 15_000, "zisofs header of 99 bytes, directory record of 15000"),
        (_zisofs_with(0, b"")[:20], 15_000, "pointer table of 5 entries does not fit"),
        (_zisofs_with(20, struct.pack("<I", 2)), 15_000, "zisofs block at bytes 36 to 2"),
        (_zisofs_with(20, struct.pack("<I", 0xFFFFFFF0)), 15_000, "zisofs block at bytes 36 to 4294967280"),
        (_zisofs_with(40, b"\xff\xff\xff\xff"), 15_000, "zisofs block"),
    ],
)
def test_damaged_zisofs_is_a_format_error(stored: bytes, size: int, what: str) -> None:
    with pytest.raises(FormatError, match=what):
        ZisofsFile(BytesSource(stored), size, 12).read_at(0, size)


def test_zisofs_block_cannot_grow_beyond_its_size() -> None:
    import zlib

    bomb = zlib.compress(bytes(50_000_000))
    stored = bytearray(zisofs(b"x" * 40_000, 15))
    table = struct.pack("<III", 28, 28 + len(bomb), 28 + len(bomb))
    with pytest.raises(FormatError, match="zisofs block"):
        ZisofsFile(BytesSource(bytes(stored[:16]) + table + bomb), 40_000, 15).read_at(0, 10)


def test_other_compressions_are_named() -> None:
    use = rr_mode(FILE) + rr_name(b"f") + entry(b"ZF", b"PZ" + bytes(10))
    found, image = walk(volume(root(record(b"F;1", ROOT + 1, 3, use)), b"abc"))
    with pytest.raises(UnsupportedFormat, match="compressed by 'PZ'"):
        image.open(found[b"f"])


def test_directory_that_contains_itself_ends() -> None:
    loop = record(b"LOOP", ROOT, SECTOR, rr_mode(DIRECTORY) + rr_name(b"loop"), flags=2)
    found, image = walk(volume(root(loop)))
    assert list(found) == [b""]
    assert messages(image) == ["loop: a directory that was reached before"]


def test_continuations_in_a_circle_end_and_the_rest_is_read() -> None:
    # Of the damaged entry nothing is shown: its name, its target or its compression may be what is missing
    circle = rr_continued(ROOT + 1, 0, 28)
    use = rr_mode(FILE) + rr_name(b"f") + rr_continued(ROOT + 1, 0, 28)
    other = record(b"A;1", ROOT + 2, 3, rr_mode(FILE) + rr_name(b"a"))
    found, image = walk(volume(root(record(b"F;1", ROOT + 2, 3, use), other), circle, b"abc"))
    assert list(found) == [b"", b"a"]
    assert messages(image) == ["f: continuation areas that do not end"]


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        (rr_mode(FILE) + b"NM\x03\x01", "a system use entry of 3 bytes"),
        (rr_mode(FILE) + b"NM\xff\x01", "a system use entry of 255 bytes"),
        (rr_continued(ROOT + 1, 2000, 100), "a continuation area of 100 bytes at 2000"),
        (rr_continued(0x7FFFFFFF, 0, 10), "a continuation area behind the end of the file"),
        (entry(b"SL", b"\0\0\xff"), "component is longer than its entry"),
    ],
)
def test_broken_system_use_is_damage_with_a_place(broken: bytes, what: str) -> None:
    _, image = walk(volume(root(record(b"F;1", ROOT + 1, 3, broken)), b"abc"))
    assert len(image.damages) == 1
    assert what in image.damages[0].error.what
    assert image.damages[0].error.offset is not None


def test_file_behind_the_end_is_listed_and_cannot_be_read() -> None:
    found, image = walk(volume(root(record(b"F;1", ROOT + 5, 30_000, rr_mode(FILE) + rr_name(b"f")))))
    with pytest.raises(FormatError, match="file data of 30000 bytes of which 0 are there"):
        image.open(found[b"f"])


def test_directory_that_is_cut_off_shows_what_is_there() -> None:
    content = volume(root(record(b"F;1", ROOT, 3, rr_mode(FILE) + rr_name(b"f"))), root_length=5 * SECTOR)
    found, image = walk(content)
    assert b"f" in found
    assert messages(image) == [f": a directory of {5 * SECTOR} bytes of which {SECTOR} are there"]


def test_limits() -> None:
    files = [record(b"F%d;1" % number, ROOT + 1, 3) for number in range(20)]
    content = volume(directory(*files), b"abc")
    with pytest.raises(LimitExceeded, match="inodes limit"):
        walk(content, inodes=10)
    with pytest.raises(LimitExceeded, match="decoded_metadata limit"):
        walk(content, decoded_metadata=SECTOR - 1)
    found, image = walk(content, path_length=2)
    assert list(found) == [b"", *(b"f%d" % number for number in range(10))]
    assert len(image.damages) == 10
    _, image = walk(content, expansion_ratio=0)
    with pytest.raises(LimitExceeded, match="expansion_ratio"):
        image.open(found[b"f1"])


def test_many_small_files_that_promise_much_together() -> None:
    """Each one may be as large as it says; together they pass what the volume may become."""
    size = 4_000_000
    stored = zisofs(bytes(size))
    use = [rr_mode(FILE) + rr_name(b"f%d" % number) + rr_zisofs(size) for number in range(12)]

    def records(first: int) -> list[bytes]:
        return [record(b"F%d;1" % number, first + number, len(stored), one) for number, one in enumerate(use)]

    first = ROOT + len(root(*records(0))) // SECTOR
    content = volume(root(*records(first)), *[stored] * 12)
    found, image = walk(content, expansion_ratio=400)
    fitting = len(content) * 400 // size
    assert 2 < fitting < 12
    for number in range(fitting):
        image.open(found[b"f%d" % number])
    with pytest.raises(LimitExceeded, match="expansion_ratio"):
        image.open(found[b"f%d" % fitting])
    assert image.open(found[b"f0"]).read_at(size - 1, 1) == b"\0"  # what was opened once may be opened again


def test_depth_limit() -> None:
    chain = [directory(record(b"D", ROOT + level + 1, SECTOR, flags=2), own=ROOT + level) for level in range(30)]
    found, image = walk(volume(*chain, directory(own=ROOT + 30)), path_depth=10)
    assert max(len(one.path) for one in found.values()) == 10
    assert "path_depth" in messages(image)[0]


@pytest.mark.parametrize(
    "content", [b"", bytes(40_000), b"\0" * 32768 + b"\1CD001", volume(directory())[: 17 * SECTOR]]
)
def test_no_volume_is_a_format_error(content: bytes) -> None:
    with pytest.raises(FormatError):
        Iso9660Image(BytesSource(content))


def rich_volume() -> bytes:
    stored = zisofs(b"words and words " * 3000 + bytes(40_000))
    inner = directory(
        record(b"Z;1", ROOT + 2, len(stored), rr_mode(FILE, 5) + rr_name(b"packed") + rr_zisofs(88_000)),
        record(b"L;1", 0, 0, rr_mode(LINK, 6) + rr_name(b"link") + rr_link((4, b""), (0, b"target"))),
        own=ROOT + 1,
        use=rr_mode(DIRECTORY, 4),
    )
    outer = root(
        record(
            b"D",
            ROOT + 1,
            SECTOR,
            rr_mode(DIRECTORY, 4) + rr_name(b"dir") + entry(b"TF", b"\x02" + bytes([120, 1, 1, 1, 1, 1, 0])),
            flags=2,
        ),
        record(
            b"F;1",
            ROOT + 2,
            100,
            rr_mode(FILE, 3) + rr_name(b"fi", 1) + rr_continued(ROOT + 3 + len(stored) // SECTOR, 0, 7),
        ),
        record(b"M;1", ROOT + 2, SECTOR, flags=0x80),
        record(b"M;1", ROOT + 2, 9),
    )
    return volume(outer, inner, stored, rr_name(b"le"))


def test_seeded_mutations_raise_nothing_but_format_errors() -> None:
    original = rich_volume()
    _, image = walk(original)
    assert not image.damages
    generator = random.Random(9660)
    interesting = [
        *range(16 * SECTOR, 16 * SECTOR + 200),
        *range(ROOT * SECTOR, ROOT * SECTOR + 700),
        *range((ROOT + 1) * SECTOR, (ROOT + 2) * SECTOR + 64),
    ]
    outcomes = {"opened": 0, "refused": 0, "damages": 0, "unreadable": 0}
    for _ in range(2500):
        mutant = bytearray(original)
        for _ in range(generator.choice((1, 1, 2, 8))):
            mutant[generator.choice(interesting)] = generator.choice(
                (0, 1, 2, 4, 0x7F, 0x80, 0xFF, generator.randrange(256))
            )
        if generator.random() < 0.1:
            del mutant[generator.randrange(16 * SECTOR, len(mutant)) :]
        try:
            found, image = walk(bytes(mutant))
        except FormatError:
            outcomes["refused"] += 1
            continue
        outcomes["opened"] += 1
        outcomes["damages"] += bool(image.damages)
        image.metadata_ranges()
        image.data_ranges(found.values())
        for one in found.values():
            if stat.S_ISREG(one.mode):
                try:
                    assert len(read(image, one)) == one.size
                except FormatError:
                    outcomes["unreadable"] += 1
    assert all(count > 20 for count in outcomes.values()), outcomes  # each way of failing was tried


@given(area=st.binary(max_size=180))
def test_any_system_use_area_is_read_or_refused(area: bytes) -> None:
    _, image = walk(volume(root(record(b"F;1", ROOT + 1, 3, area)), b"abc"))
    assert len(image.damages) <= 1
