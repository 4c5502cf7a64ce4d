"""ISO 9660 volumes made byte by byte, so that a test can make any of them wrong (ECMA-119, IEEE P1281 and P1282)."""

from __future__ import annotations

import struct
import zlib

SECTOR = 2048
ROOT = 18  # sectors 16 and 17 hold the descriptors
ZISOFS_MAGIC = bytes.fromhex("37e45396c9dbd607")


def both(number: int) -> bytes:
    """A number in both byte orders (ECMA-119 7.3.3)."""
    return struct.pack("<I", number) + struct.pack(">I", number)


def entry(signature: bytes, body: bytes) -> bytes:
    """A system use entry of version 1."""
    return signature + bytes([4 + len(body), 1]) + body


def rr_start() -> bytes:
    return entry(b"SP", b"\xbe\xef\0")


def rr_name(name: bytes, flags: int = 0) -> bytes:
    return entry(b"NM", bytes([flags]) + name)


def rr_mode(mode: int, serial: int | None = None) -> bytes:
    return entry(b"PX", both(mode) + both(1) + both(0) + both(0) + (b"" if serial is None else both(serial)))


def rr_link(*components: tuple[int, bytes]) -> bytes:
    return entry(b"SL", b"\0" + b"".join(bytes([flags, len(text)]) + text for flags, text in components))


def rr_zisofs(size: int, block_log: int = 15) -> bytes:
    return entry(b"ZF", b"pz" + bytes([4, block_log]) + both(size))


def rr_continued(block: int, offset: int, length: int) -> bytes:
    return entry(b"CE", both(block) + both(offset) + both(length))


def rr_child(block: int) -> bytes:
    return entry(b"CL", both(block))


def record(name: bytes, location: int, size: int, use: bytes = b"", *, flags: int = 0) -> bytes:
    """A directory record; flags: 2 directory, 0x80 not the last section."""
    fixed = both(location) + both(size) + bytes(7) + bytes([flags, 0, 0]) + b"\1\0\0\1" + bytes([len(name)]) + name
    content = fixed + (b"" if len(name) % 2 else b"\0") + use
    content += b"\0" * (len(content) % 2)
    return bytes([len(content) + 2, 0]) + content


def directory(*records: bytes, own: int = ROOT, use: bytes = b"") -> bytes:
    """The content of a directory: itself, its parent, and what is given; records that do not fit begin a new sector."""
    content = bytearray()
    for item in (record(b"\0", own, SECTOR, use, flags=2), record(b"\1", ROOT, SECTOR, flags=2), *records):
        if len(content) % SECTOR + len(item) > SECTOR:
            content += bytes(-len(content) % SECTOR)
        content += item
    return bytes(content) + bytes(-len(content) % SECTOR)


def volume(
    *sectors: bytes, system_area: bytes = b"", application_use: bytes = b"", root_length: int | None = None
) -> bytes:
    """A volume whose root directory is the first of ``sectors``, at :data:`ROOT`; each is filled up to whole sectors and follows the one before."""
    body = b"".join(content + bytes(-len(content) % SECTOR) for content in sectors)
    length = root_length if root_length is not None else len(sectors[0]) + -len(sectors[0]) % SECTOR
    descriptor = bytearray(SECTOR)
    descriptor[:7] = b"\1CD001\1"
    descriptor[40:72] = b"TEST".ljust(32)
    descriptor[80:88] = both(ROOT + len(body) // SECTOR)
    descriptor[128:132] = struct.pack("<H", SECTOR) + struct.pack(">H", SECTOR)
    descriptor[156:190] = record(b"\0", ROOT, length, flags=2)
    descriptor[813:830] = b"2020010203040500\0"
    descriptor[883 : 883 + len(application_use)] = application_use
    terminator = b"\xffCD001\1" + bytes(SECTOR - 7)
    return system_area.ljust(16 * SECTOR, b"\0") + bytes(descriptor) + terminator + body


def zisofs(content: bytes, block_log: int = 15) -> bytes:
    """A file as zisofs stores it; blocks of zeros are left out."""
    size = 1 << block_log
    blocks = [content[start : start + size] for start in range(0, len(content), size)]
    position = 16 + 4 * (len(blocks) + 1)
    pointers, packed = [position], []
    for block in blocks:
        stored = zlib.compress(block) if any(block) else b""
        packed.append(stored)
        position += len(stored)
        pointers.append(position)
    header = ZISOFS_MAGIC + struct.pack("<IBBH", len(content), 4, block_log, 0)
    return header + struct.pack(f"<{len(pointers)}I", *pointers) + b"".join(packed)
