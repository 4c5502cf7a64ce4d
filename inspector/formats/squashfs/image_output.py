"""The file that an image is written to, seen from the image's start."""

from __future__ import annotations

from typing import BinaryIO

_PADDING = 4096  # mksquashfs fills an image up to this, as a block device has whole pages only


class ImageOutput:
    """Writes at the end of the image; positions are in bytes from the image's start.

    :param target: seekable and writable; the image starts at ``start`` of it.
    :ivar position: where the next byte goes.
    """

    def __init__(self, target: BinaryIO, start: int) -> None:
        self._target = target
        self._start = start
        self.position = 0
        target.seek(start)

    def write(self, content: bytes) -> int:
        """Append; the position of the first byte.

        :raises OSError: as the target does, such as ENOSPC.
        """
        position = self.position
        left = memoryview(content)
        while left:
            written = self._target.write(left)  # a raw file may write less than it is given
            left = left[written:]
        self.position += len(content)
        return position

    def finish(self, superblock: bytes) -> int:
        """Pad the image, write its superblock over its first bytes and go to its end; its length with the padding."""
        self.write(bytes(-self.position % _PADDING))
        end = self.position
        self._target.seek(self._start)
        self.position = 0
        self.write(superblock)
        self._target.seek(self._start + end)
        self.position = end
        return end
