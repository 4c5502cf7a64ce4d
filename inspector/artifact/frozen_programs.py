"""Programs made by freezers, in the order in which they are told apart."""

from __future__ import annotations

from inspector.artifact import pyinstaller
from inspector.artifact.reader import Reader

READERS: tuple[Reader, ...] = (pyinstaller.READER,)
"""In front of plain ELF files, behind AppImages: an image that is stored uncompressed may hold any of these."""
