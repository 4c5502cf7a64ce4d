"""Settings of Python for a process that reads one artifact after the other and ends."""

from __future__ import annotations

import gc
import sys

from inspector.forked_work import permit_forks

_SWITCH_INTERVAL = 0.0005
"""Seconds after which a thread lets another one in. Those that decode want the lock for moments, and by default wait 5 ms for it."""


def settle_for_one_run() -> None:
    """No cyclic collector, and short turns of the threads.

    What an audit makes lives to its end: the collector would walk it again and again, a fifth of the time.
    """
    permit_forks()
    gc.disable()
    sys.setswitchinterval(_SWITCH_INTERVAL)


def spare_the_last_collection() -> None:
    """Call where nothing but the end of the process follows: Python looks for cycles once more then, a twentieth of the time, for memory that the
    system takes back anyhow."""
    gc.freeze()
