"""The systems as a matrix: a line for each family, its releases from old to new, and what stops the artifact on each."""

from __future__ import annotations

import re

from msgspec import Struct

from inspector.patterns import lazy_pattern
from inspector.render.host_summary import decisive_failure, describe_failure
from inspector.render.html_report.texts import identifier
from inspector.result import HostVerdict, Result

_RELEASE = lazy_pattern(r"^(?P<family>.+?)-(?P<release>[0-9][0-9.]*)$")
_SYMBOLS = 3
_MOST_OBJECTS, _MOST_NAMES = 6, 6


class System(Struct, frozen=True):
    """One system.

    :ivar anchor: the id of its row.
    :ivar release: what tells it from others of its family: "12", "12 minimal"; its name where it is alone.
    :ivar reason: what decides a verdict other than "starts", in a sentence.
    :ivar failed: objects that do not load, the first of them, each with what it lacks.
    """

    host: HostVerdict
    anchor: str
    release: str
    reason: str
    failed: tuple[tuple[str, str], ...]


class SystemFamily(Struct, frozen=True):
    """Releases of one distribution."""

    name: str
    systems: tuple[System, ...]


def system_families(result: Result, prefix: str) -> list[SystemFamily]:
    """In the order in which the Result names them.

    :param prefix: put before every anchor.
    """
    families: dict[str, list[System]] = {}
    names: dict[str, str] = {}
    for host in result.hosts:
        match = _RELEASE.match(host.id)
        family = match["family"] if match else host.id
        release = match["release"] if match else "rolling"
        names.setdefault(family, _family_name(host.name, release))
        if host.variant != "desktop":
            release += f" {host.variant}"
        anchor = f"{prefix}system-{identifier(f'{host.id}-{host.variant}')}"
        families.setdefault(family, []).append(System(host, anchor, release, _reason(result, host), _failed(host)))
    return [SystemFamily(names[family], tuple(systems)) for family, systems in families.items()]


def _family_name(name: str, release: str) -> str:
    """The name without its release and the code name: "Debian" of "Debian 12 (bookworm)"."""
    start = re.split(rf"\s+{re.escape(release)}(?:\s|$)", name, maxsplit=1)[0]
    return re.sub(r"\s*\([^)]*\)$", "", start) or name


def _reason(result: Result, host: HostVerdict) -> str:
    if host.verdict == "starts":
        return ""
    failure = decisive_failure(result, host)
    return describe_failure(failure, symbols=_SYMBOLS) if failure is not None else host.message


def _failed(host: HostVerdict) -> tuple[tuple[str, str], ...]:
    rows = []
    for failed in host.objects[:_MOST_OBJECTS]:
        versions = [missing.get("version", "?") for missing in failed.missing_versions]
        names = list(dict.fromkeys([*failed.missing_libraries, *versions, *failed.missing_symbols]))
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        rows.append((failed.path, ", ".join(names[:_MOST_NAMES]) + more))
    return tuple(rows)
