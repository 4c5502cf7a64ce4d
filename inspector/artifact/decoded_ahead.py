"""Members that are read one after the other, each decoded in another thread while the one before is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from inspector.artifact.tree import Node
from inspector.errors import FormatError
from inspector.formats.zlib_member import ZlibMember
from inspector.limits import KIB, MIB

_WORTH_IT = 64 * KIB  # bytes; what is smaller is decoded before another thread has woken up
_MOST = 48 * MIB  # bytes that are decoded ahead; they stay below what is kept of a container
_LOOKED_AT = 256  # members that are looked at for some to decode


def decoded_ahead(files: Sequence[Node]) -> Iterator[Node]:
    """The same nodes in the same order.  Only executables' contents are decoded ahead: of other members an audit reads the first bytes.

    zlib decodes outside of Python's lock, so that two processors work.  What cannot be decoded is left to whoever reads it.
    """
    pending: dict[str, Future[None]] = {}
    left = _MOST
    position = 0
    with ThreadPoolExecutor(max_workers=2) as pool:
        try:
            for index, node in enumerate(files):
                position = max(position, index)
                while position < len(files) and position - index < _LOOKED_AT and left > 0:
                    following = files[position]
                    position += 1
                    if following.is_executable and _WORTH_IT <= following.size <= _MOST:
                        left -= following.size
                        pending[following.path] = pool.submit(_decode, following)
                future = pending.pop(node.path, None)
                if future is not None:
                    future.result()
                    left += node.size
                yield node
        finally:
            pool.shutdown(cancel_futures=True)


def _decode(node: Node) -> None:
    try:
        if node.content is None and node.opener is not None:
            node.content = node.opener()
        if isinstance(node.content, ZlibMember):
            node.content.decode()
    except (FormatError, OSError):
        return
