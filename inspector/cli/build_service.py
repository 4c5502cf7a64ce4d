"""``--ci``: reports wired to the build service that runs us, as far as its environment names it.

GitHub Actions (docs.github.com, "Workflow commands for GitHub Actions"; read 2026-11): annotations on stdout, a step summary appended to the file
that ``GITHUB_STEP_SUMMARY`` names, outputs of the step appended to the one of ``GITHUB_OUTPUT``.  A line of the log that begins with ``::`` is a
command there, and names in an artifact are its maker's, so what is for people is printed while commands are stopped.
GitLab CI (docs.gitlab.com, "GitLab CI/CD artifacts reports types"): a Code Quality and a JUnit report, in files that a job keeps as artifacts.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from inspector.cli.failure import note, warn
from inspector.cli.output import STDOUT, Destination, write_stdout

if TYPE_CHECKING:
    from inspector.errors import ExitCode
    from inspector.result import Result

Service = Literal["github", "gitlab"]

GITLAB_REPORTS = (Destination("gitlab", "gl-code-quality-report.json"), Destination("junit", "gl-junit-report.xml"))
"""What a job of GitLab names under ``artifacts:reports`` (``ci/gitlab.yml`` does)."""
_MOST_SUMMARY = 1024 * 1024  # bytes of all summaries of one step; above that GitHub shows none


def build_service() -> Service | None:
    """The service that runs this process, by the variables that it documents; None where there is none, or another."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        return "github"
    if os.environ.get("GITLAB_CI") == "true":
        return "gitlab"
    return None


def added_reports(service: Service | None, chosen: Sequence[Destination]) -> list[Destination]:
    """Files that the service reads, but for formats that ``-o`` writes already."""
    if service != "gitlab":
        return []
    formats = {destination.format for destination in chosen}
    return [destination for destination in GITLAB_REPORTS if destination.format not in formats]


@contextmanager
def stopped_commands(service: Service | None, destination: Destination) -> Iterator[None]:
    """Nothing that is printed inside is taken for a command of the service."""
    if service != "github" or destination.path != STDOUT or destination.format not in ("text", "markdown"):
        yield
        return
    import secrets  # it brings random and hashlib, which no other run needs

    token = secrets.token_hex(16)
    write_stdout(f"::stop-commands::{token}\n".encode())
    try:
        yield
    finally:
        write_stdout(f"::{token}::\n".encode())


def tell_service(
    service: Service | None,
    results: Sequence[Result],
    failures: Sequence[tuple[str, Exception]],
    code: ExitCode,
    *,
    anchor: str | None = None,
    baseline: Result | None = None,
    commands_to: Literal["stdout", "stderr", "nowhere"] = "stdout",
) -> None:
    """Annotations, summary and outputs, where the service has such things.

    :param failures: paths that have no Result, and why.
    :param code: the exit code of the run.
    :param commands_to: where annotations go: not to stdout where that is a document of another format.
    """
    if service is None:
        warn("--ci: neither GitHub Actions nor GitLab CI runs this, so there is nothing to wire")
    if service == "github":
        if commands_to != "nowhere":
            _print_annotations(results, failures, anchor, commands_to)
        _append("GITHUB_STEP_SUMMARY", _summary(results, failures, baseline), most=_MOST_SUMMARY)
        _append("GITHUB_OUTPUT", _outputs(results, code))


def _print_annotations(
    results: Sequence[Result], failures: Sequence[tuple[str, Exception]], anchor: str | None, where: str
) -> None:
    from inspector.render.github import annotate

    commands = annotate(results, anchor, [(path, str(error)) for path, error in failures])
    if where == "stdout":
        write_stdout(commands)
    else:
        for line in commands.decode().splitlines():
            note(line)


def _summary(results: Sequence[Result], failures: Sequence[tuple[str, Exception]], baseline: Result | None) -> bytes:
    from inspector.render.markdown import render
    from inspector.render.markdown_text import markdown_text
    from inspector.render.registry import RenderOptions

    parts = [render(results, RenderOptions(several=len(results) > 1))] if results else []
    if baseline is not None and len(results) == 1:
        from inspector.difference import difference
        from inspector.render.markdown_diff import render as render_changes

        parts.append(render_changes(difference(baseline, results[0])))
    parts += [f"## ❌ {markdown_text(path)}\n\n{markdown_text(str(error))}\n".encode() for path, error in failures]
    return b"\n".join(parts)


def _outputs(results: Sequence[Result], code: ExitCode) -> bytes:
    """``NAME=VALUE`` lines; no value comes out of an artifact, so none can hold a line break."""
    counts = Counter(
        finding.severity for result in results for finding in result.findings if finding.suppressed is None
    )
    gate = "passed" if not code else "failed"
    values = {
        "gate": gate,
        "exit-code": int(code),
        "errors": counts["error"],
        "warnings": counts["warning"],
        "size": sum(result.artifact.size for result in results),
    }
    return "".join(f"{name}={value}\n" for name, value in values.items()).encode()


def _append(variable: str, text: bytes, *, most: int | None = None) -> None:
    """Add to a file of the service's; what it cannot take is told, and fails nothing."""
    path = os.environ.get(variable)
    if not path or not text:
        return
    try:
        there = Path(path).stat().st_size if Path(path).exists() else 0
        if most is not None and there + len(text) > most:
            warn(
                f"{variable} would be larger than {most} bytes, of which the service shows nothing; it is left as it is"
            )
            return
        with Path(path).open("ab") as stream:
            stream.write(text)
    except OSError as error:
        warn(f"{variable}: {path} cannot be written: {error.strerror or error}")
