"""The words that every floor shares: how bad, how sure, what was found, what could not be read."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Severity = Literal["error", "warning", "info"]
Confidence = Literal["high", "medium", "low"]

SEVERITY_ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}


class Fix(Struct, frozen=True, kw_only=True):
    """What would mend a finding.

    :ivar text: a sentence for a person, in the imperative.
    :ivar action: the name of the slim action that does it, or None.
    :ivar saves: raw bytes that the artifact becomes smaller by.
    :ivar safe: whether the program's behaviour cannot change by it.
    """

    text: str
    action: str | None = None
    saves: int = 0
    safe: bool = False


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that a rule says of one subject.

    :ivar rule: the rule's name, a key of the catalogue in ``rules/``.
    :ivar subject: a path in the artifact, a library name, or "" for the artifact as a whole.
    :ivar message: one sentence that says what is so, without the rule's explanation.
    :ivar evidence: the chain that leads to it, the cause last; one clause each.
    :ivar fingerprint: stable over rebuilds: hashes and versions in vendored names do not enter it.
    """

    rule: str
    severity: Severity
    confidence: Confidence
    subject: str
    message: str
    evidence: tuple[str, ...] = ()
    fix: Fix | None = None
    fingerprint: str = ""
    suppressed: str | None = None


class Problem(Struct, frozen=True, kw_only=True):
    """Something that could not be read; the rest was audited all the same.

    :ivar kind: what failed, a word with hyphens ("corrupt-member", "unreadable", "limit-exceeded", …).
    :ivar subject: the path in the artifact, or "" for the artifact as a whole.
    """

    kind: str
    subject: str
    message: str


class ByteCount(Struct, frozen=True, kw_only=True):
    """Bytes twice: ``raw`` as a program reads them, ``stored`` as they lie in the container (equal where nothing is compressed)."""

    raw: int = 0
    stored: int = 0

    def __add__(self, other: ByteCount) -> ByteCount:
        return ByteCount(raw=self.raw + other.raw, stored=self.stored + other.stored)


class Skipped(Struct, frozen=True, kw_only=True):
    """A member that was not analysed, and why."""

    path: str
    why: str


class Coverage(Struct, frozen=True, kw_only=True):
    """What was looked at, and what was not; honesty in numbers."""

    seen: int = 0
    analysed: int = 0
    skipped: tuple[Skipped, ...] = ()
    rules_run: tuple[str, ...] = ()
    rules_off: tuple[str, ...] = ()
    bytes: dict[str, int] = {}
    """Of a single file: headers, entries, padding, appended, unexplained; adds up to its size."""
