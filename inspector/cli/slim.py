"""``inspect slim``: plan what can go, do it on a copy, rebuild, prove that it still works."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from inspector.cli.color import use_color
from inspector.cli.console import observe_progress
from inspector.cli.failure import note
from inspector.cli.gate_options import add_configuration_options, chosen_configuration
from inspector.cli.interpreter_settings import settle_for_one_run
from inspector.cli.output import Destination, choose_destinations, write_report, write_stdout
from inspector.cli.parser import VerbParser, one_of
from inspector.cli.run_options import add_environment_option, add_host_options, chosen_environment, chosen_hosts
from inspector.cli.screen_options import (
    add_color_option,
    add_help_option,
    add_progress_option,
    heed_color,
    make_group,
    screen_width,
)
from inspector.cli.sizes import byte_count
from inspector.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from inspector.result import Result
    from inspector.slim.options import SlimOptions

_EXAMPLES = """\
  inspect slim MyApp.AppImage                    writes MyApp-slim.AppImage
  inspect slim MyApp.AppDir --dry-run -v         the plan alone, all of it
  inspect slim MyApp.AppImage --entry myapp --languages de,en
  inspect slim MyApp.AppImage --smoke '"$APP" --version'
  inspect slim MyApp.AppImage --plan plan.json --dry-run
  inspect slim MyApp.AppImage --apply plan.json -o dist/MyApp.AppImage"""


def make_parser() -> VerbParser:
    """The options of the verb."""
    parser = VerbParser(
        "slim",
        usage="inspect slim ARTIFACT [-o OUT] [options]",
        description="Makes a smaller copy of a bundle: strips, prunes what nothing can reach, keeps\n"
        "bytecode valid, rebuilds the container, and proves that the copy still works.\n"
        "The input is never touched.",
        examples=_EXAMPLES,
        signed_options=("--rule",),
    )
    what = make_group(parser, "what to slim")
    what.add_argument("artifact", nargs="?", metavar="ARTIFACT", help="an AppImage or an AppDir")
    what.add_argument(
        "-o", "--output", metavar="OUT", help="where the copy goes; NAME-slim beside the input if not given"
    )
    what.add_argument(
        "--force", action="store_true", help="replace what is at OUT, once the new one is whole and proved"
    )
    what.add_argument("--dry-run", action="store_true", help="print the plan and write nothing")
    what.add_argument("--plan", metavar="FILE", help="write the plan, as JSON")
    what.add_argument("--apply", metavar="FILE", help="do what a written plan says; it must be of this very input")
    goes = make_group(parser, "what may go")
    goes.add_argument(
        "--level",
        type=one_of(("safe", "moderate", "aggressive")),
        metavar="LEVEL",
        help="safe: behaviour cannot change; moderate (default): what imports and links prove unreachable too; aggressive: what no trace saw",
    )
    goes.add_argument(
        "--keep", action="append", default=[], metavar="GLOB", help="leave these paths alone; may be repeated"
    )
    goes.add_argument("--drop", action="append", default=[], metavar="GLOB", help="remove these paths; may be repeated")
    goes.add_argument(
        "--rule",
        action="append",
        default=[],
        metavar="+ID|-ID",
        help="run this rule although the level leaves it out, or do not run it",
    )
    goes.add_argument("--languages", metavar="LIST", help="keep translations of these languages only: de,en")
    goes.add_argument(
        "--entry",
        action="append",
        default=[],
        metavar="FILE|MODULE",
        help="the application starts here: what it cannot reach may go; may be repeated",
    )
    goes.add_argument(
        "--drop-license",
        action="append",
        default=[],
        metavar="SPDX",
        help="remove what stands under this licence and can be spared (GPL-3.0); may be repeated",
    )
    goes.add_argument(
        "--fix",
        action="append",
        default=[],
        type=one_of(("portability",)),
        metavar="WHAT",
        help="portability: remove bundled libraries that must come from the host",
    )
    goes.add_argument(
        "--pyc",
        type=one_of(("keep", "hot", "none")),
        metavar="POLICY",
        help="Python bytecode: keep (default; one level, valid for a read-only image), hot (of modules that a trace saw), none",
    )
    goes.add_argument(
        "--budget", type=byte_count, metavar="SIZE", help="do no more than this size asks for, least risk first (60MB)"
    )
    goes.add_argument(
        "--trace", action="append", default=[], metavar="FILE", help="what inspect trace recorded; may be repeated"
    )
    add_configuration_options(
        goes,
        "take what the options leave open from [slim] of this inspector.toml or pyproject.toml; the nearest one if not given",
    )
    made = make_group(parser, "what is written")
    made.add_argument(
        "--recompress",
        metavar="NAME[:LEVEL]",
        help="compress all anew (zstd:22, xz, gzip:9); if not given, what did not change is copied as it is",
    )
    made.add_argument(
        "--runtime", metavar="FILE", help="make an AppImage of an AppDir, with this runtime or that of this AppImage"
    )
    made.add_argument(
        "--sign", metavar="KEY", help="sign the AppImage with this GPG key; an old signature is dropped in any case"
    )
    made.add_argument("--split-debug", metavar="DIR", help="keep what strip removes, by build ID, for debuggers")
    made.add_argument("--undo-file", metavar="FILE", help="write what inspect unslim needs (removed.tar.zst)")
    proof = make_group(parser, "the proof")
    proof.add_argument(
        "--smoke",
        action="append",
        default=[],
        metavar="CMD",
        help="a shell command that must do the same before and after; $APP is the artifact; may be repeated",
    )
    proof.add_argument(
        "--no-run", action="store_true", help="run nothing of the bundle; the report says what was not checked"
    )
    add_host_options(proof)
    add_environment_option(proof)
    screen = make_group(parser, "the screen")
    screen.add_argument(
        "--report",
        action="append",
        default=[],
        metavar="FILE",
        help="write the Result of the copy to FILE, in the format of its suffix; may be repeated",
    )
    screen.add_argument("-q", "--quiet", action="count", default=0, help="one line; -qq: the exit code only")
    screen.add_argument(
        "-v", "--verbose", action="store_true", help="every action with its reasons, and what was kept and why"
    )
    add_color_option(screen)
    add_progress_option(screen)
    add_help_option(screen)
    return parser


def execute(options: argparse.Namespace) -> ExitCode:
    """Slim, print what was done, and return the exit code."""
    heed_color(options)
    if not options.artifact:
        raise UsageError("there is nothing to slim", "name an AppImage or an AppDir: inspect slim MyApp.AppImage")
    destinations = choose_destinations(options.report, None, [options.artifact]) if options.report else []
    _take_defaults(options)
    _check_contradictions(options)
    wanted = slim_options(options)

    from inspector.slim.request import SlimRequest
    from inspector.slim.slimming import slim

    settle_for_one_run()
    request = SlimRequest(
        path=options.artifact, output=options.output, force=options.force, dry_run=options.dry_run, plan_file=options.plan,
        apply_file=options.apply, undo_file=options.undo_file, runtime=options.runtime, sign=options.sign, options=wanted,
        hosts=tuple(chosen_hosts(options)), environment=chosen_environment(options),
    )  # fmt: skip
    with observe_progress(shown=not (options.no_progress or options.quiet)) as progress:
        outcome = slim(request, progress=progress)
    _show(outcome.result, destinations, options)
    return ExitCode.PASSED if outcome.passed else ExitCode.GATE_FAILED


def _take_defaults(options: argparse.Namespace) -> None:
    """Fill in what the options leave open: from ``[slim]`` of the configuration, else what holds without one.

    Paths that the configuration keeps are kept beside those of ``--keep``; every other option replaces what the file says.
    """
    from inspector.policy.configuration import SlimDefaults

    defaults = SlimDefaults()
    if not options.apply:  # a written plan has its own
        defaults = chosen_configuration(options).slim
    options.level = options.level or defaults.level
    options.pyc = options.pyc or defaults.pyc
    options.keep = [*defaults.keep, *options.keep]
    options.drop = options.drop or list(defaults.drop)
    options.entry = options.entry or list(defaults.entry)
    if options.languages is None and defaults.languages is not None:
        options.languages = ",".join(defaults.languages)
    if not options.no_run:
        options.smoke = options.smoke or list(defaults.smoke)


def slim_options(options: argparse.Namespace) -> SlimOptions:
    """The options as the planner takes them.

    :raises UsageError: for a rule without sign, or a list without a name.
    """
    from inspector.slim.options import SlimOptions

    for text in options.rule:
        if text[:1] not in "+-" or len(text) < 2:
            raise UsageError(f"--rule {text} has no sign", f"--rule +{text} runs it, --rule -{text} does not")
    languages = None
    if options.languages is not None:
        languages = tuple(name.strip() for name in options.languages.split(",") if name.strip())
    return SlimOptions(
        level=options.level,
        keep=tuple(options.keep),
        drop=tuple(options.drop),
        rules_on=tuple(text[1:] for text in options.rule if text[0] == "+"),
        rules_off=tuple(text[1:] for text in options.rule if text[0] == "-"),
        languages=languages,
        entries=tuple(options.entry),
        drop_licenses=tuple(options.drop_license),
        bytecode=options.pyc,
        budget=options.budget,
        fix_portability="portability" in options.fix,
        traces=tuple(options.trace),
        split_debug=options.split_debug,
        run=not options.no_run,
        smoke=tuple(options.smoke),
        recompress=options.recompress,
        environment=chosen_environment(options),
    )


def _check_contradictions(options: argparse.Namespace) -> None:
    if options.apply and options.plan:
        raise UsageError("--plan writes a plan and --apply reads one", "give one of them")
    if options.dry_run and options.undo_file:
        raise UsageError("--dry-run writes nothing that could be undone", "leave out --undo-file")
    if options.no_run and options.smoke:
        raise UsageError("--smoke runs the bundle, and --no-run forbids it", "give one of them")
    if options.level == "aggressive" and not options.trace and not options.apply:
        raise UsageError(
            "--level aggressive needs to know what the application really uses",
            f"record it: inspect trace {options.artifact} -o trace.json -- ARGUMENTS, then --trace trace.json",
        )
    if options.pyc == "hot" and not options.trace and not options.apply:
        raise UsageError(
            "--pyc hot needs a trace, which says which modules are hot",
            f"record one: inspect trace {options.artifact} -o trace.json",
        )


def _show(result: Result, destinations: list[Destination], options: argparse.Namespace) -> None:
    for destination in destinations:
        from inspector.render.registry import RenderOptions, load_renderer

        write_report(
            destination,
            load_renderer(destination.format)([result], RenderOptions(width=100, color=False, detail="normal")),
        )
    if options.quiet > 1:
        return
    from inspector.render.terminal_slim import render_slim, slim_line

    if options.quiet:
        write_stdout((slim_line(result) + "\n").encode())
    else:
        text = render_slim(result, screen_width(), color=use_color(sys.stdout), full=options.verbose)
        write_stdout(text.encode())
    if destinations:
        note(f"written: {', '.join(destination.path for destination in destinations)}")
