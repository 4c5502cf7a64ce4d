"""The command line: one verb a module, and the only floor that prints.

This module stays cheap to import: ``inspect --version`` loads no parser, and a verb's module is loaded when the verb is asked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

VERBS: Final[dict[str, str]] = {
    "audit": "what a bundle needs, lacks, exposes and weighs; may it be released?",
    "slim": "a smaller copy, proved to work: plan, strip, prune, rebuild, verify",
    "unslim": "bring back what a slimmed copy was made from",
    "licenses": "components, their licences and chains; notices, SBOM",
    "diff": "what changed from one release to the next",
    "report": "render a written result again, without the artifact",
    "why": "who loads a library, by which rule, and what breaks without it",
    "trace": "run a bundle and record what it uses, for slim",
    "explain": "what a rule means, why it matters, what to do",
    "rules": "every rule in a line",
    "formats": "what is opened, what is only recognised, what slim can write",
    "config": "what is configured here, and where each value comes from",
    "init": "write an inspector.toml for the artifact at hand",
    "host": "the systems that a bundle is judged against: capture, list, show",
    "completion": "completion of verbs, options and names, for bash, zsh or fish",
    "manual": "this program's manual page, for man",
}
"""Verb and one-line summary; ``inspector/cli/<verb>.py`` has ``make_parser() -> VerbParser`` and ``execute(options) -> ExitCode``."""

_SIGNAL_BASE = 128  # a shell's exit status for a program that a signal ended is 128 + its number (POSIX, Shell 2.8.2)
_SIGINT, _SIGPIPE = 2, 13


def program() -> NoReturn:
    """:func:`main` for a process of its own, which ends here and at once: that Python takes everything apart first is 2 % of an audit."""
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        sys.exit(code)  # Python tries once more, and says what it says of such an end
    os._exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code; nothing but ``SystemExit`` of a parser's help leaves it.

    :param argv: the arguments without the program's name; those of the process by default.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    for name in ("stdout", "stderr"):
        if (
            getattr(sys, name) is None
        ):  # closed by the caller (`>&-`); what is printed then goes nowhere, and is no defect
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
    try:
        if arguments in (["--version"], ["-V"]):
            from inspector import __version__

            print(f"inspect {__version__} (bundle-inspect)", flush=True)
            return 0
        from inspector.cli.parser import run

        return int(run(arguments))
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted; no report was written\n")
        return _SIGNAL_BASE + _SIGINT
    except BrokenPipeError:
        # The reader of the report has left.  Python would complain when it flushes at exit (library/signal, "Note on SIGPIPE").
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _SIGNAL_BASE + _SIGPIPE
    except Exception as error:  # noqa: BLE001 - the last resort: whatever happens, a crash never looks like a finding
        from inspector.cli.failure import report_failure

        return int(report_failure(error, traceback="-v" in arguments or "--verbose" in arguments))
