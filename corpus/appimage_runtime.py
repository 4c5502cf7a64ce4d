"""AppImage runtimes: the part in front of the payload, cut from genuine AppImages, with what belonged to the old payload blanked.

Where the payload starts follows the routine that type2-runtime, appimagetool and libappimage share: the later of the end of the section
header table and the end of the last section that it lists.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from corpus.recipe import Unavailable

# What a runtime says about one certain payload: AppImage update and signing information (AppImageSpec draft; .digest_md5 and .sig_key unspecified).
PAYLOAD_SECTIONS = (b".upd_info", b".sha256_sig", b".sig_key", b".digest_md5")

STATIC_RUNTIMES = ("shared/hello-static-runtime-x86_64.AppImage", "shared/Hello_World-x86_64.zstd.AppImage")
"""Genuine AppImages whose runtime is static and reads gzip and zstd (type2-runtime links zlib and zstd only)."""

LIBFUSE2_RUNTIME = "libappimage/Echo-no-integrate-x86_64.AppImage"
"""A genuine AppImage of 2018 whose runtime needs libfuse.so.2 and reads gzip and xz."""


@dataclass(frozen=True, slots=True)
class Section:
    """One section of an ELF file: its name, and where its bytes lie in the file."""

    name: bytes
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Runtime:
    """The bytes in front of a payload, and which genuine AppImage they come from."""

    origin: str
    content: bytes
    compressors: tuple[str, ...]
    """The payload compressors that it reads, by mksquashfs's names."""

    @property
    def reads_zstd(self) -> bool:
        """Whether a zstd payload starts with this runtime."""
        return "zstd" in self.compressors


LARGEST_RUNTIME = 4 << 20
"""Bytes within which the section table of every runtime lies; the largest known has less than one million."""

I686_RUNTIME = "libappimage/appimaged-i686.AppImage"
"""A genuine 32-bit AppImage of 2016 to 2018 whose runtime needs libfuse.so.2."""


def static_runtime() -> Runtime:
    """The static runtime, which reads zstd; ``Unavailable`` where ``../shared`` is not beside the checkout."""
    import corpus

    reason = ""
    for name in STATIC_RUNTIMES:
        try:
            return Runtime(name, blanked_prefix(corpus.artifact(name).read_bytes()), ("gzip", "zstd"))
        except Unavailable as unavailable:
            reason = str(unavailable)
    raise Unavailable(f"no static runtime: {reason}")


def libfuse2_runtime() -> Runtime:
    """The dynamic runtime of 2018, from Debian's source package libappimage; reads gzip and xz, not zstd."""
    return _dynamic_runtime(LIBFUSE2_RUNTIME)


def i686_runtime() -> Runtime:
    """A dynamic 32-bit runtime, from Debian's source package libappimage; reads gzip and xz, not zstd."""
    return _dynamic_runtime(I686_RUNTIME)


def _dynamic_runtime(name: str) -> Runtime:
    import corpus

    return Runtime(name, blanked_prefix(corpus.artifact(name).read_bytes()), ("gzip", "xz"))


def best_runtime() -> Runtime:
    """The static runtime where it can be had, else the one of 2018."""
    try:
        return static_runtime()
    except Unavailable:
        return libfuse2_runtime()


def blanked_prefix(appimage: bytes | bytearray) -> bytes:
    """The runtime of a genuine type 2 AppImage, with its update information, digest, signature and key zeroed."""
    prefix = bytearray(appimage[: payload_offset(appimage)])
    for section in sections(appimage):
        if section.name in PAYLOAD_SECTIONS:
            prefix[section.offset : section.offset + section.size] = bytes(section.size)
    return bytes(prefix)


def payload_offset(elf: bytes | bytearray) -> int:
    """Where the payload of a type 2 AppImage starts, in bytes from the start of the file."""
    table, entry_size, count, _ = _section_table(elf)
    last = list(sections(elf))[-1]
    return max(table + entry_size * count, last.offset + last.size)


def payload_offset_of(path: Path) -> int:
    """``payload_offset`` of a file, without reading its payload."""
    with path.open("rb") as file:
        return payload_offset(file.read(LARGEST_RUNTIME))


def sections(elf: bytes | bytearray) -> Iterator[Section]:
    """The sections of a little-endian ELF file of either word size, in table order (System V gABI, chapter 4)."""
    table, entry_size, count, names_index = _section_table(elf)
    layout, offset_at, size_at = ("<Q", 24, 32) if elf[4] == 2 else ("<I", 16, 20)
    headers = []
    for index in range(count):
        start = table + index * entry_size
        (name,) = struct.unpack_from("<I", elf, start)
        (offset,) = struct.unpack_from(layout, elf, start + offset_at)
        (size,) = struct.unpack_from(layout, elf, start + size_at)
        headers.append((name, offset, size))
    names = headers[names_index][1]
    for name, offset, size in headers:
        yield Section(bytes(elf[names + name : elf.index(b"\0", names + name)]), offset, size)


def _section_table(elf: bytes | bytearray) -> tuple[int, int, int, int]:
    """(e_shoff, e_shentsize, e_shnum, e_shstrndx)."""
    if elf[:4] != b"\x7fELF" or elf[5] != 1:
        raise ValueError("not a little-endian ELF file")
    if elf[4] == 2:
        (table,) = struct.unpack_from("<Q", elf, 40)
        entry_size, count, names = struct.unpack_from("<HHH", elf, 58)
    else:
        (table,) = struct.unpack_from("<I", elf, 32)
        entry_size, count, names = struct.unpack_from("<HHH", elf, 46)
    return table, entry_size, count, names


def write_appimage(destination: Path, runtime: Runtime, payload: Path) -> None:
    """Write ``runtime`` and behind it the image at ``payload``, executable."""
    import shutil

    with destination.open("wb") as output, payload.open("rb") as image:
        output.write(runtime.content)
        shutil.copyfileobj(image, output, 1 << 20)
    destination.chmod(0o755)
