"""``python -m corpus.strip [--limit N] [--keep DIRECTORY] [--json FILE]``."""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

from corpus.store import scratch_directory
from corpus.strip.computing import computations
from corpus.strip.contenders import Measured, measure
from corpus.strip.foreign import ask_foreign_loaders
from corpus.strip.loading import answers, fill_answers
from corpus.strip.population import elf_members, gather, link_tree
from corpus.strip.report import bars_broken, print_computations, print_report


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; 1 where a bar is broken, 2 where the control cannot be had."""
    parser = argparse.ArgumentParser(
        prog="python -m corpus.strip", description="Our strip and GNU strip on the same real files."
    )
    parser.add_argument("--limit", type=int, metavar="N", help="only every tree's first N files")
    parser.add_argument("--keep", type=Path, metavar="DIRECTORY", help="leave the three copies of all trees there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was measured of every file")
    options = parser.parse_args(arguments)
    if shutil.which("strip") is None:
        print(
            "corpus.strip: the control, GNU strip, is not installed (apt install binutils-multiarch)", file=sys.stderr
        )
        return 2
    with nullcontext(options.keep) if options.keep else scratch_directory() as directory:
        return _benchmark(directory, options.limit, options.json)


def _benchmark(directory: Path, limit: int | None, report: Path | None) -> int:
    original, ours, gnu = directory / "original", directory / "ours", directory / "gnu"
    trees, missing = gather(original)
    for reason in missing:
        print(f"left out: {reason}")
    for copy in (ours, gnu):
        link_tree(original, copy)
    members = list(elf_members(original, trees))
    if limit is not None:
        members = [m for tree in trees for m in [member for member in members if member.tree == tree][:limit]]
    rows = measure(members, original, ours, gnu)
    _ask_loaders(rows, (original, ours, gnu), directory)
    results = [list(computations(root)) for root in (original, ours, gnu)] if limit is None else []
    version = subprocess.run(["strip", "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    print_report(rows, len(trees), version)
    print_computations(results)
    if report is not None:
        report.write_text(json.dumps([asdict(row) for row in rows], default=str, indent=1), encoding="utf-8")
    broken = bars_broken(rows, results)
    for line in broken:
        print(f"bar broken: {line}")
    return 1 if broken else 0


def _ask_loaders(rows: list[Measured], roots: tuple[Path, ...], directory: Path) -> None:
    """dlopen() of every shared library of this machine's architecture, of others under an emulator, and of musl."""
    own = [row for row in rows if row.architecture == platform.machine() and row.type == "DYN" and not row.is_for_musl]
    fill_answers(own, roots, answers)
    ask_foreign_loaders(rows, roots, directory)


if __name__ == "__main__":
    sys.exit(main())
