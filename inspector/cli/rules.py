"""``inspect rules``: every rule in a line, or all of their texts as JSON."""

from __future__ import annotations

import argparse
import sys

from inspector.cli.color import use_color
from inspector.cli.output import write_stdout
from inspector.cli.parser import VerbParser, one_of
from inspector.cli.screen_options import (
    add_color_option,
    add_help_option,
    add_verbose_option,
    heed_color,
    make_group,
    screen_width,
)
from inspector.errors import ExitCode

_EXAMPLES = """\
  inspect rules
  inspect rules --format json | jq -r '.rules[].name'"""


def make_parser() -> VerbParser:
    """The options of the verb."""
    parser = VerbParser(
        "rules",
        usage="inspect rules [options]",
        description="Lists every rule: name, code, severity and summary.\ninspect explain RULE says more.",
        examples=_EXAMPLES,
    )
    report = make_group(parser, "the list")
    report.add_argument(
        "--format",
        type=one_of(("text", "json")),
        default="text",
        metavar="FORMAT",
        help="text (default) or json, with all texts",
    )
    screen = make_group(parser, "the screen")
    add_color_option(screen)
    add_verbose_option(screen)
    add_help_option(screen)
    return parser


def execute(options: argparse.Namespace) -> ExitCode:
    """Print the list."""
    heed_color(options)

    from inspector.catalogue import load_rules

    rules = list(load_rules().values())
    if options.format == "json":
        import msgspec

        document = {"schema": "inspector/rules/1", "rules": rules}
        write_stdout(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
        return ExitCode.PASSED

    from inspector.render.terminal_rule import render_rule_list

    write_stdout(render_rule_list(rules, screen_width(), use_color(sys.stdout)).encode())
    return ExitCode.PASSED
