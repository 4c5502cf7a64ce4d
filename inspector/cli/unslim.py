"""``inspect unslim``: the tree, or the very file, that a slimmed copy was made from."""

from __future__ import annotations

import argparse

from inspector.cli.console import observe_progress
from inspector.cli.output import write_stdout
from inspector.cli.parser import VerbParser
from inspector.cli.screen_options import add_help_option, add_progress_option, add_verbose_option, make_group
from inspector.errors import ExitCode, UsageError
from inspector.quantities import format_amount, format_size

_EXAMPLES = """\
  inspect slim MyApp.AppImage --undo-file removed.tar.zst
  inspect unslim MyApp-slim.AppImage removed.tar.zst
  inspect unslim AppDir-slim/ removed.tar.zst -o AppDir-restored"""


def make_parser() -> VerbParser:
    """The options of the verb."""
    parser = VerbParser(
        "unslim",
        usage="inspect unslim SLIMMED UNDO_FILE [-o OUT] [options]",
        description="Restores what inspect slim was given, from the slimmed copy and the undo file\n"
        "that it wrote, and proves it: every file by its sha256.",
        examples=_EXAMPLES,
    )
    what = make_group(parser, "what to restore")
    what.add_argument("slimmed", nargs="?", metavar="SLIMMED", help="the AppImage or directory that inspect slim wrote")
    what.add_argument("undo_file", nargs="?", metavar="UNDO_FILE", help="the file that --undo-file wrote with it")
    what.add_argument("-o", "--output", metavar="OUT", help="where to; a name beside SLIMMED if not given")
    what.add_argument(
        "--force", action="store_true", help="replace what is at OUT, once the new one is whole and proved"
    )
    screen = make_group(parser, "the screen")
    add_progress_option(screen)
    screen.add_argument("-q", "--quiet", action="count", default=0, help="the exit code only")
    add_verbose_option(screen)
    add_help_option(screen)
    return parser


def execute(options: argparse.Namespace) -> ExitCode:
    """Restore, and say what was proved."""
    if not options.slimmed or not options.undo_file:
        raise UsageError(
            "a slimmed copy and its undo file are needed", "inspect unslim MyApp-slim.AppImage removed.tar.zst"
        )

    from inspector.slim.undoing.unslim import unslim

    with observe_progress(shown=not (options.no_progress or options.quiet)) as progress:
        done = unslim(options.slimmed, options.undo_file, options.output, force=options.force, progress=progress)
    proof = "byte for byte the input" if done.is_exact else "every file has the input's sha256"
    text = f"{done.path}: {format_size(done.size)}, {format_amount(done.files, 'file')}; {proof}\n"
    if not options.quiet:
        write_stdout(text.encode())
    return ExitCode.PASSED
