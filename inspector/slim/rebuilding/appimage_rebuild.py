"""A type 2 AppImage from a planned tree: the runtime's bytes, a new image behind them, what is bound to the old image made anew or dropped.

In the order of appimagetool: runtime and image, ``.digest_md5``, signature, ``.zsync``.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from inspector.artifact.artifact import Artifact
from inspector.errors import UsageError
from inspector.formats.squashfs import SquashfsImage
from inspector.formats.squashfs.compressor import WRITABLE
from inspector.formats.squashfs.image_settings import ImageSettings, settings_of
from inspector.formats.squashfs.writer import DEFAULT_BLOCK_SIZE, write_image
from inspector.limits import Limits
from inspector.progress import Progress
from inspector.slim.making.planned_tree import PlannedTree
from inspector.slim.rebuilding.appimage_sections import Runtime, given_runtime, own_runtime, write_digest
from inspector.slim.rebuilding.appimage_signing import check_signing, sign
from inspector.slim.rebuilding.image_choice import chosen_settings, image_time, permissions
from inspector.slim.rebuilding.image_entries import image_entries, originals_of_directory, originals_of_image
from inspector.slim.rebuilding.rebuild_options import RebuildOptions, RebuildOutcome, nothing_more
from inspector.slim.rebuilding.zsync_beside import check_place, name_notices, wants_zsync, write_zsync
from inspector.source import FileSource

_PREFERRED = ("zstd", "gzip", "xz", "lz4")
"""Compressors for a new image: the first that the runtime reads."""


def check(artifact: Artifact, options: RebuildOptions) -> None:
    """Refuse what the runtime could not read or the key not sign, before any work.

    :raises UsageError: for a compressor that is none, or that the runtime does not read; for a runtime that is none; for a key that gpg
        does not have.
    """
    runtime = _runtime(artifact, options)
    chosen = _settings(artifact.image, options, runtime).compressor
    readable = [name for name in _PREFERRED if name in runtime.compressors or not runtime.compressors]
    if chosen not in readable:
        why = "inspect cannot write it" if chosen not in WRITABLE else f"the runtime of {runtime.path} cannot read it"
        raise UsageError(
            f"the new image would be compressed with {chosen}, and {why}",
            f"choose another compressor: --recompress {readable[0]}" if readable else "take another runtime",
        )
    if options.runtime is not None and artifact.tree.get("AppRun") is None:
        raise UsageError(
            f"{artifact.path} has no AppRun, which the runtime starts", "an AppImage is made of a whole AppDir"
        )
    if options.sign is not None:
        check_signing(options.sign, runtime)


def write(
    artifact: Artifact,
    planned: PlannedTree,
    path: Path,
    options: RebuildOptions,
    *,
    final_name: str,
    limits: Limits,
    progress: Progress,
) -> RebuildOutcome:
    """Write the AppImage; see :func:`inspector.slim.rebuilding.rebuild.rebuild`."""
    runtime = _runtime(artifact, options)
    notices = [*runtime.notices]
    if options.runtime is None and runtime.was_signed and options.sign is None:
        notices.append("the signature does not hold for the new bytes and is removed; make a new one with --sign KEY")
    has_zsync = wants_zsync(runtime.update_information, artifact.path)
    if has_zsync:
        check_place(path, final_name, force=options.force)
        notices += [
            f"{final_name}.zsync is made for the new bytes",
            *name_notices(runtime.update_information, final_name),
        ]
    image, settings = artifact.image, _settings(artifact.image, options, runtime)
    time = image_time(image)
    originals = originals_of_image(image) if image is not None else originals_of_directory(artifact.path)
    entries = image_entries(planned, originals, unknown_mtime=time)
    with path.open("xb+") as stream:
        stream.write(runtime.content)
        written = write_image(
            entries,
            stream,
            compressor=settings.compressor,
            level=settings.level,
            dictionary_size=settings.dictionary_size,
            block_size=settings.block_size,
            mkfs_time=time,
            owner=None
            if image is not None
            else (0, 0),  # as appimagetool has mksquashfs do it: builders' numbers mean nothing elsewhere
            reuse=options.recompress is None,
            fragments=settings.fragments,
            tail_ends=settings.tail_ends,
            exportable=settings.exportable,
            progress=progress,
            limits=limits,
        )
        stream.flush()
        with FileSource(path) as source:
            write_digest(stream, runtime, source)
            if options.sign is not None:
                progress.stage("Signing")
                notices += sign(stream, source, runtime, options.sign)
        os.fchmod(stream.fileno(), permissions(artifact))
    return RebuildOutcome(
        tuple(notices),
        partial(write_zsync, beside=artifact.path, force=options.force) if has_zsync else nothing_more,
        written.bytes_copied,
        written.bytes_compressed,
    )


def _runtime(artifact: Artifact, options: RebuildOptions) -> Runtime:
    return own_runtime(artifact) if options.runtime is None else given_runtime(options.runtime)


def _settings(image: SquashfsImage | None, options: RebuildOptions, runtime: Runtime) -> ImageSettings:
    """The old image's settings, or what is asked for.

    :raises UsageError: where ``--recompress`` names no compressor, or no level of one.
    """
    if image is not None:
        old = settings_of(image)
    else:
        first = next((name for name in _PREFERRED if name in runtime.compressors), "gzip")
        old = ImageSettings(first, None, None, DEFAULT_BLOCK_SIZE, fragments=True, tail_ends=False, exportable=False)
    return chosen_settings(old, options.recompress)
