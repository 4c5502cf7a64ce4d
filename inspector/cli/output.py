"""Where reports go: the options ``-o`` and ``--format``, stdout, and files that appear complete or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from inspector.errors import UsageError
from inspector.render.registry import FORMATS, format_for_path, unknown_format

if TYPE_CHECKING:
    from inspector.result import Result

STDOUT = "-"


class Destination(NamedTuple):
    """A report to be written: its format's name, and a path or ``-`` for stdout."""

    format: str
    path: str


def choose_destinations(outputs: Sequence[str], format_name: str | None, artifacts: Sequence[str]) -> list[Destination]:
    """What ``-o`` (each one a path or ``FORMAT:PATH``) and ``--format`` ask for; without ``-o`` it is stdout.

    :param artifacts: the paths that will be read, which no report may replace.
    :raises UsageError: for an unknown format, a directory that is not there, a target named twice or one of the artifacts.
    """
    chosen = [_parse_destination(text, format_name) for text in outputs or [STDOUT]]
    seen: set[str] = set()
    for destination in chosen:
        place = destination.path if destination.path == STDOUT else os.path.realpath(destination.path)
        if place in seen:
            raise UsageError(f"two reports would be written to {destination.path}", "give each -o a file of its own")
        seen.add(place)
        if destination.path != STDOUT:
            _check_target(destination.path, artifacts)
    return chosen


def _parse_destination(text: str, format_name: str | None) -> Destination:
    prefix, colon, path = text.partition(":")
    if colon and path and prefix in FORMATS:
        return Destination(prefix, path)
    if text == STDOUT:
        return Destination(format_name or "text", STDOUT)
    by_suffix = format_for_path(text)
    if by_suffix:
        return Destination(by_suffix, text)
    if format_name and not Path(text).suffix:
        return Destination(format_name, text)
    if not text:
        raise UsageError("-o needs a file name", "-o result.json, or -o - for stdout")
    raise unknown_format(f"the suffix of {text}" if Path(text).suffix else f"{text}, which has no suffix,")


def _check_target(path: str, artifacts: Sequence[str]) -> None:
    directory = Path(os.path.realpath(path)).parent
    if Path(path).is_dir():
        raise UsageError(f"{path} is a directory", "name a file in it: -o DIRECTORY/result.json")
    if not directory.is_dir():
        raise UsageError(f"the directory {directory} is not there", "make it first; a report never makes directories")
    for artifact in artifacts:
        with contextlib.suppress(OSError):
            if Path(path).exists() and Path(path).samefile(artifact):
                raise UsageError(f"{path} is the artifact itself", "write the report to a file of its own")


def write_report(destination: Destination, report: bytes) -> None:
    """Write a report where it belongs.  A reader of stdout that leaves early changes nothing; a file is complete or untouched.

    :raises UsageError: where a file cannot be written.
    """
    if destination.path == STDOUT:
        write_stdout(report)
        return
    try:
        _replace_file(Path(os.path.realpath(destination.path)), report)
    except OSError as error:
        raise UsageError(
            f"{destination.path} cannot be written: {error.strerror or error}", "nothing was changed there"
        ) from error


def write_stdout(report: bytes) -> None:
    """Write UTF-8 to stdout, in the terminal's own encoding where that is another one; a closed pipe is no error.

    :raises UsageError: where it cannot be written, as on a full disk.
    """
    encoding = (sys.stdout.encoding or "utf-8").lower().replace("_", "-")
    if encoding not in ("utf-8", "utf8"):
        report = report.decode("utf-8", "backslashreplace").encode(encoding, "backslashreplace")
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(report)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # `inspect audit … | head` keeps the verdict's exit code; the buffer must not be flushed again at exit
        _close_stdout()
    except OSError as error:
        _close_stdout()
        raise UsageError(
            f"the standard output cannot be written: {error.strerror or error}", "part of the report may be there"
        ) from error


def _close_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def warn_without_digests(destinations: Sequence[Destination], results: Sequence[Result], report: str) -> None:
    """Say that a document which names files by their digests will name none, as the report that it is made of has none."""
    from inspector.cli.failure import warn

    named = any(FORMATS[destination.format].names_files for destination in destinations)
    if named and not any(entry.sha256 for result in results for entry in result.files.entries or ()):
        warn(
            f"{report} has no digests of files, so that the document names none; inspect licenses writes a report that has"
        )


def _replace_file(target: Path, report: bytes) -> None:
    """Write beside the target and rename; devices and pipes (``/dev/null``, ``>(…)``) are written as they are."""
    try:
        status = target.stat()
    except FileNotFoundError:
        mode = 0o666 & ~_umask()
    else:
        if not stat.S_ISREG(status.st_mode):
            target.write_bytes(report)
            return
        mode = stat.S_IMODE(status.st_mode)
    import tempfile  # it brings random and hashlib, which --help does not need

    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name[:100]}.", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(report)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        Path(temporary).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current
