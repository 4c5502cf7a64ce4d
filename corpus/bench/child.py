"""One run of one program: wall time, processor time and peak memory, from the kernel's own account of the child."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus.store import scratch_directory

CHECKOUT = Path(__file__).resolve().parents[2]
STARTER = Path(__file__).with_name("measured_start.py")


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
    """Largest resident set of the child or of any one of its children; about 10 MB at least, those of the process that starts it."""


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
    with scratch_directory() as scratch:
        standard_error = scratch / "standard error"
        starter = [sys.executable, "-I", "-S", str(STARTER), str(standard_error), *command]
        finished = subprocess.run(
            starter,
            cwd=CHECKOUT,
            env={**kept, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode != 0:
            raise RunFailed(f"{command[0]} could not be started: {finished.stderr.strip().splitlines()[-1]}")
        seconds, user, system, peak, status = finished.stdout.split()
        if int(status) not in accepted:
            words = standard_error.read_text(encoding="utf-8", errors="replace").strip().splitlines() or [
                "(nothing on standard error)"
            ]
            raise RunFailed(f"{Path(command[0]).name} ended with status {status}: {words[-1]}")
    return Run(float(seconds), float(user) + float(system), int(peak) * 1024)  # ru_maxrss is in KiB on Linux
