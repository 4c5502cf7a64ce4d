"""The files at the root of an AppDir: AppRun, one desktop file, its icon and .DirIcon (AppImageSpec draft, "AppDir")."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

ICON_SIDE = 256


@dataclass(frozen=True, slots=True)
class Application:
    """What a desktop file says about an application."""

    identifier: str
    """Name of the desktop file, the icon and the command."""
    title: str
    categories: str
    """Main categories of the freedesktop.org menu specification, each followed by a semicolon."""
    colour: tuple[int, int, int]
    terminal: bool = False


def write_root_files(appdir: Path, application: Application, apprun: str) -> None:
    """Write AppRun with the text ``apprun``, the desktop file, and a square icon in its hicolor directory and at the root."""
    start = appdir / "AppRun"
    start.write_text(apprun, encoding="utf-8")
    start.chmod(0o755)
    name = application.identifier
    desktop = (
        "[Desktop Entry]\nType=Application\n"
        f"Name={application.title}\nExec={name}\nIcon={name}\nCategories={application.categories}\n"
        f"Terminal={'true' if application.terminal else 'false'}\n"
    )
    menu = appdir / "usr/share/applications"
    icons = appdir / f"usr/share/icons/hicolor/{ICON_SIDE}x{ICON_SIDE}/apps"
    for directory in (menu, icons):
        directory.mkdir(parents=True, exist_ok=True)
    (menu / f"{name}.desktop").write_text(desktop, encoding="utf-8")
    (icons / f"{name}.png").write_bytes(icon(application.colour))
    (appdir / f"{name}.desktop").symlink_to(f"usr/share/applications/{name}.desktop")
    (appdir / f"{name}.png").symlink_to(f"usr/share/icons/hicolor/{ICON_SIDE}x{ICON_SIDE}/apps/{name}.png")
    (appdir / ".DirIcon").symlink_to(f"{name}.png")


def remove_root_files(appdir: Path) -> None:
    """Remove what ``write_root_files`` wrote, for an AppDir that is made from another."""
    for entry in appdir.iterdir():
        if entry.name != "usr":
            entry.unlink()
    for pattern in ("usr/share/applications/*.desktop", "usr/share/icons/hicolor/*/apps/*.png"):
        for entry in appdir.glob(pattern):
            entry.unlink()


def icon(colour: tuple[int, int, int], side: int = ICON_SIDE) -> bytes:
    """A PNG of a filled circle, 8-bit RGBA (PNG specification, third edition)."""
    rows = bytearray()
    centre, radius = (side - 1) / 2, side * 0.45
    for y in range(side):
        half = int(max(0.0, radius**2 - (y - centre) ** 2) ** 0.5)
        left = (side - 2 * half) // 2
        rows += b"\0" + bytes(4 * left) + bytes((*colour, 255)) * (side - 2 * left) + bytes(4 * left)
    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
