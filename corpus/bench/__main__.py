"""``python -m corpus.bench [NAME...] [--rounds N] [--peer PEER]... [--json FILE] [--check]``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import corpus
from corpus.bench.contenders import PEERS, Subject, startup, subject, unpack_directory
from corpus.bench.measure import Comparison, compare
from corpus.bench.report import as_json, bars_broken, print_comparison

DEFAULT_SUBJECTS = (
    "pyqt5-widgets.AppImage",
    "pandas-report.AppImage",
    "frozen/pyinstaller-numpy-onefile",
    "layouts/linuxdeploy.AppImage",
    "wheels/numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
    "wheels/scipy-1.17.1-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; 1 when a contender failed, or with --check when a bar is broken."""
    parser = argparse.ArgumentParser(
        prog="python -m corpus.bench", description="Inspector beside other programs on the same artifacts."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="corpus artifacts; without any, a chosen few")
    parser.add_argument(
        "--rounds", type=int, default=5, help="measured rounds after one that warms the caches (default: 5)"
    )
    parser.add_argument("--peer", action="append", choices=PEERS, help="run beside this program only; repeatable")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement as JSON")
    parser.add_argument("--check", action="store_true", help="end with 1 when one of the project's bars is broken")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    peers = tuple(options.peer or PEERS)

    comparisons = [_compare(startup(), options.rounds)]
    for name in options.names or DEFAULT_SUBJECTS:
        with unpack_directory() as scratch:
            try:
                found = subject(name, peers, scratch)
            except KeyError:
                parser.error(f"no recipe is called {name}; python -m corpus list names them")
            except corpus.Unavailable as reason:
                print(f"{name}: left out: {reason}\n")
                continue
            print(f"trees unpacked below {scratch.parent}")
            comparisons.append(_compare(found, options.rounds))
    broken = bars_broken(comparisons)
    for line in broken:
        print(f"bar broken: {line}")
    if options.json:
        options.json.write_text(as_json(comparisons), encoding="utf-8")
    failed = any(comparison.failures for comparison in comparisons)
    return 1 if failed or (options.check and broken) else 0


def _compare(found: Subject, rounds: int) -> Comparison:
    comparison = compare(found, rounds)
    print_comparison(comparison)
    sys.stdout.flush()
    return comparison


if __name__ == "__main__":
    sys.exit(main())
