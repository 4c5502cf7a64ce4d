"""Small packages in memory, written by the formats' specifications and by no code of ours: tar, ar, cpio, RPM headers, GVariant, static deltas."""

from __future__ import annotations

import bz2
import hashlib
import io
import json
import lzma
import struct
import tarfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Member = tuple[str, bytes]


def tar(members: Iterable[tarfile.TarInfo | Member], form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar archive; a member is a TarInfo without content, or a name and the content of a regular file."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            name, content = member
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def link(name: str, target: str, *, hard: bool = False) -> tarfile.TarInfo:
    """A link as a member of :func:`tar`."""
    info = tarfile.TarInfo(name)
    info.type = tarfile.LNKTYPE if hard else tarfile.SYMTYPE
    info.linkname = target
    return info


def directory(name: str) -> tarfile.TarInfo:
    """A directory as a member of :func:`tar`."""
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    return info


def ar(members: Iterable[tuple[bytes, bytes]]) -> bytes:
    """An ar archive (ar(5))."""
    found = b"!<arch>\n"
    for name, content in members:
        found += b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (name, 0, 0, 0, b"100644", len(content))
        found += content + b"\n" * (len(content) % 2)
    return found


def deb(data: bytes, control: bytes = b"Package: sample\nVersion: 1.2\nArchitecture: amd64\n") -> bytes:
    """A Debian package with uncompressed archives (deb(5))."""
    return ar([(b"debian-binary", b"2.0\n"), (b"control.tar", tar([("./control", control)])), (b"data.tar", data)])


def cpio(members: Iterable[tuple[bytes, int, bytes]], *, numbered: bool = False) -> bytes:
    """A cpio archive of (name, mode, content): "new ASCII", or RPM's form whose headers are numbers."""
    found = b""
    for number, (name, mode, content) in enumerate([*members, (b"TRAILER!!!", 0, b"")]):
        trailer = name == b"TRAILER!!!"
        if numbered:
            found += b"07070X%08x" % (0xFFFFFFFF if trailer else number)
        else:
            fields = (number + 1, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
            found += b"070701" + b"".join(b"%08x" % field for field in fields) + name + b"\0"
        found += b"\0" * (-len(found) % 4)
        found += content + b"\0" * (-len(content) % 4)
    return found


def rpm(payload: bytes, tags: Mapping[int, bytes | int | Sequence[bytes] | Sequence[int]]) -> bytes:
    """An RPM package: lead, an empty signature, a header with these tags, the payload."""
    lead = (
        b"\xed\xab\xee\xdb\x03\0" + struct.pack(">HH", 0, 1) + b"sample".ljust(66, b"\0") + struct.pack(">HH", 1, 5)
    ).ljust(96, b"\0")
    return lead + _rpm_header({}) + _rpm_header(tags) + payload


def _rpm_header(tags: Mapping[int, Any]) -> bytes:
    index = data = b""
    for tag, value in sorted(tags.items()):
        if isinstance(value, bytes):
            kind, count, content = 6, 1, value + b"\0"
        elif isinstance(value, int):
            kind, count, content = 4, 1, struct.pack(">I", value)
        elif value and isinstance(value[0], bytes):
            kind, count, content = 8, len(value), b"".join(part + b"\0" for part in value)
        else:
            kind, count, content = 4, len(value), struct.pack(f">{len(value)}I", *value)
        data += b"\0" * (-len(data) % 4)
        index += struct.pack(">IIII", tag, kind, len(data), count)
        data += content
    return b"\x8e\xad\xe8\x01\0\0\0\0" + struct.pack(">II", len(tags), len(data)) + index + data


def scie(
    starter: bytes,
    files: Iterable[tuple[Mapping[str, Any], bytes]],
    commands: Mapping[str, Any],
    *,
    pretty: bool = False,
    jump_size: int | None = None,
) -> bytes:
    """A scie: the starter, the files, the manifest (a-scie/jump, jump/src/config.rs).

    :param files: what the manifest says of each, and its bytes.
    """
    listed = list(files)
    jump = {"size": len(starter) if jump_size is None else jump_size, "version": "1.11.0"}
    lift = {"name": "app", "files": [file for file, _ in listed], "boot": {"commands": commands}}
    manifest = json.dumps({"scie": {"lift": lift, "jump": jump}, "ptex": {}}, indent=2 if pretty else None)
    return starter + b"".join(content for _, content in listed) + f"\n{manifest}\n".encode()


def scie_file(name: str, content: bytes, kind: str, **more: Any) -> dict[str, Any]:
    """What a scie's manifest says of one file."""
    return {"name": name, "type": kind, "size": len(content), "hash": hashlib.sha256(content).hexdigest(), **more}


def conda_archive(content: bytes, info: bytes) -> bytes:
    """A conda package of the newer form around two tar archives."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("metadata.json", '{"conda_pkg_format_version": 2}')
        archive.writestr("pkg-sample-1.2.tar.bz2", bz2.compress(content))
        archive.writestr("info-sample-1.2.tar.bz2", bz2.compress(info))
    return stream.getvalue()


# --- GVariant (GLib, "GVariant Specification 1.0", "Serialisation Format") ---------------------------------------------------------------------

_FIXED = {"y": "<B", "u": "<I", "t": "<Q"}


def _parts(kind: str) -> list[str]:
    """The types of a tuple's or a dictionary entry's members."""
    found, position = [], 1
    while position < len(kind) - 1:
        start = position
        while kind[position] in "am":
            position += 1
        depth = 0
        while True:
            depth += (kind[position] in "({") - (kind[position] in ")}")
            position += 1
            if not depth:
                break
        found.append(kind[start:position])
    return found


def _alignment(kind: str) -> int:
    if kind[0] in "am":
        return _alignment(kind[1:])
    if kind[0] in "({":
        return max((_alignment(part) for part in _parts(kind)), default=1)
    return {"u": 4, "t": 8, "v": 8}.get(kind, 1)


def _is_fixed(kind: str) -> bool:
    return all(_is_fixed(part) for part in _parts(kind)) if kind[0] in "({" else kind in _FIXED


def _framed(body: bytes, ends: Sequence[int]) -> bytes:
    for width in (1, 2, 4, 8):
        if len(body) + width * len(ends) < 1 << 8 * width:
            break
    return body + b"".join(end.to_bytes(width, "little") for end in ends)


def gvariant(kind: str, value: Any) -> bytes:
    """A value serialised: numbers, ``s`` as text, ``ay`` as bytes, ``v`` as (type, value), containers as sequences, ``a{sv}`` as a mapping too."""
    if kind in _FIXED:
        return struct.pack(_FIXED[kind], value)
    if kind == "s":
        return str(value).encode() + b"\0"
    if kind == "v":
        return gvariant(*value) + b"\0" + value[0].encode()
    if kind == "ay":
        return bytes(value)
    members: list[tuple[str, Any]]
    if kind[0] == "a":
        members = [(kind[1:], part) for part in (value.items() if isinstance(value, Mapping) else value)]
    else:
        members = list(zip(_parts(kind), value, strict=True))
    body, ends = b"", []
    for number, (part, inner) in enumerate(members):
        body += b"\0" * (-len(body) % _alignment(part)) + gvariant(part, inner)
        if not _is_fixed(part) and (kind[0] == "a" or number < len(members) - 1):
            ends.append(len(body))
    if kind[0] != "a":
        return body + b"\0" * (-len(body) % _alignment(kind)) if _is_fixed(kind) else _framed(body, ends[::-1])
    return _framed(body, ends)


# --- OSTree ------------------------------------------------------------------------------------------------------------------------------------


def swapped(number: int, width: int = 4) -> int:
    """A number as OSTree writes it: big-endian bytes in a little-endian field."""
    return int.from_bytes(number.to_bytes(width, "little"), "big")


def varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    found = b""
    while number > 0x7F:
        found += bytes([number & 0x7F | 0x80])
        number >>= 7
    return found + bytes([number])


def static_delta(
    files: Mapping[str, bytes],
    *,
    metadata: str = "",
    compressed: bool = True,
    program: bytes | None = None,
    trees: Sequence[bytes] = (),
) -> bytes:
    """A Flatpak bundle with one part, whose commit has these files in one directory.

    :param program: operations in the place of those that make the objects.
    :param trees: dirtree objects in the place of the root's; the last one is the root.
    """
    meta = gvariant("(uuua(ayay))", (0, 0, swapped(0o40755), []))
    names = {name: hashlib.sha256(b"file" + name.encode() + content).digest() for name, content in files.items()}
    listing = gvariant("(a(say)a(sayay))", (sorted(names.items()), []))
    listings = [*trees] or [listing]
    root = hashlib.sha256(listings[-1]).digest()
    committed = ({}, b"", [], "subject", "", swapped(1_700_000_000, 8), root, hashlib.sha256(meta).digest())
    commit = gvariant("(a{sv}aya(say)sstayay)", committed)
    raw, objects, operations = b"", b"", b""
    for content in [*listings, meta]:
        objects += bytes([3 if content is meta else 2]) + hashlib.sha256(content).digest()
        operations += b"S" + varint(len(content)) + varint(len(raw))
        raw += content
    for name, content in sorted(files.items()):
        objects += b"\1" + names[name]
        operations += b"S" + varint(0) + varint(0) + varint(len(content)) + varint(len(raw))
        raw += content
    modes = [(0, 0, swapped(0o100755))]
    payload = gvariant("(a(uuu)aa(ayay)ayay)", (modes, [[]], raw, operations if program is None else program))
    part = gvariant("(yay)", (ord("x"), lzma.compress(payload)) if compressed else (0, payload))
    statements = {
        "flatpak": ("u", 0xE5890001),
        "ref": ("s", "app/org.example.Small/x86_64/master"),
        "metadata": ("s", metadata),
        "ostree.endianness": ("y", ord("l")),
        "deltas/ab/c/0": ("(yay)", (ord("x"), lzma.compress(payload)) if compressed else (0, payload)),
    }
    entry = (swapped(0), hashlib.sha256(part).digest(), swapped(len(part), 8), swapped(len(payload), 8), objects)
    return gvariant(
        "(a{sv}tayay(a{sv}aya(say)sstayay)aya(uayttay)a(yaytt))",
        (statements, 0, b"", hashlib.sha256(commit).digest(), committed, b"", [entry], []),
    )
