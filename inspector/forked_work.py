"""Work in another process beside this one, so that a second processor helps: most of an audit is Python, which threads only take turns with.

The process is a fork of this one, so that it has everything that is open and read already.  That is only safe where this process has one thread, and
only polite where it belongs to us: the command line permits it (:func:`permit_forks`), the library API does not.  Everywhere else, and where the
other process comes to grief, nothing comes back and the caller does the work itself.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from select import select
from types import TracebackType
from typing import Generic, Self, TypeVar

Made = TypeVar("Made")

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STEP = 1 << 20  # bytes read from a pipe at once

_permitted = False
_for_the_wait: list[Callable[[], object]] = []


def permit_forks() -> None:
    """Let :class:`ForkedWork` fork this process.  For whoever owns the process, and before anything else of it runs."""
    global _permitted  # noqa: PLW0603 - a setting of the process, like those of the interpreter
    _permitted = True


def while_waiting(*work: Callable[[], object]) -> None:
    """What this process may do, once, when it would wait for another one.

    For what must be done anyhow, and soon, such as importing a module; nobody relies on it.
    """
    _for_the_wait[:] = work


def processors() -> int:
    """How many processors this process may use, at least one."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class ForkedWork(Generic[Made]):
    """One piece of work in another process, as a context manager: what it made is asked for with :meth:`result`, or it is ended with the block.

    :param work: is called there.  It may read what is open here (sources read by ``pread``, which moves no offset that both have); what it changes,
        nobody here sees.
    :param kind: type of what it returns, for ``msgspec``: so it comes back.
    :param alone: start no process, whatever is permitted.
    :ivar runs: whether there is another process.
    """

    def __init__(self, work: Callable[[], Made], kind: type[Made], *, alone: bool = False) -> None:
        self._kind = kind
        self._process = 0
        self._pipe = -1
        if _permitted and not alone and processors() > 1 and _has_one_thread():
            try:
                self._start(work)
            except OSError:
                self.close()  # no process or descriptor left to be had
        self.runs = self._process > 0

    def _start(self, work: Callable[[], Made]) -> None:
        self._pipe, pipe = os.pipe()
        # Handlers of this process clean up after it; the other one must not run them.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            self._process = os.fork()
            if not self._process:
                _work_there(work, pipe, before)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            os.close(pipe)

    def result(self, meanwhile: Callable[[], object] | None = None) -> Made | None:
        """What the work gave, once it is done; None where no other process did it, or it failed.

        :param meanwhile: what this process has to do soon anyhow; done where it would wait.
        """
        if not self.runs:
            return None
        if meanwhile is not None and self._would_wait():
            meanwhile()
        while _for_the_wait and self._would_wait():
            _for_the_wait.pop(0)()
        parts = []
        while chunk := os.read(self._pipe, _STEP):
            parts.append(chunk)
        self.close()

        import msgspec  # not at the top: those who only permit processes show --help as well

        try:
            return msgspec.msgpack.decode(b"".join(parts), type=self._kind)
        except msgspec.DecodeError:
            return None

    def _would_wait(self) -> bool:
        return not select([self._pipe], (), (), 0)[0]

    def close(self) -> None:
        """End the other process, if it still works."""
        self.runs = False
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1
        if self._process > 0:
            process, self._process = self._process, 0
            try:
                # Where it has ended, nothing happens: its number stays its own until somebody waits.
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
            except (ProcessLookupError, ChildProcessError):
                pass  # whoever started us ignores SIGCHLD: the system has waited already

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _work_there(work: Callable[[], Made], pipe: int, signals: set[signal.Signals | int]) -> None:  # pragma: no cover
    """Never returns, and runs nothing of what Python does at its end: buffers and temporary files are this process's parent's."""
    try:
        import msgspec

        for ending in _ENDING:
            signal.signal(ending, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, signals)
        content = memoryview(msgspec.msgpack.encode(work()))
        while content:
            content = content[os.write(pipe, content) :]
    finally:
        os._exit(0)


def _has_one_thread() -> bool:
    """Of any kind: libraries start threads that Python does not know of."""
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir()) == 1
    except OSError:
        return False
