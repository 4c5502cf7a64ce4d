"""What changed between two releases, as Markdown for a pull request or release notes."""

from __future__ import annotations

from inspector.difference import Difference
from inspector.quantities import format_size
from inspector.render.markdown_text import markdown_table, markdown_text
from inspector.render.terminal_diff import (
    change_of_licenses,
    change_of_versions,
    describe_library,
    headlines,
    hosts_alike,
    names_of_hosts,
    signed,
    tells_stored_bytes,
)

_ROWS, _LIBRARIES = 40, 60


def render(found: Difference) -> bytes:
    """The report in GitHub's and GitLab's common Markdown, as UTF-8; below 64 KiB, which is the most that a comment may have."""
    lines = [f"## {markdown_text(found.artifact.new_path)} against {markdown_text(found.artifact.old_path)}", ""]
    lines += [f"- {markdown_text(line)}" for line in headlines(found)]
    for title, findings in (("New findings", found.new_findings), ("Fixed", found.fixed_findings)):
        rows = [
            [each.severity, f"`{each.rule}`", markdown_text(each.subject), markdown_text(each.message)]
            for each in findings
        ]
        lines += _table(title, ["severity", "rule", "subject", "what"], rows)
    rows = [
        [hosts[0].old, hosts[0].new, markdown_text(names_of_hosts(hosts)), markdown_text(hosts[0].message)]
        for hosts in hosts_alike(found)
    ]
    lines += _table("Systems", ["before", "now", "systems", "message"], rows)
    rows = [
        [floor.namespace, floor.old or "", floor.new or "", markdown_text(", ".join(floor.files))]
        for floor in found.floors
    ]
    lines += _table("What it asks of the host", ["namespace", "before", "now", "because of"], rows)
    rows = []
    for change in ("added", "removed", "updated"):
        named = [describe_library(each) for each in found.libraries if each.change == change]
        more = f" and {len(named) - _LIBRARIES} more" if len(named) > _LIBRARIES else ""
        if named:
            rows.append([change, f"{', '.join(map(markdown_text, named[:_LIBRARIES]))}{more}"])
    lines += _table("Libraries", ["", "libraries"], rows)
    rows = [
        [
            each.change,
            markdown_text(each.name),
            markdown_text(change_of_versions(each)),
            markdown_text(change_of_licenses(each)),
        ]
        for each in found.components
    ]
    lines += _table("Components", ["", "component", "version", "licence"], rows)
    columns = 5 if tells_stored_bytes(found) else 3
    rows = [
        [
            markdown_text(each.name),
            format_size(each.new.raw),
            signed(each.new.raw - each.old.raw),
            format_size(each.new.stored),
            signed(each.new.stored - each.old.stored),
        ][:columns]
        for each in found.sizes
    ]
    lines += _table("Bytes by component", ["component", "raw", "change", "stored", "change"][:columns], rows)
    return ("\n".join(lines) + "\n").encode()


def _table(title: str, head: list[str], rows: list[list[str]]) -> list[str]:
    if not rows:
        return []
    lines = ["", f"### {title}", *markdown_table(head, rows[:_ROWS])]
    if len(rows) > _ROWS:
        lines += ["", f"and {len(rows) - _ROWS} more"]
    return lines
