"""Findings as rows, and the texts of the rules behind them."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct

from inspector.catalogue import Rule, load_rules
from inspector.model import SEVERITY_ORDER, Finding, Severity
from inspector.render.html_report.texts import identifier
from inspector.result import Result

_MOST_ROWS = 1500
_WORDS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}


class FindingRow(Struct, frozen=True):
    """A finding and the id of its row, which is made of its fingerprint: links to it survive a rebuild.

    :ivar is_new: whether the last release did not have it; None where there is none to compare with.
    :ivar fails: whether it fails the gate by itself.
    :ivar is_known: whether the gate did not judge it, because the last release had it.
    """

    finding: Finding
    anchor: str
    word: str
    is_new: bool | None
    fails: bool
    is_known: bool


class RuleText(Struct, frozen=True):
    """A rule that fired.

    :ivar rule: its text; None where this version does not know it, and only the Result's summary is there.
    """

    name: str
    code: str
    summary: str
    anchor: str
    rule: Rule | None
    counts: tuple[tuple[str, int], ...]


class Findings(Struct, frozen=True):
    """Rows, the gravest first, accepted ones last, and the rules.

    :ivar left_out: findings that have no row, as there are too many.
    :ivar counts: standing findings by severity, in the words of the report.
    :ivar failing: how many fail the gate.
    """

    rows: tuple[FindingRow, ...]
    rules: tuple[RuleText, ...]
    left_out: int
    counts: dict[str, int]
    accepted: int
    failing: int


def findings_of(result: Result, prefix: str, new: frozenset[tuple[str, str]] | None = None) -> Findings:
    """All findings of a Result.

    :param prefix: put before every anchor.
    :param new: rule and fingerprint of those that the last release did not have.
    """
    ordered = sorted(
        result.findings,
        key=lambda each: (each.suppressed is not None, SEVERITY_ORDER[each.severity], each.rule, each.subject),
    )
    taken: Counter[str] = Counter()
    rows = []
    for finding in ordered[:_MOST_ROWS]:
        anchor = f"{prefix}finding-{identifier(finding.fingerprint or f'{finding.rule} {finding.subject}')}"
        taken[anchor] += 1
        if taken[anchor] > 1:
            anchor += f"-{taken[anchor]}"
        is_new = None if new is None else (finding.rule, finding.fingerprint) in new
        verdict = result.verdict
        rows.append(
            FindingRow(
                finding,
                anchor,
                _WORDS[finding.severity],
                is_new,
                verdict.is_failed_by(finding),
                verdict.knows(finding),
            )
        )
    standing = [finding for finding in result.findings if finding.suppressed is None]
    by_severity = Counter(finding.severity for finding in standing)
    return Findings(
        rows=tuple(rows),
        rules=_rules(result, prefix),
        left_out=len(ordered) - len(rows),
        counts={word: by_severity[severity] for severity, word in _WORDS.items()},
        accepted=len(result.findings) - len(standing),
        failing=sum(row.fails for row in rows),
    )


def rule_anchor(prefix: str, name: str) -> str:
    """The id of a rule's text."""
    return f"{prefix}rule-{identifier(name)}"


def _rules(result: Result, prefix: str) -> tuple[RuleText, ...]:
    counts: dict[str, Counter[Severity]] = {}
    for finding in result.findings:
        counts.setdefault(finding.rule, Counter())[finding.severity] += 1
    known = load_rules()
    texts = []
    for name in sorted(counts, key=lambda name: (min(SEVERITY_ORDER[each] for each in counts[name]), name)):
        info, rule = result.rules.get(name), known.get(name)
        texts.append(
            RuleText(
                name=name,
                code=rule.code if rule else info.code if info else "",
                summary=rule.summary if rule else info.summary if info else "",
                anchor=rule_anchor(prefix, name),
                rule=rule,
                counts=tuple((word, counts[name][severity]) for severity, word in _WORDS.items() if counts[name][severity]),
            )
        )  # fmt: skip
    return tuple(texts)
