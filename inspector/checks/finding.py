"""How a check says something: the rule's own severity and confidence, and a fingerprint that survives a rebuild."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b

from inspector.catalogue import load_rule
from inspector.model import Confidence, Finding, Fix, Severity

# What auditwheel, delocate and delvewheel put into vendored names; a version may follow: libopenblas64_p-r0-742d56dc.3.20.so.
_VENDORED_HASH = re.compile(r"(?:-[0-9a-f]{8,32})+(?=\.|/|$)")
_VERSION = re.compile(r"\d+(?:\.\d+)+|(?<=\.so)(?:\.\d+)+|(?<=cpython-)\d+")


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
) -> Finding:
    """A finding of one rule.

    :param subject: a tree path, a library name, or "" for the artifact.
    :param message: one sentence about this case, without a full stop.
    :param key: what tells two findings of one rule about one subject apart (a library's name, a path's element).
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
        fingerprint=fingerprint(rule, subject, key),
    )


def fingerprint(rule: str, subject: str, key: str) -> str:
    """Sixteen hex digits that stay the same when hashes and versions in vendored names change."""
    parts = (rule, normalise(subject), normalise(key))
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def normalise(name: str) -> str:
    """A path or name without vendored hashes, and with its versions replaced by ``*``."""
    return _VERSION.sub("*", _VENDORED_HASH.sub("", name))
