"""``python -m corpus.bench.static_scan [ARTIFACT …]``: what the scan for static components adds to the wall time of an audit.

Each audit is run as users run it; the scan inside it is timed, and set against the rest of the same audit.  The median of several runs, so that what
else the machine does weighs on both alike.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

from corpus.registry import recipes
from corpus.store import ensure
from inspector import audit
from inspector.artifact.tree import Tree
from inspector.facts import collect
from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.licensing.static_components import StaticScan, find_static_components
from inspector.limits import Limits
from inspector.source import Source

DEFAULT_ARTIFACT = "pyqt5-widgets.AppImage"


def measure(path: Path, runs: int) -> list[tuple[float, float]]:
    """Seconds of the whole audit and of the scan in it, for each run behind a first that warms the caches."""
    taken: list[float] = []

    def timed(
        tree: Tree,
        objects: Sequence[ElfObject],
        limits: Limits | None = None,
        *,
        runtime: tuple[Source | None, ElfObject | None] = (None, None),
    ) -> StaticScan:
        started = time.perf_counter()
        found = find_static_components(tree, objects, limits, runtime=runtime)
        taken.append(time.perf_counter() - started)
        return found

    measured = []
    with patch.object(collect, "find_static_components", timed):
        for run in range(runs + 1):
            started = time.perf_counter()
            audit(path)
            if run:
                measured.append((time.perf_counter() - started, taken[-1]))
    return measured


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("artifacts", nargs="*", default=[DEFAULT_ARTIFACT], help="names of recipes, or paths")
    parser.add_argument("--runs", type=int, default=5)
    chosen = parser.parse_args()
    for name in chosen.artifacts:
        path = ensure(recipes()[name]) if name in recipes() else Path(name)
        measured = measure(path, chosen.runs)
        whole, scan = (statistics.median(column) for column in zip(*measured, strict=True))
        added = statistics.median(part / (total - part) for total, part in measured)
        print(f"{path.name}: audit {whole:.2f} s, of which scan {scan:.2f} s: adds {added:.0%} to the rest")


if __name__ == "__main__":
    main()
