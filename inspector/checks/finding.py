"""How a check says something: with the rule's own severity and confidence, and a fingerprint."""

from __future__ import annotations

from collections.abc import Iterable

from inspector.catalogue import load_rule
from inspector.fingerprint import fingerprint
from inspector.model import Confidence, Finding, Fix, Severity


def finding(
    rule: str,
    subject: str,
    message: str,
    *,
    evidence: Iterable[str] = (),
    fix: Fix | None = None,
    severity: Severity | None = None,
    confidence: Confidence | None = None,
    key: str = "",
    about: str | None = None,
) -> Finding:
    """A finding of one rule.

    :param subject: a tree path, a library name, or "" for the artifact.
    :param message: one sentence about this case, without a full stop.
    :param key: what tells two findings of one rule about one subject apart (a library's name, a path's element).
    :param about: what the finding is of, where ``subject`` is only one of the files that show it: a component stays the same when one of its files
        goes, and so does the fingerprint.
    :param severity: where this case differs from the rule's own.
    """
    text = load_rule(rule)
    return Finding(
        rule=rule,
        severity=severity or text.severity,
        confidence=confidence or text.confidence,
        subject=subject,
        message=message,
        evidence=tuple(evidence),
        fix=fix,
        fingerprint=fingerprint(rule, subject if about is None else about, key),
    )
