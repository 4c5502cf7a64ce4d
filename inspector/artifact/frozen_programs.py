"""Programs made by freezers, in the order in which they are told apart."""

from __future__ import annotations

from inspector.artifact import frozen_python, nuitka, payload_programs, pyinstaller, pyinstaller_folder, pyoxidizer
from inspector.artifact.reader import DirectoryReader, Reader

READERS: tuple[Reader, ...] = (
    pyinstaller.READER,
    nuitka.READER,
    pyoxidizer.READER,
    frozen_python.READER,
    *payload_programs.READERS,
)
"""In front of plain ELF files, behind AppImages: an image that is stored uncompressed may hold any of these."""

DIRECTORY_READERS: tuple[DirectoryReader, ...] = (pyinstaller_folder.READER, pyoxidizer.FOLDER_READER)
"""Folders that freezers make."""
