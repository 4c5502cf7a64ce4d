"""SARIF 2.1.0 (OASIS, 27 March 2020) as GitHub code scanning takes it: one run an artifact, one result a finding.

Subjects are members of a binary, and code scanning shows only files of the repository.  So each result is located at an anchor (the recipe that
makes the artifact; ``target.anchor`` of the configuration, else the artifact's own name), and the member is its logical location.  All of them stand
on line 1 of that file: what GitHub tells alerts apart by is therefore ours (``primaryLocationLineHash``, the one partial fingerprint that it uses;
its upload action would hash the line, and take all findings of a rule for one).
Limits of GitHub (docs.github.com, "SARIF support for code scanning", read 2026-11): 20 runs a file, each with a category of its own, 25,000 results
and rules a run, of which 5,000 are shown, 1,000 locations a result, 10 MB compressed.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from inspector.catalogue import load_rules
from inspector.fingerprint import normalise
from inspector.model import SEVERITY_ORDER, Finding, Severity
from inspector.render.escaping import escape
from inspector.render.registry import RenderOptions
from inspector.result import Result

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_MOST_RUNS = 20
_MOST_RESULTS = 5000
_MOST_BYTES = 9_000_000
"""Of all results: what is below 10 MB as it stands is below it compressed, however little the names of a hostile artifact compress."""
_MOST_RELATED = 100
_MOST_TEXT = 1000
_LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}


def render(results: Sequence[Result], options: RenderOptions) -> bytes:
    """The log, without white space: GitHub counts bytes."""
    names = Counter[str]()
    runs: list[dict[str, Any]] = []
    for result in results[:_MOST_RUNS]:
        stable = normalise(_name(result)).replace("*", "VERSION")
        names[stable] += 1
        category = stable if names[stable] == 1 else f"{stable}-{names[stable]}"
        runs.append(_run(result, options.anchor, category, _MOST_BYTES // min(len(results), _MOST_RUNS)))
    if len(results) > _MOST_RUNS:
        text = f"{len(results) - _MOST_RUNS} artifacts are left out, as GitHub takes {_MOST_RUNS} runs a file"
        _notify(runs[-1], text)
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": runs}
    return json.dumps(log, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _name(result: Result) -> str:
    return PurePath(result.artifact.path).name or result.artifact.path


def _run(result: Result, anchor: str | None, category: str, most_bytes: int) -> dict[str, Any]:
    """One run.

    :param category: the artifact's name without its version: alerts of one release are closed by the next one's upload only in the same category.
    :param most_bytes: of its results.
    """
    findings = sorted(result.findings, key=lambda each: (each.suppressed is not None, SEVERITY_ORDER[each.severity]))
    names = sorted({finding.rule for finding in findings[:_MOST_RESULTS]})
    index = {name: number for number, name in enumerate(names)}
    artifact = _name(result)
    uri = relative_uri(anchor or artifact)
    results: list[dict[str, Any]] = []
    same = Counter[str]()
    for finding in findings[:_MOST_RESULTS]:
        mark = hashlib.sha256(
            f"{category}\0{finding.rule}\0{_identity(finding)}".encode("utf-8", "replace")
        ).hexdigest()
        same[mark] += 1
        found = _result(finding, index[finding.rule], artifact, uri, f"{mark[:16]}:{same[mark]}")
        most_bytes -= len(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
        if most_bytes < 0:
            break
        results.append(found)
    run = {
        "tool": {
            "driver": {
                "name": "Inspector",
                "semanticVersion": result.tool.version,
                "rules": [_rule(name, result) for name in names],
            }
        },
        "automationDetails": {"id": f"inspector/{quote(category, safe='._-')}/"},
        "invocations": [{"executionSuccessful": True}],
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {
            "artifact": _text(result.artifact.path),
            "sha256": result.artifact.sha256,
            "gate": result.verdict.gate,
            "filesSeen": result.coverage.seen,
            "filesAnalysed": result.coverage.analysed,
        },
    }
    for problem in result.problems[:_MOST_RELATED]:
        _notify(run, f"{problem.subject}: {problem.message}")
    if len(findings) > len(results):
        _notify(run, f"{len(findings) - len(results)} findings of the least severity are left out")
    return run


def _notify(run: dict[str, Any], text: str) -> None:
    notice = {"level": "warning", "message": {"text": _text(text)}}
    run["invocations"][0].setdefault("toolExecutionNotifications", []).append(notice)


def _identity(finding: Finding) -> str:
    return finding.fingerprint or finding.subject or finding.rule


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


def _result(finding: Finding, rule_index: int, artifact: str, uri: str, mark: str) -> dict[str, Any]:
    """One result.

    :param mark: what tells it apart from the run's others, the same from release to release.
    """
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
        "partialFingerprints": {"primaryLocationLineHash": mark, "inspectorFinding/v1": _text(_identity(finding))},
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
