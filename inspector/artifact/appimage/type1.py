"""AppImages of type 1: an ELF runtime in the system area of an ISO 9660 volume (AppImageSpec, "Type 1 image format")."""

from __future__ import annotations

from inspector.artifact.appimage.runtime import identify_runtime
from inspector.artifact.artifact import Artifact, RuntimeLayout
from inspector.artifact.gaps import byte_map, zero_bytes
from inspector.artifact.reader import Candidate, Reader
from inspector.artifact.tree_making.container_tree import iso9660_tree
from inspector.errors import NothingInspected
from inspector.formats.iso9660 import Iso9660Image, has_volume
from inspector.model import Problem
from inspector.result import EnvelopeInfo

MAGIC = b"AI\x01"
_SYSTEM_AREA = 32768
_UPDATE_INFORMATION = (
    883,
    512,
)  # offset and length in the volume descriptor: 0x8373 of the file (AppImageSpec, "Type 1 image format")
_TRANSPORTS = (b"zsync|", b"bintray-zsync|", b"gh-releases-zsync|", b"pling-v1-zsync|")
_PADDING = 300 * 1024  # mkisofs -pad appends 150 sectors of 2048 bytes; xorriso the same


def _recognises(candidate: Candidate) -> bool:
    if candidate.magic == MAGIC:
        return True
    return candidate.is_elf and not candidate.magic.startswith(b"AI") and has_volume(candidate.source)


def _open(candidate: Candidate) -> Artifact:
    path, source = candidate.path, candidate.source
    if not has_volume(source):
        missing = f"the file ends at byte {source.size}" if source.size <= _SYSTEM_AREA else "something else is there"
        raise NothingInspected(
            f"{path} has the magic bytes of a type 1 AppImage, but no ISO 9660 volume at byte {_SYSTEM_AREA}: {missing}",
            "the file may be cut off; compare its size with the original",
        )
    image = Iso9660Image(source, limits=candidate.limits)
    problems: list[Problem] = []
    tree, entries = iso9660_tree(image, problems)
    if not any(True for _ in tree.files()):
        cause = f": {problems[0].message}" if problems else ""
        raise NothingInspected(
            f"{path} is a type 1 AppImage whose ISO 9660 volume holds no readable file{cause}",
            "the image may be damaged",
        )
    elf = candidate.elf
    if elf is None:
        problems.append(
            Problem(
                kind="corrupt-runtime", subject="", message=f"the runtime is no valid ELF file: {candidate.elf_error}"
            )
        )
    volume_size = image.volume.block_count * image.volume.block_size
    if volume_size > source.size:
        message = f"the volume should have {volume_size} bytes; {volume_size - source.size} of them are missing"
        problems.append(Problem(kind="truncated", subject="", message=message))
    end = min(volume_size, source.size)
    padding_end = end + zero_bytes(source, end, min(end + _PADDING, source.size))
    runtime_end = min(elf.image_end if elf is not None else 0, _SYSTEM_AREA)
    return Artifact(
        path=path,
        format="appimage-1",
        arch=None if elf is None else elf.arch,
        size=source.size,
        tree=tree,
        layout=RuntimeLayout(launcher="AppRun" if "AppRun" in tree else None),
        envelope=EnvelopeInfo(
            runtime=None if elf is None else identify_runtime(elf, source, min(_SYSTEM_AREA, source.size)),
            offset=0,
            payload_size=volume_size,
            compression="zisofs" if any(entry.record.use.zisofs for entry in entries) else None,
            created=image.volume.created,
            update_information=update_information(image.volume.application_use),
            magic_bytes=candidate.magic == MAGIC,
            trailing_bytes=source.size - padding_end,
        ),
        source=source,
        problems=problems,
        byte_map=byte_map(
            source,
            headers=[(0, runtime_end), *image.volume.ranges],
            entries=image.metadata_ranges() + image.data_ranges(entries),
            end=end,
            padding_end=padding_end,
        ),
    )


def update_information(application_use: bytes) -> str | None:
    """The text of the volume descriptor's application-use field, or None where it is not of a known transport: other programs use the field too."""
    text = application_use[: _UPDATE_INFORMATION[1]].partition(b"\0")[0].strip()
    return text.decode("utf-8", "backslashreplace") if text.startswith(_TRANSPORTS) else None


READER = Reader(
    format="appimage-1",
    title="a type 1 AppImage",
    limitations=(
        "Joliet names are not read; a volume without Rock Ridge shows its ISO 9660 names.",
        "Files compressed by zisofs version 2 and Rock Ridge sparse files are listed, not read.",
    ),
    recognises=_recognises,
    open=_open,
)
