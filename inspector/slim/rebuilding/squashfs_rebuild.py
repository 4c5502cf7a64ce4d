"""Snaps, XAR files and bare squashfs images from a planned tree: what stands in front of the image is kept, the image is written anew.

A XAR file's UUID is part of the directory that it is mounted at (facebookincubator/xar, XarHelpers.cpp), so that new content needs a new one: the
first digits of the new image's SHA-256, which makes a rebuild give the same bytes whenever it is made.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import BinaryIO

from inspector.artifact.artifact import Artifact
from inspector.errors import FormatError, UsageError
from inspector.formats.squashfs.compressor import WRITABLE
from inspector.formats.squashfs.image_settings import settings_of
from inspector.formats.squashfs.writer import write_image
from inspector.limits import Limits
from inspector.patterns import lazy_pattern
from inspector.progress import Progress
from inspector.slim.making.planned_tree import PlannedTree
from inspector.slim.rebuilding.image_choice import chosen_settings, image_time, permissions
from inspector.slim.rebuilding.image_entries import image_entries, originals_of_image
from inspector.slim.rebuilding.rebuild_options import RebuildOptions, RebuildOutcome

_UUID = lazy_pattern(rb'^UUID="([0-9A-Fa-f]*)"$', re.MULTILINE)
_STEP = 1 << 20
_SNAP_NOTICE = "signed assertions and the store's revision are of the old bytes: install the new snap with --dangerous, or publish it anew"


def check(artifact: Artifact, options: RebuildOptions) -> None:
    """Refuse what does not fit, before any work.

    :raises UsageError: for a signature, and for a compressor that is none or cannot be written.
    """
    if options.sign is not None:
        raise UsageError("--sign is for AppImages", "sign the new file with the tools of its own format")
    image = artifact.image
    if image is None:
        raise UsageError(f"{artifact.path} holds no squashfs image")
    compressor = chosen_settings(settings_of(image), options.recompress).compressor
    if compressor not in WRITABLE:
        raise UsageError(
            f"the new image would be compressed with {compressor}, and inspect cannot write it",
            f"choose another compressor: --recompress {WRITABLE[0]}",
        )


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
    """Write the file; see :func:`inspector.slim.rebuilding.rebuild.rebuild`."""
    del final_name
    image, source = artifact.image, artifact.source
    if image is None or source is None:
        raise UsageError(f"{artifact.path} holds no squashfs image")
    offset = artifact.envelope.offset if artifact.envelope is not None and artifact.envelope.offset else 0
    prefix = source.read_at(0, offset)
    settings, time = chosen_settings(settings_of(image), options.recompress), image_time(image)
    entries = image_entries(planned, originals_of_image(image), unknown_mtime=time)
    with path.open("xb+") as stream:
        stream.write(prefix)
        written = write_image(
            entries,
            stream,
            compressor=settings.compressor,
            level=settings.level,
            dictionary_size=settings.dictionary_size,
            block_size=settings.block_size,
            mkfs_time=time,
            reuse=options.recompress is None,
            fragments=settings.fragments,
            tail_ends=settings.tail_ends,
            exportable=settings.exportable,
            progress=progress,
            limits=limits,
        )
        if artifact.format == "xar":
            _write_uuid(stream, prefix)
        os.fchmod(stream.fileno(), permissions(artifact, executable=artifact.format == "xar"))
    notices = (_SNAP_NOTICE,) if artifact.format == "snap" else ()
    return RebuildOutcome(notices, bytes_copied=written.bytes_copied, bytes_compressed=written.bytes_compressed)


def _write_uuid(stream: BinaryIO, prefix: bytes) -> None:
    """Put the new UUID into the header, whose length stays.

    :raises FormatError: where the header has no field for it.
    """
    found = _UUID.search(prefix)
    if found is None or not found[1]:
        raise FormatError("the header of the XAR file has no UUID")
    digest = hashlib.sha256()
    stream.seek(len(prefix))
    while chunk := stream.read(_STEP):
        digest.update(chunk)
    stream.seek(found.start(1))
    stream.write(digest.hexdigest()[: len(found[1])].encode("ascii"))
