"""``--smoke CMD``: a user's own proof that the application works, run before and after, which must agree.

CMD is given to ``/bin/sh -c``.  ``$APP`` is the path of what is started: the AppImage itself, the AppRun of an AppDir, or another directory.  It runs
in the caller's environment, for a smoke test may need a display or a device, but in an empty directory and with a throw-away home; where there is no
display, Qt is told to do without.  The exit status must be the same; standard output too, where two runs of the input write the same (the artifact's
own place in it does not count).  A command that fails with the input proves nothing, and says so.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from msgspec import Struct

from inspector.slim.proving.bounded_process import Finished, ThrowAwayHome, describe_status, run_bounded

SMOKE_SECONDS = 300.0
"""How long one run may take."""

_SHELL = "/bin/sh"
_SHOWN = 200


class SmokeResult(Struct, frozen=True):
    """What became of one command.

    :ivar verdict: "agrees"; "differs": it does something else afterwards; "fails before": it does not succeed with the input, and proves nothing.
    :ivar message: one sentence.
    :ivar output_compared: whether its output was the same in two runs of the input, and so had to be the same afterwards.
    :ivar seconds: how long it took before (the second run) and after.
    """

    command: str
    verdict: Literal["agrees", "differs", "fails before"]
    message: str
    output_compared: bool = False
    seconds: tuple[float, float] = (0.0, 0.0)


class SmokeBaseline(Struct, frozen=True):
    """How a command ran with the input, twice."""

    command: str
    first: Finished
    second: Finished
    place: Path

    @property
    def is_steady(self) -> bool:
        """Whether both runs wrote the same."""
        return self.first.stdout == self.second.stdout


def launched_file(artifact: Path) -> Path:
    """What ``$APP`` names: a file itself, of an AppDir its AppRun, any other directory itself."""
    apprun = artifact / "AppRun"
    return apprun if artifact.is_dir() and apprun.exists() else artifact


def run_baseline(command: str, before: Path, *, seconds: float = SMOKE_SECONDS) -> SmokeBaseline:
    """Run a command twice with the input; the second run finds what the first has left in memory.

    :param before: an AppImage or an AppDir, which the command may change: a copy.
    """
    before = before.resolve()
    return SmokeBaseline(command, _run(command, before, seconds), _run(command, before, seconds), before)


def compare_smoke(baseline: SmokeBaseline, after: Path, *, seconds: float = SMOKE_SECONDS) -> SmokeResult:
    """Run the command with the output and compare.

    :param after: an AppImage or an AppDir, which the command may change.
    """
    command, second = baseline.command, baseline.second
    if baseline.first.status != 0 or second.status != 0:
        status = baseline.first.status if baseline.first.status != 0 else second.status
        said = baseline.first.last_line or second.last_line
        message = f"it {describe_status(status)} with the input{': ' + said if said else ''}"
        return SmokeResult(command, "fails before", message, seconds=(second.seconds, 0.0))
    after = after.resolve()
    done = _run(command, after, seconds)
    times = (second.seconds, done.seconds)
    if done.status != second.status:
        said = f": {done.last_line}" if done.last_line else ""
        return SmokeResult(command, "differs", f"it {describe_status(done.status)}{said}", seconds=times)
    if not baseline.is_steady:
        message = "the exit status is the same; the output differs from run to run and was not compared"
        return SmokeResult(command, "agrees", message, output_compared=False, seconds=times)
    expected = _without_place(second.stdout, baseline.place)
    output = _without_place(done.stdout, after)
    if output != expected:
        return SmokeResult(command, "differs", _first_difference(expected, output), output_compared=True, seconds=times)
    return SmokeResult(command, "agrees", "exit status and output are the same", output_compared=True, seconds=times)


def run_smoke(command: str, before: Path, after: Path, *, seconds: float = SMOKE_SECONDS) -> SmokeResult:
    """Run a command with the input and the output and compare."""
    return compare_smoke(run_baseline(command, before, seconds=seconds), after, seconds=seconds)


def _run(command: str, artifact: Path, seconds: float) -> Finished:
    with ThrowAwayHome() as home:
        own = home.environment()
        environment = {**os.environ, **{name: own[name] for name in own if name == "HOME" or name.startswith("XDG_")}}
        if "XDG_RUNTIME_DIR" in os.environ:  # the sockets of the session: a display, sound
            environment["XDG_RUNTIME_DIR"] = os.environ["XDG_RUNTIME_DIR"]
        environment["TMPDIR"] = own["TMPDIR"]
        if not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
            environment.setdefault("QT_QPA_PLATFORM", own["QT_QPA_PLATFORM"])
        environment["APP"] = str(launched_file(artifact))
        if not os.access("/dev/fuse", os.R_OK | os.W_OK):
            environment.setdefault("APPIMAGE_EXTRACT_AND_RUN", "1")  # type2-runtime, README
        return run_bounded([_SHELL, "-c", command], directory=home.empty, environment=environment, seconds=seconds)


def _without_place(output: bytes, artifact: Path) -> bytes:
    return output.replace(os.fsencode(artifact), b"$APP")


def _first_difference(expected: bytes, output: bytes) -> str:
    before, after = expected.splitlines(), output.splitlines()
    for number, (old, new) in enumerate(zip(before, after, strict=False), 1):
        if old != new:
            return f"line {number} of its output was {_shown(old)} and is {_shown(new)}"
    if len(before) == len(after):
        return "its output differs in the ends of its lines"
    return f"its output had {len(before)} lines and has {len(after)}"


def _shown(line: bytes) -> str:
    return repr(line.decode("utf-8", "replace")[:_SHOWN])
