"""What dlopen() answers: each file in a process of its own, forked from one that has loaded nothing else.

``python -m corpus.strip.loading`` reads paths, one a line, and writes one answer a line: ``ok``, ``signal N``, ``late``, or the loader's words.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # this module runs under a foreign interpreter too, with nothing but the standard library
    from corpus.strip.contenders import Measured

_SECONDS = 20


def answers(paths: Sequence[Path], root: Path) -> list[str]:
    """The answers for files below ``root``, whose name is taken out of them."""
    environment = {**os.environ, "HOME": "/nonexistent", "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-m", "corpus.strip.loading"],
        input="".join(f"{path}\n" for path in paths),
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=Path(__file__).resolve().parents[2],
    )
    found = [line.replace(str(root), "") for line in done.stdout.splitlines()]
    if len(found) != len(paths):
        raise RuntimeError(f"{len(found)} answers for {len(paths)} files: {done.stderr[-500:]}")
    return found


def fill_answers(
    rows: Sequence[Measured], roots: Sequence[Path], ask: Callable[[Sequence[Path], Path], list[str]]
) -> None:
    """Ask about the same files in the three trees; where GNU strip changed an answer, once more with only this file changed.

    :param roots: of the trees as they were, after ours and after GNU's.
    :param ask: the answers for paths below a root.
    """
    original, _, gnu = roots
    found = [ask([root / row.members[0].path for row in rows], root) for root in roots]
    for row, *said in zip(rows, *found, strict=True):
        row.answers = tuple(said)
        if said[0] != said[2]:
            path = original / row.members[0].path
            kept = path.with_name(f"{path.name}.kept")
            path.rename(kept)
            try:
                path.hardlink_to(gnu / row.members[0].path)
                (row.gnu_alone,) = ask([path], original)
            finally:
                kept.replace(path)


def _answer(path: str) -> str:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        try:
            ctypes.CDLL(path, mode=os.RTLD_NOW | os.RTLD_LOCAL)
            said = "ok"
        except OSError as error:
            said = " ".join(str(error).split()) or "OSError"
        os.write(writing, said.encode(errors="replace")[:4000])
        os._exit(0)  # destructors of half of the world's libraries are not what is asked about
    os.close(writing)
    try:
        ready, _, _ = select.select([reading], [], [], _SECONDS)
        said = os.read(reading, 4096).decode(errors="replace") if ready else "late"
        if said == "late":
            os.kill(child, signal.SIGKILL)
    finally:
        os.close(reading)
    _, status = os.waitpid(child, 0)
    return (
        said or f"signal {os.WTERMSIG(status)}"
        if not os.WIFEXITED(status) or said
        else f"exit {os.WEXITSTATUS(status)}"
    )


def _main() -> Iterator[str]:
    for line in sys.stdin:
        yield _answer(line.rstrip("\n"))


if __name__ == "__main__":
    for answer in _main():
        print(answer, flush=True)
