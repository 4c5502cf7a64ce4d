"""The decoder for deflate streams beside the standard library's: the same content, the same refusals, the same things left over."""

from __future__ import annotations

import subprocess
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.formats.inflate import INFLATE_ERRORS, inflate_decoder

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


@given(content=CONTENT, step=st.integers(1, 300), window=st.sampled_from((15, -15, 31)))
def test_in_pieces(content: bytes, step: int, window: int) -> None:
    coder = zlib.compressobj(wbits=window)
    stored = coder.compress(content) + coder.flush()
    decoder = inflate_decoder(window)
    parts = [decoder.decompress(stored, step)]
    while not decoder.eof:
        parts.append(decoder.decompress(decoder.unconsumed_tail, step))
        assert len(parts) <= len(content) + 2
    assert b"".join(parts) == content


@given(content=CONTENT, at=st.integers(0, 10_000), byte=st.integers(1, 255), cut=st.integers(0, 40))
def test_damaged_streams(content: bytes, at: int, byte: int, cut: int) -> None:
    stored = bytearray(zlib.compress(content))
    stored[at % len(stored)] ^= byte
    decoder = inflate_decoder()
    try:
        found = decoder.decompress(bytes(stored[: len(stored) - cut]), 1 << 20)
    except INFLATE_ERRORS:
        return
    assert not decoder.eof or found == content  # the checksum was right


def test_the_standard_library_serves_where_the_other_is_not_installed() -> None:
    program = (
        "import sys; sys.modules['isal'] = None\n"
        "import zlib\n"
        "from inspector.formats.inflate import INFLATE_ERRORS, inflate_decoder\n"
        "assert INFLATE_ERRORS == (zlib.error,)\n"
        "assert inflate_decoder().decompress(zlib.compress(b'content')) == b'content'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_fast_one_is_used_where_it_is_installed() -> None:
    fast = pytest.importorskip("isal.isal_zlib")
    assert fast.error in INFLATE_ERRORS
    assert type(inflate_decoder(-15)) is type(fast.decompressobj(-15))
    assert type(inflate_decoder(31)) is type(zlib.decompressobj(31))
