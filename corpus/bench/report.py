"""What a benchmark prints and writes, and the bars that Inspector has set itself."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass

from corpus.bench.contenders import INSPECTOR
from corpus.bench.measure import Comparison

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Bar:
    """A promise about one subject."""

    subject: str
    contender: str
    other: str | None
    """Whose time the ratio is taken to; None for a bar on memory."""
    at_most: float
    """The ratio, or bytes."""


BARS = (
    Bar("pyqt5-widgets.AppImage", INSPECTOR, "unsquashfs", 1.5),
    Bar("pyqt5-widgets.AppImage", INSPECTOR, None, 250 * MB),
    Bar("frozen/pyinstaller-numpy-onefile", INSPECTOR, "pyi-archive_viewer", 1.0),
    Bar("start-up", "inspect --version", "python -c pass", 5.0),
)


def print_comparison(comparison: Comparison) -> None:
    """One table: contender, times, memory, and how much longer or shorter Inspector takes."""
    subject = comparison.subject
    size = (
        f"  ({subject.raw_bytes / MB:,.1f} MB in {subject.file_count:,} files unpacked)" if subject.file_count else ""
    )
    print(f"{subject.name}{size}")
    print(f"  {'':<20} {'median s':>9} {'minimum s':>9} {'processor s':>11} {'peak MB':>8} {'rounds':>6}  ratio")
    first = subject.contenders[0].name
    for contender in subject.contenders:
        name = contender.name
        if name in comparison.failures:
            print(f"  {name:<20} failed: {comparison.failures[name]}")
            continue
        runs = comparison.runs[name]
        processor = min(run.processor_seconds for run in runs)
        ratio = (
            ""
            if name == first or first not in comparison.runs
            else f"{first} takes {comparison.ratio(first, name):.2f} x the time"
        )
        times = f"{comparison.median_seconds(name):>9.3f} {min(comparison.seconds(name)):>9.3f} {processor:>11.3f}"
        print(f"  {name:<20} {times} {comparison.peak_bytes(name) / MB:>8.1f} {len(runs):>6}  {ratio}")
    for name, reason in subject.left_out.items():
        print(f"  {name:<20} left out: {reason}")
    print()


def bars_broken(comparisons: Sequence[Comparison]) -> list[str]:
    """The bars that these measurements break, one line each; a bar whose subject was not measured is not judged."""
    broken = []
    for comparison in comparisons:
        for bar in BARS:
            if bar.subject != comparison.subject.name or bar.contender not in comparison.runs:
                continue
            if bar.other is None:
                peak = comparison.peak_bytes(bar.contender)
                if peak > bar.at_most:
                    broken.append(
                        f"{bar.contender} of {bar.subject} took {peak / MB:.0f} MB, at most {bar.at_most / MB:.0f} MB"
                    )
            elif bar.other in comparison.runs:
                ratio = comparison.ratio(bar.contender, bar.other)
                if ratio > bar.at_most:
                    broken.append(
                        f"{bar.contender} of {bar.subject} took {ratio:.2f} x {bar.other}, at most {bar.at_most:g} x"
                    )
    return broken


def as_json(comparisons: Sequence[Comparison]) -> str:
    """Every run of every contender, and what machine it was."""
    document = {
        "machine": {
            "processors": os.process_cpu_count() if hasattr(os, "process_cpu_count") else len(os.sched_getaffinity(0)),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "subjects": [
            {
                "name": comparison.subject.name,
                "raw_bytes": comparison.subject.raw_bytes,
                "file_count": comparison.subject.file_count,
                "contenders": [
                    {
                        "name": name,
                        "seconds": [round(run.seconds, 4) for run in runs],
                        "processor_seconds": [round(run.processor_seconds, 4) for run in runs],
                        "peak_bytes": comparison.peak_bytes(name),
                    }
                    for name, runs in comparison.runs.items()
                ],
                "failures": comparison.failures,
                "left_out": comparison.subject.left_out,
            }
            for comparison in comparisons
        ],
        "bars_broken": bars_broken(comparisons),
    }
    return json.dumps(document, indent=2) + "\n"
