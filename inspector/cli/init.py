"""``inspect init``: an ``inspector.toml`` to begin with."""

from __future__ import annotations

import argparse
from pathlib import Path

from inspector.cli.console import observe_progress
from inspector.cli.failure import note
from inspector.cli.output import STDOUT, write_stdout
from inspector.cli.parser import VerbParser
from inspector.cli.screen_options import add_help_option, add_progress_option, add_verbose_option, make_group
from inspector.errors import ExitCode, UsageError

_EXAMPLES = """\
  inspect init MyApp.AppImage     what holds for it today, as inspector.toml
  inspect init -o -               a file without an artifact, to stdout"""


def make_parser() -> VerbParser:
    """The options of the verb."""
    parser = VerbParser(
        "init",
        usage="inspect init [ARTIFACT] [options]",
        description="Writes a commented inspector.toml: with the artifact's glibc floor, its size and\n"
        "the errors that it has today, so that the next release can be held to it.",
        examples=_EXAMPLES,
    )
    what = make_group(parser, "what to write")
    what.add_argument(
        "artifact", nargs="?", metavar="ARTIFACT", help="the artifact, or a report (.json) that audit wrote"
    )
    what.add_argument(
        "-o",
        "--output",
        default="inspector.toml",
        metavar="FILE",
        help="where to; - is stdout (default: inspector.toml)",
    )
    screen = make_group(parser, "the screen")
    add_progress_option(screen)
    screen.add_argument("-q", "--quiet", action="count", default=0, help="do not say what was written")
    add_verbose_option(screen)
    add_help_option(screen)
    return parser


def execute(options: argparse.Namespace) -> ExitCode:
    """Write the file; one that is there is never overwritten."""
    target = Path(options.output)
    if options.output != STDOUT and target.exists():
        raise UsageError(f"{target} is there already", "name another file with -o, or print it: inspect init -o -")
    from inspector import __version__
    from inspector.policy.configuration_start import starting_configuration

    result = None
    if options.artifact and options.artifact.lower().endswith(".json"):
        from inspector.result import load_result

        result = load_result(options.artifact)
    elif options.artifact:
        from inspector.pipeline import audit

        with observe_progress(shown=not (options.no_progress or options.quiet)) as progress:
            result = audit(options.artifact, progress=progress)
    text = starting_configuration(result, __version__)
    if options.output == STDOUT:
        write_stdout(text.encode())
        return ExitCode.PASSED
    try:
        with target.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}", "name another file with -o") from error
    if not options.quiet:
        note(f"written: {target}; what it means: inspect config --keys")
    return ExitCode.PASSED
