"""A program for :mod:`tests.corpus.test_slim_rebuild`: rebuilds an AppImage again and again in forked children that are killed (SIGKILL) on the way.

Half of them die at an event of the system (a file opened, a directory made, a name given), counted in a run before; the others after a part of
the time that the fastest whole run took.  A child that was done before its time says that runs have become faster (the first one reads modules, and
other processes may have been in its way): its time is measured, and another child takes its place.
It prints a line for each: how the child ended, and the names in the output's directory.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

from inspector.slim.rebuilding.output import remove
from tests.rebuilt import rebuilt

_ATTEMPTS = 20  # of one point in time, before its child may be done after all
_EVENTS = ("open", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.chmod", "shutil.rmtree")


def _child(source: Path, output: Path, die_at: int | None) -> None:
    """Rebuild; ``die_at`` is the number of the event at which it kills itself, 0 for the run that is counted.

    Its exit status cannot hold the count, so a file does.
    """
    count = 0

    def heed(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        if event not in _EVENTS:
            return
        count += 1
        if count == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(heed)
    rebuilt(source, output, gone=["usr/share/names"], recompress="zstd:5", force=True)
    if die_at == 0:
        counted = count
        output.with_name("count").write_text(str(counted))


def _run(source: Path, output: Path, *, die_at: int | None = None, after: float | None = None) -> int:
    child = os.fork()
    if not child:
        status = 1
        try:
            _child(source, output, die_at)
            status = 0
        finally:
            os._exit(status)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def _tell(what: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _emptied(directory: Path, whole_as: Path) -> list[str]:
    """The names in ``directory``, which is empty afterwards; what has the output's name is kept as ``whole_as``."""
    left = sorted(directory.iterdir())
    for place in left:
        if place.name.startswith("."):
            remove(place)
        else:
            place.rename(whole_as)
    return [place.name for place in left]


def main() -> None:
    source, directory, points = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    output = directory / "out.AppImage"
    started = time.monotonic()
    whole = _run(source, output, die_at=0)
    fastest = time.monotonic() - started
    count = int((directory / "count").read_text())
    (directory / "count").unlink()
    _emptied(directory, directory.parent / "whole.AppImage")
    _tell({"status": whole, "events": count, "seconds": fastest})
    for number in range(points):
        kept = directory.parent / f"killed{number}.AppImage"
        if number % 2:
            for _ in range(_ATTEMPTS):
                status = _run(source, output, after=fastest * number / points)
                names = _emptied(directory, kept)
                if status:
                    break
                started = time.monotonic()
                _run(source, output)
                fastest = min(fastest, time.monotonic() - started)
                _emptied(directory, kept)
        else:
            status = _run(
                source, output, die_at=max(count - number // 2, 1)
            )  # the last events are those around the name
            names = _emptied(directory, kept)
        _tell({"status": status, "names": names})


main()
