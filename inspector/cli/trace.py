"""``inspect trace``: run a bundle and record what it uses, for ``inspect slim``."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from inspector.cli.console import observe_progress
from inspector.cli.failure import note, warn
from inspector.cli.output import Destination, write_report
from inspector.cli.parser import VerbParser
from inspector.cli.screen_options import (
    add_color_option,
    add_help_option,
    add_progress_option,
    add_verbose_option,
    heed_color,
    make_group,
)
from inspector.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from inspector.slim.tracing.trace import Trace

_EXAMPLES = """\
  inspect trace MyApp.AppImage                       run it, use it, close it
  inspect trace MyApp.AppImage --append -- --export  a further run, same file
  inspect trace MyApp.AppDir --seconds 60 -- file.csv
  inspect slim MyApp.AppImage --level aggressive --trace MyApp.trace.json"""

_SUFFIX = ".trace.json"


class _TraceParser(VerbParser):
    """Everything behind the first ``--`` is for the program and not for us."""

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Parse what stands before ``--``."""
        words = list(arguments)
        end = words.index("--") if "--" in words else len(words)
        options = super().parse(words[:end])
        options.arguments = words[end + 1 :]
        return options


def make_parser() -> VerbParser:
    """The options of the verb."""
    parser = _TraceParser(
        "trace",
        usage="inspect trace ARTIFACT [options] [-- ARGUMENT...]",
        description="Runs a bundle, from a copy, and records what it uses: Python modules, files,\n"
        "libraries.  A trace says what was used and never what is unused: record every\n"
        "feature that matters, in one run or in several with --append.  The bundle is\n"
        "run with your rights; only trace what you would start anyway.",
        examples=_EXAMPLES,
    )
    what = make_group(parser, "what to run")
    what.add_argument("artifact", nargs="?", metavar="ARTIFACT", help="an AppImage or an AppDir; it is not changed")
    what.add_argument("--seconds", type=float, metavar="N", help="end the program after so long; what it used counts")
    what.add_argument("--clean-home", action="store_true", help="give it a throw-away home instead of yours")
    what.add_argument("--no-strace", action="store_true", help="watch without strace, which slows programs down")
    made = make_group(parser, "what is written")
    made.add_argument("-o", "--output", metavar="FILE", help=f"the trace; NAME{_SUFFIX} in this directory if not given")
    made.add_argument("--append", action="store_true", help="add this run to the trace that is there")
    made.add_argument("--force", action="store_true", help="replace the trace that is there")
    screen = make_group(parser, "the screen")
    add_color_option(screen)
    add_progress_option(screen)
    screen.add_argument("-q", "--quiet", action="count", default=0, help="say only what went wrong")
    add_verbose_option(screen)
    add_help_option(screen)
    return parser


def execute(options: argparse.Namespace) -> ExitCode:
    """Run, record, write.

    :raises UsageError: where the artifact has nothing to start, or the trace cannot be written or appended to.
    """
    heed_color(options)
    if not options.artifact:
        raise UsageError("there is nothing to run", "inspect trace MyApp.AppImage -- ARGUMENTS")
    if options.seconds is not None and options.seconds <= 0:
        raise UsageError("--seconds needs a number above 0", "--seconds 60")
    output = options.output or _default_output(options.artifact)
    before = _existing(output, options)

    from inspector.slim.tracing.trace import trace_json
    from inspector.slim.tracing.trace_recording import record_trace

    with ExitStack() as bar:
        progress = bar.enter_context(observe_progress(shown=not (options.no_progress or options.quiet)))
        try:
            trace = record_trace(
                options.artifact,
                options.arguments,
                append_to=before,
                seconds=options.seconds,
                clean_home=options.clean_home,
                use_strace=not options.no_strace,
                before_run=bar.close,
                progress=progress,
            )
        except OSError as error:
            raise UsageError(
                f"{options.artifact} cannot be run from a copy: {error.strerror or error}",
                "it needs room for the unpacked files where TMPDIR points",
            ) from error
    write_report(Destination("json", output), trace_json(trace))
    _summarise(trace, output, quiet=bool(options.quiet))
    return ExitCode.PASSED


def _default_output(artifact: str) -> str:
    name = Path(os.path.realpath(artifact)).name
    for suffix in (".AppImage", ".AppDir"):
        name = name.removesuffix(suffix)
    return f"{name}{_SUFFIX}"


def _existing(output: str, options: argparse.Namespace) -> Trace | None:
    """The trace to go on with, or None; what is there is never replaced unasked."""
    if options.append and options.force:
        raise UsageError("--append and --force exclude each other", "--append adds to the trace, --force replaces it")
    directory = Path(os.path.realpath(output)).parent
    if not directory.is_dir():
        raise UsageError(f"the directory {directory} is not there", "make it first, or name another place with -o")
    if not Path(output).exists() or options.force:
        return None
    if not options.append:
        raise UsageError(f"{output} is there already", "add to it with --append, replace it with --force, or use -o")
    from inspector.slim.tracing.trace import load_trace

    return load_trace(output)


def _summarise(trace: Trace, output: str, *, quiet: bool) -> None:
    run = trace.runs[-1]
    if run.status is None:
        warn(f"the program was ended after {run.seconds:.0f} s; what it used until then was recorded")
    elif run.status != 0:
        from inspector.slim.proving.bounded_process import describe_status

        warn(f"the program {describe_status(run.status)}; what it used was recorded all the same")
    if "strace" not in run.sources:
        warn("without strace, files that are not opened by Python are missing from the trace, libraries excepted")
    if quiet:
        return
    runs = "1 run" if len(trace.runs) == 1 else f"{len(trace.runs)} runs"
    note(
        f"{output}: {runs}, {len(trace.modules)} Python modules, {len(trace.files)} files, {len(trace.libraries)} libraries and programs"
    )
