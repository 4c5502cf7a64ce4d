"""``inspect diff``: what changed between two releases."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from inspector.cli.color import use_color
from inspector.cli.console import observe_progress
from inspector.cli.gate_options import add_configuration_options, chosen_configuration
from inspector.cli.output import Destination, write_report, write_stdout
from inspector.cli.parser import VerbParser, one_of
from inspector.cli.run_options import add_host_options, chosen_hosts
from inspector.cli.screen_options import (
    add_color_option,
    add_help_option,
    add_progress_option,
    heed_color,
    make_group,
    screen_width,
)
from inspector.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from inspector.difference import Difference
    from inspector.result import Result

_FORMATS = {".txt": "text", ".md": "markdown", ".html": "html", ".json": "json"}
_EXAMPLES = """\
  inspect diff MyApp-1.2.AppImage MyApp-1.3.AppImage
  inspect diff release.json MyApp.AppImage            against a kept report
  inspect diff old.json new.json -o changes.md        for a pull request
  inspect diff old.json new.json -o changes.html      a page for a browser"""


def make_parser() -> VerbParser:
    """The options of the verb."""
    parser = VerbParser(
        "diff",
        usage="inspect diff OLD NEW [options]",
        description="Says what changed from one release to the next: findings, systems, versions\n"
        "asked of the host, libraries and Python distributions, licences, bytes.",
        examples=_EXAMPLES,
    )
    what = make_group(parser, "what to compare")
    what.add_argument("old", nargs="?", metavar="OLD", help="an artifact, or a report (.json) that audit wrote")
    what.add_argument("new", nargs="?", metavar="NEW", help="the same")
    add_host_options(what)
    add_configuration_options(
        what,
        "judge both by this inspector.toml or pyproject.toml; by the nearest one upwards from here if not given",
    )
    report = make_group(parser, "the report")
    report.add_argument(
        "-o",
        "--output",
        action="append",
        default=[],
        metavar="FILE",
        help="write to FILE instead of the screen, in the format of its suffix (.txt, .md, .html, .json); may be repeated",
    )
    report.add_argument(
        "--format",
        type=one_of(tuple(_FORMATS.values())),
        default="text",
        metavar="FORMAT",
        help="for stdout: text (default), markdown, html, json",
    )
    screen = make_group(parser, "the screen")
    screen.add_argument(
        "-q", "--quiet", action="count", default=0, help="the first few lines only; -qq: nothing on the screen"
    )
    screen.add_argument("-v", "--verbose", action="store_true", help="cut no list")
    add_color_option(screen)
    add_progress_option(screen)
    add_help_option(screen)
    return parser


def execute(options: argparse.Namespace) -> ExitCode:
    """Compare and print."""
    heed_color(options)
    if not options.old or not options.new:
        raise UsageError("two releases are compared", "inspect diff OLD NEW, each an artifact or a report")
    for path in options.output:
        if Path(path).suffix.lower() not in _FORMATS:
            raise UsageError(f"{path} has no suffix of a format", f"there are {', '.join(_FORMATS)}")

    from inspector.difference import difference

    configuration = chosen_configuration(options)
    hosts = chosen_hosts(options) or list(configuration.hosts)
    old, new = (_obtain(path, hosts, options) for path in (options.old, options.new))
    if configuration.sources:  # without one, a report keeps the verdict that it was given
        from inspector.policy.judgement import judge_result

        named = bool(hosts)
        old = judge_result(old, configuration, hosts_named=named).result
        new = judge_result(new, configuration, baseline=old, hosts_named=named).result
    found = difference(old, new)
    for path in options.output:
        name = _FORMATS[Path(path).suffix.lower()]
        write_report(Destination(name, path), _rendered(found, name, 100, color=False, full=True))
    if not options.output and options.quiet < 2:
        color = use_color(sys.stdout)
        if options.quiet and options.format == "text":
            from inspector.render.terminal_diff import render_headlines

            write_stdout(render_headlines(found, screen_width(), color=color).encode())
        else:
            write_stdout(_rendered(found, options.format, screen_width(), color=color, full=options.verbose))
    return ExitCode.PASSED


def _obtain(path: str, hosts: list[str], options: argparse.Namespace) -> Result:
    """The Result of a report, or of an audit made now."""
    if path.lower().endswith(".json"):
        from inspector.result import load_result

        return load_result(path)
    from inspector.pipeline import audit

    with observe_progress(shown=not (options.no_progress or options.quiet)) as progress:
        return audit(path, hosts=hosts, progress=progress)


def _rendered(found: Difference, name: str, width: int, *, color: bool, full: bool) -> bytes:
    if name == "json":
        from inspector.difference import to_json

        return to_json(found)
    if name == "markdown":
        from inspector.render.markdown_diff import render

        return render(found)
    if name == "html":
        from inspector.render.html_report.changes import render as render_page

        return render_page(found)
    from inspector.render.terminal_diff import render_difference

    return render_difference(found, width, color=color, full=full).encode()
