"""The value of ``.digest_md5`` in a type 2 AppImage.

It is no MD5 of anything clean.  The program that defines it (appimagetool, src/digest.c; libappimage's is the same) reads the file in chunks of 4096
bytes into one buffer that it never clears, and always hashes the whole buffer: where it skips a section, and behind the end of the file, the buffer
keeps what the chunk before had there.  A section that begins exactly with a chunk is not skipped, and what it seeks over beside a section is never
hashed at all.  So the value is neither a checksum nor an identity; tools use it as one, and a rebuilt file gets the value that they expect.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import md5

from inspector.source import Source

_CHUNK = 4096
_MANY = 256


def appimage_digest(source: Source, sections: Sequence[tuple[int, int]]) -> bytes:
    """The 16 bytes.

    :param source: the whole file; the sections count as zeros, whatever is in them.
    :param sections: offset and size in the file of ``.digest_md5``, ``.sha256_sig`` and ``.sig_key``, in this order.
    :raises OSError: as the source does.
    """
    digest = md5(usedforsecurity=False)
    buffer = bytearray(_CHUNK)
    position = overhang = 0
    behind_sections = max((offset + size for offset, size in sections), default=0)
    chunks = -(-source.size // _CHUNK)
    while chunks:
        if position >= behind_sections and not overhang and source.size - position >= _CHUNK:
            # Nothing is skipped any more: many chunks at once, of which the buffer keeps the last
            content = source.read_at(position, min(_MANY, chunks, (source.size - position) // _CHUNK) * _CHUNK)
            if content and not len(content) % _CHUNK:  # else the file became shorter meanwhile
                digest.update(content)
                buffer[:] = content[-_CHUNK:]
                position += len(content)
                chunks -= len(content) // _CHUNK
                continue
        chunks -= 1
        start, left = position, _CHUNK
        if overhang:
            skipped = overhang % _CHUNK or _CHUNK
            left -= skipped
            overhang -= skipped
            position += skipped
        for offset, size in sections:
            before = offset - start
            if not (offset and size and 0 < before < _CHUNK):
                continue
            position += _fill(buffer, 0, source, position, before, sections)
            left -= before + size
            if left < 0:
                overhang, left = -left, 0
            position += _CHUNK - left - before
        if left:
            position += _fill(buffer, _CHUNK - left, source, position, left, sections)
        digest.update(buffer)
    return digest.digest()


def _fill(
    buffer: bytearray, at: int, source: Source, position: int, length: int, sections: Sequence[tuple[int, int]]
) -> int:
    """Read into the buffer what there is, and say how much that was."""
    content = bytearray(source.read_at(position, length))
    for offset, size in sections:
        first, last = max(offset, position), min(offset + size, position + len(content))
        if first < last:
            content[first - position : last - position] = bytes(last - first)
    buffer[at : at + len(content)] = content
    return len(content)
