"""Against the last release: which findings are new, which are fixed.  The baseline is that release's ordinary result.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from inspector.model import Finding
from inspector.result import Result


@dataclass(frozen=True, slots=True)
class FindingChanges:
    """Findings by what became of them; each is of the newer Result, those that are fixed of the older."""

    new: tuple[Finding, ...]
    same: tuple[Finding, ...]
    fixed: tuple[Finding, ...]


def finding_changes(old: Sequence[Finding], new: Sequence[Finding]) -> FindingChanges:
    """Compare by fingerprint, which survives a rebuild; of several equal ones as many are the same as there were."""
    left = Counter(_key(finding) for finding in old)
    fresh: list[Finding] = []
    same: list[Finding] = []
    for finding in new:
        key = _key(finding)
        if left[key] > 0:
            left[key] -= 1
            same.append(finding)
        else:
            fresh.append(finding)
    fixed: list[Finding] = []
    for finding in old:
        key = _key(finding)
        if left[key] > 0:
            left[key] -= 1
            fixed.append(finding)
    return FindingChanges(tuple(fresh), tuple(same), tuple(fixed))


def new_findings(baseline: Result, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Those that the baseline does not have."""
    return finding_changes(baseline.findings, findings).new


def _key(finding: Finding) -> tuple[str, str]:
    return finding.rule, finding.fingerprint or finding.subject
