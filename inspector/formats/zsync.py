"""``.zsync`` files: what a client needs to fetch only the blocks of a new release that its old one does not have.

A header of ``Key: value`` lines up to an empty line, then one record for each block of the target: the last bytes of two 16-bit sums, big-endian, and
the first bytes of the MD4 of the block, the last one padded with zeros.  The format is zsync 0.6.2's (``make.c`` and ``libzsync/zsync.c``); which
lengths it takes follows from the size of the target alone.
"""

from __future__ import annotations

import hashlib
import math
import re
import zlib
from collections.abc import Mapping
from email.utils import formatdate

from msgspec import Struct

from inspector.errors import FormatError, UnsupportedFormat
from inspector.patterns import lazy_pattern
from inspector.source import Source

_VERSION = "0.6.2"
_LARGE = 100_000_000  # bytes; from here on zsyncmake takes the larger block size
_BLOCK_SIZES = (2048, 4096)
_PIECE = 256
_SUM_LENGTH, _MD4_LENGTH = 4, 16
_LONGEST_HEADER = 64 * 1024
_READ = 1 << 20
_LENGTHS = lazy_pattern(r"([12]),([1-4]),([3-9]|1[0-6])")


class ZsyncFile(Struct, frozen=True):
    """A ``.zsync`` file.

    :ivar filename: the name that the target is given; "" where the file states none.
    :ivar urls: where the target lies, absolute or relative to the ``.zsync`` file itself.
    :ivar block_size: bytes, a power of two.
    :ivar length: of the target, in bytes.
    :ivar sha1: of the target, 40 small hexadecimal digits; "" where the file states none.
    :ivar matches: how many blocks must follow each other to be taken as equal (1 or 2).
    :ivar sum_length: bytes of the sums in a record (1 to 4); ``md4_length`` those of the MD4 (3 to 16).
    :ivar records: all records, one behind the other.
    :ivar fields: all keys as they stand; of one that is there more than once the last value.
    """

    filename: str
    urls: tuple[str, ...]
    block_size: int
    length: int
    sha1: str
    matches: int
    sum_length: int
    md4_length: int
    records: bytes
    fields: Mapping[str, str]


def make_zsync(source: Source, filename: str, url: str, *, mtime: int, block_size: int | None = None) -> bytes:
    """The ``.zsync`` file of a target, the same bytes as ``zsyncmake -u URL`` makes of it.

    :param filename: the name that clients give the target.
    :param url: absolute, or relative to the ``.zsync`` file.
    :param mtime: the target's time, in seconds since 1970.
    :param block_size: a power of two; None: what zsyncmake takes for this size.
    :raises FormatError: for an empty target, a name or URL with a line break, or a block size that is none.
    :raises UnsupportedFormat: where no MD4 is installed.
    :raises OSError: as the source does.
    """
    if block_size is None:
        block_size = _BLOCK_SIZES[source.size >= _LARGE]
    if block_size < 1 or block_size & (block_size - 1):
        raise FormatError(f"a block size is a power of two, not {block_size}")
    if not source.size:
        raise FormatError("an empty file has no blocks")
    if any(ord(character) < 0x20 for character in filename + url):
        raise FormatError("a name or a URL with a line break or another control character cannot be written")
    matches, sum_length, md4_length = record_lengths(source.size, block_size)
    records, sha1 = _records(source, block_size, sum_length, md4_length)
    header = (
        f"zsync: {_VERSION}\nFilename: {filename}\nMTime: {formatdate(mtime).replace('-0000', '+0000')}\nBlocksize: {block_size}\n"
        f"Length: {source.size}\nHash-Lengths: {matches},{sum_length},{md4_length}\nURL: {url}\nSHA-1: {sha1}\n\n"
    )
    return header.encode("utf-8", "surrogateescape") + records


def record_lengths(length: int, block_size: int) -> tuple[int, int, int]:
    """How many blocks must match in a row, and how many bytes of sums and of MD4 each record holds, so that a false match is unlikely.

    :param length: of the target, in bytes, at least 1.
    """
    matches = 2 if length > block_size else 1
    size_bits = math.log(length) / math.log(2)
    block_bits = math.log(1 + length // block_size) / math.log(2)
    sums = math.ceil((size_bits + math.log(block_size) / math.log(2) - 8.6) / matches / 8)
    md4 = math.ceil((20 + size_bits + block_bits) / matches / 8)
    return matches, min(max(sums, 2), 4), max(md4, int((7.9 + 20 + block_bits) / 8))


def read_zsync(content: bytes) -> ZsyncFile:
    """Read a ``.zsync`` file.

    :raises FormatError: where the header is none, lacks what a client needs, or the records are not as many as the target has blocks.
    """
    end = content.find(b"\n\n", 0, _LONGEST_HEADER)
    if end < 0:
        raise FormatError("no empty line ends the header")
    fields: dict[str, str] = {}
    urls: list[str] = []
    for line in content[:end].decode("utf-8", "backslashreplace").split("\n"):
        key, colon, value = line.partition(": ")
        if not colon:
            raise FormatError(f"the line {line[:80]!r} of the header is no field")
        fields[key] = value
        if key == "URL":
            urls.append(value)
    if "zsync" not in fields:
        raise FormatError("the header does not begin as a .zsync file's does")
    block_size, length = _number(fields, "Blocksize"), _number(fields, "Length")
    if not block_size or block_size & (block_size - 1):
        raise FormatError(f"a block size is a power of two, not {block_size}")
    lengths = _LENGTHS.fullmatch(fields.get("Hash-Lengths", "1,4,16"))
    if lengths is None:
        raise FormatError(f"Hash-Lengths {fields['Hash-Lengths'][:80]!r} are out of bounds")
    matches, sum_length, md4_length = (int(number) for number in lengths.groups())
    records = content[end + 2 :]
    blocks = -(-length // block_size)
    if len(records) != blocks * (sum_length + md4_length):
        raise FormatError(f"{len(records)} bytes of records for {blocks} blocks", end + 2)
    sha1 = fields.get("SHA-1", "").lower()
    return ZsyncFile(
        fields.get("Filename", ""), tuple(urls), block_size, length, sha1, matches, sum_length, md4_length, records, fields
    )  # fmt: skip


def _number(fields: Mapping[str, str], key: str) -> int:
    text = fields.get(key, "")
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise FormatError(f"the header's {key} is {text[:80]!r}, which is no number")
    return int(text)


def _records(source: Source, block_size: int, sum_length: int, md4_length: int) -> tuple[bytes, str]:
    """All records, and the SHA-1 of the whole."""
    try:
        from Crypto.Hash.MD4 import MD4Hash
    except ImportError:
        raise UnsupportedFormat("for a .zsync file the package pycryptodome is needed, as it has MD4") from None
    sha1 = hashlib.sha1(usedforsecurity=False)
    records = bytearray()
    for offset in range(0, source.size, max(_READ, block_size)):
        chunk = source.read_at(offset, max(_READ, block_size))
        sha1.update(chunk)
        chunk += bytes(-len(chunk) % block_size)
        view = memoryview(chunk)
        for start in range(0, len(chunk), block_size):
            block = view[start : start + block_size]
            records += _block_sums(block).to_bytes(_SUM_LENGTH, "big")[_SUM_LENGTH - sum_length :]
            records += MD4Hash(block).digest()[:md4_length]
    return bytes(records), sha1.hexdigest()


def _block_sums(block: memoryview) -> int:
    """The sum of the bytes, and above 16 bits lower, the sum of all prefixes' sums: both modulo 2**16, the first in the upper half.

    The sums of a piece of 256 bytes come from what C computes of it: Adler-32 is the same two sums modulo 65521, of which the first is smaller than
    that; and modulo 255², the piece as one number is A + 255 * (B - A), as 256**k is 1 + 255 * k there.  The second sum is below 65521 * 255, so its
    remainders by both tell it.
    """
    first = second = 0
    size = len(block)
    for start in range(0, size, _PIECE):
        piece = block[start : start + _PIECE]
        length = len(piece)
        both = zlib.adler32(piece)
        a = (both & 0xFFFF) - 1  # Adler-32 begins at 1
        remainder = ((both >> 16) - length) % 65521
        by_255 = (int.from_bytes(piece, "big") - a) % 65025 // 255 + a
        b = remainder + 65521 * ((by_255 - remainder) * 91 % 255)  # 91 * 65521 is 1 modulo 255
        first += a
        second += b + a * (size - start - length)
    return (first & 0xFFFF) << 16 | second & 0xFFFF
