"""slim/proving/bisection.py: the guilty are named, the rest passes, and few tries are made."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.slim.proving.bisection import NothingPasses, find_guilty


class Verification:
    """Fails where all actions of one of the causes are done together; counts how often it was asked."""

    def __init__(self, *causes: set[int]) -> None:
        self.causes = causes
        self.tries: list[tuple[int, ...]] = []

    def __call__(self, actions: Sequence[int]) -> bool:
        assert list(actions) == sorted(actions)
        self.tries.append(tuple(actions))
        return any(cause <= set(actions) for cause in self.causes)


@pytest.mark.parametrize("guilty", range(60))
def test_one_among_sixty_in_eight_tries(guilty: int) -> None:
    verification = Verification({guilty})
    assert find_guilty(range(60), verification) == (guilty,)
    assert len(verification.tries) <= 8 + (guilty == 0)


def test_a_suspect_costs_four_tries() -> None:
    verification = Verification({37})
    assert find_guilty(range(60), verification, suspects={12, 37}) == (37,)
    assert len(verification.tries) <= 4


def test_wrong_suspects_do_no_harm() -> None:
    assert find_guilty(range(60), Verification({3}, {50}), suspects={12, 37}) == (3, 50)


def test_nothing_guilty_costs_one_try() -> None:
    verification = Verification()
    assert find_guilty(range(60), verification) == ()
    assert len(verification.tries) == 1


@pytest.mark.parametrize("actions", [range(0), range(1), range(60)])
def test_what_fails_without_any_action_is_no_actions_fault(actions: range) -> None:
    with pytest.raises(NothingPasses):
        find_guilty(actions, Verification(set()))


@given(
    count=st.integers(1, 80),
    data=st.data(),
)
def test_what_remains_passes_and_no_innocent_is_named(count: int, data: st.DataObject) -> None:
    causes = data.draw(st.lists(st.sets(st.integers(0, count - 1), min_size=1, max_size=3), max_size=4))
    suspects = data.draw(st.sets(st.integers(0, count - 1), max_size=5))
    verification = Verification(*causes)
    guilty = find_guilty(range(count), verification, suspects=suspects)
    rest = tuple(action for action in range(count) if action not in guilty)
    assert not Verification(*causes)(rest)
    assert set(guilty) <= {action for cause in causes for action in cause}
    assert len(guilty) <= len(causes)
    assert rest in verification.tries or not guilty
    assert len(verification.tries) <= (len(guilty) + 1) * (math.ceil(math.log2(count + 1)) + 3)


def test_without_monotony_it_still_ends_with_what_passes() -> None:
    def fails(actions: Sequence[int]) -> bool:
        return len(actions) % 2 == 1

    guilty = find_guilty(range(9), fails)
    assert (9 - len(guilty)) % 2 == 0
