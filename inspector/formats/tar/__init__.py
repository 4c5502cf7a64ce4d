"""Tar archives: the old format, POSIX ustar and pax, GNU (long names, base-256 numbers, sparse files).

A reader of our own: the standard library's ``tarfile`` reads a long name, a pax header and a sparse map of any length into memory, follows an
archive without counting its members, and lets errors of a dozen kinds out.  Here every length is bounded by the bytes that are there and by
``Limits``, and members are ranges of the archive::

    archive = read_tar(source, limits)      # source: the archive, decompressed (formats/compressed_stream.py)
    archive.entries                         [ArchiveEntry, …] in the order of the archive; entry.content is a Source
    archive.end                             where the archive ends: behind its two zero blocks, or where reading stopped
    archive.damages                         [(path, FormatError), …]: members that are listed in part or left out, and why reading stopped

Formats: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Interchange Format"; GNU tar manual, "Basic Tar Format", "Storing Sparse Files".
"""

from __future__ import annotations

from inspector.formats.tar.archive import TarArchive, looks_like_tar, read_tar

__all__ = ["TarArchive", "looks_like_tar", "read_tar"]
