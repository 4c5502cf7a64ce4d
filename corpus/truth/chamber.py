"""The process inside a tree: mounts the bundle, enters the tree and runs one program after another as it is told.

Started as ``unshare --mount … python -m corpus.truth.chamber ANSWERS TREE SOURCE=PLACE…``, so that its mounts are its own and end with it.
Reads one JSON object a line from standard input ({"argv", "env"}) and writes one a line to the file ANSWERS, in the same order:
{"status", "out", "err"} or {"error"}.  The environment is given to the started program alone, never to this process.
"""

from __future__ import annotations

import json
import os
import selectors  # noqa: F401 - subprocess imports it lazily, and inside the tree there is no standard library
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

SECONDS = 60
_MOST_OUTPUT = 4 << 20
_NOTHING = os.open(os.devnull, os.O_RDONLY)  # before the tree is entered: not every tree has a /dev


def main(arguments: list[str]) -> int:
    """Mount, enter, answer until standard input ends."""
    tree = Path(arguments[1])
    for pair in ("/proc=/proc", *arguments[2:]):
        source, _, place = pair.partition("=")
        target = tree / place.lstrip("/")
        target.mkdir(parents=True, exist_ok=True)
        # $ORIGIN of a program comes from the link /proc/self/exe (glibc, sysdeps/unix/sysv/linux/dl-origin.c): without /proc it has no value.
        subprocess.run(["mount", "--bind", source, str(target)], check=True)
    with Path(arguments[0]).open("w", encoding="ascii") as answers, ThreadPoolExecutor(2) as pool:
        os.chroot(tree)
        os.chdir("/")
        questions = [json.loads(line) for line in sys.stdin]
        answers.writelines(json.dumps(answer) + "\n" for answer in pool.map(_run, questions))
    return 0


def _run(question: Mapping[str, Any]) -> dict[str, Any]:
    try:
        finished = subprocess.run(
            question["argv"],
            env=question["env"],
            cwd="/",
            stdin=_NOTHING,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except OSError as failure:
        return {"error": os.strerror(failure.errno or 0)}
    except subprocess.TimeoutExpired:
        return {"error": f"still running after {SECONDS} s"}
    out, err = (part[:_MOST_OUTPUT].decode("utf-8", "surrogateescape") for part in (finished.stdout, finished.stderr))
    return {"status": finished.returncode, "out": out, "err": err}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
