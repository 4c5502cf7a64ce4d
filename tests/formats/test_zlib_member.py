"""Members that are one zlib stream, and what of them is kept."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable

import pytest

from inspector.errors import FormatError, LimitExceeded
from inspector.formats.decoded_blocks import DecodedBlocks
from inspector.formats.zlib_member import ZlibMember, decoded_size
from inspector.limits import MIB, Limits
from inspector.source import BytesSource

GENERATOR = random.Random(7)
CONTENT = b"".join(GENERATOR.randbytes(1000) * 30 for _ in range(700))  # 21 MB
STORED = zlib.compress(CONTENT, 1)


def member_of(content: bytes, stored: bytes, blocks: DecodedBlocks | None = None, start: bytes = b"") -> ZlibMember:
    return ZlibMember(
        BytesSource(b"xx" + stored), 2, len(stored), len(content), blocks or DecodedBlocks(), Limits(), start=start
    )


def assert_reads_anywhere(member: ZlibMember, content: bytes, times: int = 60) -> None:
    for _ in range(times):
        offset = GENERATOR.randrange(len(content))
        length = GENERATOR.choice([1, 100, 5000, 1 << 20, 3 << 20])
        assert member.read_at(offset, length) == content[offset : offset + length]
    assert member.read_at(len(content), 1) == member.read_at(-1, 5) == member.read_at(0, 0) == b""


def test_reads_anywhere() -> None:
    assert_reads_anywhere(member_of(CONTENT, STORED, DecodedBlocks(budget=3 << 20)), CONTENT)


def test_what_is_hardly_read_is_not_kept_and_can_be_read() -> None:
    blocks = DecodedBlocks()
    member = member_of(CONTENT, STORED, blocks)
    # The first block is kept whatever is said of it; of the second range the whole blocks 5 to 8 are let go of.
    member.decode(lambda head: [(0, MIB + 5), (4 * MIB + 1, 9 * MIB)] if head == CONTENT[:MIB] else [])
    assert member.is_in_part
    assert member.is_decoded
    assert blocks.kept == len(CONTENT) - 4 * MIB
    member.let_go([(15 * MIB, 10**9)])
    assert blocks.kept == 11 * MIB + len(CONTENT) % MIB
    for offset in (MIB - 3, 4 * MIB - 3, 16 * MIB, 5 * MIB, len(CONTENT) - 10):
        assert member.read_at(offset, 7) == CONTENT[offset : offset + 7]
    assert_reads_anywhere(member, CONTENT, times=20)


def test_small_members_are_decoded_whole_once() -> None:
    content = CONTENT[: 2 * MIB]
    member = member_of(content, zlib.compress(content))
    assert member.read_at(0, 100) == content[:100]
    assert not member.is_decoded
    assert member.read_at(MIB, 9) == content[MIB : MIB + 9]
    assert member.is_decoded
    member.let_go([(0, 2 * MIB)])  # it is kept in one piece
    assert_reads_anywhere(member, content, times=5)


def _shorter(stored: bytes) -> bytes:
    return stored[:-2000]


def _wrong(stored: bytes) -> bytes:
    return stored[:-1] + bytes([stored[-1] ^ 1])


@pytest.mark.parametrize("damage", [_shorter, _wrong])
@pytest.mark.parametrize("parted", [False, True])
def test_damaged_members_are_read_as_far_as_they_go(damage: Callable[[bytes], bytes], parted: bool) -> None:
    content = CONTENT[: 5 * MIB]
    member = member_of(content, damage(zlib.compress(content)))
    with pytest.raises(FormatError):
        member.decode((lambda _: [(MIB, 2 * MIB)]) if parted else None)
    assert not member.is_decoded
    assert member.read_at(MIB, 100) == content[MIB : MIB + 100]
    with pytest.raises(FormatError):
        member.read_at(len(content) - 10, 10)


def test_damaged_members_are_tried_once() -> None:
    content = CONTENT[: 3 * MIB]
    stored = _wrong(zlib.compress(content))
    read: list[int] = []

    class Counted(BytesSource):
        def read_at(self, offset: int, length: int) -> bytes:
            read.append(length)
            return super().read_at(offset, length)

    member = ZlibMember(Counted(stored), 0, len(stored), len(content), DecodedBlocks(), Limits())
    assert member.read_at(MIB, 10) == content[MIB : MIB + 10]
    before = len(read)
    for place in range(200):
        assert member.read_at(MIB + place, 10) == content[MIB + place : MIB + place + 10]
    assert len(read) == before


def test_a_start_that_is_known_is_not_decoded_again() -> None:
    content = b"\x7fELF" + bytes(100)
    size, start = decoded_size(BytesSource(zlib.compress(content)), 0, len(zlib.compress(content)), 1000)
    assert (size, start) == (104, content[:64])
    nothing = member_of(content, b"no zlib stream", start=start)
    assert nothing.read_at(0, 16) == content[:16]
    assert nothing.read_at(2, 62) == content[2:64]
    with pytest.raises(FormatError):
        nothing.read_at(0, 65)


def test_measuring_has_a_limit() -> None:
    stored = zlib.compress(bytes(5 * MIB))
    with pytest.raises(LimitExceeded):
        decoded_size(BytesSource(stored), 0, len(stored), 4 * MIB)
