"""Which of many actions make a verification fail, found with few tries.

It supposes that failing is monotone: where some actions fail together, they fail together with more actions too.  Then the last element of the
shortest failing prefix is needed for that failure, and leaving it out mends it; a failure that two actions cause together costs one of them.
Where the supposition does not hold an innocent action may be named, but what remains has always been tried and passed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from typing import TypeVar

Named = TypeVar("Named", bound=Hashable)


class NothingPasses(Exception):
    """The verification fails with no action at all: it is the verification that is wrong, not an action."""


def find_guilty(
    actions: Sequence[Named],
    fails: Callable[[Sequence[Named]], bool],
    *,
    suspects: Collection[Named] = (),
) -> tuple[Named, ...]:
    """The actions to leave out so that the others pass, in their own order; () where all of them pass.

    About log2(n) + 1 tries for each guilty one of n actions.

    :param fails: whether a tree made with these actions, in their order, fails.
    :param suspects: actions that the failure points to; they are looked at first, which saves tries where one of them is guilty.
    :raises NothingPasses: where even no action at all fails.
    """
    ordered = sorted(actions, key=lambda action: action in suspects)  # stable, so each half keeps its order
    boundary = sum(1 for action in actions if action not in suspects)
    guilty: set[Named] = set()
    passing = 0  # so many actions at the head of ``ordered`` pass together; of none at all it is only supposed until it is tried

    def head_fails(length: int) -> bool:
        head = set(ordered[:length])
        return fails(tuple(action for action in actions if action in head))

    while (passing < len(ordered) or not ordered) and head_fails(len(ordered)):
        failing = len(ordered)
        middle = boundary if passing < boundary < failing else (passing + failing) // 2
        while failing - passing > 1:
            if head_fails(middle):
                failing = middle
            else:
                passing = middle
            middle = (passing + failing) // 2
        if passing == 0 and (not ordered or head_fails(0)):
            raise NothingPasses
        guilty.add(ordered.pop(failing - 1))
        boundary -= failing <= boundary
    return tuple(action for action in actions if action in guilty)
