"""``inspect licenses``: what is inside, under which licences, how it is reached, what that obliges to; notices and bills of materials."""

from __future__ import annotations

import argparse
import sys
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from inspector.cli.color import use_color
from inspector.cli.console import observe_progress
from inspector.cli.failure import note, warn
from inspector.cli.gate_options import add_configuration_options, add_license_option, chosen_policy
from inspector.cli.interpreter_settings import settle_for_one_run
from inspector.cli.output import STDOUT, Destination, choose_destinations, warn_without_digests, write_report
from inspector.cli.parser import VerbParser, one_of
from inspector.cli.screen_options import (
    add_color_option,
    add_help_option,
    add_progress_option,
    heed_color,
    make_group,
    screen_width,
)
from inspector.errors import ExitCode, UsageError
from inspector.quantities import format_amount
from inspector.render.registry import FORMATS

if TYPE_CHECKING:
    from inspector.cli.gate_options import Policy
    from inspector.facts.licensing.notices import Notices
    from inspector.result import Result

_FORMATS = ("text", "json", "csv", "cyclonedx", "spdx", "html")
_NOTICE_SUFFIXES = (".txt", ".md")
_FILE_WIDTH = 100
_MOST_NAMED = 5
_EXAMPLES = """\
  inspect licenses MyApp.AppImage                   components, chains
  inspect licenses MyApp.AppImage --tree            who loads what
  inspect licenses MyApp.AppImage --notices THIRD_PARTY_LICENSES.txt
  inspect licenses MyApp.AppImage -o app.cdx.json -o app.spdx.json
  inspect licenses result.json -o components.csv    from a report, at once"""


def make_parser() -> VerbParser:
    """The options of the verb."""
    parser = VerbParser(
        "licenses",
        usage="inspect licenses ARTIFACT [options]",
        description="Finds every component of a bundle, dynamic, static, Python or data; says its\n"
        "licence with evidence, how the application reaches it, and what would remove\n"
        "it; writes the notice file and the bill of materials of a release.  Facts, not\n"
        "legal advice.",
        examples=_EXAMPLES,
    )
    what = make_group(parser, "what to look at")
    what.add_argument(
        "artifact",
        nargs="?",
        metavar="ARTIFACT",
        help="an AppImage, an AppDir, any directory, one ELF file, or a report (.json) that audit wrote",
    )
    report = make_group(parser, "what to write")
    report.add_argument("--tree", action="store_true", help="chains from what is started to components, as a tree")
    report.add_argument(
        "--notices",
        metavar="FILE",
        help="the notice file (.txt or .md): each component with copyright lines and the complete licence texts; "
        "exit 1 where a text is neither in the artifact nor on the SPDX list",
    )
    report.add_argument(
        "-o",
        "--output",
        action="append",
        default=[],
        metavar="FILE",
        help="write to FILE, by its suffix: .txt the screen, .json the report, .csv components, .cdx.json CycloneDX 1.6, "
        ".spdx.json SPDX 2.3; may be repeated, and then nothing else goes to stdout",
    )
    report.add_argument(
        "--format",
        type=one_of(_FORMATS),
        metavar="FORMAT",
        help=f"{', '.join(_FORMATS)}: for stdout (text if not given) and files without a suffix",
    )
    gate = make_group(parser, "the gate")
    gate.add_argument(
        "--fail-on",
        type=one_of(("error", "warning", "info", "never")),
        metavar="LEVEL",
        help="exit 1 for findings on licences of this severity or worse: error (default), warning, info, never",
    )
    add_license_option(gate)
    gate.add_argument(
        "--fail-on-incomplete",
        action="store_true",
        help="exit 4 where some members could not be read and nothing else fails",
    )
    add_configuration_options(gate)
    parser.set_defaults(max_glibc=None, max_size=None, baseline=None, new_only=False)
    screen = make_group(parser, "the screen")
    screen.add_argument(
        "-q", "--quiet", action="count", default=0, help="verdict and copyleft only; -qq: the exit code only"
    )
    screen.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="every chain, every component with its evidence and files; tracebacks",
    )
    add_color_option(screen)
    add_progress_option(screen)
    add_help_option(screen)
    return parser


def execute(options: argparse.Namespace) -> ExitCode:
    """Write what was asked for; the exit code is the gate's word on licences, and that of the notice file."""
    heed_color(options)
    if not options.artifact:
        raise UsageError("there is nothing to look at", "name a file or directory: inspect licenses MyApp.AppImage")
    destinations = _destinations(options)
    notice_file = _notice_file(options)
    policy = chosen_policy(options)
    settle_for_one_run()
    # Clarifications are bound to the content of files.
    digests = bool(policy.configuration.licenses.clarify)
    result, notices = _obtain(options, destinations, notices=notice_file is not None, digests=digests)
    result, code = _judged(result, policy, notices)
    if notice_file is not None and notices is not None:
        _write_notices(notice_file, notices, result, told=not (options.output or options.quiet))
    for destination in destinations:
        _write(destination, result, options)
    return code


def _destinations(options: argparse.Namespace) -> list[Destination]:
    """Where reports go; with ``--notices`` alone nothing but the notices is written, and the screen.

    :raises UsageError: for a format that says nothing of licences.
    """
    chosen = choose_destinations(options.output, options.format, [options.artifact])
    for destination in chosen:
        if destination.format not in (*_FORMATS, "components"):
            raise UsageError(
                f"inspect licenses writes no {destination.format}",
                f"it writes {', '.join(_FORMATS)}; inspect audit writes the others",
            )
    if options.tree and all(destination.format != "text" for destination in chosen):
        raise UsageError("--tree is a form of the text", "leave it out, or write text: -o tree.txt")
    return [each._replace(format="components") if each.format == "csv" else each for each in chosen]


def _notice_file(options: argparse.Namespace) -> Destination | None:
    """Where the notices go, as text or Markdown.

    :raises UsageError: for another suffix, a report instead of an artifact, or a file that a report goes to.
    """
    path = options.notices
    if path is None:
        return None
    if path != STDOUT and PurePath(path).suffix.lower() not in _NOTICE_SUFFIXES:
        raise UsageError(f"--notices writes text or Markdown, and {path} is neither", "THIRD_PARTY_LICENSES.txt or .md")
    if _is_report(options.artifact):
        raise UsageError(
            f"{options.artifact} has no licence texts in it",
            "name the artifact itself, where the texts are: --notices needs them",
        )
    if path == STDOUT and not options.output:
        raise UsageError("--notices - and the report would both go to stdout", "write one of them to a file")
    choose_destinations(
        [*options.output, path], options.format, [options.artifact]
    )  # what holds for a report's file holds for it
    return Destination("markdown" if path.lower().endswith(".md") else "text", path)


def _is_report(path: str) -> bool:
    return path.lower().endswith(".json")


def _obtain(
    options: argparse.Namespace, destinations: list[Destination], *, notices: bool, digests: bool
) -> tuple[Result, Notices | None]:
    """The Result of a report, or of an audit made now; with the notices where they are asked for, which need the open artifact."""
    named = any(FORMATS[destination.format].names_files for destination in destinations)
    if _is_report(options.artifact):
        from inspector.result import load_result

        result = load_result(options.artifact)
        warn_without_digests(destinations, [result], options.artifact)
        return result, None
    # A report has them too: it may be made into such a document later.
    digests = digests or named or any(destination.format == "json" for destination in destinations)
    wanted: dict[str, Any] = {"list_files": True, "digest_files": digests, "explain_licenses": True}
    with observe_progress(shown=not (options.no_progress or options.quiet)) as progress:
        if not notices:
            from inspector.pipeline import audit

            return audit(options.artifact, progress=progress, **wanted), None
        from inspector.artifact import open_artifact
        from inspector.artifact.nested_trees import NestedTrees
        from inspector.facts.licensing.notices import collect_notices
        from inspector.limits import Limits
        from inspector.pipeline import audit_opened

        progress.stage("Opening")
        limits = Limits()
        with open_artifact(options.artifact, limits) as artifact:
            audited = audit_opened(artifact, limits=limits, progress=progress, **wanted)
            progress.stage("Collecting licence texts")
            trees = NestedTrees(artifact, (inside.path for inside in audited.result.nested), limits)
            return audited.result, collect_notices(trees, audited.result.components, limits)


def _judged(result: Result, policy: Policy, notices: Notices | None) -> tuple[Result, ExitCode]:
    """The Result with the verdict on its licences, and the exit code; findings of other families stay as they are."""
    from msgspec.structs import replace

    from inspector.checks import components, licenses
    from inspector.policy.configuration import Budget
    from inspector.policy.demands import DEMAND_RULES
    from inspector.policy.gate import most_severe
    from inspector.policy.judgement import judge_result
    from inspector.policy.license_policy import LICENSE_NOT_ALLOWED

    asked = policy.configuration
    rules = {*licenses.RULES, *components.RULES}
    about_licenses = {*rules, LICENSE_NOT_ALLOWED}
    about = replace(
        asked,
        glibc=None,
        budget=Budget(),
        require=tuple(name for name in asked.require if name in about_licenses),
        forbid=tuple(name for name in asked.forbid if name in about_licenses),
    )
    others = tuple(each for each in result.findings if each.rule not in rules and each.rule not in DEMAND_RULES)
    own = tuple(each for each in result.findings if each.rule in rules)
    judgement = judge_result(replace(result, findings=own, hosts=(), floors={}), about, baseline=policy.baseline)
    judged, code = judgement.result, judgement.code
    verdict = judged.verdict
    if notices is not None and notices.missing and about.fail_on != "never":
        reason = f"{format_amount(len(notices.missing), 'licence text')} missing: {_some_names(notices)}"
        verdict = replace(verdict, gate="failed", reasons=(*verdict.reasons, reason))
        code = most_severe((code, ExitCode.GATE_FAILED))
    findings = (*judged.findings, *others)
    return replace(judged, findings=findings, hosts=result.hosts, floors=result.floors, verdict=verdict), code


def _some_names(notices: Notices) -> str:
    names = [f"{entry.component} ({entry.license})" for entry in notices.missing]
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _write_notices(destination: Destination, notices: Notices, result: Result, *, told: bool) -> None:
    """:param told: whether the screen says which texts are missing."""
    from inspector.render.notices import render_notices

    report = render_notices(notices, result, markdown=destination.format == "markdown")
    write_report(destination, report)
    if destination.path != STDOUT:
        note(
            f"written: {destination.path}: {format_amount(len(notices.components), 'component')}, "
            f"{format_amount(len(notices.texts), 'text')}"
        )
    for entry in notices.missing if not told else ():
        warn(f"no text of the licence of {entry.component}: {entry.license}")


def _write(destination: Destination, result: Result, options: argparse.Namespace) -> None:
    """Render for one destination, and write it."""
    to_stdout = destination.path == STDOUT
    if to_stdout and options.quiet > 1:
        return

    from inspector.render.registry import RenderOptions, load_renderer

    render_options = RenderOptions(
        width=screen_width() if to_stdout else _FILE_WIDTH,
        color=use_color(sys.stdout) if to_stdout else False,
        detail="full" if options.verbose else "brief" if options.quiet else "normal",
    )
    if destination.format == "text":
        from inspector.render.license_page import render_licenses

        report = render_licenses(result, render_options, tree=options.tree).encode()
    else:
        report = load_renderer(destination.format)([result], render_options)
    write_report(destination, report)
    if not to_stdout and not options.quiet:
        note(f"written: {destination.path}")
