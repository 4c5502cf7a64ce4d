"""One run of one program: wall time, processor time and peak memory, from the kernel's own account of the child."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


class RunFailed(Exception):
    """The program ended with a status that the benchmark does not accept.  The text holds the end of its standard error."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run cost."""

    seconds: float
    """Wall time from before the start until the child was reaped."""
    processor_seconds: float
    """User and system time of the child and its waited-for children."""
    peak_bytes: int
    """Largest resident set of the child or of one of its children; never below that of the benchmark itself, from which the child starts."""


def run_child(command: Sequence[str], accepted: Collection[int], environment: Mapping[str, str] | None = None) -> Run:
    """Run a command with its output thrown away and measure it (``wait4``).

    Raises ``RunFailed`` when its exit status is not in ``accepted``; a death by signal counts as a negative status.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COVERAGE", "PYTHON", "SOURCE_DATE_EPOCH"))
    }
    kept["PYTHONPATH"] = str(CHECKOUT)
    started = time.perf_counter()
    child = subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env={**kept, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert child.stderr is not None
    said = child.stderr.read()  # ends when the child does; read first so that a full pipe never blocks it
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - started
    child.stderr.close()
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in accepted:
        words = said.decode("utf-8", "replace").strip().splitlines() or ["(nothing on standard error)"]
        raise RunFailed(f"{' '.join(command[:4])} … ended with status {child.returncode}: {words[-1]}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)  # ru_maxrss is in KiB on Linux
