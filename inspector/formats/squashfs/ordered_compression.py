"""Compression on several threads whose results come back in the order in which the blocks were handed in."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from inspector.formats.squashfs.data import BLOCK_RAW

_JOB_SIZE = 128 * 1024  # bytes of a job at least: so that small blocks do not spend their time in queues
_JOBS_PER_THREAD = 3  # one at work, one waiting, one finished while an earlier one is not

Done = Callable[[bytes, int], None]


class OrderedCompression:
    """Takes blocks, compresses them, and calls each one's ``done(stored, size_word)`` from the caller's thread, in order.

    At most about ``3 * threads`` jobs of 128 KiB, or of one block where that is larger, are in memory.  Use as a context manager; call
    :meth:`finish` before its end.

    :param compress: safe to call from several threads.
    :param threads: 1 compresses in the caller's thread.
    """

    def __init__(self, compress: Callable[[bytes], bytes], threads: int) -> None:
        self._compress = compress
        self._most_jobs = threads * _JOBS_PER_THREAD
        self._pool = ThreadPoolExecutor(threads, "squashfs-compression") if threads > 1 else None
        self._blocks: list[bytes] = []
        self._done: list[Done] = []
        self._size = 0
        self._jobs: deque[tuple[Future[list[tuple[bytes, int]]], list[Done]]] = deque()

    def submit(self, block: bytes, done: Done) -> None:
        """Hand a block in; blocks that were handed in before may become done meanwhile.

        :raises OSError: what a ``done`` raised, as it writes.
        """
        if self._pool is None:
            done(*stored_form(block, self._compress))
            return
        self._blocks.append(block)
        self._done.append(done)
        self._size += len(block)
        if self._size >= _JOB_SIZE:
            self._start_job(self._pool)

    def finish(self) -> None:
        """Wait until everything is done."""
        if self._pool is not None and self._blocks:
            self._start_job(self._pool)
        while self._jobs:
            self._take()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _start_job(self, pool: ThreadPoolExecutor) -> None:
        self._jobs.append((pool.submit(self._run, self._blocks), self._done))
        self._blocks, self._done, self._size = [], [], 0
        while len(self._jobs) > self._most_jobs:
            self._take()

    def _take(self) -> None:
        job, waiting = self._jobs.popleft()
        for done, (stored, word) in zip(waiting, job.result(), strict=True):
            done(stored, word)

    def _run(self, blocks: list[bytes]) -> list[tuple[bytes, int]]:
        compress = self._compress
        return [stored_form(block, compress) for block in blocks]


def stored_form(block: bytes, compress: Callable[[bytes], bytes]) -> tuple[bytes, int]:
    """What is stored of a block, compressed where that is smaller, and the size word that says so."""
    packed = compress(block)
    if len(packed) < len(block):
        return packed, len(packed)
    return block, len(block) | BLOCK_RAW
