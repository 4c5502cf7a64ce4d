"""The options that every verb which prints has: colour, quiet, verbose, help."""

from __future__ import annotations

import argparse
import os
import sys

from inspector.cli.color import choose_color
from inspector.cli.parser import VerbParser, one_of

_NARROWEST, _WIDEST, _UNKNOWN = 60, 120, 100


def add_color_option(group: argparse._ArgumentGroup) -> None:
    """``--color``, with the environment's say in its help."""
    group.add_argument(
        "--color",
        type=one_of(("auto", "always", "never")),
        default="auto",
        metavar="WHEN",
        help="auto (default), always or never; auto heeds NO_COLOR, FORCE_COLOR and whether it is a terminal",
    )


def add_help_option(group: argparse._ArgumentGroup) -> None:
    """``--help``, in a group of the verb's choice."""
    group.add_argument("-h", "--help", action="help", help="print this and stop")


def add_verbose_option(group: argparse._ArgumentGroup) -> None:
    """``-v`` of verbs that have nothing more to show than what a defect was."""
    group.add_argument("-v", "--verbose", action="store_true", help="tracebacks of defects")


def add_progress_option(group: argparse._ArgumentGroup) -> None:
    """``--no-progress``, of verbs that may take long."""
    group.add_argument("--no-progress", action="store_true", help="show no progress bar on stderr")


def make_group(parser: VerbParser, title: str) -> argparse._ArgumentGroup:
    """A titled group of options."""
    return parser.add_argument_group(title)


def heed_color(options: argparse.Namespace) -> None:
    """Take what ``--color`` says."""
    choose_color(options.color)


def screen_width() -> int:
    """Columns to write for: ``COLUMNS``, else the terminal's, within 60 and 120; 100 where there is no terminal."""
    written = os.environ.get("COLUMNS", "")
    columns = int(written) if written.isdecimal() and len(written) < 6 else 0
    for stream in (sys.stdout, sys.stderr):
        if columns:
            break
        try:
            columns = os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
        except (OSError, ValueError):  # closed, or replaced by something without a descriptor
            columns = 0
    return min(max(columns or _UNKNOWN, _NARROWEST), _WIDEST)
