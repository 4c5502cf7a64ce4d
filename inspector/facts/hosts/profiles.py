"""Which systems are known, by what names, and what is known of each: the catalogue over ``rules/hosts/`` and captured files.

``rules/hosts/releases.toml`` says what holds on every architecture (names, dates, kernel), ``rules/hosts/<arch>/<id>.toml`` what was measured on
one.  Nothing is read before somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from inspector.errors import InstallationError, UsageError
from inspector.facts.hosts.profile_file import read_profile
from inspector.loader.host_profile import HostProfile, Variant
from inspector.loader.objects import ARCHITECTURES
from inspector.resources import data_directory, load_table

_RELEASES = "hosts/releases.toml"
_LARGEST_FILE = 64 * 1024 * 1024
"""Bytes of a profile that a user hands us; a capture of a full desktop has about a tenth."""


class KnownHost(Struct, frozen=True):
    """A shipped profile, without its libraries.

    :ivar aliases: other names that :func:`load_profile` takes.
    :ivar released: ISO date, or None where nobody looked it up.
    :ivar supported_until: ISO date of the last free support, None for rolling releases.
    :ivar supported: whether its maker supported it at the date of the data.
    """

    id: str
    name: str
    libc: str
    aliases: tuple[str, ...]
    released: str | None
    supported_until: str | None
    supported: bool


def data_date() -> str:
    """The day (ISO 8601) as of which the data speak."""
    return str(load_table(_RELEASES)["as_of"])


def list_profiles(arch: str) -> list[KnownHost]:
    """Every shipped profile of an architecture (``uname -m``), in the order of the data; empty where there is none."""
    present = _shipped(arch)
    date = data_date()
    return [
        KnownHost(
            id=id_,
            name=row["name"],
            libc=row.get("libc", "glibc"),
            aliases=tuple(row.get("aliases", ())),
            released=_text(row.get("released")),
            supported_until=_text(row.get("supported_until")),
            supported=row.get("supported", True) and _text(row.get("supported_until", date)) >= date,
        )
        for id_, row in load_table(_RELEASES)["release"].items()
        if id_ in present
    ]


def default_hosts(arch: str) -> list[HostProfile]:
    """Every release that its maker supported at the date of the data, musl ones included (:attr:`HostProfile.libc` tells them apart).

    The date is the data's and not today's, so that one file gets the same answer next year.
    """
    return [load_profile(known.id, arch) for known in list_profiles(arch) if known.supported]


def architectures() -> tuple[str, ...]:
    """The architectures that have shipped profiles."""
    return tuple(arch for arch in ARCHITECTURES if _shipped(arch))


def load_profile(id_or_path: str, arch: str) -> HostProfile:
    """A shipped profile by its id or alias ("ubuntu-22.04", "ubuntu:22.04", "jammy"), or a captured one by the path of its file.

    :param arch: ``uname -m`` of what will be judged; a file of another architecture is refused.
    :raises UsageError: for an unknown id, with the nearest names, and for a file that is no profile or of another architecture.
    """
    shipped = _shipped(arch)
    id_ = _canonical(id_or_path)
    if id_ is not None and id_ in shipped:
        return _load_shipped(id_, arch)
    path = Path(id_or_path)
    if "/" in id_or_path or path.suffix == ".toml":
        profile = _load_file(path)
        if profile.arch != arch:
            raise UsageError(
                f"{id_or_path} is a profile of {profile.arch}, and {arch} is asked for",
                f"capture a system of {arch}: inspect host capture",
            )
        return profile
    if id_ is not None:
        raise UsageError(f"there is no profile of {id_} for {arch}", _available(arch))
    raise UsageError(f"there is no host profile {id_or_path}", _nearest(id_or_path, arch) or _available(arch))


def chosen_hosts(hosts: Sequence[str], arch: str) -> list[tuple[HostProfile, Variant]]:
    """The systems that somebody named, each with its variant: ``ID``, ``FILE``, ``ID:desktop`` or ``ID:minimal``; the default is the desktop.

    :raises UsageError: as :func:`load_profile` does.
    """
    chosen: list[tuple[HostProfile, Variant]] = []
    for host in hosts:
        name, variant = (host, "desktop") if not host.endswith((":desktop", ":minimal")) else host.rsplit(":", 1)
        chosen.append((load_profile(name, arch), "minimal" if variant == "minimal" else "desktop"))
    return chosen


def load_any_architecture(id_or_path: str) -> HostProfile:
    """As :func:`load_profile`: a shipped one of the first architecture that has it, a file whatever its architecture is.

    :raises UsageError: as :func:`load_profile`.
    """
    if "/" in id_or_path or id_or_path.endswith(".toml"):
        return _load_file(Path(id_or_path))
    id_ = _canonical(id_or_path)
    arch = next((arch for arch in architectures() if id_ in _shipped(arch)), architectures()[0])
    return load_profile(id_or_path, arch)


def profile_sources(profile: HostProfile) -> Mapping[str, str]:
    """The sources of a shipped profile: by field or table, where it was taken from."""
    if profile.basis == "captured" or profile.id not in _shipped(profile.arch):
        return {}
    release = load_table(_RELEASES)["release"].get(profile.id, {})
    document = load_table(f"hosts/{profile.arch}/{profile.id}.toml")
    return {**load_table(_RELEASES).get("sources", {}), **release.get("sources", {}), **document.get("sources", {})}


@cache
def _shipped(arch: str) -> Mapping[str, Path]:
    """Files by id."""
    directory = data_directory("rules") / "hosts" / arch
    if arch not in ARCHITECTURES or not directory.is_dir():
        return {}
    return {path.stem: path for path in directory.iterdir() if path.suffix == ".toml"}


@cache
def _load_shipped(id_: str, arch: str) -> HostProfile:
    path = _shipped(arch)[id_]
    release: Mapping[str, Any] = load_table(_RELEASES)["release"][id_]
    try:
        return read_profile(path.read_bytes(), f"rules/hosts/{arch}/{path.name}", {"id": id_, **release})
    except UsageError as error:
        raise InstallationError(error.message, "reinstall bundle-inspect") from error


def _load_file(path: Path) -> HostProfile:
    try:
        with path.open("rb") as stream:
            content = stream.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror or error}",
            "name a profile (inspect host list), or a file that inspect host capture wrote",
        ) from error
    if len(content) > _LARGEST_FILE:
        raise UsageError(f"{path} is larger than {_LARGEST_FILE} bytes", "inspect host capture writes smaller ones")
    return read_profile(content, str(path))


@cache
def _names() -> Mapping[str, str]:
    """Ids by id and alias, in lower case."""
    names: dict[str, str] = {}
    for id_, row in load_table(_RELEASES)["release"].items():
        for name in (id_, *row.get("aliases", ())):
            names.setdefault(name.lower(), id_)
    return names


def _canonical(written: str) -> str | None:
    """The id that a person means: ``Ubuntu:22.04``, ``ubuntu22.04`` and ``ubuntu-22.04`` are one."""
    names = _names()
    text = written.strip().lower().replace(":", "-").replace(" ", "-").replace("_", "-")
    if text in names:
        return names[text]
    for position, character in enumerate(text):
        if character.isdigit():
            return names.get(f"{text[:position].rstrip('-')}-{text[position:]}")
    return None


def _nearest(written: str, arch: str) -> str | None:
    from difflib import get_close_matches

    shipped = _shipped(arch)
    known = [name for name, id_ in _names().items() if id_ in shipped]
    nearest = get_close_matches(written.lower().replace(":", "-"), known, n=3, cutoff=0.5)
    return f"did you mean {_either(nearest)}?" if nearest else None


def _either(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def _available(arch: str) -> str:
    if _shipped(arch):
        return "inspect host list names them all; a file is given with its path, or captured: inspect host capture"
    return f"no profile of {arch} is shipped; capture one: inspect host capture"


def _text(value: object) -> str:
    return "" if value is None else str(value)
