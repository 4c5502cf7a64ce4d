"""Rule family components: releases that nobody supports any more, and bills of materials that do not fit the files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from inspector.checks.finding import finding
from inspector.facts.facts import Facts
from inspector.facts.licensing.component import Component
from inspector.facts.licensing.shipped_bills import CheckedBill
from inspector.facts.support_periods import known_faults, support_period
from inspector.model import Finding, Severity
from inspector.quantities import format_amount

RULES = ("end-of-life-component", "known-old-component", "shipped-bill-differs")

_MOST_NAMED = 4
_MOST_EVIDENCE = 40
_DISTRIBUTION = ("copyright file ", "package note ")
"""How evidence begins that a distribution packaged the component, which may mend it without a new release."""


def check(facts: Facts, today: dt.date | None = None) -> Iterator[Finding]:
    """Findings of this family.

    :param today: the day that ends of support are compared with; now's by default.
    """
    today = today or dt.datetime.now(dt.UTC).date()
    told: set[tuple[str, str | None]] = set()
    for component in facts.components:
        # Libraries of one project under several licences are components of their own, and of one age.
        if (component.name, component.version) not in told:
            yield from _support(component, today)
        told.add((component.name, component.version))
        for fault in known_faults(component):
            yield finding(
                "known-old-component",
                _subject(component),
                f"{component.name} {component.version} has {fault.fault}; {fault.mended_in} mends it",
                evidence=(*component.evidence[:2], fault.url),
                severity=_severity(component),
                key=fault.fault,
                about=component.name,
            )
    for bill in facts.shipped_bills:
        if bill.absent or bill.unlisted:
            yield _differing(bill)


def _differing(bill: CheckedBill) -> Finding:
    parts = []
    if bill.absent:
        parts.append(
            f"lists {format_amount(len(bill.absent), 'component')} that {_are(bill.absent)} not found: {_some(bill.absent)}"
        )
    if bill.unlisted:
        parts.append(f"leaves out {format_amount(len(bill.unlisted), 'component')}: {_some(bill.unlisted)}")
    evidence = [
        *(f"listed and not found: {name}" for name in bill.absent),
        *(f"found and not listed: {name}" for name in bill.unlisted),
    ]
    return finding(
        "shipped-bill-differs",
        bill.path,
        f"the bill of materials {' and '.join(parts)}",
        evidence=evidence[:_MOST_EVIDENCE],
    )


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _support(component: Component, today: dt.date) -> Iterator[Finding]:
    period = support_period(component)
    if period is None or not period.is_over(today):
        return
    since = f" since {period.ended}" if period.ended is not None else ""
    what = (
        f"{component.name} {component.version}"
        if component.version
        else f"{component.name}, by its soname {period.name},"
    )
    yield finding(
        "end-of-life-component",
        _subject(component),
        f"{what} is no longer supported{since}",
        evidence=(*component.evidence[:2], period.url),
        severity=_severity(component),
        about=component.name,
    )


def _subject(component: Component) -> str:
    return component.files[0] if component.files else component.name


def _severity(component: Component) -> Severity | None:
    return "info" if any(text.startswith(_DISTRIBUTION) for text in component.evidence) else None
