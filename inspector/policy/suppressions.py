"""Accepted findings: each with its reason, some with a day on which they count again; what accepts nothing any more is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from fnmatch import fnmatchcase

from msgspec import Struct
from msgspec.structs import replace

from inspector.catalogue import load_rules
from inspector.model import Finding
from inspector.policy.configuration import Ignore


class Accepted(Struct, frozen=True):
    """Findings with what is accepted marked, and what is to be said of the list itself.

    :ivar notices: entries that match nothing, and entries that have expired and still match; a sentence each.
    """

    findings: tuple[Finding, ...]
    notices: tuple[str, ...]


def accept(findings: Sequence[Finding], ignores: Sequence[Ignore], today: dt.date) -> Accepted:
    """Mark the findings that an entry accepts, with the reason of the first that does; what is marked already stays so."""
    used: set[int] = set()
    expired: dict[int, int] = {}
    marked: list[Finding] = []
    for finding in findings:
        reason = finding.suppressed
        for number, entry in enumerate(ignores):
            if not _matches(entry, finding):
                continue
            if entry.expires is not None and today >= entry.expires:
                expired[number] = expired.get(number, 0) + 1
                continue
            used.add(number)
            if reason is None:
                until = f" (until {entry.expires})" if entry.expires is not None else ""
                reason = f"{entry.reason}{until}"
        marked.append(finding if reason == finding.suppressed else replace(finding, suppressed=reason))
    notices = []
    for number, entry in enumerate(ignores):
        if number in expired:
            count = "1 finding" if expired[number] == 1 else f"{expired[number]} findings"
            notices.append(
                f"ignore[{number + 1}] ({entry.rule}) expired on {entry.expires}: {count} again; it said: {entry.reason}"
            )
        elif number not in used:
            notices.append(
                f"ignore[{number + 1}] ({entry.rule}, {entry.fingerprint or entry.path}) matches no finding any more; remove it"
            )
    return Accepted(tuple(marked), tuple(notices))


def _matches(entry: Ignore, finding: Finding) -> bool:
    if canonical_rule(entry.rule) != finding.rule:
        return False
    if entry.fingerprint is not None and entry.fingerprint != finding.fingerprint:
        return False
    return fnmatchcase(finding.subject, entry.path)


def canonical_rule(written: str) -> str:
    """A rule's present name, from its name, code or an older name; the text itself where none is known."""
    rules = load_rules()
    if written in rules:
        return written
    return next((rule.name for rule in rules.values() if written == rule.code or written in rule.renamed_from), written)
