"""A type 2 AppImage from a planned tree: the runtime's bytes, a new image behind them, what is bound to the old payload dropped or made anew.

AppImageSpec, "Type 2 image format"; the sections are found by name and written by their place in the file, as the specification and appimagetool do.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from inspector.artifact import open_artifact
from inspector.artifact.appimage_runtime import DIGEST, SIGNATURE, SIGNATURE_KEY, UPDATE_INFORMATION
from inspector.artifact.artifact import Artifact
from inspector.errors import FormatError, UsageError
from inspector.formats.elf import ElfFile, read_elf
from inspector.formats.squashfs import SquashfsImage
from inspector.formats.squashfs.compressor import LEVELS
from inspector.formats.squashfs.image_settings import ImageSettings, settings_of
from inspector.formats.squashfs.writer import DEFAULT_BLOCK_SIZE, write_image
from inspector.limits import Limits
from inspector.progress import SILENT, Progress
from inspector.slim.image_entries import image_entries, originals_of_directory, originals_of_image
from inspector.slim.planned_tree import PlannedTree
from inspector.slim.rebuild_options import RebuildOptions, RebuildOutcome
from inspector.source import FileSource, SliceSource, Source


@dataclass(frozen=True, slots=True)
class _Runtime:
    """The bytes in front of the image.

    :ivar compressors: what it reads; empty where nobody knows.
    """

    content: bytes
    elf: ElfFile
    compressors: tuple[str, ...]
    name: str


def check_appimage_options(artifact: Artifact, options: RebuildOptions) -> None:
    """Refuse what the runtime could not read, before any work.

    :raises UsageError: for a compressor that is none, or that the runtime does not read; for a runtime that is none.
    """
    runtime = _runtime(artifact, options)
    chosen = _settings(artifact, options, runtime)
    if runtime.compressors and chosen.compressor not in runtime.compressors:
        readable = ", ".join(name for name in runtime.compressors if name in LEVELS)
        raise UsageError(
            f"the runtime of {runtime.name} cannot read {chosen.compressor}",
            f"it reads {readable}: --recompress {readable.split(', ')[0]}",
        )


def rebuild_appimage(
    artifact: Artifact,
    planned: PlannedTree,
    path: Path,
    options: RebuildOptions,
    *,
    final_name: str,
    limits: Limits,
    progress: Progress = SILENT,
) -> RebuildOutcome:
    """Write the AppImage; see :func:`inspector.slim.rebuild.rebuild`."""
    del final_name
    runtime = _runtime(artifact, options)
    settings = _settings(artifact, options, runtime)
    image = _image_of(artifact)
    originals = originals_of_image(image) if image is not None else originals_of_directory(artifact.path)
    notices: list[str] = []
    time = _time(image)
    with path.open("xb") as stream:
        stream.write(_blanked(runtime, notices))
        written = write_image(
            image_entries(planned, originals, unknown_mtime=time),
            stream,
            compressor=settings.compressor,
            level=settings.level,
            dictionary_size=settings.dictionary_size,
            block_size=settings.block_size,
            mkfs_time=time,
            owner=None if image is not None else (0, 0),
            reuse=options.recompress is None,
            fragments=settings.fragments,
            tail_ends=settings.tail_ends,
            exportable=settings.exportable,
            progress=progress,
            limits=limits,
        )
        stream.truncate(len(runtime.content) + written.size)
        os.fchmod(stream.fileno(), _mode(artifact))
    return RebuildOutcome(tuple(notices))


def _mode(artifact: Artifact) -> int:
    """The input's permission bits, executable for whoever may read it."""
    mode = 0o755 if artifact.source is None else Path(artifact.path).stat().st_mode & 0o777
    return mode | (mode & 0o444) >> 2


def _time(image: SquashfsImage | None) -> int:
    """SOURCE_DATE_EPOCH (reproducible-builds.org), else the old image's time, so that a rebuild has the same bytes whenever it is made."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if given.isdecimal() and int(given) < 1 << 32:
        return int(given)
    return image.superblock.mkfs_time if image is not None else 0


def _image_of(artifact: Artifact) -> SquashfsImage | None:
    """The input's image, opened once more: its settings, names in bytes and attributes, which the tree does not know."""
    if artifact.source is None or artifact.envelope is None or artifact.envelope.offset is None:
        return None
    return SquashfsImage(SliceSource(artifact.source, artifact.envelope.offset))


def _settings(artifact: Artifact, options: RebuildOptions, runtime: _Runtime) -> ImageSettings:
    """The old image's settings, or what is asked for."""
    image = _image_of(artifact)
    readable = [name for name in ("zstd", "gzip", "xz") if not runtime.compressors or name in runtime.compressors]
    old = (
        settings_of(image)
        if image is not None
        else ImageSettings(readable[0] if readable else "gzip", None, None, DEFAULT_BLOCK_SIZE, True, False, False)
    )
    if options.recompress is None:
        return old
    name, _, level = options.recompress.partition(":")
    if name not in LEVELS:
        raise UsageError(
            f"--recompress {options.recompress}: {name} is no compressor", f"there are {', '.join(LEVELS)}"
        )
    if level and (not level.isdecimal() or int(level) not in LEVELS[name]):
        levels = LEVELS[name]
        raise UsageError(
            f"--recompress {options.recompress}: {level} is no level of {name}",
            f"{name} has the levels {min(levels)} to {max(levels)}" if levels else f"{name} has no levels",
        )
    return ImageSettings(
        name, int(level) if level else None, None, old.block_size, old.fragments, old.tail_ends, old.exportable
    )


def _runtime(artifact: Artifact, options: RebuildOptions) -> _Runtime:
    """The input's own, or the one that is given."""
    if options.runtime is None:
        if artifact.source is None or artifact.envelope is None or artifact.envelope.offset is None:
            raise FormatError(f"{artifact.path} has no runtime")
        known = artifact.envelope.runtime.compressors if artifact.envelope.runtime is not None else ()
        return _read(artifact.source, artifact.envelope.offset, known, artifact.path)
    try:
        with FileSource(options.runtime) as source:
            try:
                elf = read_elf(source)
            except FormatError as error:
                raise UsageError(
                    f"--runtime {options.runtime} is no ELF file: {error}", "give a runtime or an AppImage"
                ) from error
            if elf.section(UPDATE_INFORMATION) is None and elf.section(SIGNATURE) is None:
                raise UsageError(
                    f"--runtime {options.runtime} is no AppImage runtime: it has no section {UPDATE_INFORMATION}",
                    "take one of github.com/AppImage/type2-runtime, or any AppImage",
                )
            offset = elf.official_appimage_offset or source.size
            if offset < source.size:  # an AppImage: what its reader knows of the runtime counts
                with open_artifact(options.runtime) as given:
                    known = given.envelope.runtime.compressors if given.envelope and given.envelope.runtime else ()
            else:
                from inspector.artifact.appimage_runtime import identify_runtime

                known = identify_runtime(elf, source, offset).compressors
            return _read(source, min(offset, source.size), known, options.runtime)
    except OSError as error:
        raise UsageError(
            f"--runtime {options.runtime} cannot be read: {error.strerror}", "name a runtime or an AppImage"
        ) from error


def _read(source: Source, size: int, compressors: tuple[str, ...], name: str) -> _Runtime:
    content = source.read_at(0, size)
    return _Runtime(content, read_elf(source), compressors, name)


def _blanked(runtime: _Runtime, notices: list[str]) -> bytes:
    """The runtime without what is bound to the old payload: signature, key and digest."""
    content = bytearray(runtime.content)
    had_signature = False
    for name in (SIGNATURE, SIGNATURE_KEY, DIGEST):
        section = runtime.elf.section(name)
        if section is None or not section.occupies_file:
            continue
        end = min(section.offset + section.size, len(content))
        had_signature = had_signature or (name == SIGNATURE and any(content[section.offset : end]))
        content[section.offset : end] = bytes(max(end - section.offset, 0))
    if had_signature:
        notices.append(
            "the signature of the input does not hold for the output and was removed; sign anew with --sign KEY"
        )
    return bytes(content)
