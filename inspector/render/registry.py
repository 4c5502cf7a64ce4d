"""Which output formats there are, by name and by file suffix.  A format's module is imported when the format is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from inspector.errors import UsageError

if TYPE_CHECKING:  # this module is read for every --help
    from collections.abc import Callable, Sequence

    from inspector.result import Result

    Render = Callable[[Sequence[Result], "RenderOptions"], bytes]

Detail = Literal["brief", "normal", "full"]


class RenderOptions(NamedTuple):
    """How a report is written; machine formats heed ``several`` only.

    :ivar width: columns of the screen, for formats that are read on one.
    :ivar color: whether terminal colour codes may be used.
    :ivar detail: ``"brief"`` is findings and verdict, ``"full"`` caps no list and shows the evidence.
    :ivar anchor: the file of the repository that findings are shown at, for formats that show findings in files; None: the artifact's name.
    :ivar baselines: the last release's Result of each artifact, None where there is none, for formats that show what changed since.
    :ivar several: whether the run was asked for several artifacts, of which some may have no Result.
    """

    width: int = 100
    color: bool = False
    detail: Detail = "normal"
    several: bool = False
    anchor: str | None = None
    baselines: Sequence[Result | None] = ()


class Format(NamedTuple):
    """One output format.

    :ivar module: the module that has ``render(results, options) -> bytes``; it gets at least one Result.
    :ivar reserved_suffixes: suffixes that end like one of this format's but will mean another; writing this format there would surprise later.
    :ivar names_files: whether it names the files of one artifact by their digests, which an audit takes only where it is asked to.
    :ivar lists_files: whether it shows every file with its size.
    """

    name: str
    suffixes: tuple[str, ...]
    summary: str
    module: str
    reserved_suffixes: tuple[str, ...] = ()
    names_files: bool = False
    lists_files: bool = False


FORMATS: dict[str, Format] = {
    entry.name: entry
    for entry in (
        Format("text", (".txt",), "the report as it is shown in a terminal", "inspector.render.terminal"),
        Format(
            "json",
            (".json",),
            "the Result, schema inspector/result/1",
            "inspector.render.result_json",
            (".cdx.json", ".spdx.json", ".gitlab.json", ".sarif.json"),
        ),
        Format("sarif", (".sarif", ".sarif.json"), "SARIF 2.1.0, for GitHub code scanning", "inspector.render.sarif"),
        Format("junit", (".xml",), "JUnit XML: a test case a rule", "inspector.render.junit"),
        Format("gitlab", (".gitlab.json",), "GitLab Code Quality", "inspector.render.gitlab"),
        Format("github", (), "annotations of a GitHub run, for stdout", "inspector.render.github"),
        Format("markdown", (".md",), "for a pull request or a step summary", "inspector.render.markdown"),
        Format(
            "html", (".html", ".htm"), "one page, for people", "inspector.render.html_report.document", lists_files=True
        ),
        Format("csv", (".csv",), "findings, a line each", "inspector.render.findings_csv", (".components.csv",)),
        Format("components", (".components.csv",), "components and licences as CSV", "inspector.render.components_csv"),
        Format("cyclonedx", (".cdx.json",), "CycloneDX 1.6", "inspector.render.cyclonedx_json", names_files=True),
        Format("spdx", (".spdx.json",), "SPDX 2.3", "inspector.render.spdx_json", names_files=True),
    )
}


def load_renderer(format_name: str) -> Render:
    """The function that renders a format of :data:`FORMATS`; its module is imported now."""
    return cast("Render", import_module(FORMATS[format_name].module).render)


def format_for_path(path: str) -> str | None:
    """The name of the format that a file's suffix stands for, or None where it stands for none."""
    lowered = path.lower()
    for entry in FORMATS.values():
        if lowered.endswith(entry.suffixes) and not lowered.endswith(entry.reserved_suffixes):
            return entry.name
    return None


def unknown_format(what: str) -> UsageError:
    """The error that names what is supported, for a suffix or a format name that is not."""
    known = ", ".join(f"{entry.name} ({', '.join(entry.suffixes)})" for entry in FORMATS.values())
    return UsageError(
        f"{what} names no output format of this version; there are {known}",
        "write FORMAT:PATH to choose: -o json:report.dat",
    )
