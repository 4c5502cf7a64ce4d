"""Options of the gate, and the configuration that they override: ``--config``, ``--baseline``, ``--fail-on``, ``--max-glibc``, ``--max-size``,
``--deny-license``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, NamedTuple

from inspector.cli.failure import warn
from inspector.cli.parser import one_of
from inspector.cli.sizes import byte_count
from inspector.errors import UsageError

if TYPE_CHECKING:
    from inspector.policy.configuration import Configuration
    from inspector.result import Result


class Policy(NamedTuple):
    """What an artifact is judged by.

    :ivar configuration: what the file says, options put over it.
    :ivar baselines: the last release's Results, one for each of its artifacts.
    """

    configuration: Configuration
    baselines: tuple[Result, ...] = ()

    @property
    def baseline(self) -> Result | None:
        """The only baseline; None where there is none, or several."""
        return self.baselines[0] if len(self.baselines) == 1 else None

    def baseline_for(self, result: Result, *, alone: bool) -> Result | None:
        """That of this artifact (:func:`inspector.policy.baseline.baseline_for`); where others have one and it has none, that is told."""
        from inspector.policy.baseline import baseline_for

        found = baseline_for(result, self.baselines, alone=alone)
        if found is None and self.baselines:
            warn(f"the baseline has no artifact that is called like {result.artifact.path}; it is judged without one")
        return found


def add_gate_options(group: argparse._ArgumentGroup) -> None:
    """All of them."""
    group.add_argument(
        "--fail-on",
        type=one_of(("error", "warning", "info", "never")),
        metavar="LEVEL",
        help="exit 1 for findings of this severity or worse: error (default), warning, info, never",
    )
    group.add_argument(
        "--max-glibc", type=_version, metavar="VERSION", help="exit 1 where a newer glibc is needed: 2.31"
    )
    group.add_argument("--max-size", type=byte_count, metavar="SIZE", help="exit 1 where the artifact is larger: 120MB")
    add_license_option(group)
    group.add_argument(
        "--fail-on-incomplete",
        action="store_true",
        help="exit 4 where some members could not be read and nothing else fails",
    )
    group.add_argument(
        "--baseline", metavar="FILE", help="the last release's report (.json), for growth and new findings"
    )
    group.add_argument(
        "--new-only", action="store_true", help="with --baseline: judge only findings that it does not have"
    )
    add_configuration_options(group)


def add_license_option(group: argparse._ArgumentGroup) -> None:
    """``--deny-license``, for verbs that judge licences."""
    group.add_argument(
        "--deny-license",
        action="append",
        default=[],
        type=_license,
        metavar="LICENSE",
        help="exit 1 where a component is under this SPDX licence: AGPL-3.0-only, 'GPL-*'; may be repeated",
    )


def chosen_configuration(options: argparse.Namespace) -> Configuration:
    """What the file says that ``--config`` names, or the nearest one, or none with ``--isolated``.

    :raises UsageError: for mistakes in the file.
    """
    from inspector.policy.configuration_file import find_configuration, load_configuration

    if options.config and options.isolated:
        raise UsageError("--config names a file and --isolated heeds none", "give one of them")
    return load_configuration(None if options.isolated else options.config or find_configuration())


def chosen_policy(options: argparse.Namespace) -> Policy:
    """The configuration file's word with the options put over it.

    :raises UsageError: for mistakes in the file, or a baseline that is no report.
    """
    from msgspec.structs import replace  # not before it is needed: help is shown without it

    configuration = chosen_configuration(options)
    given: dict[str, object] = {}
    sources = dict(configuration.sources)
    if options.fail_on is not None:
        given["fail_on"], sources["gate.fail-on"] = options.fail_on, "--fail-on"
    if options.max_glibc is not None:
        given["glibc"], sources["target.glibc"] = options.max_glibc, "--max-glibc"
    if options.max_size is not None:
        given["budget"], sources["budget.total"] = replace(configuration.budget, total=options.max_size), "--max-size"
    if getattr(options, "deny_license", None):
        denied = tuple(dict.fromkeys((*configuration.licenses.deny, *options.deny_license)))
        given["licenses"], sources["licenses.deny"] = replace(configuration.licenses, deny=denied), "--deny-license"
    if options.fail_on_incomplete:
        given["incomplete_fails"], sources["gate.incomplete"] = True, "--fail-on-incomplete"
    if options.new_only:
        given["new_only"], sources["gate.new-only"] = True, "--new-only"
    baselines: list[Result] = []
    if options.baseline:
        from inspector.result import load_results

        baselines = load_results(options.baseline)
    elif options.new_only:
        raise UsageError(
            "--new-only compares with a baseline", "name the last release's report: --baseline result.json"
        )
    return Policy(replace(configuration, sources=sources, **given), tuple(baselines))


def _license(text: str) -> str:
    from inspector.policy.configuration_check import license_entry_mistake

    mistake = license_entry_mistake(text)
    if mistake is not None:
        raise argparse.ArgumentTypeError(f"{mistake[0]}; {mistake[1]}")
    return text


def _version(text: str) -> str:
    parts = text.split(".")
    if len(parts) < 2 or not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no version of glibc; write 2.31")
    return text


def add_configuration_options(
    group: argparse._ArgumentGroup,
    help_text: str = "inspector.toml or a pyproject.toml; the nearest one upwards from here if not given",
) -> None:
    """``--config`` and ``--isolated``.

    :param help_text: what the verb takes from the file.
    """
    group.add_argument("--config", metavar="FILE", help=help_text)
    group.add_argument("--isolated", action="store_true", help="heed no configuration file")
