"""``inspect audit``: what a bundle needs, lacks, exposes and weighs, and whether it may be released."""

from __future__ import annotations

import argparse
import gc
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from inspector.cli.build_service import added_reports, build_service, stopped_commands, tell_service
from inspector.cli.color import use_color
from inspector.cli.console import observe_progress
from inspector.cli.failure import note, report_failure
from inspector.cli.gate_options import add_gate_options, chosen_policy
from inspector.cli.interpreter_settings import settle_for_one_run, spare_the_last_collection
from inspector.cli.output import STDOUT, Destination, choose_destinations, write_report
from inspector.cli.parser import VerbParser, one_of
from inspector.cli.run_options import (
    add_environment_option,
    add_host_options,
    chosen_environment,
    chosen_hosts,
)
from inspector.cli.screen_options import (
    add_color_option,
    add_help_option,
    add_progress_option,
    heed_color,
    make_group,
    screen_width,
)
from inspector.errors import ExitCode, UsageError
from inspector.forked_work import while_waiting
from inspector.render.registry import FORMATS, RenderOptions, load_renderer

if TYPE_CHECKING:
    from inspector.cli.gate_options import Policy
    from inspector.result import Result

_FILE_WIDTH = 100
_EXAMPLES = """\
  inspect audit MyApp.AppImage
  inspect audit MyApp.AppImage --host debian-12 --host rhel-9:minimal
  inspect audit MyApp.AppDir -o result.json -o report.txt  two reports
  inspect audit dist/*.AppImage --fail-on warning -q       findings, verdicts
  inspect audit MyApp.AppImage --format json | jq .floors"""


def make_parser() -> VerbParser:
    """The options of the verb."""
    parser = VerbParser(
        "audit",
        usage="inspect audit PATH... [options]",
        description="Says in one screen on which systems a bundle starts, which versions it asks of\n"
        "the host and who causes that, which libraries it forgot, which licences it\n"
        "exposes, where the bytes are, and what to mend first.  Nothing is run, mounted\n"
        "or unpacked.",
        examples=_EXAMPLES,
    )
    what = make_group(parser, "what to audit")
    what.add_argument("paths", nargs="*", metavar="PATH", help="an AppImage, an AppDir, any directory, or one ELF file")
    where = make_group(parser, "where it runs")
    add_host_options(where)
    add_environment_option(where)
    report = make_group(parser, "the report")
    suffixes = ", ".join(suffix for entry in FORMATS.values() for suffix in entry.suffixes)
    report.add_argument(
        "-o",
        "--output",
        action="append",
        default=[],
        metavar="FILE",
        help=f"write the report to FILE, in the format of its suffix ({suffixes}); FORMAT:FILE names the format, - is "
        "stdout; may be repeated, and then nothing else goes to stdout",
    )
    report.add_argument(
        "--format",
        type=one_of(FORMATS),
        metavar="FORMAT",
        help=f"{', '.join(FORMATS)}: for stdout (text if not given) and files without a suffix",
    )
    report.add_argument(
        "--files", action="store_true", help="list every file in the JSON report, with raw and stored size"
    )
    report.add_argument(
        "--ci",
        action="store_true",
        help="tell the build service too: GitHub Actions gets annotations, a step summary and outputs, GitLab CI the "
        "reports gl-code-quality-report.json and gl-junit-report.xml",
    )
    gate = make_group(parser, "the gate")
    add_gate_options(gate)
    screen = make_group(parser, "the screen")
    screen.add_argument(
        "-q", "--quiet", action="count", default=0, help="findings and verdict only; -qq: the exit code only"
    )
    screen.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="everything: all systems, versions, libraries, licences, sizes, findings with evidence; tracebacks of defects",
    )
    add_color_option(screen)
    add_progress_option(screen)
    add_help_option(screen)
    return parser


def execute(options: argparse.Namespace) -> ExitCode:
    """Audit each path, write the reports, and return the gravest exit code."""
    heed_color(options)
    if not options.paths:
        raise UsageError("there is nothing to audit", "name a file or directory: inspect audit MyApp.AppImage")
    destinations = choose_destinations(options.output, options.format, options.paths)
    service = build_service() if options.ci else None
    destinations += added_reports(service, destinations)
    policy = chosen_policy(options)
    hosts = chosen_hosts(options) or list(policy.configuration.hosts)
    given = {
        "hosts": hosts,
        "environment": chosen_environment(options),
        # Clarifications of licences are bound to the content of files.
        "digest_files": _names_files(options, destinations) or bool(policy.configuration.licenses.clarify),
        "list_files": options.files or any(FORMATS[each.format].lists_files for each in destinations),
    }
    run = {name: value for name, value in given.items() if value}

    from inspector.policy.gate import most_severe

    settle_for_one_run()
    while_waiting(*(partial(load_renderer, each.format) for each in destinations))
    results: list[Result] = []
    failures: list[tuple[str, Exception]] = []
    baselines: list[Result | None] = []
    codes: list[ExitCode] = []
    for number, path in enumerate(options.paths):
        if number:
            gc.collect()
        try:
            result, code, baseline = _audit_one(path, options, run, policy)
            results.append(result)
            baselines.append(baseline)
        except Exception as error:  # noqa: BLE001 - one artifact's defect must not hide the others' reports
            code = report_failure(error, traceback=options.verbose)
            failures.append((path, error))
        codes.append(code)
    code = most_severe(codes)
    against = baselines[0] if len(baselines) == 1 else None
    if results:
        for destination in destinations:
            with stopped_commands(service, destination):
                _write(destination, _as_asked(results, destination, options), options, policy, baselines)
        if options.output and not options.quiet:
            _summarize(results, destinations)
    if options.ci:
        tell_service(
            service, results, failures, code, anchor=policy.configuration.anchor, baseline=against,
            commands_to=_commands_to(destinations, options),
        )  # fmt: skip
    spare_the_last_collection()
    return code


def _names_files(options: argparse.Namespace, destinations: list[Destination]) -> bool:
    """Whether a report names files by their digests.

    :raises UsageError: where such a report would be of several artifacts.
    """
    found = next((each for each in destinations if FORMATS[each.format].names_files), None)
    if found is not None and len(options.paths) > 1:
        raise UsageError(f"{found.path}: a {found.format} document describes one artifact", "audit them one at a time")
    return found is not None


def _audit_one(
    path: str, options: argparse.Namespace, run: dict[str, Any], policy: Policy
) -> tuple[Result, ExitCode, Result | None]:
    """One path's Result with the verdict that the options ask for, and the last release's.

    :param run: the pipeline's arguments that say where and how the artifact would run, as far as they were given.
    """
    from inspector.pipeline import audit
    from inspector.policy.judgement import judge_result

    with observe_progress(shown=not (options.no_progress or options.quiet)) as progress:
        result = audit(path, progress=progress, **run)
    baseline = policy.baseline_for(result, alone=len(options.paths) == 1)
    judgement = judge_result(result, policy.configuration, baseline=baseline, hosts_named=bool(run.get("hosts")))
    return judgement.result, judgement.code, baseline


def _as_asked(results: list[Result], destination: Destination, options: argparse.Namespace) -> list[Result]:
    """The Results with the list of files only where this report shows it or ``--files`` asks for it, as a kept Result stays small without."""
    entry = FORMATS[destination.format]
    if options.files or entry.lists_files or entry.names_files:
        return results
    from inspector.result_making import without_file_list

    return [without_file_list(result) for result in results]


def _commands_to(
    destinations: list[Destination], options: argparse.Namespace
) -> Literal["stdout", "stderr", "nowhere"]:
    """Where a build service's commands go: beside text, but not into a document."""
    if options.quiet > 1 or any(each.format == "github" and each.path == STDOUT for each in destinations):
        return "nowhere"
    documents = any(each.path == STDOUT and each.format not in ("text", "markdown") for each in destinations)
    return "stderr" if documents else "stdout"


def _write(
    destination: Destination,
    results: list[Result],
    options: argparse.Namespace,
    policy: Policy,
    baselines: list[Result | None],
) -> None:
    """Render for one destination, and write it."""
    to_stdout = destination.path == STDOUT
    if to_stdout and options.quiet > 1:
        return

    render_options = RenderOptions(
        width=screen_width() if to_stdout else _FILE_WIDTH,
        color=use_color(sys.stdout) if to_stdout else False,
        detail="full" if options.verbose else "brief" if options.quiet else "normal",
        several=len(options.paths) > 1,
        anchor=policy.configuration.anchor,
        baselines=tuple(baselines),
    )
    write_report(destination, load_renderer(destination.format)(results, render_options))


def _summarize(results: list[Result], destinations: list[Destination]) -> None:
    """What somebody who reads only the log of a build wants to know, when the reports went to files."""
    from inspector.render.verdict_lines import verdict_lines

    if all(destination.path != STDOUT for destination in destinations):
        for result in results:
            for line in verdict_lines(result):
                note(line)
    files = [destination.path for destination in destinations if destination.path != STDOUT]
    if files:
        note(f"written: {', '.join(files)}")
