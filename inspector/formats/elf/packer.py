"""Whether a program was packed: then its file shows an unpacker, and nothing of what it needs can be read from it."""

from __future__ import annotations

from inspector.source import Source

_UPX = b"UPX!"  # UPX_MAGIC_LE32 (upx, src/conf.h): in the l_info behind the program headers, and in the header at the end (doc/linker.txt)
_HEAD, _TAIL = 1024, 64  # bytes at both ends that are looked at


def packer_of(source: Source, *, head: bytes | None = None) -> str | None:
    """The packer's name ("UPX"), or None.

    :param head: the first bytes of the file, where they were read already.
    """
    start = source.read_at(0, _HEAD) if head is None else head[:_HEAD]
    if _UPX in start or _UPX in source.read_at(max(source.size - _TAIL, 0), _TAIL):
        return "UPX"
    return None
