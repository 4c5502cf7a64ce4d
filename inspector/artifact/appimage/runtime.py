"""The executable part in front of an AppImage's payload: which one it is, what it reads and what it wants from the host.

Decided by what is in the file; the catalogue ``rules/appimage/runtimes.toml`` says what to look for.  What a known kind reads is known from its build
files and is true of the official builds; of an unknown kind only that is said which its own bytes show.
"""

from __future__ import annotations

import re
from typing import Any

from inspector.formats.elf import ElfFile
from inspector.resources import load_table
from inspector.result import RuntimeInfo
from inspector.source import Source

_LARGEST_RUNTIME = 16 << 20  # uruntime, the largest known, has some 5 MB; what lies behind it is not looked at
UPDATE_INFORMATION, SIGNATURE, SIGNATURE_KEY, DIGEST = ".upd_info", ".sha256_sig", ".sig_key", ".digest_md5"
_LARGEST_SECTION = 64 * 1024  # the largest of them, .sig_key, has 8192 bytes


def identify_runtime(elf: ElfFile, source: Source, size: int) -> RuntimeInfo:
    """What the first ``size`` bytes of ``source`` are."""
    content = source.read_at(0, min(size, _LARGEST_RUNTIME))
    table = load_table("appimage/runtimes.toml")
    known = next((entry for entry in table["runtime"] if _fits(entry, elf, content)), None)
    if known is None:
        compressors = [
            trace["compressor"]
            for trace in table["trace"]
            if _contains(content, trace["strings"]) or set(elf.needed) & set(trace["needed"])
        ]
        opened = [
            name for name in ("libfuse.so.2", "libfuse3.so.3") if name.encode() in content and name not in elf.needed
        ]
        return RuntimeInfo(
            kind="unknown", compressors=tuple(compressors), needs=(*elf.needed, *opened), linkage=elf.linkage
        )
    opened = [name for name in known.get("opens", ()) if name not in elf.needed]
    return RuntimeInfo(
        kind=known["kind"],
        version=_version(known, content),
        compressors=tuple(known["compressors"]),
        needs=(*elf.needed, *opened, *known.get("programs", ())),
        linkage=elf.linkage,
    )


def section_text(elf: ElfFile, source: Source, name: str) -> bytes:
    """A section's bytes up to the first NUL, blanks around it removed; nothing where there is no such section.

    Sections are found by name and read at their place in the file, as static runtimes map them and old ones do not.
    """
    return section_bytes(elf, source, name).partition(b"\0")[0].strip()


def section_bytes(elf: ElfFile, source: Source, name: str) -> bytes:
    """A section's bytes; nothing where there is no such section in the file."""
    section = elf.section(name)
    if section is None or not section.occupies_file:
        return b""
    return source.read_at(section.offset, min(section.size, _LARGEST_SECTION))


def stored_digest(elf: ElfFile, source: Source) -> str | None:
    """``.digest_md5`` as 32 hexadecimal digits, or None where there is none or it was never filled.

    It is neither an integrity nor an identity proof: the program that computes it skips parts of the payload (appimagetool, src/digest.c).
    """
    digest = section_bytes(elf, source, DIGEST)[:16]
    return digest.hex() if len(digest) == 16 and any(digest) else None


def _fits(entry: dict[str, Any], elf: ElfFile, content: bytes) -> bool:
    if "needed" in entry and not set(entry["needed"]) & set(elf.needed):
        return False
    if "sections" in entry and not any(elf.section(name) is not None for name in entry["sections"]):
        return False
    return "strings" not in entry or _contains(content, entry["strings"])


def _contains(content: bytes, texts: list[str]) -> bool:
    return any(text.encode() in content for text in texts)


def _version(entry: dict[str, Any], content: bytes) -> str | None:
    for pattern in entry.get("version", ()):
        found = re.search(pattern.encode(), content)
        if found is not None:
            return found[1].decode("utf-8", "backslashreplace")
    return None
