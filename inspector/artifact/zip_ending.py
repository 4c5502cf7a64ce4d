"""The ZIP archive that a file ends with, whatever stands before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inspector.errors import FormatError

if TYPE_CHECKING:
    from inspector.formats.zip import ZipArchive
    from inspector.limits import Limits
    from inspector.source import Source

ZIP_BEGINNINGS = (b"PK\x03\x04", b"PK\x05\x06")  # a local header; the end record of an archive without entries


def archive_at_end(source: Source, head: bytes, limits: Limits) -> ZipArchive | FormatError:
    """The archive, or why there is none.

    Behind a prefix that is no interpreter line or shell header, the archive must end where the file ends: the last member of a tar archive
    may be one.

    :param head: the file's first bytes.
    """
    from inspector.formats.zip import ZipArchive, find_end_record  # most files are none

    try:
        end = find_end_record(source)
        if end is None:
            return FormatError("it has no end record of a ZIP archive; it may be cut off")
        if not head.startswith((*ZIP_BEGINNINGS, b"#!")) and end.end != source.size:
            return FormatError("something else lies behind the ZIP archive", end.end)
        return ZipArchive(source, limits, end)
    except FormatError as error:
        return error
