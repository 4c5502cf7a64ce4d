"""Debian packages without root and without a trace on the machine's own apt.

apt runs with a sources list, lists, a cache and a package status of its own below the corpus's cache; nothing under /etc or /var changes.
The mirror is whatever the machine's own sources name: its stanzas are copied at run time, with source packages switched on.
"""

from __future__ import annotations

import platform
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from corpus.programs import ProgramFailed, require, run
from corpus.recipe import Unavailable
from corpus.store import cache_directory, download_directory, locked

LISTS_AGE = 24 * 3600
"""Seconds after which the package lists are fetched again."""

_OUTSIDE_OF_MAIN = "contrib non-free non-free-firmware"
_ONE_LINE = re.compile(
    r"^deb(?:-src)?\s+(?P<options>\[[^\]]*\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>.+)$"
)


@dataclass(frozen=True, slots=True)
class Apt:
    """An apt of our own: its directory, and the suites that it reads."""

    directory: Path

    def options(self) -> list[str]:
        """The command-line options that keep apt inside its directory."""
        settings = {
            "Dir::Etc::SourceList": "/dev/null",
            "Dir::Etc::SourceParts": self.directory / "sources",
            "Dir::Etc::Preferences": "/dev/null",
            "Dir::Etc::PreferencesParts": "/dev/null",
            "Dir::State": self.directory / "state",
            "Dir::State::Lists": self.directory / "lists",
            "Dir::State::Status": self.directory / "status",  # empty: which version is installed here must not matter
            "Dir::Cache": self.directory / "cache",
            "APT::Architecture": "amd64",
            "APT::Architectures": "amd64",
            "APT::Sandbox::User": "root",  # the user _apt may not write below a home directory; signatures are verified all the same
            "Acquire::Languages": "none",
            "Acquire::Retries": "2",
        }
        return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


def apt(release: str | None = None) -> Apt:
    """An apt with fresh lists, for this machine's release or for another ``release`` of the same mirror.

    :param release: its codename; with ``+non-free`` behind it what the release has outside of main, and nothing else.

    Raises ``Unavailable`` off Debian, off x86-64, and where the mirror cannot be reached.
    """
    require(["apt-get", "apt-cache", "apt-config", "dpkg-deb"])
    own_release = _own_release()
    if platform.machine() != "x86_64":
        raise Unavailable(f"the recipes build for x86-64, and this machine is {platform.machine()}")
    directory = cache_directory() / "apt" / (release or own_release)
    stamp = directory / "updated"
    with locked(f"apt-{directory.name}"):
        if stamp.exists() and time.time() - stamp.stat().st_mtime < LISTS_AGE:
            return Apt(directory)
        for part in ("sources", "state", "lists/partial", "cache/archives/partial"):
            (directory / part).mkdir(parents=True, exist_ok=True)
        (directory / "status").touch()
        codename, _, outside = (release or "").partition("+")
        if not _copy_sources(
            directory / "sources", own_release, codename or None, _OUTSIDE_OF_MAIN if outside else None
        ):
            raise Unavailable(f"the machine's apt sources name no archive of Debian {own_release}")
        try:
            run(["apt-get", *Apt(directory).options(), "--error-on=any", "update"])
        except ProgramFailed as failure:
            raise Unavailable(f"apt's mirror cannot be read: {str(failure).splitlines()[-1]}") from failure
        stamp.touch()
    return Apt(directory)


def source_tarball(package: str, version_prefix: str) -> Path:
    """Download the upstream tarball of a source package (``apt-get source --download-only --tar-only``) and return its path."""
    own = apt()
    try:
        shown = run(["apt-cache", *own.options(), "showsrc", "--only-source", package])
    except ProgramFailed as failure:
        raise Unavailable(f"apt knows no source package {package}") from failure
    versions = re.findall(r"^Version: (\S+)$", shown, re.MULTILINE)
    version = next((version for version in versions if version.startswith(version_prefix)), None)
    if version is None:
        raise Unavailable(f"the mirror has {package} {', '.join(versions) or 'in no version'}, not {version_prefix}")
    directory = download_directory(f"source/{package}_{version_prefix}")
    with locked(f"source-{package}"):
        found = sorted(directory.glob(f"{package}_*.orig.tar.*"))
        if not found:
            try:
                run(
                    ["apt-get", *own.options(), "source", "--download-only", "--tar-only", f"{package}={version}"],
                    directory=directory,
                )
            except ProgramFailed as failure:
                raise Unavailable(f"source package {package}: {str(failure).splitlines()[-1]}") from failure
            found = sorted(directory.glob(f"{package}_*.orig.tar.*"))
    return found[0]


def download(packages: Sequence[str], release: str | None = None) -> list[Path]:
    """Download binary packages (``apt-get download``), newest version that the sources have, and return the .deb files in the order asked for."""
    own = apt(release)
    directory = download_directory(f"deb/{own.directory.name}")
    with locked("deb-download"):
        wanted = _file_names(own, packages)
        missing = [package for package, name in wanted.items() if not (directory / name).exists()]
        if missing:
            try:
                run(["apt-get", *own.options(), "download", *missing], directory=directory)
            except ProgramFailed as failure:
                raise Unavailable(f"packages cannot be downloaded: {str(failure).splitlines()[-1]}") from failure
    return [directory / name for name in wanted.values()]


def unpack(package: Path, destination: Path) -> None:
    """Unpack a .deb's files below ``destination`` (``dpkg-deb -x``); runs none of its scripts and needs no root."""
    run(["dpkg-deb", "-x", package, destination])


def _file_names(own: Apt, packages: Sequence[str]) -> dict[str, str]:
    try:
        shown = run(["apt-get", *own.options(), "download", "--print-uris", *packages])
    except ProgramFailed as failure:
        raise Unavailable(f"the mirror lacks a package: {str(failure).splitlines()[-1]}") from failure
    names = [line.split("' ", 1)[1].split(" ", 1)[0] for line in shown.splitlines() if line.startswith("'")]
    by_package = {name.split("_", 1)[0]: name for name in names}
    return {package: by_package[package] for package in packages}


def _own_release() -> str:
    try:
        about = platform.freedesktop_os_release()
    except OSError as failure:
        raise Unavailable("this machine does not say which distribution it is") from failure
    if about.get("ID") != "debian":
        raise Unavailable(
            f"needs Debian's package archive; this machine runs {about.get('PRETTY_NAME', 'another system')}"
        )
    return about.get("VERSION_CODENAME", "")


def _copy_sources(destination: Path, own_release: str, release: str | None, areas: str | None) -> int:
    """Copy the sources that serve ``own_release`` (renamed to ``release``, and of other ``areas``, if they are given), with their options; return how
    many."""
    copied = 0
    for number, file in enumerate(_source_files()):
        text = file.read_text(encoding="utf-8", errors="replace")
        convert = _deb822_stanzas if file.suffix == ".sources" else _one_line_entries
        entries = convert(text, own_release, release, areas)
        target = destination / f"{number}{'.sources' if file.suffix == '.sources' else '.list'}"
        target.write_text("\n".join(entries), encoding="utf-8")
        copied += len(entries)
    return copied


def _source_files() -> list[Path]:
    settings = run(["apt-config", "shell", "list", "Dir::Etc::SourceList/f", "parts", "Dir::Etc::SourceParts/d"])
    values = dict(re.findall(r"^(list|parts)='(.*)'$", settings, re.MULTILINE))
    files = [Path(values["list"])] if "list" in values else []
    if "parts" in values and Path(values["parts"]).is_dir():
        files += sorted(path for path in Path(values["parts"]).iterdir() if path.suffix in (".list", ".sources"))
    return [file for file in files if file.is_file()]


def _suites(suites: Sequence[str], own_release: str, release: str | None) -> list[str]:
    if release is not None:  # another release: its main suite is enough, and the only one that is never withdrawn
        return [release] if own_release in suites else []
    return [suite for suite in suites if suite == own_release or suite.startswith(f"{own_release}-")]


def _one_line_entries(text: str, own_release: str, release: str | None, areas: str | None) -> list[str]:
    entries = []
    for line in text.splitlines():
        match = _ONE_LINE.match(line.split("#")[0].strip())
        for suite in _suites([match["suite"]], own_release, release) if match else []:
            assert match is not None
            rest = f"{match['options'] or ''}{match['uri']} {suite} {areas or match['components']}"
            entries += [f"deb {rest}", f"deb-src {rest}"]
    return list(dict.fromkeys(entries)) + ([""] if entries else [])


def _deb822_stanzas(text: str, own_release: str, release: str | None, areas: str | None) -> list[str]:
    stanzas = []
    uncommented = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", uncommented):
        found = re.search(r"^Suites:(.*(?:\n[ \t].*)*)", stanza, re.MULTILINE | re.IGNORECASE)
        suites = _suites(found[1].split(), own_release, release) if found else []
        if found and suites and not re.search(r"^Enabled:\s*(no|false|0)", stanza, re.MULTILINE | re.IGNORECASE):
            stanza = stanza.replace(found[0], f"Suites: {' '.join(suites)}").strip()
            stanza = re.sub(r"^Types:.*$", "Types: deb deb-src", stanza, flags=re.MULTILINE | re.IGNORECASE)
            if areas:
                stanza = re.sub(r"^Components:.*$", f"Components: {areas}", stanza, flags=re.MULTILINE | re.IGNORECASE)
            stanzas.append(stanza + "\n")
    return stanzas
