"""What is asked of a rebuild, and what came of it: values only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct, field

Finish = Callable[[Path], None]
"""Work that needs the output's final name: the ``.zsync`` beside it."""


def nothing_more(path: Path) -> None:
    """No work after the output has its name."""
    del path


class RebuildOptions(Struct, frozen=True, kw_only=True):
    """What of a request concerns the container.

    :ivar recompress: compressor and level of the image ("zstd:22"); None: the old image's, unchanged blocks copied.
    :ivar runtime: path of a runtime, or of an AppImage that has one.
    :ivar sign: the GPG key that signs the output.
    :ivar force: whether a ``.zsync`` that lies where the output's belongs is replaced.
    """

    recompress: str | None = None
    runtime: str | None = None
    sign: str | None = None
    force: bool = False


class RebuildOutcome(Struct, frozen=True):
    """What a rebuild did.

    :ivar notices: what the user ought to know ("the signature is gone").
    :ivar finish: called with the output's path once it has its name.
    :ivar bytes_copied: stored bytes that were taken over from the input as they were; ``bytes_compressed`` those that were made anew.
    """

    notices: tuple[str, ...] = ()
    finish: Finish = field(default=nothing_more)
    bytes_copied: int = 0
    bytes_compressed: int = 0
