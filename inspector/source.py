"""Random access to bytes, wherever they lie.

A file descriptor, a member of another artifact and a range of either are all a :class:`Source`; nesting needs nothing else.
``pread`` and not mmap: a file that is truncated while it is read must not become SIGBUS.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol, Self


class Source(Protocol):
    """Bytes that can be read at any offset."""

    @property
    def size(self) -> int:
        """Length in bytes."""
        ...

    def read_at(self, offset: int, length: int) -> bytes:
        """Bytes ``[offset, offset + length)``, fewer only where the source ends.

        :raises FormatError: where the bytes are a member of a container that cannot be decoded.
        :raises OSError: where the medium fails.
        """
        ...


class FileSource:
    """A regular file, read by ``pread``.  Use as a context manager, or call :meth:`close`."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._descriptor = -1  # so that __del__ finds it when open() fails
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.size = os.fstat(self._descriptor).st_size
        except OSError:
            self.close()
            raise
        self.path = Path(path)

    def read_at(self, offset: int, length: int) -> bytes:
        """See :class:`Source`."""
        if offset < 0 or length <= 0:
            return b""
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        chunk = os.pread(self._descriptor, length, offset)
        if len(chunk) == length or not chunk:
            return chunk
        parts = [chunk]  # a pread may be cut short by a signal, a pipe file system or the 2 GiB limit of read(2)
        done = len(chunk)
        while done < length and (chunk := os.pread(self._descriptor, length - done, offset + done)):
            parts.append(chunk)
            done += len(chunk)
        return b"".join(parts)

    def close(self) -> None:
        """Give the descriptor back; reading afterwards raises OSError."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


class BytesSource:
    """Bytes in memory as a :class:`Source`."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size = len(content)

    def read_at(self, offset: int, length: int) -> bytes:
        """See :class:`Source`."""
        if offset < 0 or length <= 0:
            return b""
        return self._content[offset : offset + length]


class SliceSource:
    """The range ``[offset, offset + size)`` of another source, as a :class:`Source` of its own."""

    def __init__(self, source: Source, offset: int, size: int | None = None) -> None:
        available = max(source.size - offset, 0)
        self._source = source
        self._offset = offset
        self.size = available if size is None else min(size, available)

    def read_at(self, offset: int, length: int) -> bytes:
        """See :class:`Source`."""
        if offset < 0:
            return b""
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        return self._source.read_at(self._offset + offset, length)
