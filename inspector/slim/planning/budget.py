"""The set of actions with the lowest risk that makes the artifact small enough."""

from __future__ import annotations

from collections.abc import Callable, Collection

from inspector.model import Confidence
from inspector.slim.options import LEVEL_ORDER
from inspector.slim.planning.plan import Action, Plan

_CONFIDENCE_ORDER: dict[Confidence, int] = {"high": 0, "medium": 1, "low": 2}
_ALWAYS = ("compile", "rewrite")
"""Kinds that no budget leaves out: they keep what is there right."""


def risk(action: Action) -> tuple[int, int, int, str, str]:
    """The order of risk: by level, then by confidence; of equals, the one that saves most first, so that fewest are done."""
    return (
        LEVEL_ORDER[action.level],
        _CONFIDENCE_ORDER[action.confidence],
        -action.saves.stored,
        action.rule,
        action.subject,
    )


def within_budget(
    whole: Plan, budget: int, overhead: int, make: Callable[[Collection[str]], Plan], asked: Collection[str] = ()
) -> tuple[Plan, int]:
    """The plan of lowest risk whose output has at most ``budget`` stored bytes, and the bytes that are missing to it (0 where it is met).

    :param whole: the plan with every action that the options allow.
    :param overhead: stored bytes of the output that are no file's: a runtime, tables.
    :param make: the plan without the actions of these keys.
    :param asked: keys of actions that the user named, which are done in any case.
    """
    target = budget - overhead
    if whole.predicted.stored > target:
        return whole, whole.predicted.stored - target
    optional = sorted(
        (action for action in whole.actions if action.kind not in _ALWAYS and action.key not in asked), key=risk
    )
    count = _first_guess(optional, whole, target)
    while count < len(optional):
        plan = make(frozenset(action.key for action in optional[count:]))
        missing = plan.predicted.stored - target
        if missing <= 0:
            return plan, 0
        count = max(count + 1, count + _enough(optional[count:], missing))
    return whole, 0


def _first_guess(optional: list[Action], whole: Plan, target: int) -> int:
    """How many of the actions are enough, if none depends on another."""
    rest = sum(action.saves.stored for action in optional)
    return _enough(optional, whole.predicted.stored + rest - target)


def _enough(actions: list[Action], missing: int) -> int:
    saved = 0
    for count, action in enumerate(actions):
        if saved >= missing:
            return count
        saved += action.saves.stored
    return len(actions)
