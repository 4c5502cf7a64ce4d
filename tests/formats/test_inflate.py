"""The decoder for deflate streams beside the standard library's: the same content, the same refusals, the same things left over."""

from __future__ import annotations

import subprocess
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.formats.inflate import InflateError, inflate_decoder

CONTENT = st.binary(max_size=2000) | st.builds(bytes.__mul__, st.binary(min_size=1, max_size=40), st.integers(1, 500))


@given(content=CONTENT, level=st.integers(0, 9), window=st.sampled_from((15, -15, 31)), rest=st.binary(max_size=9))
def test_whole_streams(content: bytes, level: int, window: int, rest: bytes) -> None:
    coder = zlib.compressobj(level, wbits=window)
    stored = coder.compress(content) + coder.flush()
    ours, theirs = inflate_decoder(window), zlib.decompressobj(window)
    assert (
        ours.decompress(stored + rest, len(content) + 1)
        == theirs.decompress(stored + rest, len(content) + 1)
        == content
    )
    assert (ours.eof, ours.unused_data, ours.unconsumed_tail) == (
        theirs.eof,
        theirs.unused_data,
        theirs.unconsumed_tail,
    )


@given(content=CONTENT, step=st.integers(1, 300))
def test_in_pieces_and_from_a_copied_state(content: bytes, step: int) -> None:
    stored = zlib.compress(content)
    decoder = inflate_decoder()
    found, rest = decoder.decompress(stored, step), decoder.unconsumed_tail
    copied = decoder.copy()
    for each in (decoder, copied):
        parts, left = [found], rest
        while not each.eof:
            parts.append(each.decompress(left, step))
            left = each.unconsumed_tail
        assert b"".join(parts) == content


@given(content=CONTENT, at=st.integers(0, 10_000), byte=st.integers(1, 255), cut=st.integers(0, 40))
def test_damaged_streams(content: bytes, at: int, byte: int, cut: int) -> None:
    stored = bytearray(zlib.compress(content))
    stored[at % len(stored)] ^= byte
    damaged = bytes(stored[: len(stored) - cut])
    try:
        theirs: bytes | None = zlib.decompressobj().decompress(damaged, 1 << 20)
    except zlib.error:
        theirs = None
    try:
        ours: bytes | None = inflate_decoder().decompress(damaged, 1 << 20)
    except InflateError:
        ours = None
    assert ours == theirs


def test_the_standard_library_serves_where_the_other_is_not_installed() -> None:
    program = (
        "import sys; sys.modules['zlib_ng'] = None\n"
        "import zlib\n"
        "from inspector.formats.inflate import InflateError, inflate_decoder\n"
        "assert InflateError is zlib.error and inflate_decoder is zlib.decompressobj\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_fast_one_is_used_where_it_is_installed() -> None:
    fast = pytest.importorskip("zlib_ng.zlib_ng")
    assert InflateError is fast.error
