"""What changed between two releases as an HTML page."""

from __future__ import annotations

from inspector.difference import Difference
from inspector.render.html_report.page import render_page
from inspector.render.terminal_diff import headlines


def render(found: Difference) -> bytes:
    """The page as UTF-8, self-contained like a report."""
    return render_page("changes.html", changes=found, headlines=headlines(found), title="Changes")
