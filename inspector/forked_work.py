"""Work in another process beside this one, so that a second processor helps: most of an audit is Python, which threads only take turns with.

The process is a fork of this one, so that it has everything that is open and read already.  That is only safe where this process has one thread, and
only polite where it belongs to us: the command line permits it (:func:`permit_forks`), the library API does not.  Everywhere else, and where the
other process comes to grief, nothing comes back and the caller does the work itself.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from select import select
from types import TracebackType
from typing import Generic, Self, TypeVar

Made = TypeVar("Made")

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STEP = 1 << 20  # bytes read from a pipe at once
_TURN = 4  # bytes; pages of a pipe hold a whole number of them, so that no reader gets a part
_MOST_TURNS = 1000  # they lie in a pipe together, which holds a page at least (pipe(7), "Pipe capacity")

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
        if not alone and _may_fork():
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
        self._do_what_waits()
        parts = []
        while chunk := os.read(self._pipe, _STEP):
            parts.append(chunk)
        # The other process gives back its memory now, which takes a while; nobody waits for that before the block ends.
        self._close_pipe()

        import msgspec  # not at the top: those who only permit processes show --help as well

        try:
            return msgspec.msgpack.decode(b"".join(parts), type=self._kind)
        except msgspec.DecodeError:
            return None

    def _do_what_waits(self) -> None:
        while _for_the_wait and self._would_wait():
            _for_the_wait.pop(0)()

    def _would_wait(self) -> bool:
        return not select([self._pipe], (), (), 0)[0]

    def close(self) -> None:
        """End the other process, if it still works."""
        self._close_pipe()
        if self._process > 0:
            process, self._process = self._process, 0
            try:
                # Where it has ended, nothing happens: its number stays its own until somebody waits.
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
            except (ProcessLookupError, ChildProcessError):
                pass  # whoever started us ignores SIGCHLD: the system has waited already

    def _close_pipe(self) -> None:
        self.runs = False
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class SharedWork(ForkedWork[dict[int, Made]]):
    """Many pieces of work of which two processes take the next one each, as a context manager; this one begins when it asks for the results.

    :param count: of the pieces.
    :param piece: does the piece of a number below ``count``, in either process.
    :param kind: type of what it returns, for ``msgspec``.
    :param alone: as for :class:`ForkedWork`.
    """

    def __init__(self, count: int, piece: Callable[[int], Made], kind: type[Made], *, alone: bool = False) -> None:
        self._piece = piece
        self._count = count
        self._together = -(-count // _MOST_TURNS)
        self._turns = -1
        if count and not alone and _may_fork():
            try:
                self._deal_out()
            except OSError:
                alone = True  # no descriptor left to be had
        super().__init__(lambda: dict(self._done_here()), dict[int, kind], alone=alone or self._turns < 0)  # type: ignore[valid-type]

    def _deal_out(self) -> None:
        self._turns, write = os.pipe()
        try:
            for number in range(0, self._count, self._together):
                os.write(write, number.to_bytes(_TURN, "little"))
        finally:
            os.close(write)

    def results(self) -> list[Made]:
        """What every piece gave, in the order of their numbers."""
        found: dict[int, Made] = {}
        if self.runs:
            self._do_what_waits()
            found.update(self._done_here(while_needed=self._would_wait))
        found.update(self.result() or {})
        return [found[number] if number in found else self._piece(number) for number in range(self._count)]

    def _done_here(self, while_needed: Callable[[], bool] = lambda: True) -> Iterator[tuple[int, Made]]:
        # A pipe gives what lies in it to one reader alone: whoever comes first has the next pieces.
        while while_needed() and (turn := os.read(self._turns, _TURN)):
            first = int.from_bytes(turn, "little")
            for number in range(first, min(first + self._together, self._count)):
                yield number, self._piece(number)

    def close(self) -> None:
        """End the other process, if it still works."""
        super().close()
        if self._turns >= 0:
            os.close(self._turns)
            self._turns = -1


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
        os.close(pipe)  # the end of it would else be seen only when the memory has been given back
    finally:
        os._exit(0)


def _may_fork() -> bool:
    return _permitted and processors() > 1 and _has_one_thread()


def _has_one_thread() -> bool:
    """Of any kind: libraries start threads that Python does not know of."""
    try:
        return sum(1 for _ in Path("/proc/self/task").iterdir()) == 1
    except OSError:
        return False
