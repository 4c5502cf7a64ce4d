"""Size budgets: how large the whole, its growth, its components and its waste may be."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from inspector.policy.configuration import Budget
from inspector.quantities import format_size
from inspector.result import Result


def exceeded_budgets(result: Result, budget: Budget, baseline: Result | None = None) -> Iterator[str]:
    """A sentence for each budget that is exceeded, with what it is over by and who is largest in it."""
    size = result.artifact.size
    if budget.total is not None and size > budget.total:
        yield f"{format_size(size)} is {format_size(size - budget.total)} over the budget of {format_size(budget.total)}{_largest(result)}"
    if baseline is not None:
        yield from _growth(result, budget, baseline)
    for pattern, most in budget.components.items():
        rows = [row for row in result.sizes.by_component if fnmatchcase(row.name, pattern)]
        raw = sum(row.raw for row in rows)
        if raw > most:
            yield f"{pattern}: {format_size(raw)} is {format_size(raw - most)} over its budget of {format_size(most)}"
    waste = (
        ("duplicates", budget.duplicates, result.sizes.duplicate_bytes.raw),
        ("debug information", budget.debug, result.sizes.debug_bytes.raw),
        ("tests", budget.tests, result.sizes.test_bytes.raw),
    )
    for name, allowed, found in waste:
        if allowed is not None and found > allowed:
            yield f"{name}: {format_size(found)} is {format_size(found - allowed)} over the budget of {format_size(allowed)}"


def _growth(result: Result, budget: Budget, baseline: Result) -> Iterator[str]:
    """Of two limits the smaller one holds."""
    before = baseline.artifact.size
    limits = []
    if budget.growth_bytes is not None:
        limits.append((budget.growth_bytes, format_size(budget.growth_bytes)))
    if budget.growth_percent is not None:
        limits.append((int(before * budget.growth_percent / 100), f"{budget.growth_percent:g} %"))
    if not limits:
        return
    most, written = min(limits)
    grown = result.artifact.size - before
    if grown > most:
        share = f" ({100 * grown / before:.1f} %)" if before else ""
        yield f"grew by {format_size(grown)}{share} since the baseline, more than the {written} that the budget allows{_grown_most(result, baseline)}"


def _largest(result: Result) -> str:
    rows = sorted(result.sizes.by_component, key=lambda row: -row.raw)[:1]
    return f"; the largest component is {rows[0].name} ({format_size(rows[0].raw)})" if rows else ""


def _grown_most(result: Result, baseline: Result) -> str:
    before = {row.name: row.raw for row in baseline.sizes.by_component}
    rows = sorted(((row.raw - before.get(row.name, 0), row.name) for row in result.sizes.by_component), reverse=True)[
        :1
    ]
    return f"; most of it is {rows[0][1]} (+{format_size(rows[0][0])})" if rows and rows[0][0] > 0 else ""
