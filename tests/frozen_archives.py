"""Archives of freezers in memory, written from what is known of the formats: PyInstaller's CArchive and PYZ, Nuitka's payload."""

from __future__ import annotations

import marshal
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from inspector.formats.zstandard import zstandard
from tests.elf_builder import TinyElf

COOKIE = b"MEI\x0c\x0b\x0a\x0b\x0e"
STARTER = TinyElf(interpreter="/lib64/ld-linux-x86-64.so.2", program=True, needed=("libc.so.6",)).build()


@dataclass(frozen=True)
class Member:
    """One entry of a CArchive.

    :ivar stored: bytes in the archive where they are not to be made from the content; ``size`` likewise.
    """

    name: bytes
    content: bytes
    kind: str = "x"
    compressed: bool = True
    stored: bytes | None = None
    size: int | None = None


def starter() -> bytes:
    """A program with the text in it by which bootloaders are known."""
    return STARTER + b"\0_PYI_ARCHIVE_FILE\0"


def module_archive(modules: Mapping[str, tuple[int, bytes]], *, old_table: bool = False) -> bytes:
    """A PYZ: by full name the kind (0 module, 1 package, 3 namespace) and the marshalled code."""
    body = bytearray(b"PYZ\0" + b"\xa7\r\r\n" + b"\0" * 9)
    rows = []
    for name, (kind, code) in modules.items():
        stored = b"" if kind == 3 else zlib.compress(code, 6)
        rows.append((name, (kind, len(body), len(stored))))
        body += stored
    struct.pack_into("!i", body, 8, len(body))
    return bytes(body) + marshal.dumps(dict(rows) if old_table else rows)


def archive(
    members: Sequence[Member],
    *,
    library: bytes | None = b"libpython3.11.so.1.0",
    version: int = 311,
    before_table: bytes = b"",
) -> bytes:
    """A CArchive; without a library the cookie is that of PyInstaller 2.0."""
    data = bytearray()
    table = bytearray()
    for member in members:
        stored = member.stored
        if stored is None:
            stored = zlib.compress(member.content, 9) if member.compressed else member.content
        length = -(-(18 + len(member.name) + 1) // 16) * 16
        size = len(member.content) if member.size is None else member.size
        table += struct.pack("!IIIIBc", length, len(data), len(stored), size, member.compressed, member.kind.encode())
        table += member.name.ljust(length - 18, b"\0")
        data += stored
    data += before_table
    tail = b"" if library is None else library.ljust(64, b"\0")
    cookie_size = 24 + len(tail)
    total = len(data) + len(table) + cookie_size
    return bytes(data + table) + struct.pack("!8sIIII", COOKIE, total, len(data), len(table), version) + tail


def one_file(members: Sequence[Member], **options: object) -> bytes:
    """A one-file program with its archive behind it."""
    return starter() + archive(members, **options)  # type: ignore[arg-type]


@dataclass(frozen=True)
class PackedFile:
    """One entry of a Nuitka payload."""

    name: bytes
    content: bytes = b""
    executable: bool = False
    target: bytes | None = None


def nuitka_payload(files: Sequence[PackedFile], layout: str, *, checksums: bool) -> bytes:
    """A payload: "stored", "stream" or "archive"."""
    body = bytearray()
    for file in files:
        body += file.name + b"\0" + bytes([file.executable | (2 if file.target is not None else 0)])
        if file.target is not None:
            body += file.target + b"\0"
            continue
        body += struct.pack("<Q", len(file.content))
        if checksums:
            body += struct.pack("<I", zlib.crc32(file.content) or 1)
        stored = zstandard().compress(file.content) if layout == "archive" else file.content
        if layout == "archive":
            body += struct.pack("<I", len(stored))
        body += stored
    body += b"\0"
    if layout == "stream":
        return b"KAY" + zstandard().compress(bytes(body))
    return (b"KAY" if layout == "archive" else b"KAX") + bytes(body)


def nuitka_program(payload: bytes, *, appended: bool) -> bytes:
    """A program with a payload behind it, or in it."""
    mark = b"\0NUITKA_ONEFILE_PARENT\0\0{TEMP}/onefile_{PID}_{TIME}\0"
    begin = STARTER + mark
    if appended:
        return begin + payload + struct.pack("<Q", len(payload))
    return begin + payload + b"\0" * 64 + b"more constants of the program\0"
