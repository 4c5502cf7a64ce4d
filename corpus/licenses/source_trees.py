"""What the source files of a library say of its licence: which they are (``build_targets.py``), and what the first comment of each grants.

A machine-readable copyright file tells the licence of each file; which files are the library's, it does not. Where more than one paragraph could be
meant, the upstream tarball of the source package is downloaded, read without unpacking it, and removed; what was read is kept in the corpus's cache.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from corpus.debian import apt
from corpus.licenses.build_targets import BUILD_FILE, SOURCE_FILE, library_files
from corpus.licenses.headers import current_identifiers, granted_license
from corpus.programs import ProgramFailed, run
from corpus.store import cache_directory, locked, scratch_directory

_AT_ONCE = 20  # source packages of one download
LARGEST = 20_000_000  # bytes of a tarball that is still downloaded
_FIRST = 3000  # bytes of a source file in which its licence stands
_MOST_FILES = 20_000  # source files of a tree that are looked at
_LONGEST_BUILD_FILE = 300_000
_STEM = re.compile(r"(?:lib)?(.+?)\.so(?:\..*)?")

FileLicenses = list[tuple[str, str]]
"""Path in the source tree and what the file itself grants, "" where it says nothing."""


def read_source_trees(
    wanted: Mapping[str, Sequence[str]], release: str, largest: int = LARGEST
) -> dict[str, FileLicenses]:
    """The files of libraries with their licences, by SONAME; without those whose sources the mirror lacks or no build file tells.

    :param wanted: SONAMEs by source package.
    :param largest: bytes of a tarball that is still downloaded.
    """
    directory = cache_directory() / "licenses" / f"{release}-sources"
    directory.mkdir(parents=True, exist_ok=True)
    with locked(f"licenses-{release}-sources"):
        missing = [source for source in sorted(wanted) if not _record(directory, source).exists()]
        versions = _versions(missing, release, largest)
        for start in range(0, len(missing), _AT_ONCE):
            _fetch(
                {source: wanted[source] for source in missing[start : start + _AT_ONCE]}, versions, release, directory
            )
    found: dict[str, FileLicenses] = {}
    for source, sonames in wanted.items():
        record = json.loads(_record(directory, source).read_text(encoding="utf-8"))
        found |= {
            soname: [(path, current_identifiers(said)) for path, said in record[soname]]
            for soname in sonames
            if record.get(soname)
        }
    return found


def _record(directory: Path, source: str) -> Path:
    return directory / f"{source}.json"


def _versions(sources: Sequence[str], release: str, largest: int) -> dict[str, str]:
    """The version of each source package whose tarball is small enough to be read."""
    found: dict[str, str] = {}
    for start in range(0, len(sources), 200):
        shown = run(["apt-cache", *apt(release).options(), "showsrc", "--only-source", *sources[start : start + 200]])
        for stanza in shown.split("\n\n"):
            name = re.search(r"^Package: (\S+)$", stanza, re.MULTILINE)
            version = re.search(r"^Version: (\S+)$", stanza, re.MULTILINE)
            sizes = [int(size) for size in re.findall(r"^ [0-9a-f]{32} (\d+) \S+\.tar\.\w+$", stanza, re.MULTILINE)]
            if name is not None and version is not None and sizes and max(sizes) <= largest:
                found.setdefault(name[1], version[1])
    return found


def _fetch(wanted: Mapping[str, Sequence[str]], versions: Mapping[str, str], release: str, directory: Path) -> None:
    exact = [f"{source}={versions[source]}" for source in wanted if source in versions]
    with scratch_directory() as scratch:
        if exact:
            # Versions that the mirror's index names and its pool has not make apt fail; the others are there then.
            with suppress(ProgramFailed):
                run(
                    ["apt-get", *apt(release).options(), "source", "--download-only", "--tar-only", *exact],
                    directory=scratch,
                )
        for source, sonames in wanted.items():
            tarballs = [path for path in scratch.glob(f"{source}_*.tar.*") if path.suffix != ".asc"]
            main = min(tarballs, key=lambda path: len(path.name), default=None)
            found = {} if main is None else licenses_of_files(main, sonames)
            target = _record(directory, source)
            written = target.with_suffix(".new")
            written.write_text(json.dumps(found), encoding="utf-8")
            written.rename(target)


def licenses_of_files(tarball: Path, sonames: Sequence[str]) -> dict[str, FileLicenses]:
    """The files that each library is built from with their licences, by SONAME; nothing for a file that is no archive."""
    build_files: dict[str, str] = {}
    beginnings: dict[str, bytes] = {}
    try:
        with tarfile.open(tarball, "r|*") as archive:
            for member in archive:
                path = member.name.removeprefix("./").partition("/")[2]
                if not member.isfile() or not path:
                    continue
                if BUILD_FILE.fullmatch(path) and member.size <= _LONGEST_BUILD_FILE:
                    stream = archive.extractfile(member)
                    build_files[path] = "" if stream is None else stream.read().decode("utf-8", "replace")
                elif SOURCE_FILE.fullmatch(path) and len(beginnings) < _MOST_FILES:
                    stream = archive.extractfile(member)
                    beginnings[path] = b"" if stream is None else stream.read(_FIRST)
    except (tarfile.TarError, EOFError, OSError):
        return {}
    found = {}
    said: dict[str, str] = {}
    stems = {match[1].rstrip("0123456789.-_") for match in map(_STEM.fullmatch, sonames) if match is not None}
    for soname in sonames:
        match = _STEM.fullmatch(soname)
        files = []
        if match is not None:
            files = library_files(build_files, list(beginnings), match[1], is_only=len(stems) == 1)
        for path in files:
            if path not in said:
                said[path] = granted_license(beginnings[path].decode("utf-8", "replace"))
        found[soname] = [(path, said[path]) for path in files]
    return found
