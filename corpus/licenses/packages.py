"""What library packages of Debian hold: their shared libraries with SONAMEs, and their copyright file.

Packages are downloaded by apt and read without unpacking them to disk; what was read is kept in the corpus's cache, the packages are not.
"""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from corpus.contents import LOADERS_DIRECTORY, in_loaders_directory
from corpus.debian import apt
from corpus.licenses.population import IndexedPackage
from corpus.programs import ProgramFailed, run
from corpus.recipe import Unavailable
from corpus.store import cache_directory, locked, scratch_directory
from inspector.errors import FormatError
from inspector.formats.elf import looks_like_elf, read_elf
from inspector.source import BytesSource

_PUBLIC = re.compile(rf"\./{LOADERS_DIRECTORY}/[^/]+")
_PLUGIN = re.compile(
    r"\./usr/lib/x86_64-linux-gnu/(?:gstreamer-1\.0|pulseaudio|samba|nss|[^/]+/private)/[^/]+\.so(?:\.[^/]*)?"
)
_COPYRIGHT = re.compile(r"\./usr/share/doc/([^/]+)(?:/copyright(\.gz)?)?")
_AT_ONCE = 60  # packages of one download
_LARGE = 120_000_000  # bytes of a package that is downloaded alone


@dataclass(frozen=True, slots=True)
class LibraryPackage:
    """One binary package, as read.

    :ivar libraries: path and SONAME of each ELF library in the directories that the loader searches, and of GStreamer's plugins (soname = file name).
    :ivar copyright: the text of its copyright file; "" where it has none of its own.
    :ivar copyright_of: the package whose directory below /usr/share/doc it links to, or "".
    """

    name: str
    version: str
    source: str
    homepage: str
    libraries: tuple[tuple[str, str], ...]
    copyright: str
    copyright_of: str

    @property
    def public_libraries(self) -> tuple[tuple[str, str], ...]:
        """Those of its libraries that lie where the loader looks by itself."""
        return tuple((path, soname) for path, soname in self.libraries if in_loaders_directory(path.removeprefix("/")))


def read_packages(
    packages: Sequence[IndexedPackage], release: str, *, skip_unavailable: bool = False
) -> Iterator[LibraryPackage]:
    """The packages in the order given; those that were never read are downloaded, read and removed again.

    :param skip_unavailable: leave out, and print, what the mirror's index names and its pool has not.
    :raises Unavailable: where the mirror does not give one, and it may not be left out.
    """
    records = kept_records(packages, release, release, _fields)
    lacking = [package.name for package in packages if package.name not in records]
    if lacking:
        said = f"{release}: the mirror does not give {', '.join(lacking)}"
        if not skip_unavailable:
            raise Unavailable(said)
        print(said)
    for record in records.values():
        fields = json.loads(record.read_text(encoding="utf-8"))
        yield LibraryPackage(**{**fields, "libraries": tuple((path, soname) for path, soname in fields["libraries"])})


def kept_records(
    packages: Sequence[IndexedPackage], release: str, folder: str, read: Callable[[Path, IndexedPackage], object]
) -> dict[str, Path]:
    """Files with what was read of each package, as JSON, by its name and in the order given; what the mirror's pool lacks has none.

    Packages that were never read are downloaded, read and removed again.

    :param folder: of the cache that the records are in.
    :param read: is given the .deb.
    """
    directory = cache_directory() / "licenses" / folder
    directory.mkdir(parents=True, exist_ok=True)
    with locked(f"licenses-{folder}"):
        missing = [package for package in packages if not _record(directory, package).exists()]
        small = [package for package in missing if package.size <= _LARGE]
        for start in range(0, len(small), _AT_ONCE):
            _read_and_keep(small[start : start + _AT_ONCE], release, directory, read)
        for package in missing:
            if package.size > _LARGE:
                _read_and_keep([package], release, directory, read)
    records = {package.name: _record(directory, package) for package in packages}
    return {name: record for name, record in records.items() if record.exists()}


def _record(directory: Path, package: IndexedPackage) -> Path:
    return directory / f"{package.name}_{package.version.replace('/', '_')}.json"


def _read_and_keep(
    packages: Sequence[IndexedPackage], release: str, directory: Path, read: Callable[[Path, IndexedPackage], object]
) -> None:
    with scratch_directory() as scratch:
        wanted = [f"{package.name}={package.version}" for package in packages]
        # Versions that the mirror's index names and its pool has not make apt fail; the others are there then.
        with suppress(ProgramFailed):
            run(["apt-get", *apt(release).options(), "download", *wanted], directory=scratch)
        files = {path.name.split("_", 1)[0]: path for path in scratch.glob("*.deb")}
        for package in packages:
            if package.name in files:
                target = _record(directory, package)
                written = target.with_suffix(".new")
                written.write_text(json.dumps(read(files[package.name], package)), encoding="utf-8")
                written.rename(target)


def _fields(path: Path, package: IndexedPackage) -> dict[str, object]:
    return asdict(read_package(path, package))


def read_package(path: Path, package: IndexedPackage) -> LibraryPackage:
    """Read a .deb as a stream of its files."""
    libraries: list[tuple[str, str]] = []
    text, other = "", ""
    with (
        subprocess.Popen(["dpkg-deb", "--fsys-tarfile", path], stdout=subprocess.PIPE) as unpacking,
        tarfile.open(fileobj=unpacking.stdout, mode="r|") as archive,
    ):
        for member in archive:
            if member.isfile() and (_PUBLIC.fullmatch(member.name) or _PLUGIN.fullmatch(member.name)):
                soname = _soname(archive, member)
                if soname is not None:
                    libraries.append((member.name.removeprefix("."), soname))
                continue
            place = _COPYRIGHT.fullmatch(member.name)
            if place is None or place[1] != package.name:
                continue
            if member.isfile() and member.name.endswith("/copyright"):
                text = _content(archive, member).decode("utf-8", "replace")
            elif member.issym():
                other = _linked_package(member.linkname)
    return LibraryPackage(
        package.name, package.version, package.source, package.homepage, tuple(sorted(libraries)), text, other
    )


def _linked_package(target: str) -> str:
    parts = [part for part in target.split("/") if part not in ("", ".", "..", "usr", "share", "doc", "copyright")]
    return parts[0] if parts else ""


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    return b"" if stream is None else stream.read()


def _soname(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str | None:
    """The SONAME, the file name for a plugin without one, or None for what is no shared library."""
    content = _content(archive, member)
    if not looks_like_elf(content[:4]):
        return None
    try:
        elf = read_elf(BytesSource(content))
    except FormatError:
        return None
    if elf.type != "DYN" or elf.is_program:
        return None
    return elf.soname or (member.name.rpartition("/")[2] if _PLUGIN.fullmatch(member.name) else None)


def copyright_texts(packages: Iterable[LibraryPackage]) -> dict[str, str]:
    """The copyright text of each package by name, through the link to another package's directory where that package is among them too."""
    by_name = {package.name: package for package in packages}
    texts = {}
    for package in by_name.values():
        hops, at = 0, package
        while not at.copyright and at.copyright_of in by_name and hops < 4:
            at, hops = by_name[at.copyright_of], hops + 1
        texts[package.name] = at.copyright
    return texts
