"""``open_artifact``: what is this path, and who reads it?"""

from __future__ import annotations

import os
import stat

from inspector.artifact import archive_readers, single_elf
from inspector.artifact.appimage import foreign_bundles, type1, type2
from inspector.artifact.archives import zip_readers
from inspector.artifact.artifact import Artifact
from inspector.artifact.directory import LIMITATIONS, open_directory
from inspector.artifact.files_beside import FilesBeside
from inspector.artifact.frozen import cx_freeze, frozen_programs
from inspector.artifact.names import text_of
from inspector.artifact.reader import Candidate, DirectoryReader, Reader, why_unreadable
from inspector.artifact.unrecognised import describe
from inspector.errors import FormatError, NothingInspected
from inspector.limits import Limits
from inspector.source import FileSource

READERS: tuple[Reader, ...] = (
    # A new format goes here: write a module with a Reader, and put it in front of every format that its files would also pass for.
    type1.READER,
    *foreign_bundles.READERS,
    type2.READER,
    *archive_readers.PROGRAM_READERS,
    *frozen_programs.READERS,
    single_elf.READER,  # whatever else is ELF
    *archive_readers.READERS,
    *zip_readers.READERS,
)


DIRECTORY_READERS: tuple[DirectoryReader, ...] = (
    # A format whose artifacts are directories goes here; the first one that says yes to the listed tree opens it.
    *archive_readers.DIRECTORY_READERS,
    *frozen_programs.DIRECTORY_READERS,
    cx_freeze.READER,
    *zip_readers.DIRECTORY_READERS,
    *frozen_programs.LAST_DIRECTORY_READERS,
)


def open_artifact(path: str | os.PathLike[str], limits: Limits | None = None) -> Artifact:
    """Open a file or a directory; nothing of it is run, unpacked or mounted.

    A symbolic link is followed.  Members that cannot be read are in ``Artifact.problems``.  Close the artifact, or use it as a context manager.

    :param path: whatever ``inspect formats`` lists as opened: an AppImage, a frozen program, a wheel, an archive, a directory …
    :raises NothingInspected: where there is nothing to read: no such path, no permission, no known format, no payload; one line and a hint.
    """
    shown = text_of(os.fsencode(path))  # a path that is not UTF-8 must not break whoever prints it
    limits = limits or Limits()
    try:
        status = os.stat(path)  # noqa: PTH116 -- Path would resolve nothing more and cost a conversion of the user's spelling
    except (OSError, ValueError) as error:
        raise _missing(path, shown, error) from error
    if stat.S_ISDIR(status.st_mode):
        return _open_directory(path, shown, limits)
    if not stat.S_ISREG(status.st_mode):
        raise NothingInspected(
            f"{shown} is neither a file nor a directory", "give a file or a directory; what is opened: inspect formats"
        )
    try:
        source = FileSource(path)
    except OSError as error:
        raise NothingInspected(f"{shown} cannot be read: {error.strerror}", "check the file's permissions") from error
    beside = FilesBeside(path)
    try:
        artifact = _open_file(Candidate(shown, source, limits, beside=beside))
    except BaseException:
        beside.close()
        source.close()
        raise
    if artifact.on_close is None:
        artifact.on_close = beside.close
    return artifact


def limitations() -> dict[str, tuple[str, ...]]:
    """What each format's reader cannot do, by the format's name in a sentence; the documentation's table is made from it."""
    known = {reader.title: reader.limitations for reader in READERS}
    known |= {reader.title: reader.limitations for reader in DIRECTORY_READERS}
    return known | {"a directory": LIMITATIONS}


def _open_directory(path: str | os.PathLike[str], shown: str, limits: Limits) -> Artifact:
    listed = open_directory(path, shown, limits)
    try:
        for reader in DIRECTORY_READERS:
            if reader.recognises(listed.tree):
                return reader.open(listed, limits)
    except FormatError as error:
        listed.close()
        raise NothingInspected(
            f"{shown} is {reader.title} that cannot be read: {why_unreadable(error)}",
            "it may be damaged or incomplete; compare it with the original",
        ) from error
    except BaseException:
        listed.close()
        raise
    return listed


def _open_file(candidate: Candidate) -> Artifact:
    if candidate.source.size == 0:
        raise NothingInspected(f"{candidate.path} is empty", "a download or a build step may have failed")
    for reader in READERS:
        try:
            if reader.recognises(candidate):
                return reader.open(candidate)
        except FormatError as error:
            raise NothingInspected(
                f"{candidate.path} is {reader.title} that cannot be read: {why_unreadable(error)}",
                "the file may be damaged; compare its size and checksum with the original",
            ) from error
        except OSError as error:
            raise NothingInspected(
                f"{candidate.path} cannot be read: {error.strerror}", "check the disk or the network share"
            ) from error
    what, hint = describe(candidate.head, candidate.source)
    raise NothingInspected(f"{candidate.path} is {what}, not an artifact that is opened", hint)


def _missing(path: str | os.PathLike[str], shown: str, error: OSError | ValueError) -> NothingInspected:
    if isinstance(error, ValueError):
        return NothingInspected(f"{shown!r} is no path: {error}", "check the path")
    if isinstance(error, FileNotFoundError):
        try:
            target = text_of(os.fsencode(os.readlink(path)))  # noqa: PTH115 -- the target as written
        except OSError:
            return NothingInspected(f"{shown} does not exist", "check the path")
        return NothingInspected(f"{shown} is a symbolic link to {target}, which does not exist", "check the link")
    return NothingInspected(f"{shown} cannot be read: {error.strerror}", "check the path and its permissions")
