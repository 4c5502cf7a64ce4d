"""The cache of shared libraries that glibc's ldconfig writes and its loader reads (``/etc/ld.so.cache``).

Format: glibc ``sysdeps/generic/dl-cache.h``, ``struct cache_file_new``; a file that starts with the older
``ld.so-1.7.0`` table has the new one behind it.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from inspector.errors import FormatError

_OLD_MAGIC = b"ld.so-1.7.0\0"
_OLD_HEADER = len(_OLD_MAGIC) + 4  # padding is part of the alignment of the count
_OLD_ENTRY = 12
_MAGIC = b"glibc-ld.so.cache1.1"
_HEADER_SIZE = 48
_ALIGNMENT = 8
_ENDIAN_MASK, _ENDIAN_BIG = 3, 3
_LONGEST_NAME = 4096


class CacheEntry(NamedTuple):
    """One library.

    :ivar name: what DT_NEEDED asks for.
    :ivar path: absolute path of the file.
    :ivar flags: ABI and word size, as ``ldconfig.h`` numbers them.
    :ivar hwcap: 0, or what the processor must have before the entry counts.
    """

    name: str
    path: str
    flags: int
    hwcap: int


def read_ld_so_cache(content: bytes) -> list[CacheEntry]:
    """The entries in the file's order; those whose strings leave the file are left out, as the loader passes over them.

    :raises FormatError: where this is no cache, or one that ends before its table does.
    """
    start = _start(content)
    header = content[start : start + _HEADER_SIZE]
    if len(header) < _HEADER_SIZE:
        raise FormatError("the cache of shared libraries ends inside its header", start)
    order = ">" if header[28] & _ENDIAN_MASK == _ENDIAN_BIG else "<"
    if header[28] & _ENDIAN_MASK == 0 and _count(header, "<") > len(content):
        order = ">"  # written before glibc 2.33, which said nothing of its byte order
    count = _count(header, order)
    row = Struct(f"{order}iIIIQ")
    if count * row.size > len(content) - start - _HEADER_SIZE:
        raise FormatError(f"the cache of shared libraries ends before its {count} entries", start)
    entries = []
    first = start + _HEADER_SIZE
    for flags, key, value, _, hwcap in row.iter_unpack(content[first : first + count * row.size]):
        name, path = _string(content, start + key), _string(content, start + value)
        if name and path.startswith("/"):
            entries.append(CacheEntry(name, path, flags, hwcap))
    return entries


def _count(header: bytes, order: str) -> int:
    count: int = Struct(f"{order}I").unpack_from(header, len(_MAGIC))[0]
    return count


def _start(content: bytes) -> int:
    """Where the table of the new format begins; its strings count from there."""
    if content.startswith(_MAGIC):
        return 0
    if not content.startswith(_OLD_MAGIC) or len(content) < _OLD_HEADER:
        raise FormatError("this is no cache of shared libraries", 0)
    for order in ("<", ">"):
        count: int = Struct(f"{order}I").unpack_from(content, len(_OLD_MAGIC))[0]
        start = -(-(_OLD_HEADER + count * _OLD_ENTRY) // _ALIGNMENT) * _ALIGNMENT
        if content.startswith(_MAGIC, start):
            return start
    raise FormatError("the cache of shared libraries has the old table only, which current loaders do not read", 0)


def _string(content: bytes, start: int) -> str:
    end = content.find(b"\0", start, start + _LONGEST_NAME)
    return content[start:end].decode("utf-8", "backslashreplace") if end > start else ""
