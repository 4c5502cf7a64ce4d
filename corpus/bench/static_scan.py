"""``python -m corpus.bench.static_scan [ARTIFACT …]``: what the scan for static components adds to the wall time of an audit.

Each audit is run as users run it; the scan inside it is timed, and set against the rest of the same audit: by the wall clock, and by the time of the
processor, which is the same on a quiet machine (one thread does it all) and does not suffer from what else a busy one does.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from corpus.registry import recipes
from corpus.store import ensure
from inspector import audit
from inspector.facts.licensing.static_component import ScannedFile
from inspector.facts.licensing.static_components import StaticScanning

DEFAULT_ARTIFACT = "pyqt5-widgets.AppImage"


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of one audit: the scan, and the rest."""

    scan: float
    rest: float


def measure(path: Path, runs: int) -> list[tuple[Measured, Measured]]:
    """By the wall clock and by the processor, for each run behind a first that warms the caches."""
    wall, processor = [], []
    for run in range(runs + 1):
        taken: list[tuple[float, float]] = []
        with patch.object(StaticScanning, "scan", _timed(StaticScanning.scan, taken)):
            started = _now()
            audit(path)
            whole = _since(started)
        if run:
            scans = [sum(part) for part in zip(*taken, strict=True)]
            wall.append(Measured(scans[0], whole[0] - scans[0]))
            processor.append(Measured(scans[1], whole[1] - scans[1]))
    return list(zip(wall, processor, strict=True))


def _timed(
    scan: Callable[[StaticScanning, int], ScannedFile], taken: list[tuple[float, float]]
) -> Callable[..., ScannedFile]:
    def timed(scanning: StaticScanning, number: int) -> ScannedFile:
        started = _now()
        try:
            return scan(scanning, number)
        finally:
            taken.append(_since(started))

    return timed


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(started: tuple[float, float]) -> tuple[float, float]:
    return time.perf_counter() - started[0], time.process_time() - started[1]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artifacts", nargs="*", default=[DEFAULT_ARTIFACT], help="names of recipes, or paths")
    parser.add_argument("--runs", type=int, default=5)
    chosen = parser.parse_args()
    for name in chosen.artifacts:
        path = ensure(recipes()[name]) if name in recipes() else Path(name)
        measured = measure(path, chosen.runs)
        for clock, column in zip(("wall", "processor"), zip(*measured, strict=True), strict=True):
            scan = statistics.median(one.scan for one in column)
            rest = statistics.median(one.rest for one in column)
            print(f"{path.name}: {clock:9} scan {scan:.3f} s, rest {rest:.3f} s: adds {scan / rest:.0%}")


if __name__ == "__main__":
    main()
