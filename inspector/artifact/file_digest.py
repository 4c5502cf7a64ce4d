"""The sha256 of a file, taken beside other work."""

from __future__ import annotations

from hashlib import sha256
from threading import Thread

from inspector.source import Source

_STEP = 1 << 20


class FileDigest(Thread):
    """Hashes a source as it lies on disk; hashing and pread release the interpreter's lock, so it costs an audit nearly nothing.

    To be started where no other process is forked any more (:class:`inspector.forked_work.ForkedWork`). Give the source back only after :meth:`end`.

    :ivar value: hexadecimal, once ended; None where it was not started, there is no file (a directory), or it could not be read to its end.
    """

    def __init__(self, source: Source | None) -> None:
        super().__init__(name="sha256", daemon=True)
        self._source = source
        self.value: str | None = None

    def end(self) -> None:
        """Wait for it, if it was started."""
        if self.ident is not None:
            self.join()

    def run(self) -> None:
        """Read and hash the whole file."""
        if self._source is None:
            return
        digest = sha256()
        try:
            for offset in range(0, self._source.size, _STEP):
                digest.update(self._source.read_at(offset, _STEP))
        except OSError:
            return
        self.value = digest.hexdigest()
