"""The ``.zsync`` file beside an AppImage: whether the output gets one, and what it says."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path
from urllib.parse import quote, urlsplit

from inspector.errors import FormatError, UsageError
from inspector.formats.zsync import ZsyncFile, make_zsync, read_zsync
from inspector.slim.rebuilding.output import PendingOutput, writing_to
from inspector.source import FileSource

_LARGEST = 64 << 20  # bytes of a .zsync that is read; 10 bytes for each 2048 of its target
_TRANSPORTS = ("zsync", "gh-releases-zsync", "pling-v1-zsync", "bintray-zsync")
"""First fields of update information that lead to a .zsync file (AppImageSpec, "Update information")."""


def wants_zsync(update_information: str, path: str) -> bool:
    """Whether the output gets one: the update information leads to one, or one lies beside the input."""
    return update_information.partition("|")[0] in _TRANSPORTS or Path(f"{path}.zsync").is_file()


def name_notices(update_information: str, final_name: str) -> tuple[str, ...]:
    """What does not fit between the output's name and the file that the update information leads to."""
    transport, *fields = update_information.split("|")
    if transport not in _TRANSPORTS or not fields:
        return ()
    wanted = os.path.basename(urlsplit(fields[-1]).path) if transport == "zsync" else fields[-1]  # noqa: PTH119 - a URL
    if not wanted or fnmatchcase(f"{final_name}.zsync", wanted):
        return ()
    said = f"the update information leads to {wanted}, and {final_name}.zsync is another name"
    return (f"{said}: give the output its released name with -o, for the .zsync file names the AppImage",)


def check_place(path: Path, final_name: str, *, force: bool) -> None:
    """Whether the output's .zsync has a place.

    :raises UsageError: where something is there and ``force`` is not given.
    """
    place = path.with_name(f"{final_name}.zsync")
    if os.path.lexists(place) and not force:
        raise UsageError(f"{place} is there already", "replace it with --force, or name another output with -o")


def write_zsync(path: Path, beside: str, *, force: bool) -> None:
    """Make ``path``.zsync; the block size and the place of the URL are those of a ``.zsync`` that lies beside the input.

    :param beside: the input's path.
    :raises UsageError: where it cannot be written.
    """
    old = _old(Path(f"{beside}.zsync"))
    url = quote(path.name)
    if old is not None and old.urls and "/" in old.urls[0]:
        url = f"{old.urls[0].rpartition('/')[0]}/{url}"
    with writing_to(f"{path}.zsync"), FileSource(path) as source:
        epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
        mtime = int(epoch) if epoch.isdecimal() else int(path.stat().st_mtime)
        try:
            content = make_zsync(source, path.name, url, mtime=mtime, block_size=old.block_size if old else None)
        except FormatError as error:
            raise UsageError(
                f"{path} is written, and its .zsync file is not: {error}", "make it with zsyncmake"
            ) from error
        pending = PendingOutput(f"{path}.zsync", inputs=[path], force=force)
        with pending as temporary:
            temporary.write_bytes(content)
            temporary.chmod(path.stat().st_mode & 0o666)
            pending.commit()


def _old(path: Path) -> ZsyncFile | None:
    try:
        if path.stat().st_size > _LARGEST:
            return None
        return read_zsync(path.read_bytes())
    except (OSError, FormatError):
        return None
