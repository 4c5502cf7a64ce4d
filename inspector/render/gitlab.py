"""GitLab's Code Quality report: a JSON array of findings (docs.gitlab.com, "Code Quality", "Code Quality report format")."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import PurePath

from inspector.fingerprint import normalise
from inspector.model import Severity
from inspector.render.escaping import escape
from inspector.render.registry import RenderOptions
from inspector.result import Result

_SEVERITIES: dict[Severity, str] = {"error": "critical", "warning": "major", "info": "info"}
_MOST_TEXT = 500


def render(results: Sequence[Result], options: RenderOptions) -> bytes:
    """The array as UTF-8 without a byte order mark; accepted findings are left out, as the format has no word for them."""
    rows = []
    seen: dict[str, int] = {}
    for result in results:
        name = PurePath(result.artifact.path).name or result.artifact.path
        path = (options.anchor or name).removeprefix("./").lstrip("/")
        for finding in result.findings:
            if finding.suppressed is not None:
                continue
            mark = f"{normalise(name)}\0{finding.rule}\0{finding.fingerprint or finding.subject}"
            seen[mark] = seen.get(mark, 0) + 1
            text = f"{finding.subject}: {finding.message}" if finding.subject else finding.message
            rows.append(
                {
                    "description": escape(f"{name}: {text}")[:_MOST_TEXT],
                    "check_name": finding.rule,
                    "fingerprint": hashlib.sha256(f"{mark}\0{seen[mark]}".encode("utf-8", "replace")).hexdigest(),
                    "severity": _SEVERITIES[finding.severity],
                    "location": {"path": escape(path), "lines": {"begin": 1}},
                }
            )
    return (json.dumps(rows, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace")
