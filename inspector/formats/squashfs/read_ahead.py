"""Threads that decode the blocks that a reader will ask for next.  zlib, lzma and zstd release the interpreter's lock while they decode."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue


class _Job:
    __slots__ = ("done", "error", "result", "stored")

    def __init__(self, stored: bytes) -> None:
        self.stored = stored
        self.result = b""
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()


class ReadAhead:
    """Decodes on ``threads`` threads of its own.  All reading stays with the caller, whose source may not be thread-safe.

    :param decode: stored bytes in, content out; may raise FormatError.
    """

    def __init__(self, decode: Callable[[bytes], bytes], threads: int) -> None:
        self._decode = decode
        self._jobs: dict[int, _Job] = {}
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name="squashfs-read-ahead", daemon=True) for _ in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def __contains__(self, key: int) -> bool:
        return key in self._jobs

    def submit(self, key: int, stored: bytes) -> None:
        """Start to decode; ``key`` is for :meth:`take`."""
        self._jobs[key] = job = _Job(stored)
        self._queue.put(job)

    def take(self, key: int) -> bytes:
        """What a submitted block decodes to, once it is there.

        :raises FormatError: what ``decode`` raised.
        """
        job = self._jobs.pop(key)
        job.done.acquire()
        if job.error is not None:
            raise job.error
        return job.result

    def forget_before(self, key: int) -> None:
        """Drop the results that nobody took, up to ``key``."""
        for passed in [submitted for submitted in self._jobs if submitted < key]:
            del self._jobs[passed]

    def close(self) -> None:
        """Let the threads end, after the blocks that they have begun; does not wait for them."""
        for job in self._jobs.values():
            job.stored = b""  # nobody waits for it any more: let it fail at once
        self._jobs.clear()
        for _ in self._threads:
            self._queue.put(None)

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            try:
                job.result = self._decode(job.stored)
            except BaseException as error:  # noqa: BLE001 - whoever takes the result gets it
                job.error = error
            finally:
                job.stored = b""
                job.done.release()
