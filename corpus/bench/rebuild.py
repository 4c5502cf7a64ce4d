"""``python -m corpus.bench.rebuild [NAME] [--plan PLAN]... [--rounds N] [--json FILE] [--check]``: our rebuild beside unsquashfs and mksquashfs.

Both sides start from the same AppImage and end with an image of the same slimmed tree, with the same compressor, level and block size, and may use
all processors.  Our time is that of a whole process, start and opening included, without the planning.  The other side's is that of
``unsquashfs`` and ``mksquashfs``; removing and replacing files in between costs it nothing.  The trees of both images are compared before a figure
is told.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import corpus
from corpus.appimage_runtime import payload_offset_of
from corpus.bench.child import run_child
from corpus.bench.contenders import unpack_directory
from corpus.bench.rebuild_plans import PLANS, find_plan
from corpus.programs import require
from corpus.store import remove
from inspector.forked_work import processors
from inspector.formats.squashfs import SquashfsImage
from inspector.formats.squashfs.image_settings import settings_of
from inspector.source import FileSource, SliceSource

BARS = {"moderate": 1.6, "small": 5.0}
"""How many times faster the rebuild must be, by plan."""
_OWNER = ["-all-root", "-no-xattrs", "-mkfs-time", "0"]


@dataclass(slots=True)
class Rebuild:
    """All measured rounds of one plan.

    :ivar ours: seconds of each round, planning taken off; ``unsquashfs`` and ``mksquashfs`` likewise.
    :ivar processor: processor seconds of each round, ours without the planning and the other side's: on a busy machine they are steadier.
    :ivar share: of the raw bytes, what the plan removes or changes.
    :ivar sizes: bytes of the images: ours, mksquashfs's.
    """

    plan: str
    share: float = 0.0
    ours: list[float] = field(default_factory=list)
    planning: list[float] = field(default_factory=list)
    unsquashfs: list[float] = field(default_factory=list)
    mksquashfs: list[float] = field(default_factory=list)
    processor: list[tuple[float, float]] = field(default_factory=list)
    peak_bytes: int = 0
    sizes: tuple[int, int] = (0, 0)
    written: dict[str, float] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """Median over the rounds of the other side's time divided by ours."""
        rounds = zip(self.ours, self.unsquashfs, self.mksquashfs, strict=True)
        return median((unpacking + packing) / ours for ours, unpacking, packing in rounds)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; 1 with --check when a bar is broken."""
    parser = argparse.ArgumentParser(
        prog="python -m corpus.bench.rebuild", description="Our rebuild of a slimmed AppImage beside squashfs-tools."
    )
    parser.add_argument("name", nargs="?", default="pandas-report.AppImage", metavar="NAME", help="a corpus artifact")
    parser.add_argument(
        "--plan", action="append", metavar="PLAN", help=f"{', '.join(PLANS)}, or module:function; repeatable"
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="measured rounds after one that warms the caches (default: 5)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every measurement as JSON")
    parser.add_argument("--check", action="store_true", help="end with 1 when a bar is broken")
    options = parser.parse_args(arguments)
    require(("unsquashfs", "mksquashfs"))
    appimage = corpus.artifact(options.name)
    results = []
    for plan in options.plan or list(PLANS):
        try:
            find_plan(plan)
        except KeyError:
            parser.error(f"no plan is called {plan}")
        with unpack_directory() as scratch:
            results.append(_measure(appimage, plan, options.rounds, scratch))
        _print(options.name, results[-1])
    broken = [found for found in results if found.ratio < BARS.get(found.plan, 0.0)]
    for found in broken:
        print(f"bar broken: {found.plan} is {found.ratio:.2f} times faster, at least {BARS[found.plan]:g} is wanted")
    if options.json:
        options.json.write_text(_as_json(options.name, results), encoding="utf-8")
    return 1 if options.check and broken else 0


def _measure(appimage: Path, plan: str, rounds: int, scratch: Path) -> Rebuild:
    found = Rebuild(plan)
    changes, tree, ours, theirs = (scratch / name for name in ("changes", "tree", "ours", "theirs"))
    changes.mkdir()
    child = [sys.executable, "-m", "corpus.bench.rebuild_child", str(appimage), plan]
    run_child([*child, "--unpack", str(changes)], (0,))
    found.share = float((changes / "share").read_text(encoding="utf-8"))
    packing = _packing(appimage, tree, theirs)
    unpacking = ["unsquashfs", "-quiet", "-no-progress", "-offset", str(payload_offset_of(appimage))]
    unpacking += ["-dest", str(tree), str(appimage)]
    report = scratch / "report"

    def ours_once() -> tuple[float, float, float]:
        ours.unlink(missing_ok=True)
        run = run_child([*child, str(ours), str(report)], (0,))
        found.written = json.loads(report.read_text(encoding="utf-8"))
        found.peak_bytes = max(found.peak_bytes, run.peak_bytes)
        planning, processor = found.written.pop("planning"), found.written.pop("planning_processor")
        return run.seconds - planning, planning, run.processor_seconds - processor

    def theirs_once() -> tuple[float, float, float]:
        remove(tree)
        theirs.unlink(missing_ok=True)
        first = run_child(unpacking, (0,))
        _apply(changes, tree)
        second = run_child(packing, (0,))
        return first.seconds, second.seconds, first.processor_seconds + second.processor_seconds

    for number in range(rounds + 1):
        pair = (ours_once(), theirs_once()) if number % 2 == 0 else (theirs_once(), ours_once())[::-1]
        if number:  # the first one warms the caches
            (seconds, planning, our_processor), (unpacked, packed, their_processor) = pair
            found.ours.append(seconds)
            found.planning.append(planning)
            found.unsquashfs.append(unpacked)
            found.mksquashfs.append(packed)
            found.processor.append((our_processor, their_processor))
    found.sizes = ours.stat().st_size, theirs.stat().st_size
    if _manifest(ours) != _manifest(theirs):
        raise SystemExit(f"{plan}: the two images hold different trees")
    return found


def _packing(appimage: Path, tree: Path, target: Path) -> list[str]:
    """mksquashfs with what the old image says about itself."""
    with FileSource(appimage) as source:
        settings = settings_of(SquashfsImage(SliceSource(source, payload_offset_of(appimage))))
    command = [
        "env",
        "-u",
        "SOURCE_DATE_EPOCH",
        "mksquashfs",
        str(tree),
        str(target),
        "-noappend",
        "-quiet",
        "-no-progress",
        *_OWNER,
    ]
    command += ["-comp", settings.compressor, "-b", str(settings.block_size)]
    if settings.compressor in ("gzip", "zstd") and settings.level is not None:
        command += ["-Xcompression-level", str(settings.level)]
    return command


def _apply(changes: Path, tree: Path) -> None:
    """Do to an unpacked tree what the plan does; not measured."""
    for path in sorted((changes / "gone").read_text(encoding="utf-8").split("\0"), reverse=True):
        gone = tree / path
        if path and gone.is_dir() and not gone.is_symlink():
            remove(gone)
        elif path:
            gone.unlink(missing_ok=True)
    new = changes / "new"
    for source in new.rglob("*") if new.is_dir() else ():
        if source.is_file():
            target = tree / source.relative_to(new)
            status = target.stat() if target.exists() else None
            target.write_bytes(source.read_bytes())
            if status is not None:
                os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _manifest(path: Path) -> dict[bytes, tuple[object, ...]]:
    """Everything in an image that both sides must have made alike; a directory's time is not, as files were removed from it."""
    with FileSource(path) as source:
        image = SquashfsImage(source)
        walked = list(image.walk())
        digests = {
            inode.number: hashlib.sha256(inode.read_at(0, inode.size)).digest()
            for inode in image.read_order(inode for _, inode in walked)
        }
        return {
            path: (
                inode.kind,
                inode.mode,
                inode.mtime if inode.is_file else 0,
                inode.size,
                inode.target,
                digests.get(inode.number),
            )
            for path, inode in walked
        }


def _print(name: str, found: Rebuild) -> None:
    other = [one + two for one, two in zip(found.unsquashfs, found.mksquashfs, strict=True)]
    our_processor, their_processor = (median(side) for side in zip(*found.processor, strict=True))
    rounds = f"{len(found.ours)} rounds on {processors()} processors"
    print(f"{name}, plan {found.plan!r}: {found.share:.1%} of the raw bytes are gone or new; {rounds}")
    print(f"  {'':<24} {'median s':>9} {'minimum s':>9} {'processor s':>11} {'image bytes':>12}")
    for side, seconds, processor, size in (
        ("our rebuild", found.ours, our_processor, found.sizes[0]),
        ("unsquashfs + mksquashfs", other, their_processor, found.sizes[1]),
    ):
        print(f"  {side:<24} {median(seconds):>9.2f} {min(seconds):>9.2f} {processor:>11.2f} {size:>12,}")
    copied, made = found.written["bytes_copied"], found.written["bytes_compressed"]
    print(f"  {found.ratio:.2f} times faster (median of the rounds); our peak {found.peak_bytes / 1e6:.0f} MB")
    print(f"  {copied / 1e6:.1f} MB copied as stored, {made / 1e6:.1f} MB compressed\n")
    sys.stdout.flush()


def _as_json(name: str, results: list[Rebuild]) -> str:
    rows = [
        {
            "plan": found.plan,
            "share": round(found.share, 4),
            "ours": [round(seconds, 3) for seconds in found.ours],
            "planning": [round(seconds, 3) for seconds in found.planning],
            "unsquashfs": [round(seconds, 3) for seconds in found.unsquashfs],
            "mksquashfs": [round(seconds, 3) for seconds in found.mksquashfs],
            "processor": [[round(seconds, 3) for seconds in sides] for sides in found.processor],
            "ratio": round(found.ratio, 3),
            "bar": BARS.get(found.plan),
            "peak_bytes": found.peak_bytes,
            "image_bytes": found.sizes,
            "written": found.written,
        }
        for found in results
    ]
    machine = {"processors": processors(), "system": platform.platform(), "python": platform.python_version()}
    return (
        json.dumps(
            {"artifact": name, "machine": machine, "mksquashfs": shutil.which("mksquashfs"), "plans": rows}, indent=2
        )
        + "\n"
    )


if __name__ == "__main__":
    sys.exit(main())
