"""``inspect formats``: what is opened, what is recognised, what is known by name only, and what each reader cannot do."""

from __future__ import annotations

import argparse
import sys

from inspector.cli.color import use_color
from inspector.cli.output import write_stdout
from inspector.cli.parser import VerbParser, one_of
from inspector.cli.screen_options import add_color_option, add_help_option, heed_color, make_group, screen_width
from inspector.errors import ExitCode

_EXAMPLES = """\
  inspect formats
  inspect formats -v
  inspect formats --format json | jq -r '.opened[].format'"""


def make_parser() -> VerbParser:
    """The options of the verb."""
    parser = VerbParser(
        "formats",
        usage="inspect formats [options]",
        description="Lists what is opened, what is only recognised,\nand what inspect slim can write again.",
        examples=_EXAMPLES,
    )
    report = make_group(parser, "the list")
    report.add_argument(
        "--format",
        type=one_of(("text", "json")),
        default="text",
        metavar="FORMAT",
        help="text (default) or json, with all limitations",
    )
    screen = make_group(parser, "the screen")
    screen.add_argument("-v", "--verbose", action="store_true", help="what the reader of each format cannot do")
    add_color_option(screen)
    add_help_option(screen)
    return parser


def execute(options: argparse.Namespace) -> ExitCode:
    """Print the list."""
    heed_color(options)

    from inspector.artifact.format_list import known_formats
    from inspector.slim.rebuilding.rebuild import rewritten_formats

    known, rewritten = known_formats(), rewritten_formats()
    if options.format == "json":
        import msgspec

        document = {
            "schema": "inspector/formats/1",
            "opened": [{**msgspec.to_builtins(one), "rewritten": one.format in rewritten} for one in known.opened],
            "recognised": [
                {"title": one.title, "limitations": one.limitations, "audited_as": one.audited_as or None}
                for one in known.recognised
            ],
            "named": known.named,
        }
        write_stdout(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
        return ExitCode.PASSED

    from inspector.render.terminal_formats import render_formats

    write_stdout(
        render_formats(known, rewritten, screen_width(), use_color(sys.stdout), limitations=options.verbose).encode()
    )
    return ExitCode.PASSED
