"""AppImages of type 2: an ELF runtime with a file system image right behind it (AppImageSpec, "Type 2 image format").

The image begins where the official runtime looks for it, and nowhere else: the runtime's own code contains ``hsqs`` before the image does.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from inspector.artifact.appimage.runtime import (
    SIGNATURE,
    UPDATE_INFORMATION,
    identify_runtime,
    section_text,
    stored_digest,
)
from inspector.artifact.appimage.signature import read_signature_info
from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.gaps import byte_map, zero_bytes
from inspector.artifact.reader import Candidate, Reader, why_unreadable
from inspector.artifact.tree import Tree
from inspector.artifact.tree_making.container_tree import squashfs_tree
from inspector.errors import FormatError, NothingInspected, UnsupportedFormat
from inspector.formats.elf import ElfFile
from inspector.formats.elf.packer import packer_of
from inspector.model import Problem
from inspector.result import EnvelopeInfo
from inspector.source import SliceSource

if TYPE_CHECKING:
    from inspector.formats.squashfs import SquashfsImage

MAGIC = b"AI\x02"
_SQUASHFS_MAGICS = (b"hsqs", b"sqsh", b"shsq", b"qshs")
_DWARFS_MAGIC = b"DWARFS"
_SUPERBLOCK = 96
_PADDING = 4096  # mksquashfs fills the image up to this
_REBUILD = "build the AppImage again; pack and strip only the files inside the AppDir, never the finished AppImage"


def _recognises(candidate: Candidate) -> bool:
    if candidate.magic == MAGIC:
        return True
    if not candidate.is_elf or candidate.elf is None:
        return False
    if _has_runtime_sections(candidate.elf):
        return True
    offset = candidate.elf.official_appimage_offset
    if offset is None:
        return False
    head = candidate.source.read_at(offset, _SUPERBLOCK)
    return _is_squashfs(head) or head.startswith(_DWARFS_MAGIC)


def _has_runtime_sections(elf: ElfFile) -> bool:
    """Whether it is an AppImage's runtime by its sections; ``strip`` cuts the payload off and blanks the magic bytes, and leaves these."""
    return elf.section(UPDATE_INFORMATION) is not None and elf.section(SIGNATURE) is not None


def _nature(candidate: Candidate) -> str:
    """What makes the file an AppImage, for a sentence that goes on with what is wrong with it."""
    return (
        "has the magic bytes of a type 2 AppImage"
        if candidate.magic == MAGIC
        else "is the runtime of a type 2 AppImage"
    )


def _is_squashfs(head: bytes) -> bool:
    """Whether the bytes begin a squashfs 4.0 image: not its magic alone, also a block size that agrees with its logarithm."""
    if len(head) < _SUPERBLOCK or head[:4] != b"hsqs":
        return False
    (block_size,) = struct.unpack_from("<I", head, 12)
    (block_log,) = struct.unpack_from("<H", head, 22)
    return struct.unpack_from("<HH", head, 28) == (4, 0) and block_log < 32 and block_size == 1 << block_log


def _open(candidate: Candidate) -> Artifact:
    elf = candidate.elf
    if elf is None:
        raise NothingInspected(
            f"{candidate.path} has the magic bytes of a type 2 AppImage, but its runtime is no valid ELF file: {candidate.elf_error}",
            "the file may be cut off; compare its size with the original",
        )
    offset = _payload_offset(candidate, elf)
    image = _open_image(candidate, offset)
    problems: list[Problem] = []
    tree = squashfs_tree(image, problems)
    if not any(True for _ in tree.files()):
        cause = f": {problems[0].message}" if problems else ""
        raise NothingInspected(
            f"{candidate.path} is a type 2 AppImage whose squashfs image holds no readable file{cause}",
            "the image may be damaged",
        )
    return _artifact(candidate, elf, offset, image, tree, problems)


def _artifact(
    candidate: Candidate, elf: ElfFile, offset: int, image: SquashfsImage, tree: Tree, problems: list[Problem]
) -> Artifact:
    from inspector.artifact.tree_making.squashfs_payload import image_ranges

    source, superblock = candidate.source, image.superblock
    end = offset + superblock.bytes_used
    # From the start of the image; the image itself need not begin on a page
    padded = min(offset + -(-superblock.bytes_used // _PADDING) * _PADDING, source.size)
    padding_end = end + zero_bytes(source, end, padded)
    return Artifact(
        path=candidate.path,
        format="appimage-2",
        arch=elf.arch,
        size=source.size,
        tree=tree,
        layout=RuntimeLayout(launcher="AppRun" if "AppRun" in tree else None),
        envelope=EnvelopeInfo(
            runtime=identify_runtime(elf, source, offset),
            offset=offset,
            payload_size=superblock.bytes_used,
            compression=superblock.compressor,
            block_size=superblock.block_size,
            created=superblock.mkfs_time,
            update_information=section_text(elf, source, UPDATE_INFORMATION).decode("utf-8", "backslashreplace")
            or None,
            signature=read_signature_info(elf, source),
            digest_md5=stored_digest(elf, source),
            magic_bytes=candidate.magic == MAGIC,
            trailing_bytes=source.size - padding_end,
        ),
        source=source,
        problems=problems,
        byte_map=byte_map(
            source,
            headers=[(0, offset)],
            entries=image_ranges(image, offset, tree, problems),
            end=end,
            padding_end=padding_end,
        ),
        image=image,
    )


def _open_image(candidate: Candidate, offset: int) -> SquashfsImage:
    from inspector.formats.squashfs import SquashfsImage  # who opens no AppImage does not pay for it

    path, source = candidate.path, candidate.source
    head = source.read_at(offset, _SUPERBLOCK)
    if head.startswith(_DWARFS_MAGIC) and len(head) >= 8:
        # DwarFS format 2.5, "section header": the magic, then the major and minor version
        raise NothingInspected(
            f"{path} carries a DwarFS {head[6]}.{head[7]} file system at byte {offset}; DwarFS is not readable yet",
            "unpack it with dwarfsextract --image-offset=auto and audit the directory",
        )
    if not head.startswith(_SQUASHFS_MAGICS):
        raise NothingInspected(
            f"{path} {_nature(candidate)}, but no squashfs or DwarFS image at byte {offset}, where the payload belongs"
            f" (the bytes there are {head[:8].hex(' ')})",
            "the payload is of an unknown kind, or was moved by a tool that rewrote the runtime",
        )
    if len(head) < _SUPERBLOCK:
        raise NothingInspected(
            f"{path} is cut off: its squashfs image begins at byte {offset}, and the file ends at byte {source.size}",
            "download or copy it again",
        )
    if _is_squashfs(head):
        (bytes_used,) = struct.unpack_from("<Q", head, 40)
        missing = offset + bytes_used - source.size
        if missing > 0:
            raise NothingInspected(
                f"{path} is cut off: its squashfs image should end at byte {offset + bytes_used}, and {missing} bytes of it are missing",
                "download or copy it again; the tables that name the files lie at the end of the image",
            )
    try:
        return SquashfsImage(SliceSource(source, offset), candidate.limits)
    except UnsupportedFormat as error:
        raise NothingInspected(
            f"{path} carries an image that cannot be read: {error.what}",
            "unpack it with --appimage-extract and audit the directory",
        ) from error
    except FormatError as error:
        raise NothingInspected(
            f"{path} carries a squashfs image at byte {offset} that cannot be read: {why_unreadable(error)}",
            "the file may be damaged; compare its size and checksum with the original",
        ) from error


def _payload_offset(candidate: Candidate, elf: ElfFile) -> int:
    """Where the official runtime looks.

    :raises NothingInspected: where it finds nothing there to look at, saying what probably happened to the file.
    """
    path, source = candidate.path, candidate.source
    offset = elf.official_appimage_offset
    said = f"{path} {_nature(candidate)}, but has no payload"
    if offset is not None and offset < source.size:
        return offset
    packer = packer_of(source, head=candidate.head)
    if packer is not None:
        raise NothingInspected(
            f"{said}: it was packed with {packer}, which drops what lies behind the runtime", _REBUILD
        )
    if not elf.header.shnum or not elf.header.shoff:
        raise NothingInspected(
            f"{said}: its runtime has no section headers, by which the payload is found; was sstrip, strip or a packer run on it?",
            _REBUILD,
        )
    if offset is None or offset > source.size:
        table_end = elf.header.shoff + elf.header.shnum * elf.header.shentsize
        raise NothingInspected(
            f"{said}: its runtime alone should have {max(table_end, offset or 0)} bytes, and the file ends at byte {source.size}",
            "download or copy it again",
        )
    raise NothingInspected(
        f"{said}: the file ends where its runtime ends, at byte {source.size}; it is a bare runtime, or strip or objcopy cut the payload off",
        _REBUILD,
    )


READER = Reader(
    format="appimage-2",
    title="a type 2 AppImage",
    limitations=(
        "DwarFS payloads are recognised and not read.",
        "Squashfs images other than version 4.0, and those compressed with lzo, are named and not read.",
        "A payload is looked for only where the official runtime looks; a runtime that looks elsewhere is not followed.",
        "A signature is checked against the key in the file; expiry and revocation are not looked at.",
    ),
    recognises=_recognises,
    open=_open,
)
