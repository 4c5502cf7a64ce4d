"""The runtime in front of an AppImage's image, and its sections that are bound to what lies behind it.

AppImageSpec, "Type 2 image format", and appimagetool (src/appimagetool.c): sections are found by name and written at their place in the file, for
old runtimes do not map them and static ones do.
"""

from __future__ import annotations

import hashlib
from typing import BinaryIO

from msgspec import Struct

from inspector.artifact.appimage.runtime import (
    DIGEST,
    SIGNATURE,
    SIGNATURE_KEY,
    UPDATE_INFORMATION,
    identify_runtime,
    section_text,
)
from inspector.artifact.artifact import Artifact
from inspector.errors import FormatError, UsageError
from inspector.formats.appimage_digest import appimage_digest
from inspector.formats.elf import ElfFile, read_elf
from inspector.source import FileSource, Source

_STEP = 1 << 20


class Runtime(Struct, frozen=True):
    """The bytes in front of the image.

    :ivar compressors: of SquashFS images that it reads; empty where nobody knows.
    :ivar path: of the file that it comes from, for messages.
    :ivar update_information: what the output keeps; "" where it has none.
    :ivar was_signed: whether it had a signature, which is gone.
    :ivar notices: what else is not taken over, and why.
    """

    content: bytes
    elf: ElfFile
    compressors: tuple[str, ...]
    path: str
    update_information: str = ""
    was_signed: bool = False
    notices: tuple[str, ...] = ()

    def place(self, name: str) -> tuple[int, int] | None:
        """Offset and size in the file of a section; None where there is none."""
        section = self.elf.section(name)
        if section is None or not section.occupies_file or section.offset + section.size > len(self.content):
            return None
        return section.offset, section.size


def own_runtime(artifact: Artifact) -> Runtime:
    """The runtime of an AppImage, without what is bound to its old image.

    :raises FormatError: where the artifact has none.
    """
    envelope = artifact.envelope
    if artifact.source is None or envelope is None or envelope.offset is None:
        raise FormatError(f"{artifact.path} has no runtime")
    known = envelope.runtime.compressors if envelope.runtime is not None else ()
    found = _read(artifact.source, envelope.offset, known, artifact.path)
    notices = []
    if envelope.trailing_bytes:
        notices.append(
            f"{envelope.trailing_bytes:,} bytes behind the image are left out: what builders append there, such as a block map, is of the old image"
        )
    update = section_text(found.elf, artifact.source, UPDATE_INFORMATION).decode("utf-8", "backslashreplace")
    return _blanked(found, (SIGNATURE, SIGNATURE_KEY, DIGEST), update, notices)


def given_runtime(path: str) -> Runtime:
    """A runtime from a file, or that of another AppImage, without what is bound to that one.

    :raises UsageError: where it cannot be read, or is no runtime.
    """
    try:
        with FileSource(path) as source:
            return _runtime_of_file(source, path)
    except OSError as error:
        raise UsageError(
            f"--runtime {path} cannot be read: {error.strerror}", "name a runtime's file, or an AppImage"
        ) from error


def _runtime_of_file(source: Source, path: str) -> Runtime:
    try:
        elf = read_elf(source)
    except FormatError as error:
        raise UsageError(
            f"--runtime {path} is no ELF file: {error}", "name a runtime's file, or an AppImage"
        ) from error
    offset = elf.official_appimage_offset
    if elf.section(UPDATE_INFORMATION) is None or offset is None:
        raise UsageError(
            f"--runtime {path} is no runtime of a type 2 AppImage: it has no section {UPDATE_INFORMATION}",
            "take one of github.com/AppImage/type2-runtime, or any AppImage of type 2",
        )
    if offset > source.size:
        raise UsageError(
            f"--runtime {path} is cut off: the runtime has {offset} bytes, and the file {source.size}", "copy it again"
        )
    known = identify_runtime(elf, source, offset).compressors
    found = _read(source, offset, known, path)
    notices = []
    update = section_text(elf, source, UPDATE_INFORMATION).decode("utf-8", "backslashreplace")
    if update:
        notices.append(f"the update information of {path} ({update}) is that of another application and is left out")
    return _blanked(found, (SIGNATURE, SIGNATURE_KEY, DIGEST, UPDATE_INFORMATION), "", notices)


def _read(source: Source, size: int, compressors: tuple[str, ...], path: str) -> Runtime:
    return Runtime(source.read_at(0, size), read_elf(source), compressors, path)


def _section(runtime: Runtime, name: str) -> bytes:
    place = runtime.place(name)
    return b"" if place is None else runtime.content[place[0] : sum(place)]


def _blanked(runtime: Runtime, names: tuple[str, ...], update: str, notices: list[str]) -> Runtime:
    content = bytearray(runtime.content)
    for name in names:
        place = runtime.place(name)
        if place is not None:
            content[place[0] : sum(place)] = bytes(place[1])
    signed = any(_section(runtime, SIGNATURE))
    return Runtime(bytes(content), runtime.elf, runtime.compressors, runtime.path, update, signed, tuple(notices))


def write_section(stream: BinaryIO, runtime: Runtime, name: str, content: bytes) -> None:
    """Fill a section from its start; the rest of it becomes zeros.

    :raises FormatError: where the runtime has no such section, or the content does not fit with a zero behind it, which tells readers its end.
    """
    place = runtime.place(name)
    if place is None:
        raise FormatError(f"the runtime of {runtime.path} has no section {name}")
    offset, size = place
    if len(content) > size - (name != DIGEST):
        raise FormatError(f"{len(content)} bytes do not fit into section {name} of {size} bytes")
    stream.seek(offset)
    stream.write(content.ljust(size, b"\0"))
    stream.flush()


def write_digest(stream: BinaryIO, runtime: Runtime, source: Source) -> None:
    """Fill ``.digest_md5``, where the runtime has it and the sections that its value depends on.

    :param source: the file that ``stream`` writes to.
    """
    places = [runtime.place(name) for name in (DIGEST, SIGNATURE, SIGNATURE_KEY)]
    known = [place for place in places if place is not None]
    if len(known) == len(places):
        write_section(stream, runtime, DIGEST, appimage_digest(source, known)[: known[0][1]])


def signed_text(source: Source) -> bytes:
    """What a signature is made over: 64 small hexadecimal digits, the SHA-256 of the file whose signature and key are still zeros."""
    digest = hashlib.sha256()
    for offset in range(0, source.size, _STEP):
        digest.update(source.read_at(offset, _STEP))
    return digest.hexdigest().encode()
