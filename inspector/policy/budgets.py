"""Size budgets: how large the whole, its growth, its components and its waste may be."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from msgspec import Struct

from inspector.policy.configuration import Budget
from inspector.quantities import format_size
from inspector.result import Result


class ExceededBudget(Struct, frozen=True):
    """One budget.

    :ivar name: "total", "growth", "duplicates", "debug", "tests", or the pattern of components.
    :ivar message: a sentence with what it is over by and who is largest in it.
    """

    name: str
    message: str


def exceeded_budgets(result: Result, budget: Budget, baseline: Result | None = None) -> Iterator[ExceededBudget]:
    """Each budget that is exceeded."""
    size = result.artifact.size
    if budget.total is not None and size > budget.total:
        over = f"{format_size(size - budget.total)} over the budget of {format_size(budget.total)}"
        yield ExceededBudget("total", f"{format_size(size)} is {over}{_largest(result)}")
    if baseline is not None:
        yield from _growth(result, budget, baseline)
    for pattern, most in budget.components.items():
        rows = [row for row in result.sizes.by_component if fnmatchcase(row.name, pattern)]
        raw = sum(row.raw for row in rows)
        if raw > most:
            over = f"{format_size(raw - most)} over its budget of {format_size(most)}"
            yield ExceededBudget(pattern, f"{pattern}: {format_size(raw)} is {over}")
    waste = (
        ("duplicates", "duplicates", budget.duplicates, result.sizes.duplicate_bytes.raw),
        ("debug", "debug information", budget.debug, result.sizes.debug_bytes.raw),
        ("tests", "tests", budget.tests, result.sizes.test_bytes.raw),
    )
    for name, words, allowed, found in waste:
        if allowed is not None and found > allowed:
            over = f"{format_size(found - allowed)} over the budget of {format_size(allowed)}"
            yield ExceededBudget(name, f"{words}: {format_size(found)} is {over}")


def _growth(result: Result, budget: Budget, baseline: Result) -> Iterator[ExceededBudget]:
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
        yield ExceededBudget(
            "growth",
            f"grew by {format_size(grown)}{share} since the baseline, more than the {written} that the budget allows"
            f"{_grown_most(result, baseline)}",
        )


def _largest(result: Result) -> str:
    rows = sorted(result.sizes.by_component, key=lambda row: -row.raw)[:1]
    return f"; the largest component is {rows[0].name} ({format_size(rows[0].raw)})" if rows else ""


def _grown_most(result: Result, baseline: Result) -> str:
    before = {row.name: row.raw for row in baseline.sizes.by_component}
    rows = sorted(((row.raw - before.get(row.name, 0), row.name) for row in result.sizes.by_component), reverse=True)[
        :1
    ]
    return f"; most of it is {rows[0][1]} (+{format_size(rows[0][0])})" if rows and rows[0][0] > 0 else ""
