"""SARIF 2.1.0 (OASIS, 27 March 2020) as GitHub code scanning takes it: one run an artifact, one result a finding.

Subjects are members of a binary, and code scanning shows only files of the repository.  So each result is located at an anchor (the recipe that
makes the artifact; ``target.anchor`` of the configuration, else the artifact's own name), and the member is its logical location.
Limits of GitHub (docs.github.com, "SARIF support for code scanning", read 2026-11): 20 runs a file, 25,000 results and rules a run, of which 5,000
are shown, 1,000 locations a result, 10 MB compressed.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from inspector.catalogue import load_rules
from inspector.model import SEVERITY_ORDER, Finding, Severity
from inspector.render.escaping import escape
from inspector.render.registry import RenderOptions
from inspector.result import Result

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_MOST_RUNS = 20
_MOST_RESULTS = 5000
_MOST_RELATED = 100
_MOST_TEXT = 1000
_LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}


def render(results: Sequence[Result], options: RenderOptions) -> bytes:
    """The log, without white space: GitHub counts bytes."""
    runs = [_run(result, options.anchor) for result in results[:_MOST_RUNS]]
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": runs}
    return json.dumps(log, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _run(result: Result, anchor: str | None) -> dict[str, Any]:
    findings = sorted(result.findings, key=lambda each: (each.suppressed is not None, SEVERITY_ORDER[each.severity]))
    shown = findings[:_MOST_RESULTS]
    names = sorted({finding.rule for finding in shown})
    index = {name: number for number, name in enumerate(names)}
    artifact = PurePath(result.artifact.path).name or result.artifact.path
    uri = relative_uri(anchor or artifact)
    notices = [
        {"level": "warning", "message": {"text": _text(f"{problem.subject}: {problem.message}")}}
        for problem in result.problems[:_MOST_RELATED]
    ]
    if len(findings) > len(shown):
        left = len(findings) - len(shown)
        notices.append({"level": "warning", "message": {"text": f"{left} findings of the least severity are left out"}})
    invocation: dict[str, Any] = {"executionSuccessful": True}
    if notices:
        invocation["toolExecutionNotifications"] = notices
    return {
        "tool": {
            "driver": {
                "name": "Inspector",
                "semanticVersion": result.tool.version,
                "rules": [_rule(name, result) for name in names],
            }
        },
        "automationDetails": {"id": f"inspector/{quote(artifact, safe='._-')}/"},
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, index[finding.rule], artifact, uri) for finding in shown],
        "properties": {
            "artifact": _text(result.artifact.path),
            "sha256": result.artifact.sha256,
            "gate": result.verdict.gate,
            "filesSeen": result.coverage.seen,
            "filesAnalysed": result.coverage.analysed,
        },
    }


def _rule(name: str, result: Result) -> dict[str, Any]:
    rule = load_rules().get(name)
    if rule is None:  # of a Result that a newer version wrote
        info = result.rules.get(name)
        return {"id": name, "shortDescription": {"text": info.summary if info is not None else name}}
    return {
        "id": name,
        "name": "".join(part.capitalize() for part in name.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.explanation[:_MOST_TEXT]},
        "help": {"text": rule.remediation, "markdown": f"{rule.explanation}\n\n**What to do**\n\n{rule.remediation}"},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": [rule.family, rule.code], "precision": {"high": "high", "medium": "medium", "low": "low"}[rule.confidence]},
    }  # fmt: skip


def _result(finding: Finding, rule_index: int, artifact: str, uri: str) -> dict[str, Any]:
    member = f"{artifact}!/{finding.subject}" if finding.subject else artifact
    text = f"{finding.subject}: {finding.message}" if finding.subject else finding.message
    if finding.fix is not None:
        text += f". {finding.fix.text}"
    found: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": rule_index,
        "level": _LEVELS[finding.severity],
        "message": {"text": _text(text)},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}},
                "logicalLocations": [
                    {"name": _text(posixpath.basename(member)), "fullyQualifiedName": _text(member), "kind": "module"}
                ],
            }
        ],
        "partialFingerprints": {"inspectorFinding/v1": finding.fingerprint or finding.subject or finding.rule},
        "properties": {"confidence": finding.confidence},
    }
    if finding.evidence:
        found["relatedLocations"] = [
            {
                "id": number,
                "message": {"text": _text(clause)},
                "physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}},
            }
            for number, clause in enumerate(finding.evidence[:_MOST_RELATED])
        ]
    if finding.suppressed is not None:
        found["suppressions"] = [{"kind": "external", "status": "accepted", "justification": _text(finding.suppressed)}]
    return found


def relative_uri(path: str) -> str:
    """A path as a relative URI reference (RFC 3986): without a root, ``./`` and ``..``."""
    parts = [part for part in PurePath(path).as_posix().split("/") if part not in ("", ".", "..")]
    return quote("/".join(parts), safe="/._-~+@") or "artifact"


def _text(text: str) -> str:
    shown = escape(text)
    return shown if len(shown) <= _MOST_TEXT else f"{shown[: _MOST_TEXT - 1]}…"
