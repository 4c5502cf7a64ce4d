"""``inspect completion``: a script that teaches a shell this program's verbs, options, rules and systems."""

from __future__ import annotations

import argparse
import os
from importlib import import_module

from inspector.cli.output import write_stdout
from inspector.cli.parser import VerbParser, one_of
from inspector.cli.screen_options import add_help_option, add_verbose_option, make_group
from inspector.errors import ExitCode, UsageError

SHELLS = ("bash", "zsh", "fish")
_EXAMPLES = """\
  source <(inspect completion bash)              in ~/.bashrc
  inspect completion zsh > ~/.zfunc/_inspect     a directory of $fpath
  inspect completion fish > ~/.config/fish/completions/inspect.fish"""


def make_parser() -> VerbParser:
    """The options of the verb."""
    parser = VerbParser(
        "completion",
        usage="inspect completion SHELL",
        description="Prints a script that completes verbs, options, formats, rules, systems and\n"
        "files.  It holds for inspect and bundle-inspect; make it again after an update.",
        examples=_EXAMPLES,
    )
    what = make_group(parser, "what to complete in")
    what.add_argument("shell", nargs="?", type=one_of(SHELLS), metavar="SHELL", help=f"{', '.join(SHELLS)}")
    screen = make_group(parser, "the screen")
    add_verbose_option(screen)
    add_help_option(screen)
    return parser


def execute(options: argparse.Namespace) -> ExitCode:
    """Print the script."""
    if not options.shell:
        name = os.path.basename(os.environ.get("SHELL", ""))  # noqa: PTH119 - a word of the environment
        raise UsageError("which shell?", f"inspect completion {name if name in SHELLS else 'bash'}")

    from inspector.cli.command_model import verbs

    script: str = import_module(f"inspector.cli.completing.{options.shell}").script(verbs())
    write_stdout(script.encode())
    return ExitCode.PASSED
