"""``inspect why``: who loads a library, from where, by which rule, and what would break without it."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from inspector.cli.color import use_color
from inspector.cli.console import observe_progress
from inspector.cli.output import write_stdout
from inspector.cli.parser import VerbParser
from inspector.cli.run_options import add_environment_option, chosen_environment
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
    from inspector.result import Result

_EXAMPLES = """\
  inspect why MyApp.AppImage libssl.so.3             by SONAME
  inspect why MyApp.AppDir usr/lib/libX11.so.6.4.0   by path
  inspect why result.json libpulse.so.0              from a report, at once"""


def make_parser() -> VerbParser:
    """The options of the verb."""
    parser = VerbParser(
        "why",
        usage="inspect why ARTIFACT NAME [options]",
        description="Says why a library is in a bundle or is asked for: who loads it, from where, by\n"
        "which rule of the loader, what it needs itself, and what else would not load\n"
        "without it.",
        examples=_EXAMPLES,
    )
    what = make_group(parser, "what to explain")
    what.add_argument(
        "artifact",
        nargs="?",
        metavar="ARTIFACT",
        help="an AppImage, an AppDir, any directory, one ELF file, or a report (.json) that audit wrote",
    )
    what.add_argument("name", nargs="?", metavar="NAME", help="a path in it, a file name, or a SONAME")
    add_environment_option(what)
    screen = make_group(parser, "the screen")
    screen.add_argument("-v", "--verbose", action="store_true", help="cap no list; tracebacks of defects")
    add_color_option(screen)
    add_progress_option(screen)
    add_help_option(screen)
    return parser


def execute(options: argparse.Namespace) -> ExitCode:
    """Print the reasons.

    :raises UsageError: where nothing has that name, or more than one object has it.
    """
    heed_color(options)
    if not options.artifact:
        raise UsageError("there is nothing to look at", "inspect why MyApp.AppImage libssl.so.3")
    if not options.name:
        raise UsageError(
            "there is no name to explain", f"name a path or a SONAME: inspect why {options.artifact} libssl.so.3"
        )
    result = _obtain(options)

    from inspector.render.load_reasons import explain_load
    from inspector.render.terminal_why import render_reasons

    reasons = explain_load(result, options.name)
    text = render_reasons(reasons, screen_width(), color=use_color(sys.stdout), full=options.verbose)
    write_stdout(text.encode())
    return ExitCode.PASSED


def _obtain(options: argparse.Namespace) -> Result:
    """The Result of a report, or of an audit made now."""
    environment = chosen_environment(options)
    if options.artifact.lower().endswith(".json"):
        if environment:
            raise UsageError("--env changes nothing in a report that is written", "name the artifact itself")
        from inspector.result import load_result

        return load_result(options.artifact)
    from inspector.pipeline import audit

    given: dict[str, Any] = {"environment": environment} if environment else {}
    with observe_progress(shown=not options.no_progress) as progress:
        return audit(options.artifact, list_files=True, progress=progress, **given)
