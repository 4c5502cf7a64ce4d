"""``inspect manual``: the manual page, made of the same parsers as every ``--help``."""

from __future__ import annotations

import argparse

from inspector.cli.output import STDOUT, Destination, write_report
from inspector.cli.parser import VerbParser
from inspector.cli.screen_options import add_help_option, add_verbose_option, make_group
from inspector.errors import ExitCode

_EXAMPLES = """\
  inspect manual | man -l -
  inspect manual -o ~/.local/share/man/man1/inspect.1"""


def make_parser() -> VerbParser:
    """The options of the verb."""
    parser = VerbParser(
        "manual",
        usage="inspect manual [-o FILE]",
        description="Prints inspect(1), the manual page, as man reads it.",
        examples=_EXAMPLES,
    )
    what = make_group(parser, "the page")
    what.add_argument("-o", "--output", default=STDOUT, metavar="FILE", help="where to write; stdout by default")
    screen = make_group(parser, "the screen")
    add_verbose_option(screen)
    add_help_option(screen)
    return parser


def execute(options: argparse.Namespace) -> ExitCode:
    """Print the page."""
    from inspector.cli.command_model import verbs
    from inspector.cli.manual_page import manual_page

    write_report(Destination("man", options.output), manual_page(verbs()).encode())
    return ExitCode.PASSED
