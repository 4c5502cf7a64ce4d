"""Findings as CSV (RFC 4180), a line each; what a spreadsheet would take for a formula is quoted."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from inspector.render.escaping import escape
from inspector.render.registry import RenderOptions
from inspector.result import Result

_HEAD = (
    "artifact",
    "rule",
    "severity",
    "confidence",
    "subject",
    "message",
    "fix",
    "saves_raw_bytes",
    "accepted",
    "fingerprint",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render(results: Sequence[Result], options: RenderOptions) -> bytes:
    """All findings of all artifacts, accepted ones too, as UTF-8."""
    del options
    output = io.StringIO(newline="")
    writer = csv.writer(output, lineterminator="\r\n")
    writer.writerow(_HEAD)
    for result in results:
        for finding in result.findings:
            row = (
                result.artifact.path,
                finding.rule,
                finding.severity,
                finding.confidence,
                finding.subject,
                finding.message,
                finding.fix.text if finding.fix is not None else "",
                finding.fix.saves if finding.fix is not None else 0,
                finding.suppressed or "",
                finding.fingerprint,
            )
            writer.writerow([cell if isinstance(cell, int) else plain_cell(cell) for cell in row])
    return output.getvalue().encode("utf-8", "replace")


def plain_cell(text: str) -> str:
    """A cell that no spreadsheet computes (OWASP, "CSV Injection")."""
    shown = escape(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
