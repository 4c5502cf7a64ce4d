"""ZIP archives (PKWARE APPNOTE 6.3.10), also behind a prefix: a central directory read into entries, members as Sources.

``zipfile`` of the standard library is not used: it keeps no byte ranges, checks no overlaps before Python 3.11.8, bounds neither the members' sizes
nor their number, and decodes a member from its start for every backward seek.
"""

from __future__ import annotations

from inspector.formats.zip.archive import ZipArchive
from inspector.formats.zip.end_records import EndRecord, find_end_record
from inspector.formats.zip.entries import ZipEntry
from inspector.formats.zip.writer import MOST_BYTES, MOST_ENTRIES, ZipWriter

__all__ = ["MOST_BYTES", "MOST_ENTRIES", "EndRecord", "ZipArchive", "ZipEntry", "ZipWriter", "find_end_record"]
