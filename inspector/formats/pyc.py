"""The header of a compiled Python module (.pyc), and whether an interpreter takes the file for a source.  The code behind it is never unmarshalled.

Follows PEP 3147 and PEP 488 (names), PEP 552 (flags and source hash) and importlib's own reading of them: ``_classify_pyc``,
``_validate_timestamp_pyc`` and ``_validate_hash_pyc`` of ``Lib/importlib/_bootstrap_external.py``.
"""

from __future__ import annotations

import posixpath
import struct
from functools import cache
from typing import Literal

from msgspec import Struct

from inspector.errors import FormatError
from inspector.patterns import lazy_pattern
from inspector.resources import load_table

Invalidation = Literal["timestamp", "checked-hash", "unchecked-hash"]

LONGEST_HEADER = 16
"""Bytes that :func:`read_header` wants to see at most."""

_HASH_BASED, _CHECK_SOURCE = 0b01, 0b10  # PEP 552
_SIPHASH_1_3_SINCE = 3450  # the first magic number of 3.11; before it _Py_KeyedHash was SipHash-2-4 (Python/pyhash.c)
_CACHED = lazy_pattern(r"(?P<module>.+?)\.(?P<tag>[^.]+)(?:\.opt-(?P<level>[0-9A-Za-z]+))?\.pyc")


class PycHeader(Struct, frozen=True):
    """What stands before the marshalled code.

    :ivar magic: the number of the first two bytes.
    :ivar python: version of the interpreter that wrote it, or None where the number does not tell (PyPy) or is newer than the table.
    :ivar released: whether a released interpreter of that version takes the number; False for pre-releases, None where the table does not tell.
    :ivar size: bytes of the header.
    :ivar mtime: seconds since 1970 of the source's last change, modulo 2**32; None for hash-based files.
    :ivar source_size: bytes of the source modulo 2**32; None for hash-based files, and before Python 3.3.
    :ivar source_hash: eight bytes; None for files with a time.
    """

    magic: int
    implementation: Literal["cpython", "pypy"] | None
    python: tuple[int, int] | None
    released: bool | None
    size: int
    invalidation: Invalidation
    mtime: int | None = None
    source_size: int | None = None
    source_hash: bytes | None = None


class PycName(Struct, frozen=True):
    """What the path of a .pyc file in ``__pycache__`` says.

    :ivar source: path of the source that it belongs to.
    :ivar tag: the interpreter's cache tag ("cpython-311").
    :ivar optimization: "" for none, "1" for -O, "2" for -OO.
    """

    source: str
    tag: str
    optimization: str = ""


class _MagicRange(Struct, frozen=True):
    implementation: Literal["cpython", "pypy"]
    version: tuple[int, int] | None
    first: int
    last: int
    released: tuple[int, ...]
    header: int


def read_header(head: bytes) -> PycHeader:
    """Read the first :data:`LONGEST_HEADER` bytes of a file, or more.

    :raises FormatError: for what no interpreter takes: no magic number, a header that is cut short, flags that are not defined.
    """
    if len(head) < 4:
        raise FormatError(f"{len(head)} bytes are too few for a magic number", 0)
    magic = int.from_bytes(head[:2], "little")
    if head[2:4] != b"\r\n":
        raise FormatError("the magic number does not end in CR LF", 2)
    known = _range_of(magic)
    size = known.header if known is not None else LONGEST_HEADER
    if len(head) < size:
        raise FormatError(f"{len(head)} bytes are too few for a header of {size}", len(head))
    implementation = known.implementation if known is not None else None
    version = known.version if known is not None else None
    released = magic in known.released if known is not None and known.released else None
    if size == LONGEST_HEADER:
        (flags,) = struct.unpack_from("<I", head, 4)
        if flags & ~(_HASH_BASED | _CHECK_SOURCE):
            raise FormatError(f"flags {flags:#x} are not defined", 4)
        if flags & _HASH_BASED:
            invalidation: Invalidation = "checked-hash" if flags & _CHECK_SOURCE else "unchecked-hash"
            return PycHeader(
                magic, implementation, version, released, size, invalidation, source_hash=bytes(head[8:16])
            )
    offset = size - 8 if size > 8 else 4
    (mtime,) = struct.unpack_from("<I", head, offset)
    source_size = struct.unpack_from("<I", head, offset + 4)[0] if size > 8 else None
    return PycHeader(magic, implementation, version, released, size, "timestamp", mtime, source_size)


def is_valid_for(
    header: PycHeader,
    *,
    source_mtime: int | None,
    source_size: int,
    magic: int | None = None,
    source: bytes | None = None,
) -> bool | None:
    """Whether an interpreter runs the file for this source instead of compiling the source again (``--check-hash-based-pycs default``).

    :param source_mtime: whole seconds since 1970, as the file system tells them when the bundle runs; None where nobody knows.
    :param source_size: bytes of the source.
    :param magic: the number that the interpreter takes; None: any released one of the header's own version.
    :param source: the source's bytes, which only a checked hash needs.
    :returns: None where what it depends on is not known: a time, the bytes for a checked hash, the interpreter's number.
    """
    if header.magic != magic if magic is not None else header.released is False:
        return False
    fits: bool | None = True
    if header.invalidation == "checked-hash":
        fits = None if source is None else header.source_hash == source_hash(header.magic, source)
    elif header.invalidation == "timestamp":
        if header.source_size is not None and header.source_size != source_size & 0xFFFFFFFF:
            return False
        fits = None if source_mtime is None else header.mtime == source_mtime & 0xFFFFFFFF
    return None if fits and magic is None and header.released is None else fits


def source_hash(magic: int, source: bytes) -> bytes:
    """The eight bytes by which a hash-based file knows its source: SipHash-1-3, before Python 3.11 SipHash-2-4, keyed with the magic number.

    The whole magic is the key's first half, its CR LF included (``_RAW_MAGIC_NUMBER``); the second half is 0.
    """
    key = magic | 0x0A0D << 16
    if magic >= _SIPHASH_1_3_SINCE:
        from _imp import source_hash as keyed_hash  # SipHash-1-3 since 3.11, which is our own oldest interpreter

        return keyed_hash(key, source)
    return _siphash_2_4(key, source)


def released_magics(version: tuple[int, int]) -> tuple[int, ...]:
    """The magic numbers that releases of a CPython version take, the newest last; () where the table has none."""
    return next((row.released for row in _magic_table() if row.version == version), ())


def cached_path(source: str, tag: str, optimization: str = "") -> str:
    """The path of the .pyc file that belongs to a source (PEP 3147, PEP 488).

    :param tag: the interpreter's cache tag ("cpython-311").
    """
    directory, name = posixpath.split(source)
    level = f".opt-{optimization}" if optimization else ""
    return posixpath.join(directory, "__pycache__", f"{name.removesuffix('.py')}.{tag}{level}.pyc")


def split_cached_path(path: str) -> PycName | None:
    """What the path of a file in a ``__pycache__`` says of its source; None for any other path."""
    directory, name = posixpath.split(path)
    parent, cache_directory = posixpath.split(directory)
    match = _CACHED.fullmatch(name) if cache_directory == "__pycache__" else None
    if match is None:
        return None
    return PycName(posixpath.join(parent, f"{match['module']}.py"), match["tag"], match["level"] or "")


@cache
def _magic_table() -> tuple[_MagicRange, ...]:
    rows = load_table("python/bytecode_magic.toml")["magic"]
    return tuple(
        _MagicRange(
            row["implementation"],
            _version(row["version"]) if "version" in row else None,
            row["first"],
            row["last"],
            tuple(row.get("released", ())),
            row["header"],
        )
        for row in rows
    )


def _version(text: str) -> tuple[int, int]:
    major, minor = text.split(".")
    return int(major), int(minor)


@cache
def _range_of(magic: int) -> _MagicRange | None:
    return next((row for row in _magic_table() if row.first <= magic <= row.last), None)


def _siphash_2_4(key: int, message: bytes) -> bytes:
    """SipHash-2-4 with the key's upper half 0 (Aumasson and Bernstein, 2012, section 2)."""
    mask = 0xFFFFFFFFFFFFFFFF
    state = [key ^ 0x736F6D6570736575, 0x646F72616E646F6D, key ^ 0x6C7967656E657261, 0x7465646279746573]

    def mix(rounds: int) -> None:
        a, b, c, d = state
        for _ in range(rounds):
            a = (a + b) & mask
            b = ((b << 13 | b >> 51) & mask) ^ a
            a = (a << 32 | a >> 32) & mask
            c = (c + d) & mask
            d = ((d << 16 | d >> 48) & mask) ^ c
            a = (a + d) & mask
            d = ((d << 21 | d >> 43) & mask) ^ a
            c = (c + b) & mask
            b = ((b << 17 | b >> 47) & mask) ^ c
            c = (c << 32 | c >> 32) & mask
        state[:] = a, b, c, d

    whole = len(message) // 8 * 8
    last = message[whole:].ljust(7, b"\0") + bytes([len(message) & 0xFF])
    for (word,) in struct.iter_unpack("<Q", message[:whole] + last):
        state[3] ^= word
        mix(2)
        state[0] ^= word
    state[2] ^= 0xFF
    mix(4)
    return (state[0] ^ state[1] ^ state[2] ^ state[3]).to_bytes(8, "little")
