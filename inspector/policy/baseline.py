"""Against the last release: which findings are new, which are fixed.  The baseline is that release's ordinary result.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath

from msgspec import Struct

from inspector.fingerprint import normalise
from inspector.model import Finding
from inspector.result import Result


class FindingChanges(Struct, frozen=True):
    """Findings by what became of them; each is of the newer Result, those that are fixed of the older."""

    new: tuple[Finding, ...]
    same: tuple[Finding, ...]
    fixed: tuple[Finding, ...]


def baseline_for(result: Result, baselines: Sequence[Result], *, alone: bool) -> Result | None:
    """The last release's Result of the same artifact: by its file name without versions, then by architecture; None where there is none.

    :param alone: whether the run has this artifact only: then the only baseline is its, whatever it is called.
    """
    if alone and len(baselines) == 1:
        return baselines[0]
    name = _stable_name(result)
    same_name = [each for each in baselines if _stable_name(each) == name]
    return next((each for each in same_name if each.artifact.arch == result.artifact.arch), None)


def _stable_name(result: Result) -> str:
    path = PurePath(result.artifact.path)
    return normalise(path.name or str(path))


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


def _key(finding: Finding) -> tuple[str, str]:
    return finding.rule, finding.fingerprint or finding.subject
