"""From arguments to a verb: the top-level help, one argparse parser a verb, and suggestions for what was mistyped."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import NoReturn

from inspector.cli import VERBS
from inspector.errors import ExitCode, UsageError
from inspector.render.escaping import escape

_HELP_WIDTH = 100

_OVERVIEW = """\
usage: inspect VERB ...

Audits Linux application bundles (AppImage, AppDir, a directory, an ELF file)
before they are released, and slims them.  An audit never runs, mounts or
unpacks what it looks at, and nothing needs a network.

verbs:
{verbs}

examples:
  inspect audit MyApp.AppImage                  one screen on what matters
  inspect audit MyApp.AppImage -v               all that was found
  inspect audit MyApp.AppImage -o result.json   a document for other programs
  inspect why MyApp.AppImage libssl.so.3        who loads it, and from where
  inspect explain missing-library               what a finding means

Every verb has --help.  inspect --version prints the version.

exit codes:
{codes}
"""

EXIT_MEANINGS: dict[ExitCode, str] = {
    ExitCode.PASSED: "passed",
    ExitCode.GATE_FAILED: "the gate failed",
    ExitCode.USAGE: "wrong usage",
    ExitCode.NOTHING_INSPECTED: "nothing was inspected",
    ExitCode.INCOMPLETE: "incomplete (only with --fail-on-incomplete)",
    ExitCode.INTERNAL: "a defect of Inspector",
}


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Keeps descriptions as written, and looks the same under every version of Python."""

    def __init__(self, prog: str) -> None:
        columns = int(os.environ["COLUMNS"]) if os.environ.get("COLUMNS", "").isdecimal() else _terminal_columns()
        super().__init__(prog, max_help_position=26, width=max(60, min(columns, _HELP_WIDTH)))

    def _format_action_invocation(self, action: argparse.Action) -> str:
        # Python 3.13 writes "-o, --output FILE" where older ones write "-o FILE, --output FILE"
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        return f"{', '.join(action.option_strings)} {self._format_args(action, self._get_default_metavar_for_optional(action))}"


class VerbParser(argparse.ArgumentParser):
    """Raises :class:`UsageError` instead of printing usage and leaving.

    :param signed_options: options whose value may begin with "-" (``--rule -docs``), which argparse would take for another option.
    """

    def __init__(
        self, verb: str, *, usage: str, description: str, examples: str, signed_options: Sequence[str] = ()
    ) -> None:
        super().__init__(
            prog=f"inspect {verb}",
            usage=usage,
            description=description,
            epilog=f"examples:\n{examples}",
            formatter_class=HelpFormatter,
            allow_abbrev=False,
            add_help=False,
        )
        self._verb = verb
        self._signed_options = frozenset(signed_options)

    def error(self, message: str) -> NoReturn:
        """Turn argparse's complaint into ours."""
        raise UsageError(message.removeprefix("argument "), f"inspect {self._verb} --help")

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Parse all of the arguments.

        :raises UsageError: for anything wrong, with the nearest option where one was mistyped.
        """
        joined = self._join_signed(arguments)
        options, unknown = self.parse_known_intermixed_args(joined)  # paths and options in any order
        if not unknown:
            return options
        known = [name for action in self._actions for name in action.option_strings]
        written = unknown[0].split("=", 1)[0]
        raise UsageError(
            f"inspect {self._verb} has no option {written}", suggest(written, known) or f"inspect {self._verb} --help"
        )

    def _join_signed(self, arguments: Sequence[str]) -> list[str]:
        joined: list[str] = []
        for argument in arguments:
            if joined and joined[-1] in self._signed_options:
                joined[-1] += f"={argument}"
            else:
                joined.append(argument)
        return joined


class OneOf:
    """An argparse type that takes one of a few words, and suggests the nearest for any other.

    :ivar words: what it takes, also for completion.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)

    def __call__(self, text: str) -> str:
        """The word itself.

        :raises argparse.ArgumentTypeError: for any other.
        """
        if text in self.words:
            return text
        nearest = suggest(text, self.words)
        raise argparse.ArgumentTypeError(
            f"{escape(text)!r} is none of {', '.join(self.words)}" + (f"; {nearest}" if nearest else "")
        )


def one_of(words: Iterable[str]) -> OneOf:
    """An argparse type for a choice of words."""
    return OneOf(words)


def suggest(written: str, known: Iterable[str]) -> str | None:
    """``"did you mean audit?"`` for a word that is near one of the known, else None."""
    from difflib import get_close_matches

    nearest = get_close_matches(written, list(known), n=1, cutoff=0.6)
    return f"did you mean {nearest[0]}?" if nearest else None


def run(arguments: list[str]) -> ExitCode:
    """Find the verb, parse its options, execute it.

    :raises UsageError: where there is no such verb or option.
    """
    if not arguments or arguments[0] in ("-h", "--help") or arguments == ["help"]:
        print(_overview(), end="")
        return ExitCode.PASSED if arguments else ExitCode.USAGE
    if arguments[0] == "help":
        arguments = [arguments[1], "--help"]
    verb = arguments[0]
    if verb not in VERBS:
        raise _unknown_verb(verb)
    module = import_module(f"inspector.cli.{verb}")
    parser: VerbParser = module.make_parser()
    options = parser.parse(arguments[1:])
    code: ExitCode = module.execute(options)
    return code


def _overview() -> str:
    verbs = "\n".join(f"  {verb:<11}{summary}" for verb, summary in VERBS.items())
    meanings = [f"{code:<3}{meaning}" for code, meaning in EXIT_MEANINGS.items()]
    half = len(meanings) // 2
    codes = "\n".join(f"  {left:<26}{right}" for left, right in zip(meanings[:half], meanings[half:], strict=True))
    return _OVERVIEW.format(verbs=verbs, codes=codes)


def _unknown_verb(written: str) -> UsageError:
    if written.startswith("-"):
        return UsageError(
            f"{written} stands before the verb, or is not known",
            "options follow the verb: inspect audit MyApp.AppImage -v",
        )
    if "/" in written or "." in written:
        return UsageError(f"{written} is not a verb", f"to audit a file: inspect audit {written}")
    return UsageError(
        f"there is no verb {written}", suggest(written, VERBS) or f"there are {', '.join(VERBS)}; see inspect --help"
    )


def _terminal_columns() -> int:
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns - 1
    except (OSError, ValueError):  # not a terminal, or stdout is closed
        return 80
