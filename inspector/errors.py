"""Errors that a person can act on, and the exit code that each of them means.

Codecs in ``formats/`` raise :class:`FormatError` and its kinds; the artifact floor turns what concerns a single member into a
``Problem`` of the Result, and what concerns the whole file into :class:`NothingInspected`.  No other exception may leave the public API.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process says to a release pipeline.  Precedence: 70, 2, 3, 1, 4, 0."""

    PASSED = 0
    GATE_FAILED = 1
    USAGE = 2
    NOTHING_INSPECTED = 3
    INCOMPLETE = 4
    INTERNAL = 70  # EX_SOFTWARE of sysexits.h


class InspectorError(Exception):
    """What is wrong, where, and what to do about it.

    :param message: one sentence without a final full stop, naming the file or option.
    :param hint: one sentence that says what to do, or None.
    :param details: lines that follow the message, one for each of several mistakes.
    """

    exit_code = ExitCode.INTERNAL

    def __init__(self, message: str, hint: str | None = None, details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details


class UsageError(InspectorError):
    """An option, a path or a configuration is wrong."""

    exit_code = ExitCode.USAGE


class NothingInspected(InspectorError):
    """The input is unreadable, empty, of an unsupported kind, or promises a payload that is not there."""

    exit_code = ExitCode.NOTHING_INSPECTED


class InstallationError(InspectorError):
    """The program's own data files are missing or do not fit its version."""


class FormatError(Exception):
    """Bytes that do not follow their format's specification.

    :param what: what is wrong, one clause ("inode 12 names fragment 7 of 3").
    :param offset: where, in bytes from the start of the structure's own source, or None.
    """

    def __init__(self, what: str, offset: int | None = None) -> None:
        super().__init__(what if offset is None else f"{what} (at byte {offset})")
        self.what = what
        self.offset = offset


class UnsupportedFormat(FormatError):
    """The bytes are understood well enough to say that this reader cannot read them, and why."""


class LimitExceeded(FormatError):
    """Reading on would pass one of :class:`inspector.limits.Limits`; the text names the limit."""
