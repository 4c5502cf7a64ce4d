"""What to call a file that no reader knows, so that its owner sees what went wrong."""

from __future__ import annotations

from inspector.formats.iso9660 import has_volume
from inspector.source import Source

_GIVE = "see what can be given: inspect formats"
_UNPACK = "unpack it and audit the directory"

# (first bytes, what the file is, what to do) of what no reader opened: other formats, and some that are opened when they are whole.
# Registered types of the IANA, and each format's own specification
_BEGINNINGS = (
    (b"DWARFS", "a bare DwarFS image", _UNPACK),
    (b"\x04\x22\x4d\x18", "an lz4 file", _UNPACK),
    (b"LZIP", "an lzip file", _UNPACK),
    (b"\x1f\x9d", "a file of compress(1)", _UNPACK),
    (b"\x1f\x8b", "a gzip file without an archive in it", _UNPACK),
    (b"\xfd7zXZ\0", "an xz file without an archive in it", _UNPACK),
    (b"BZh", "a bzip2 file without an archive in it", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd file without an archive in it", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"MSCF", "a cabinet file", _UNPACK),
    (b"!<arch>\n", "an ar archive, such as a static library", _UNPACK),
    (b"!<thin>\n", "a thin ar archive", _UNPACK),
    (b"MZ", "a Windows program", _GIVE),
    (b"\xcf\xfa\xed\xfe", "a macOS program", _GIVE),
    (b"\xca\xfe\xba\xbe", "a macOS program or a Java class", _GIVE),
    (b"version https://git-lfs.github.com/spec/", "a Git LFS pointer", "run: git lfs pull"),
    (b"#!", "a script", "give the program or the directory that it starts"),
)


def named_kinds() -> tuple[str, ...]:
    """What a file can be called without being opened, with an article each."""
    return tuple(what for _, what, _ in _BEGINNINGS)


def describe(head: bytes, source: Source) -> tuple[str, str]:
    """What the file seems to be, with an article, and what its owner can do.

    :param head: the first bytes, some thousand.
    """
    for beginning, what, hint in _BEGINNINGS:
        if head.startswith(beginning):
            return what, hint
    if has_volume(source):
        return "an ISO 9660 image without an AppImage runtime", _UNPACK
    if head[257:262] == b"ustar":  # POSIX.1-1988, "ustar Interchange Format"
        return "a tar archive", _UNPACK
    if head[:512].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "an HTML page", "the download probably brought an error page instead of the file"
    if not head.strip(b"\0"):
        return "a file that begins with zeros only", "the download or the copy was probably cut off"
    if _is_text(head):
        return "a text file", _GIVE
    return "of an unknown kind", _GIVE


def _is_text(head: bytes) -> bool:
    for cut in range(4):  # the last character may be cut off
        try:
            text = head[: len(head) - cut].decode()
        except UnicodeDecodeError:
            continue
        return all(character.isprintable() or character in "\t\n\r\f\x1b" for character in text)
    return False
