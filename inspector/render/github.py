"""GitHub's workflow commands: annotations of a run ("Workflow commands for GitHub Actions").

A step shows ten errors and ten warnings, and drops the others without a word.  So the gravest nine of each come first, and a tenth says how many
there are besides.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from inspector.model import Finding, Severity
from inspector.render.escaping import escape
from inspector.render.registry import RenderOptions
from inspector.result import Result

MOST_ANNOTATIONS = 10
_MOST_TEXT = 900
_COMMANDS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "notice"}


def render(results: Sequence[Result], options: RenderOptions) -> bytes:
    """The commands, a line each, in the order of severity; what is accepted, or known from the last release, is left out."""
    return annotate(results, options.anchor)


def annotate(results: Sequence[Result], anchor: str | None, failures: Sequence[tuple[str, str]] = ()) -> bytes:
    """The same, with artifacts of which there is no Result among the errors.

    :param anchor: the file of the repository that annotations are shown at.
    :param failures: path and message of each such artifact.
    """
    lines: list[str] = []
    for severity, command in _COMMANDS.items():
        of_severity = [_failure(path, message) for path, message in failures] if severity == "error" else []
        of_severity += [
            _command(command, result, finding, anchor)
            for result in results
            for finding in result.findings
            if finding.severity == severity and finding.suppressed is None and not result.verdict.knows(finding)
        ]
        shown = of_severity if len(of_severity) <= MOST_ANNOTATIONS else of_severity[: MOST_ANNOTATIONS - 1]
        lines += shown
        if len(of_severity) > len(shown):
            left = len(of_severity) - len(shown)
            lines.append(f"::{command} title=Inspector::and {left} more; the report has all of them")
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def _failure(path: str, message: str) -> str:
    return f"::error title=Inspector::{_data(f'{PurePath(path).name or path}: {message}')}"


def _command(command: str, result: Result, finding: Finding, anchor: str | None) -> str:
    name = PurePath(result.artifact.path).name or result.artifact.path
    place = f"file={_property(anchor)},line=1," if anchor else ""
    subject = f"{finding.subject}: " if finding.subject else ""
    text = f"{name}: {subject}{finding.message}"
    return f"::{command} {place}title={_property(finding.rule)}::{_data(text)}"


def _data(text: str) -> str:
    """As actions/toolkit escapes a message (``command.ts``); line breaks are escapes of ours already."""
    return escape(text)[:_MOST_TEXT].replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
