"""Time is measured in many tests and judged only on demand (``pytest --timed``): a busy machine must not decide whether tests pass."""

from __future__ import annotations

judged = False
"""Set by tests/conftest.py from the option ``--timed``."""


def assert_at_most(bar: float, spent: float) -> None:
    """Fail if ``spent`` is above ``bar``, both in seconds, where times are judged at all."""
    assert not judged or spent <= bar, f"took {spent:.2f} s, the bar is {bar} s"
