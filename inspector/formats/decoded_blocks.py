"""The blocks of a container's members that were decoded last."""

from __future__ import annotations

import threading
from collections import OrderedDict

from inspector.limits import MIB


class DecodedBlocks:
    """The latest decoded blocks of a container's members.  Safe to use from several threads.

    :param budget: bytes that are kept, and always the latest block.
    :ivar kept: bytes of all of them.
    """

    def __init__(self, budget: int = 128 * MIB) -> None:
        self._budget = budget
        self.kept = 0
        self._lock = threading.Lock()
        self._blocks: OrderedDict[tuple[int, int], bytes] = OrderedDict()

    def get(self, member: int, index: int) -> bytes | None:
        """A block, if it is still there."""
        with self._lock:
            found = self._blocks.get((member, index))
            if found is not None:
                self._blocks.move_to_end((member, index))
        return found

    def put(self, member: int, index: int, content: bytes) -> None:
        """Keep a block, and let the oldest ones go."""
        key = (member, index)
        with self._lock:
            self.kept += len(content) - len(self._blocks.pop(key, b""))
            self._blocks[key] = content
            while self.kept > self._budget and len(self._blocks) > 1:
                self.kept -= len(self._blocks.popitem(last=False)[1])

    def remove(self, member: int, index: int) -> None:
        """Let a block go, if it is there."""
        with self._lock:
            self.kept -= len(self._blocks.pop((member, index), b""))
