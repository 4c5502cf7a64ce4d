"""``inspect explain``: what a rule means, why it matters, what to do, and what it cannot see."""

from __future__ import annotations

import argparse
import sys

from inspector.cli.color import use_color
from inspector.cli.output import write_stdout
from inspector.cli.parser import VerbParser
from inspector.cli.screen_options import (
    add_color_option,
    add_help_option,
    add_verbose_option,
    heed_color,
    make_group,
    screen_width,
)
from inspector.errors import ExitCode, UsageError

_EXAMPLES = """\
  inspect explain missing-library       by name, as reports print it
  inspect explain LIB001 RPT001         by code, several at once
  inspect rules                         all names"""


def make_parser() -> VerbParser:
    """The options of the verb."""
    parser = VerbParser(
        "explain",
        usage="inspect explain RULE... [options]",
        description="Explains rules: what is so, what happens to a user because of it, what to do,\nand what the check cannot see.",
        examples=_EXAMPLES,
    )
    what = make_group(parser, "what to explain")
    what.add_argument("rules", nargs="*", metavar="RULE", help="a rule's name, code or former name")
    screen = make_group(parser, "the screen")
    add_color_option(screen)
    add_verbose_option(screen)
    add_help_option(screen)
    return parser


def execute(options: argparse.Namespace) -> ExitCode:
    """Print the rules' texts.

    :raises UsageError: where one of them does not exist; then nothing is printed.
    """
    heed_color(options)
    if not options.rules:
        raise UsageError(
            "there is nothing to explain",
            "name a rule, such as one that a report printed: inspect explain missing-library",
        )

    from inspector.catalogue import find_rule
    from inspector.render.terminal_rule import render_rule

    rules = [find_rule(text) for text in options.rules]
    texts = [render_rule(rule, screen_width(), use_color(sys.stdout)) for rule in rules]
    write_stdout("\n".join(texts).encode())
    return ExitCode.PASSED
