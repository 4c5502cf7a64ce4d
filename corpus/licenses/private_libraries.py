"""Private shared libraries of a release: in directories where the loader does not look by itself, and needed by other files of their source package.

``libuno_sal.so.3`` of LibreOffice, ``libndr-samba4.so.0``, ``libgrass_gis.8.2.so``: bundles carry them with the application. What is only opened by
its path is a plugin and is left out: its name is a word ("libhtml.so") that others use for something else.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from corpus.contents import in_loaders_directory, packages_with_libraries, packages_with_private_libraries
from corpus.licenses.packages import LibraryPackage, kept_records, read_packages
from corpus.licenses.population import OTHER_LANGUAGE, IndexedPackage, half_of, read_index
from inspector.errors import FormatError
from inspector.formats.elf import looks_like_elf, read_elf
from inspector.source import BytesSource

RELEASE: Literal["bookworm"] = "bookworm"
_SOURCES_OF_FOURTEENTH = 150
_LARGEST = 250_000_000  # bytes of a .deb that is still downloaded
_NO_PROGRAMS = ("-dev", "-dbg", "-dbgsym", "-doc", "-tests")
_TOOLCHAIN = re.compile(r"(?:gcc|binutils|gdb|cross-toolchain|linux)(?:-|$)")
"""Compilers and kernels: their private libraries run on the machine of whoever builds."""
_LIBRARY_NAME = re.compile(r"lib.+\.so(?:\.[^/]+)?")


@dataclass(frozen=True, slots=True)
class ElfFile:
    """An ELF file of a package.

    :ivar path: from the root, without a slash before it.
    :ivar soname: DT_SONAME of a shared object, or "".
    :ivar needed: DT_NEEDED, in order.
    """

    path: str
    soname: str
    needed: tuple[str, ...]


def private_libraries() -> list[LibraryPackage]:
    """The packages with their private libraries (path and SONAME), by name; each SONAME once, in the first package that has it.

    SONAMEs that lie where the loader looks, too, and those that two source packages of the release have, as one or as a file's name, are left out:
    whose it is, the name does not tell.
    """
    index = read_index(RELEASE)
    files = elf_files(candidates(index), RELEASE)
    found = private_sonames(index, files)
    chosen = [index[name] for name in sorted(found)]
    return [
        replace(package, libraries=found[package.name])
        for package in read_packages(chosen, RELEASE, skip_unavailable=True)
    ]


def fourteenth_sources(sources: Iterable[str]) -> set[str]:
    """The source packages of the fourteenth set: of the measured half, the first 150 by the SHA-256 of their names."""
    measured = [source for source in set(sources) if half_of(source) == "measured"]
    return set(sorted(measured, key=lambda source: hashlib.sha256(source.encode()).digest())[:_SOURCES_OF_FOURTEENTH])


def candidates(index: Mapping[str, IndexedPackage]) -> list[IndexedPackage]:
    """All packages with machine code of the source packages that have ``lib*.so*`` in private directories by the Contents index, by name."""
    sources = {
        index[name].source
        for name, paths in packages_with_private_libraries(RELEASE).items()
        if name in index
        and OTHER_LANGUAGE.search(name) is None
        and not name.endswith(_NO_PROGRAMS)
        and not _TOOLCHAIN.match(index[name].source)
        and any(path.rpartition("/")[2].startswith("lib") for path in paths)
    }
    return [
        index[name]
        for name in sorted(index)
        if index[name].source in sources
        and index[name].architecture != "all"
        and index[name].size <= _LARGEST
        and not name.endswith(_NO_PROGRAMS)
        and OTHER_LANGUAGE.search(name) is None
    ]


def private_sonames(
    index: Mapping[str, IndexedPackage], files: Mapping[str, Sequence[ElfFile]]
) -> dict[str, tuple[tuple[str, str], ...]]:
    """Paths and SONAMEs of the private libraries by package.

    :param files: the ELF files of the candidates by package.
    """
    needed: dict[str, set[str]] = defaultdict(set)  # by source package
    owners: dict[str, set[str]] = defaultdict(set)  # source packages by SONAME and file name
    for name, paths in packages_with_libraries(RELEASE).items():
        if name in index and not name.endswith(_NO_PROGRAMS):
            for path in paths:
                owners[path.rpartition("/")[2]].add(index[name].source)
    for name, own in files.items():
        for file in own:
            needed[index[name].source].update(file.needed)
            for one in {file.soname, file.path.rpartition("/")[2]} - {""}:
                owners[one].add(index[name].source)
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    public = {file.soname for own in files.values() for file in own if in_loaders_directory(file.path)}
    seen: set[str] = set(public)
    for name in sorted(files):
        chosen: dict[str, str] = {}
        for file in files[name]:
            is_wanted = _LIBRARY_NAME.fullmatch(file.soname) and file.soname in needed[index[name].source]
            if is_wanted and file.soname not in seen and len(owners[file.soname]) == 1:
                chosen.setdefault(file.soname, f"/{file.path}")
        seen |= set(chosen)
        if chosen:
            found[name] = tuple(sorted((path, soname) for soname, path in chosen.items()))
    return found


def elf_files(packages: Sequence[IndexedPackage], release: str) -> dict[str, list[ElfFile]]:
    """The ELF files of packages by name; those that were never read are downloaded, read and removed again, what the mirror lacks is left out."""
    return {
        name: [
            ElfFile(path, soname, tuple(needed))
            for path, soname, needed in json.loads(record.read_text(encoding="utf-8"))
        ]
        for name, record in kept_records(packages, release, f"{release}-elf", _rows).items()
    }


def _rows(path: Path, _package: IndexedPackage) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(file.path, file.soname, file.needed) for file in _read(path)]


def _read(path: Path) -> Iterator[ElfFile]:
    with (
        subprocess.Popen(["dpkg-deb", "--fsys-tarfile", path], stdout=subprocess.PIPE) as unpacking,
        tarfile.open(fileobj=unpacking.stdout, mode="r|") as archive,
    ):
        for member in archive:
            stream = archive.extractfile(member) if member.isreg() else None
            start = stream.read(4) if stream is not None else b""
            if stream is None or not looks_like_elf(start):
                continue
            try:
                elf = read_elf(BytesSource(start + stream.read()))
            except FormatError:
                continue
            soname = elf.soname if elf.type == "DYN" and not elf.is_program else None
            yield ElfFile(member.name.removeprefix("./"), soname or "", tuple(elf.needed))
