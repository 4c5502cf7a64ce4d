"""What PyInstaller makes: the archive behind or inside its bootloader, and the archive of modules in it."""

from inspector.formats.pyinstaller.archive import Entry, PyInstallerArchive, archive_of, read_archive
from inspector.formats.pyinstaller.cookie import Cookie, find_cookie
from inspector.formats.pyinstaller.module_archive import ArchivedModule, ModuleArchive, read_module_archive

__all__ = [
    "ArchivedModule",
    "Cookie",
    "Entry",
    "ModuleArchive",
    "PyInstallerArchive",
    "archive_of",
    "find_cookie",
    "read_archive",
    "read_module_archive",
]
