"""A profile of a real system, from its root directory: the running one, an unpacked image, a debootstrap tree.

Everything is read as files; nothing of the system is executed, and no chroot is needed.  What stands there is what its loader would find when
nothing but the default places is searched, with all that the loader would read of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inspector.errors import FormatError, UsageError
from inspector.facts.hosts.package_owners import owner_of, package_owners
from inspector.facts.hosts.profile_file import profile_from_document
from inspector.facts.hosts.profile_schema import SCHEMA
from inspector.facts.hosts.root_directory import RootDirectory
from inspector.facts.loading.default_search import glibc_candidates, musl_candidates
from inspector.formats.elf import ElfFile, page_sizes, read_elf
from inspector.formats.elf.dynamic import DF_1_PIE
from inspector.loader.host_profile import HostProfile
from inspector.loader.objects import ARCHITECTURES
from inspector.loader.search_path import directories
from inspector.patterns import lazy_pattern
from inspector.source import FileSource

_LOADERS = {
    "x86_64": "/lib64/ld-linux-x86-64.so.2",
    "aarch64": "/lib/ld-linux-aarch64.so.1",
    "i686": "/lib/ld-linux.so.2",
    "armv7l": "/lib/ld-linux-armhf.so.3",
    "ppc64le": "/lib64/ld64.so.2",
    "s390x": "/lib/ld64.so.1",
    "riscv64": "/lib/ld-linux-riscv64-lp64d.so.1",
    "loongarch64": "/lib64/ld-linux-loongarch-lp64d.so.1",
}
"""glibc's loader by architecture (https://sourceware.org/glibc/wiki/ABIList); musl's is ``/lib/ld-musl-<arch>.so.1``."""
_PROGRAMS = ("/bin/sh", "/usr/bin/env", "/bin/busybox", "/bin/bash", "/usr/bin/dpkg", "/usr/bin/rpm", "/sbin/apk")
_HELPERS = ("fusermount", "fusermount3")
_HELPER_DIRECTORIES = ("/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin", "/sbin")
_LARGEST_LIBC = 64 << 20
_GLIBC_VERSION = lazy_pattern(rb"GNU C Library [^\n\0]{0,200}release version (\d+\.\d+(?:\.\d+)?)")
_MUSL_VERSION = lazy_pattern(rb"\0(\d\.\d{1,3}\.\d{1,3}(?:[-_.][\w.+-]{0,40})?)\0")
_UNSPEAKABLE = lazy_pattern("[\\s\\x00-\\x20\\x7f-\\xa0\ud800-\udfff]")
"""White space, control characters, and what stands for bytes of a file name that are not UTF-8 (PEP 383)."""
_ASSUMED_PAGE_SIZE = 4096


def capture(root: str | os.PathLike[str], *, arch: str | None = None, id_: str | None = None) -> HostProfile:
    """The system whose root directory this is.

    :param root: "/" for the running system.
    :param arch: ``uname -m`` of the libraries that are wanted; by default that of the system's shell.
    :param id_: the profile's id; by default what ``/etc/os-release`` says ("debian-12").
    :raises UsageError: where there is no such directory, or no C library in it that is known here.
    """
    if not Path(root).is_dir():
        raise UsageError(
            f"{os.fspath(root)} is no directory", "name the root directory of a system, or nothing for this one"
        )
    directory = RootDirectory(root)
    loader, arch = _loader(directory, arch)
    libc = "musl" if "ld-musl" in loader else "glibc"
    release = _os_release(directory)
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "id": id_ or _id(release),
        "name": release.get("PRETTY_NAME") or release.get("NAME") or "a captured system",
        "arch": arch,
        "libc": libc,
        "basis": "captured",
        "complete": True,
        "page_sizes": list(page_sizes(arch)) if len(page_sizes(arch)) == 1 else [_ASSUMED_PAGE_SIZE],
        "file": _files(
            directory,
            musl_candidates(directory, arch) if libc == "musl" else glibc_candidates(directory, loader),
            arch,
            libc,
        ),
    }
    document["libc_version"] = _libc_version(directory, document["file"], loader, libc)
    if arch == "x86_64":
        levels = [facts.get("isa_level", 0) for facts in document["file"].values() if _is_libc(facts["found"])]
        document["isa_level"] = max([*levels, 1])
    if directory.is_own:
        document["kernel"] = os.uname().release
        document["page_sizes"] = [os.sysconf("SC_PAGESIZE")]
    document["programs"] = {
        name: "minimal"
        for name in _HELPERS
        if any(directory.regular_file(f"{place}/{name}") is not None for place in _HELPER_DIRECTORIES)
    }
    return profile_from_document(document)


def _loader(directory: RootDirectory, wanted: str | None) -> tuple[str, str]:
    """The loader's path and the architecture."""
    if wanted is not None and wanted not in ARCHITECTURES:
        raise UsageError(
            f"{wanted} is none of the architectures that are known here", f"there are {', '.join(ARCHITECTURES)}"
        )
    for program in _PROGRAMS:
        elf = _read(directory, program, load_symbols=False)
        if elf is None or not elf.interpreter or elf.arch not in ARCHITECTURES or wanted not in (None, elf.arch):
            continue
        if directory.regular_file(elf.interpreter) is not None:
            return elf.interpreter, elf.arch
    for arch in (wanted,) if wanted else ARCHITECTURES:
        own = (_LOADERS[arch], f"/lib/ld-musl-{arch}.so.1")
        for loader in (*own, *(f"/usr{path}" for path in own)):  # packages of a merged /usr do not hold the link /lib
            if directory.regular_file(loader) is not None:
                return loader, arch
    what = f"no C library of {wanted}" if wanted else "no C library"
    raise UsageError(
        f"there is {what} in this root directory", "name the directory that holds etc, lib and usr of a Linux system"
    )


def _files(
    directory: RootDirectory, candidates: Iterator[tuple[str, str]], arch: str, libc: str
) -> dict[str, dict[str, Any]]:
    """The table ``file`` of the profile."""
    owners = package_owners(directory)
    found: dict[str, tuple[str, str]] = {}  # name: path and resolved path
    elfs: dict[str, ElfFile | None] = {}
    decided: set[str] = set()
    for name, path in candidates:
        if name in decided or _UNSPEAKABLE.search(path) or _UNSPEAKABLE.search(name):
            continue  # no DT_NEEDED of a bundle asks for a name with a blank in it
        real = directory.regular_file(path)
        if real is None or _UNSPEAKABLE.search(real):
            continue
        if real not in elfs:
            elfs[real] = _read(directory, real)
        elf = elfs[real]
        fits = elf is not None and elf.has_dynamic and elf.arch == arch
        if fits or libc == "musl":
            decided.add(
                name
            )  # musl's search ends at the first file of a name, whatever it is; glibc's goes past other architectures
        if fits:
            found[name] = (path, real)
    if libc == "glibc":
        _follow_search_paths(directory, found, elfs, arch)
    files: dict[str, dict[str, Any]] = {}
    for name, (path, real) in sorted(found.items()):
        elf = elfs[real]
        if elf is None:
            continue
        if real not in files:
            files[real] = _facts(elf)
            package = owner_of(owners, real, path)
            if package is not None and not _UNSPEAKABLE.search(package):
                files[real]["package"] = package
        files[real]["found"].append(path if path.rpartition("/")[2] == name else f"{name}={path}")
    return files


def _follow_search_paths(
    directory: RootDirectory, found: dict[str, tuple[str, str]], elfs: dict[str, ElfFile | None], arch: str
) -> None:
    """Add what libraries of the system find by their own RPATH or RUNPATH, under its path: no other object finds it by its name.

    libpulse.so.0 with libpulsecommon in ``/usr/lib/<multiarch>/pulseaudio`` is the usual one.
    """
    queue = list(found.values())
    of_libc = found.get("libc.so.6", ("/lib/libc.so.6", ""))[0]
    lib = (of_libc.rpartition("/")[0].removeprefix("/usr").strip("/"),)  # what $LIB means there
    for path, real in queue:
        elf = elfs[real]
        text = (elf.runpath or elf.rpath) if elf is not None else None
        if elf is None or not text:
            continue
        origin = path.rpartition("/")[0]
        for place in directories(text, label="", origin=origin, platform=arch, lib=lib):
            for name in elf.needed:
                there = f"{place.path}/{name}"
                if "/" in name or there in found or not there.startswith("/") or _UNSPEAKABLE.search(there):
                    continue
                behind = directory.regular_file(there)
                if behind is None or _UNSPEAKABLE.search(behind):
                    continue
                if behind not in elfs:
                    elfs[behind] = _read(directory, behind)
                dependency = elfs[behind]
                if dependency is not None and dependency.has_dynamic and dependency.arch == arch:
                    found[there] = (there, behind)
                    queue.append((there, behind))


def _read(directory: RootDirectory, path: str, *, load_symbols: bool = True) -> ElfFile | None:
    real = directory.regular_file(path)
    if real is None:
        return None
    try:
        with FileSource(directory.outside(real)) as source:
            return read_elf(source, load_symbols=load_symbols, load_sections=False)
    except (FormatError, OSError):
        return None  # a linker script, a text, a file that may not be read: nothing that the loader could load for us


def _facts(elf: ElfFile) -> dict[str, Any]:
    """What the profile says of a file, but for its names and package."""
    paths = {"soname": elf.soname, "rpath": elf.rpath, "runpath": elf.runpath}
    facts: dict[str, Any] = {"found": []} | {key: text for key, text in paths.items() if text is not None}
    flags = {
        "position_independent_program": elf.type == "EXEC" or bool(elf.flags_1 & DF_1_PIE),
        "no_open": elf.noopen,
        "nodeflib": elf.nodeflib,
        "executable_stack": elf.stack_is_executable,
        "has_relr": elf.has_relr,
    }
    try:
        exports = {
            f"{symbol.name}{'@@' if symbol.default else '@'}{symbol.version}" if symbol.version else symbol.name
            for symbol in elf.symbols.exported()
        }
        imports = {
            f"{symbol.name}@{symbol.version}" if symbol.version else symbol.name
            for symbol in elf.symbols.imported()
            if not symbol.weak
        }
    except FormatError:  # more names than Limits.elf_tables: such a library is kept without them
        exports, imports = set(), set()
    words: dict[str, list[str]] = {
        "needed": list(elf.needed),
        "requirements": [f"{row.library}:{row.version}{'?' if row.weak else ''}" for row in elf.verneed],
        "definitions": sorted({row.name for row in elf.verdef if not row.is_base}),
        "exports": sorted(exports),
        "imports": sorted(imports),
        "flags": [name for name, is_set in flags.items() if is_set],
    }
    for key, several in words.items():
        joined = " ".join(_word(text) for text in several if text)
        if joined:
            facts[key] = joined
    facts["largest_page_size"] = elf.largest_page_size
    if elf.notes.x86_64_level:
        facts["isa_level"] = elf.notes.x86_64_level
    return facts


def _word(text: str) -> str:
    """A name without white space and control characters: no compiler writes them, and a profile separates names by blanks."""
    if text.isascii() and text.isprintable() and " " not in text:
        return text
    return _UNSPEAKABLE.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def _is_libc(found: list[str]) -> bool:
    return any(path.endswith("/libc.so.6") for path in found)


def _libc_version(directory: RootDirectory, files: dict[str, dict[str, Any]], loader: str, libc: str) -> str:
    if libc == "musl":
        match = _MUSL_VERSION.search(directory.read(loader, _LARGEST_LIBC) or b"")
    else:
        path = next((path for path, facts in files.items() if _is_libc(facts["found"])), None)
        match = _GLIBC_VERSION.search((directory.read(path, _LARGEST_LIBC) if path else None) or b"")
    if match is None:
        raise UsageError(
            f"the version of {libc} in this root directory cannot be told",
            "its C library is missing, or of a make not known here",
        )
    return match[1].decode()


def _os_release(directory: RootDirectory) -> dict[str, str]:
    """``/etc/os-release`` (os-release(5)): assignments of a shell, quoted or not."""
    values = {}
    for line in (directory.text("/etc/os-release") or directory.text("/usr/lib/os-release")).splitlines():
        key, mark, value = line.strip().partition("=")
        if mark and not key.startswith("#"):
            value = value.strip()
            if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
                value = re.sub(r"\\(.)", r"\1", value[1:-1]) if value[0] == '"' else value[1:-1]
            values[key] = value
    return values


def _id(release: dict[str, str]) -> str:
    parts = (release.get("ID", "captured"), release.get("VERSION_ID") or release.get("VERSION_CODENAME", ""))
    return re.sub(r"[^a-z0-9._+-]+", "-", "-".join(part for part in parts if part).lower()).strip("-.") or "captured"
