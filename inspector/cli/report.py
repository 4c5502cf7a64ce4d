"""``inspect report``: render a written Result again, without the artifact."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from inspector.cli.color import use_color
from inspector.cli.gate_options import add_configuration_options, chosen_configuration
from inspector.cli.output import STDOUT, choose_destinations, warn_without_digests, write_report
from inspector.cli.parser import VerbParser, one_of
from inspector.cli.screen_options import add_color_option, add_help_option, heed_color, make_group, screen_width
from inspector.errors import ExitCode, UsageError
from inspector.render.registry import FORMATS

if TYPE_CHECKING:
    from inspector.result import Result

_FILE_WIDTH = 100
_EXAMPLES = """\
  inspect report result.json                the one screen
  inspect report result.json -v             everything
  inspect report result.json -o report.txt  a file, in the format of its suffix
  inspect report result.json -o report.html --baseline last.json"""


def make_parser() -> VerbParser:
    """The options of the verb."""
    parser = VerbParser(
        "report",
        usage="inspect report RESULT.json... [options]",
        description="Renders reports again from what inspect audit wrote (-o result.json), without\nthe artifact.",
        examples=_EXAMPLES,
    )
    what = make_group(parser, "what to render")
    what.add_argument("results", nargs="*", metavar="RESULT.json", help="what inspect audit -o result.json wrote")
    what.add_argument(
        "-o", "--output", action="append", default=[], metavar="FILE",
        help="write to FILE in the format of its suffix; FORMAT:FILE names the format; may be repeated",
    )  # fmt: skip
    what.add_argument(
        "--format", type=one_of(FORMATS), metavar="FORMAT", help=f"for stdout: {', '.join(FORMATS)} (text if not given)"
    )
    what.add_argument(
        "--baseline", metavar="OLD.json", help="the last release's report, for formats that show what changed (html)"
    )
    add_configuration_options(
        what,
        "take the file that findings are shown at (target.anchor) from this inspector.toml or pyproject.toml; "
        "from the nearest one if not given",
    )
    screen = make_group(parser, "the screen")
    screen.add_argument("-q", "--quiet", action="count", default=0, help="findings and verdict only")
    screen.add_argument("-v", "--verbose", action="store_true", help="everything")
    add_color_option(screen)
    add_help_option(screen)
    return parser


def execute(options: argparse.Namespace) -> ExitCode:
    """Render; the exit code says nothing of the verdict, which was given when the artifact was audited."""
    heed_color(options)
    if not options.results:
        raise UsageError("there is no report to render", "inspect audit MyApp.AppImage -o result.json writes one")
    destinations = choose_destinations(options.output, options.format, options.results)

    from inspector.policy.baseline import baseline_for
    from inspector.render.registry import RenderOptions, load_renderer
    from inspector.result import load_results

    results: list[Result] = [result for path in options.results for result in load_results(path)]
    warn_without_digests(destinations, results, options.results[0])
    baselines = load_results(options.baseline) if options.baseline else []
    last = tuple(baseline_for(result, baselines, alone=len(results) == 1) for result in results)
    anchor = chosen_configuration(options).anchor
    for destination in destinations:
        to_stdout = destination.path == STDOUT
        render_options = RenderOptions(
            width=screen_width() if to_stdout else _FILE_WIDTH,
            color=use_color(sys.stdout) if to_stdout else False,
            detail="full" if options.verbose else "brief" if options.quiet else "normal",
            several=len(results) > 1,
            baselines=last,
            anchor=anchor,
        )
        write_report(destination, load_renderer(destination.format)(results, render_options))
    return ExitCode.PASSED
