"""Which file a system's loader finds for a name when nothing but the system's own places is searched.

glibc reads ``/etc/ld.so.cache`` and then the directories that were compiled into it (elf/dl-load.c, ``_dl_map_object``); musl reads
``/etc/ld-musl-<arch>.path`` or has three of its own (ldso/dynlink.c).  The loader's file is read for these directories, never started.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from inspector.errors import FormatError
from inspector.facts.hosts.root_directory import RootDirectory
from inspector.formats.ld_so_cache import read_ld_so_cache
from inspector.patterns import lazy_pattern

_LARGEST_CACHE = 64 << 20
_LARGEST_LOADER = 16 << 20
_MOST_CONFIGURATION_FILES = 1000

_LONGEST_DIRECTORY = 200
_MUSL_DIRECTORIES = ("/lib", "/usr/local/lib", "/usr/lib")
_LDCONFIG_NAME = lazy_pattern(r"(?:lib|ld-).*\.so")  # elf/ldconfig.c, search_dir
_FALLBACK = ("/lib64", "/usr/lib64", "/lib", "/usr/lib")


def glibc_candidates(root: RootDirectory, loader: str | None) -> Iterator[tuple[str, str]]:
    """``(name, path)`` in the order in which the loader tries them; several paths may stand for one name.

    Libraries below ``glibc-hwcaps`` are left out: what the processor has is no property of the system.
    Where there is no cache, the directories of ``/etc/ld.so.conf`` are taken as ldconfig would take them.
    """
    cache = root.read("/etc/ld.so.cache", _LARGEST_CACHE)
    try:
        entries = read_ld_so_cache(cache or b"")
    except FormatError:
        for directory in configured_directories(root):
            yield from ((name, f"{directory}/{name}") for name in root.names(directory) if _LDCONFIG_NAME.match(name))
    else:
        yield from ((entry.name, entry.path) for entry in entries if not entry.hwcap)
    for directory in system_directories(root, loader):
        yield from ((name, f"{directory}/{name}") for name in root.names(directory) if ".so" in name)


def musl_candidates(root: RootDirectory, architecture: str) -> Iterator[tuple[str, str]]:
    """As :func:`glibc_candidates`; the first path of a name decides, whatever lies there."""
    configured = root.text(f"/etc/ld-musl-{architecture}.path")
    directories = [part for part in re.split(r"[\n:]", configured) if part] or list(_MUSL_DIRECTORIES)
    for directory in directories:
        yield from ((name, f"{directory.rstrip('/')}/{name}") for name in root.names(directory) if ".so" in name)


def system_directories(root: RootDirectory, loader: str | None) -> list[str]:
    """The directories that glibc's loader was built with, in its order."""
    content = (root.read(loader, _LARGEST_LOADER) or b"") if loader else b""
    row: list[str] = []
    for text in content.split(b"\0"):
        # elf/dl-load.c, system_dirs: the directories one behind the other, each with a slash and a NUL at its end
        if text.startswith(b"/") and text.endswith(b"/") and b"lib" in text and len(text) < _LONGEST_DIRECTORY:
            row.append(os.fsdecode(text).rstrip("/"))
        elif len(row) > 1:
            return row
        else:
            row.clear()
    return list(_FALLBACK)


def configured_directories(root: RootDirectory) -> list[str]:
    """The directories of ``/etc/ld.so.conf`` and what it includes (ldconfig(8)), each once."""
    found: dict[str, None] = {}
    pending = ["/etc/ld.so.conf"]
    seen: set[str] = set()
    while pending and len(seen) < _MOST_CONFIGURATION_FILES:
        file = pending.pop(0)
        if file in seen:
            continue
        seen.add(file)
        for written in root.text(file).splitlines():
            line = written.partition("#")[0].strip()
            if line.startswith(("include ", "include\t")):
                for pattern in line.split()[1:]:
                    pending += _matches(
                        root, pattern if pattern.startswith("/") else f"{file.rpartition('/')[0]}/{pattern}"
                    )
            elif line.startswith("/"):
                found.setdefault(line.partition("=")[0].rstrip("/"))
    return list(found)


def _matches(root: RootDirectory, pattern: str) -> list[str]:
    directory, _, last = pattern.rpartition("/")
    return [
        f"{directory}/{name}" for name in root.names(directory) if fnmatchcase(name, last) and not name.startswith(".")
    ]
