"""What the user reads when something goes wrong, on stderr: one line, a hint, and for a defect the way to report it."""

from __future__ import annotations

import sys

from inspector.errors import ExitCode, InspectorError, InstallationError
from inspector.render.escaping import escape


def report_failure(error: Exception, *, traceback: bool = False) -> ExitCode:
    """Print what happened and return the exit code that it means.

    :param traceback: print the traceback of a defect too; an :class:`InspectorError` never needs one.
    """
    if isinstance(error, InspectorError):
        # our own data's mistakes are a list; in any other message a line break can only be somebody's attempt to forge a line
        first, *more = error.message.split("\n") if isinstance(error, InstallationError) else [error.message]
        _say("error", first)
        for line in (*more, *error.details):
            note(line)
        if error.hint:
            _say("hint", error.hint)
        return error.exit_code
    if traceback:
        from traceback import format_exception

        for line in "".join(format_exception(error)).splitlines():
            sys.stderr.write(f"{escape(line)}\n")
    _say("error", f"internal: {type(error).__name__}: {error}{_place_of(error)}")
    _say(
        "hint",
        "this is a defect of Inspector and says nothing about the artifact; please report it with the output of -v",
    )
    return ExitCode.INTERNAL


def warn(text: str) -> None:
    """Print one line about something that does not stop the run."""
    _say("warning", text)


def note(text: str) -> None:
    """Print one line that is not trouble, such as what was written where."""
    sys.stderr.write(f"{escape(text)}\n")


def _say(label: str, text: str) -> None:
    from inspector.cli.color import use_color

    word = (
        f"\x1b[1;{33 if label == 'warning' else 31 if label == 'error' else 36}m{label}:\x1b[0m"
        if use_color(sys.stderr)
        else f"{label}:"
    )
    sys.stderr.write(f"{word} {escape(text)}\n")


def _place_of(error: Exception) -> str:
    """Where in the program it happened, innermost: `` (squashfs.py, line 12)``."""
    entry = error.__traceback__
    while entry is not None and entry.tb_next is not None:
        entry = entry.tb_next
    if entry is None:
        return ""
    return f" ({entry.tb_frame.f_code.co_filename.rpartition('/')[2]}, line {entry.tb_lineno})"
