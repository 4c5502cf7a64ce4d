"""What PyInstaller's bootloader was told when the program was built, and what it does before the application runs."""

from __future__ import annotations

from inspector.artifact.names import text_of
from inspector.errors import FormatError
from inspector.formats.elf import ElfFile
from inspector.formats.pyinstaller import PyInstallerArchive
from inspector.limits import KIB
from inspector.result import EnvelopeInfo, RuntimeInfo, SplashScreenInfo
from inspector.source import Source

HEAD = 256 * KIB
"""Bytes in which a bootloader's own strings lie."""

_MARKS = (b"_MEIPASS2", b"_PYI_ARCHIVE_FILE", b"_PYI_APPLICATION_HOME_DIR")  # variables that the bootloaders know
_TEMPORARY = "/tmp/_MEIxxxxxx"  # noqa: S108 -- what the bootloader makes; nothing is written there by us
_TEMPORARY_OPTION = "pyi-runtime-tmpdir "
_FOLDER_OPTION = "pyi-contents-directory "
_SPLASH_NAMES = (
    128  # bytes at the start of a splash screen's resources in which both libraries are named; seen in 5.13 and 6.22
)


def is_bootloader(source: Source) -> bool:
    """Whether a program has the names of variables that PyInstaller's bootloaders know.

    :raises FormatError: where it cannot be decoded.
    """
    head = source.read_at(0, min(HEAD, source.size))
    return any(mark in head for mark in _MARKS)


def envelope_of(archive: PyInstallerArchive, elf: ElfFile, prefix: str = "") -> EnvelopeInfo:
    """What lies around the members: the bootloader, what it was told, and the archive's size.

    :param prefix: of the members' tree paths, "app!/" inside a folder.
    """
    cookie = archive.cookie
    compressed = any(entry.compressed for entry in archive.entries)
    splash = archive.splash
    return EnvelopeInfo(
        runtime=RuntimeInfo(
            kind="PyInstaller bootloader",
            compressors=("zlib",),
            needs=elf.needed,
            linkage=elf.linkage,
        ),
        payload_size=cookie.end - cookie.start,
        compression="zlib" if compressed else None,
        options=archive.options,
        splash_screen=None
        if splash is None
        else SplashScreenInfo(
            member=prefix + text_of(splash.name), size=splash.size, libraries=splash_libraries(archive)
        ),
    )


def splash_libraries(archive: PyInstallerArchive) -> tuple[str, ...]:
    """File names of Tcl and Tk, which the bootloader loads from among the members to show a splash screen; none where there is no such screen.

    They are no roots: where they cannot be loaded the bootloader says so and starts the program (seen of 5.13 and 6.22).
    """
    splash = archive.splash
    if splash is None:
        return ()
    try:
        head = archive.open(splash).read_at(0, min(splash.size, _SPLASH_NAMES))
    except FormatError:
        return ()  # whoever reads all members says that this one is damaged
    names = [name for name in head.split(b"\0") if name][:2]
    return tuple(text_of(name) for name in names if b".so" in name)


def says_contents_folder(archive: PyInstallerArchive) -> bool:
    """Whether the program says where a folder's contents lie, as those of PyInstaller 6 do."""
    return any(option.startswith(_FOLDER_OPTION) for option in archive.options)


def contents_folder(archive: PyInstallerArchive) -> str:
    """The directory beside the program that holds its members; "" for the program's own (before PyInstaller 6)."""
    for option in archive.options:
        if option.startswith(_FOLDER_OPTION):
            folder = option[len(_FOLDER_OPTION) :].strip()
            return "" if folder in (".", "") else folder
    return ""


def members_at(archive: PyInstallerArchive) -> str:
    """The directory that a one-file program unpacks its members into."""
    for option in archive.options:
        if option.startswith(_TEMPORARY_OPTION):
            return option[len(_TEMPORARY_OPTION) :].rstrip("/") + "/_MEIxxxxxx"
    return _TEMPORARY
