"""What changed between two releases, as Markdown for a pull request or release notes."""

from __future__ import annotations

import re

from inspector.difference import Difference
from inspector.quantities import format_size
from inspector.render.escaping import escape
from inspector.render.terminal_diff import change_of_licenses, change_of_versions, headlines, signed

_ROWS = 40
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~@-])")


def render(found: Difference) -> bytes:
    """The report in GitHub's and GitLab's common Markdown, as UTF-8; below 64 KiB, which is the most that a comment may have."""
    lines = [f"## {_text(found.artifact.new_path)} against {_text(found.artifact.old_path)}", ""]
    lines += [f"- {_text(line)}" for line in headlines(found)]
    for title, findings in (("New findings", found.new_findings), ("Fixed", found.fixed_findings)):
        rows = [[each.severity, f"`{each.rule}`", _text(each.subject), _text(each.message)] for each in findings]
        lines += _table(title, ["severity", "rule", "subject", "what"], rows)
    rows = [[_text(f"{host.name} {host.variant}"), host.old, host.new, _text(host.message)] for host in found.hosts]
    lines += _table("Systems", ["system", "before", "now", "message"], rows)
    rows = [
        [floor.namespace, floor.old or "", floor.new or "", _text(", ".join(floor.files))] for floor in found.floors
    ]
    lines += _table("What it asks of the host", ["namespace", "before", "now", "because of"], rows)
    rows = [
        [each.change, _text(each.name), _text(change_of_versions(each)), _text(change_of_licenses(each))]
        for each in found.components
    ]
    lines += _table("Components", ["", "component", "version", "licence"], rows)
    rows = [
        [
            _text(each.name),
            format_size(each.new.raw),
            signed(each.new.raw - each.old.raw),
            format_size(each.new.stored),
            signed(each.new.stored - each.old.stored),
        ]
        for each in found.sizes
    ]
    lines += _table("Bytes by component", ["component", "raw", "change", "stored", "change"], rows)
    return ("\n".join(lines) + "\n").encode()


def _table(title: str, head: list[str], rows: list[list[str]]) -> list[str]:
    if not rows:
        return []
    lines = ["", f"### {title}", "", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows[:_ROWS]]
    if len(rows) > _ROWS:
        lines += ["", f"and {len(rows) - _ROWS} more"]
    return lines


def _text(text: str) -> str:
    """A text that Markdown does not read, at most 300 characters."""
    shown = escape(text)
    return _SPECIAL.sub(r"\\\1", shown if len(shown) <= 300 else f"{shown[:299]}…")
