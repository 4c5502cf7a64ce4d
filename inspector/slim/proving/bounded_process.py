"""Running a program of a bundle in bounds: a process group of its own that is killed at a time limit, limits of its resources, a throw-away home.

It is a seat belt and no jail: who runs a bundle trusts it as far as its users do.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import IO, Self

from msgspec import Struct

from inspector.limits import GIB, MIB

OUTPUT_BYTES = 4 * MIB
"""The most of a program's output that is read; the rest is dropped."""

_LIMITS = {
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_FSIZE: 4 * GIB,  # a file that is written
    resource.RLIMIT_DATA: 32 * GIB,  # private memory that can be written; libraries reserve far more than they use
}


class Finished(Struct, frozen=True):
    """How a program ended.

    :ivar status: exit status, the negative number of the signal that ended it, or None where the time limit did.
    :ivar stdout: what it wrote, at most :data:`OUTPUT_BYTES`.
    :ivar seconds: from start to end.
    """

    status: int | None
    stdout: bytes
    stderr: bytes
    seconds: float

    @property
    def timed_out(self) -> bool:
        """Whether it was cut at the time limit."""
        return self.status is None

    @property
    def last_line(self) -> str:
        """The last line that it wrote to stderr, for a message; "" where it wrote none."""
        lines = self.stderr.decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip()[:400] if lines else ""


def describe_status(status: int | None) -> str:
    """How a program ended, in words that follow "it": "ended with status 1", "was killed by SIGSEGV", "did not end in time"."""
    if status is None:
        return "did not end in time"
    if status < 0:
        try:
            return f"was killed by {signal.Signals(-status).name}"
        except ValueError:
            return f"was killed by signal {-status}"
    return f"ended with status {status}"


class BoundedProcess:
    """A started program.  Its process group is killed at the latest when the ``with`` block ends.

    :param command: program and arguments.
    :param environment: the whole environment; nothing is inherited.
    :param pass_fds: descriptors that it inherits beside the standard ones.
    :param stdout: a file or descriptor; None for nowhere.
    :raises OSError: where it cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        pass_fds: Sequence[int] = (),
        stdout: IO[bytes] | int | None = None,
        stderr: IO[bytes] | int | None = None,
    ) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the caller decides what of a bundle is run
            list(command),
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if stdout is None else stdout,
            stderr=subprocess.DEVNULL if stderr is None else stderr,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )
        self.pid = self._process.pid
        for limit, most in _LIMITS.items():
            with suppress(OSError, ValueError):  # it has ended already, or our own limit is lower
                resource.prlimit(self.pid, limit, (most, most))

    def wait(self, seconds: float | None = None) -> int | None:
        """Its status when it ends, or None where it is still running after ``seconds``."""
        if not self._has_ended(seconds):
            return None
        self._kill_group()  # before its number is given back, so that no stranger's group can be meant
        return self._process.wait()

    def kill(self) -> None:
        """End it and all of its group."""
        if self._process.returncode is None:
            self._kill_group()
            self._process.wait()

    def _has_ended(self, seconds: float | None) -> bool:
        if self._process.returncode is not None:
            return True
        descriptor = os.pidfd_open(self.pid)
        try:
            waiter = select.poll()
            waiter.register(descriptor, select.POLLIN)
            return bool(waiter.poll(None if seconds is None else max(seconds, 0) * 1000))
        finally:
            os.close(descriptor)

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.kill()


def run_bounded(
    command: Sequence[str],
    *,
    directory: Path,
    environment: Mapping[str, str],
    seconds: float,
    pass_fds: Sequence[int] = (),
) -> Finished:
    """Run a program to its end or to the time limit; parameters as for :class:`BoundedProcess`.

    :raises OSError: where it cannot be started.
    """
    began = monotonic()
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        with BoundedProcess(
            command, directory=directory, environment=environment, pass_fds=pass_fds, stdout=stdout, stderr=stderr
        ) as process:
            status = process.wait(seconds)
        outputs = []
        for stream in (stdout, stderr):
            stream.seek(0)
            outputs.append(stream.read(OUTPUT_BYTES))
        return Finished(status, outputs[0], outputs[1], monotonic() - began)


class ThrowAwayHome:
    """A directory with a home, a place for temporary files and an empty working directory; gone when the ``with`` block ends.

    :ivar root: real path of the whole.
    :ivar empty: the working directory.
    """

    def __init__(self, below: Path | None = None) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="inspect-run-", dir=below, ignore_cleanup_errors=True)
        self.root = Path(self._directory.name).resolve()
        self.empty = self.root / "empty"
        for name in ("home", "tmp", "run", "empty"):
            (self.root / name).mkdir(mode=0o700)

    def environment(self) -> dict[str, str]:
        """A scrubbed environment: what every program expects, nothing of the caller's session, no display."""
        home = str(self.root / "home")
        return {
            "HOME": home,
            "LANG": "C.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "QT_QPA_PLATFORM": "offscreen",
            "TERM": "dumb",
            "TMPDIR": str(self.root / "tmp"),
            "XDG_CACHE_HOME": f"{home}/.cache",
            "XDG_CONFIG_HOME": f"{home}/.config",
            "XDG_DATA_HOME": f"{home}/.local/share",
            "XDG_RUNTIME_DIR": str(self.root / "run"),
            "XDG_STATE_HOME": f"{home}/.local/state",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._directory.cleanup()
