"""When colour codes may be written: ``--color``, then ``NO_COLOR``, then ``FORCE_COLOR`` or ``CLICOLOR_FORCE``, then whether it is a terminal.

See no-color.org and bixense.com/clicolors.
"""

from __future__ import annotations

import os
from typing import Literal, TextIO

ColorChoice = Literal["auto", "always", "never"]

_choice: ColorChoice = "auto"


def choose_color(choice: ColorChoice) -> None:
    """Set what ``--color`` says, for the whole process."""
    global _choice  # noqa: PLW0603 - one process has one terminal, and errors are printed where no options are at hand
    _choice = choice


def use_color(stream: TextIO) -> bool:
    """Whether colour codes may be written to that stream."""
    if _choice != "auto":
        return _choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR") or os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def in_continuous_integration() -> bool:
    """Whether a build service runs this, which keeps every line of an animation in its log."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")
