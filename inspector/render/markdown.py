"""The Result as Markdown, for a comment on a pull request (64 KiB at most) or a step summary: verdict, systems, findings, sizes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from inspector.model import SEVERITY_ORDER, Severity
from inspector.quantities import format_amount, format_size
from inspector.render.fix_ranking import FIXES_SHOWN, next_command, rank_fixes
from inspector.render.host_summary import summarize_hosts
from inspector.render.markdown_text import markdown_code, markdown_table, markdown_text
from inspector.render.registry import RenderOptions
from inspector.result import Result

MOST_BYTES = 60_000
"""GitHub takes 65,536 characters in a comment; a reader's own words must fit beside it."""
_FINDINGS, _COMPONENTS, _HOSTS = 30, 12, 40
_WORDS: dict[Severity, str] = {"error": "❌ error", "warning": "⚠️ warning", "info": "ℹ️ note"}


def render(results: Sequence[Result], options: RenderOptions) -> bytes:
    """The reports one after another in the common Markdown of GitHub and GitLab, as UTF-8, cut between two sections where it would be too long."""
    del options
    text = ""
    for number, result in enumerate(results):
        for section in _sections(result):
            if len(text.encode()) + len(section.encode()) > MOST_BYTES:
                left = len(results) - number - 1
                return (
                    text + f"\n… cut here; the JSON report has all{f', {left} artifacts more' if left else ''}\n"
                ).encode()
            text += section
    return text.encode()


def _sections(result: Result) -> list[str]:
    artifact = result.artifact
    failed = result.verdict.gate == "failed"
    head = [
        f"## {'❌' if failed else '✅'} {markdown_text(PurePath(artifact.path).name or artifact.path)}: {result.verdict.gate}",
        "",
    ]
    about = [
        artifact.format,
        artifact.arch or "",
        format_size(artifact.size),
        format_amount(result.files.count, "file"),
    ]
    head.append(markdown_text(", ".join(part for part in about if part)))
    head += ["", *(f"- {markdown_text(reason)}" for reason in result.verdict.reasons)]
    head += [f"- {markdown_text(notice)}" for notice in result.verdict.notices]
    sections = ["\n".join(head) + "\n"]
    summary = summarize_hosts(result)
    if summary:
        failing = [host for host in result.hosts if host.verdict in ("fails", "degraded")]
        rows = [
            [markdown_text(f"{host.name} {host.variant}"), host.verdict, markdown_text(host.message)]
            for host in failing[:_HOSTS]
        ]
        sections.append(
            "\n".join(
                [
                    "",
                    "### Systems",
                    "",
                    *map(markdown_text, summary),
                    *markdown_table(["system", "verdict", "message"], rows),
                ]
            )
            + "\n"
        )
    fixes = rank_fixes(result)[:FIXES_SHOWN]
    if fixes:
        lines = ["", "### Worth most", ""]
        lines += [
            f"{place}. {markdown_text(fix.text)} (`{fix.finding.rule}`{f', saves {format_size(fix.saves.raw)}' if fix.saves.raw else ''})"
            for place, fix in enumerate(fixes, 1)
        ]
        following = next_command(result, fixes)
        if following is not None:
            lines += ["", f"Next: {markdown_code(following[0])}"]
        sections.append("\n".join(lines) + "\n")
    live = [finding for finding in result.findings if finding.suppressed is None]
    live.sort(key=lambda finding: SEVERITY_ORDER[finding.severity])
    rows = [
        [_WORDS[each.severity], f"`{each.rule}`", markdown_text(each.subject), markdown_text(each.message)]
        for each in live[:_FINDINGS]
    ]
    if rows:
        more = [f"\nand {len(live) - _FINDINGS} more"] if len(live) > _FINDINGS else []
        sections.append(
            "\n".join(
                [
                    "",
                    f"### {format_amount(len(live), 'finding')}",
                    *markdown_table(["", "rule", "subject", "what"], rows),
                    *more,
                ]
            )
            + "\n"
        )
    rows = [
        [markdown_text(row.name), format_size(row.raw), format_size(row.stored)]
        for row in result.sizes.by_component[:_COMPONENTS]
    ]
    if rows:
        sections.append(
            "\n".join(["", "### Where the bytes are", *markdown_table(["component", "raw", "stored"], rows)]) + "\n"
        )
    return sections
