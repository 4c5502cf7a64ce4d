"""Members that are read one after the other, each decoded in another thread while the one before is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from inspector.artifact.tree import Node
from inspector.errors import FormatError
from inspector.formats.elf.hardly_read import code_ranges, debug_ranges
from inspector.formats.zlib_member import ZlibMember
from inspector.limits import KIB, MIB

_WORTH_IT = 64 * KIB  # bytes; what is smaller is decoded before another thread has woken up
_LARGEST = 48 * MIB  # bytes of a member
_MOST = 96 * MIB  # bytes that are decoded ahead; they stay below what is kept of a container
_LOOKED_AT = 256  # members that are looked at for some to decode


def decoded_ahead(files: Sequence[Node]) -> Iterator[Node]:
    """The same nodes in the same order.  Only executables' contents are decoded ahead: of other members an audit reads the first bytes.

    Decoding begins with the call, before the first node is asked for: whoever has something else to do meanwhile does it in between. zlib decodes
    outside of Python's lock, so that two processors work.  What cannot be decoded is left to whoever reads it.
    """
    ahead = _Ahead(files)
    ahead.submit(0)
    return ahead.nodes()


class _Ahead:
    def __init__(self, files: Sequence[Node]) -> None:
        self._files = files
        self._pool = ThreadPoolExecutor(max_workers=2)  # its threads end with it, also where no node is ever asked for
        self._pending: dict[str, Future[None]] = {}
        self._left = _MOST
        self._position = 0

    def submit(self, index: int) -> None:
        """Have as many members decoded as may be, from the one at ``index`` on."""
        self._position = max(self._position, index)
        while self._position < len(self._files) and self._position - index < _LOOKED_AT and self._left > 0:
            following = self._files[self._position]
            self._position += 1
            if following.is_executable and _WORTH_IT <= following.size <= _LARGEST and not _is_decoded(following):
                self._left -= following.size
                self._pending[following.path] = self._pool.submit(_decode, following)

    def nodes(self) -> Iterator[Node]:
        try:
            for index, node in enumerate(self._files):
                self.submit(index)
                future = self._pending.pop(node.path, None)
                if future is not None:
                    future.result()
                    self._left += node.size
                yield node
        finally:
            self._pool.shutdown(cancel_futures=True)


def _is_decoded(node: Node) -> bool:
    return isinstance(node.content, ZlibMember) and node.content.is_decoded


def _decode(node: Node) -> None:
    try:
        if node.content is None and node.opener is not None:
            node.content = node.opener()
        if isinstance(node.content, ZlibMember):
            node.content.decode(hardly_read=code_ranges)
            if node.content.is_in_part:
                node.content.let_go(debug_ranges(node.content))
    except (FormatError, OSError):
        return
