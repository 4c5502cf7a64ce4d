"""formats/appimage_digest.py: the oddities of the definition, one by one.  Real files with the values that appimagetool left: tests/corpus."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from inspector.formats.appimage_digest import appimage_digest
from inspector.source import BytesSource


def test_a_file_without_sections_is_hashed_in_whole_chunks() -> None:
    content = bytes(range(256)) * 33  # two chunks and a quarter of one, which keeps what the second had behind it
    expected = hashlib.md5(content[:8192] + content[8192:] + content[4096 + 256 : 8192]).digest()
    assert appimage_digest(BytesSource(content), []) == expected


def test_sections_count_as_zeros_whatever_is_in_them() -> None:
    places = [(5000, 16), (6000, 1024), (7100, 8192)]
    blank = bytearray(b"x" * 20_000)
    for offset, size in places:
        blank[offset : offset + size] = bytes(size)
    filled = bytearray(blank)
    for offset, size in places:
        filled[offset : offset + size] = b"S" * size
    assert appimage_digest(BytesSource(bytes(filled)), places) == appimage_digest(BytesSource(bytes(blank)), places)


def test_a_section_at_the_start_of_a_chunk_is_not_skipped() -> None:
    """It is read as the zeros that it counts as."""
    content = b"a" * 4096 + b"S" * 16 + b"b" * 4080
    expected = hashlib.md5(b"a" * 4096 + bytes(16) + b"b" * 4080).digest()
    assert appimage_digest(BytesSource(content), [(4096, 16)]) == expected


@given(
    st.binary(max_size=600).map(lambda noise: noise * 90),
    st.lists(st.tuples(st.integers(0, 20_000), st.sampled_from([16, 1024, 5000, 8192])), max_size=3),
)
def test_many_chunks_at_once_are_hashed_as_one_by_one(content: bytes, places: list[tuple[int, int]]) -> None:
    source = BytesSource(content)
    # A section far behind the end skips nothing, and keeps the routine from taking several chunks at once
    assert appimage_digest(source, places) == appimage_digest(source, [*places, (1 << 40, 16)])


def test_a_section_within_a_chunk_leaves_what_the_chunk_before_had_there() -> None:
    content = b"a" * 4096 + b"b" * 100 + b"S" * 16 + b"c" * 3980
    expected = hashlib.md5(b"a" * 4096 + b"b" * 100 + b"a" * 16 + b"c" * 3980).digest()
    assert appimage_digest(BytesSource(content), [(4196, 16)]) == expected
