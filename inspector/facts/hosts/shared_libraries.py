"""The other direction: what the bundle's libraries do to the host's own code, in programs that it starts and in drivers that it loads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.binaries.floors import split_version, version_key
from inspector.facts.launchers.launcher import Launcher
from inspector.facts.loading.run_time_paths import Mount
from inspector.loader.host_profile import HostProfile
from inspector.loader.search_path import split_path
from inspector.resources import load_table

_TABLE = "libraries/shared_with_host.toml"


class HostProgramReached(Struct, frozen=True):
    """A host program that finds bundled libraries through an inherited LD_LIBRARY_PATH.

    :ivar program: for people.
    :ivar libraries: tree paths of the bundled libraries that it would load.
    """

    program: str
    libraries: tuple[str, ...]


class OlderThanHost(Struct, frozen=True):
    """A bundled library that lacks what code of a newer host asks of it.

    :ivar has: the newest that it defines ("GLIBCXX_3.4.30"), or "" where it has no versions.
    :ivar asked: what is asked for ("GLIBCXX_3.4.35", or a function).
    :ivar asker: who asks, for people.
    """

    path: str
    has: str
    asked: str
    asker: str


def host_programs_reached(
    objects: Sequence[ElfObject], launcher: Launcher, mount: Mount
) -> tuple[HostProgramReached, ...]:
    """Host programs that get bundled libraries, because the launcher exports LD_LIBRARY_PATH."""
    if not launcher.library_path:
        return ()
    directories = {mount.tree_path(element) for element in split_path(launcher.library_path, ":;") if element}
    by_soname: dict[str, str] = {}
    for found in objects:
        if found.elf.soname and found.path.rpartition("/")[0] in directories:
            by_soname.setdefault(found.elf.soname, found.path)
    reached = []
    for row in load_table(_TABLE)["program"]:
        libraries = tuple(by_soname[soname] for soname in row["sonames"] if soname in by_soname)
        if libraries:
            reached.append(HostProgramReached(row["name"], libraries))
    return tuple(reached)


def older_than_host(objects: Sequence[ElfObject], profiles: Iterable[HostProfile]) -> tuple[OlderThanHost, ...]:
    """Bundled libraries that drivers of a known system would find too old."""
    table = load_table(_TABLE)
    shared = {soname: row["name"] for row in table["driver"] for soname in row["sonames"]}
    newer = {row["soname"]: row for row in table["newer"]}
    bundled = [found for found in objects if found.elf.soname in shared or found.elf.soname in newer]
    if not bundled:
        return ()
    newest = _newest_versions(profiles, shared)
    findings = []
    for found in bundled:
        soname = found.elf.soname or ""
        if soname in newer:
            lacking = [
                symbol for symbol in newer[soname]["symbols"] if symbol not in found.elf.symbols.exported_names()
            ]
            if lacking:
                row = newer[soname]
                findings.append(OlderThanHost(found.path, "", f"{lacking[0]} ({row['since']})", row["caller"]))
        own = _highest(definition.name for definition in found.elf.verdef if not definition.is_base)
        of_hosts = newest.get(soname, {})
        for namespace, has in own.items():
            number, host = of_hosts.get(namespace, (has, ""))
            if version_key(has) < version_key(number):
                findings.append(
                    OlderThanHost(
                        found.path, f"{namespace}_{has}", f"{namespace}_{number}", f"{shared[soname]} on {host}"
                    )
                )
    return tuple(findings)


def _newest_versions(profiles: Iterable[HostProfile], sonames: Iterable[str]) -> dict[str, dict[str, tuple[str, str]]]:
    """soname -> namespace -> (highest number of all hosts, the first host that has it)."""
    newest: dict[str, dict[str, tuple[str, str]]] = {}
    for profile in profiles:
        for soname in sonames:
            known = profile.libraries.get(soname)
            if known is None or not known.versions:
                continue
            for namespace, number in _highest(known.versions).items():
                best = newest.setdefault(soname, {}).get(namespace)
                if best is None or version_key(best[0]) < version_key(number):
                    newest[soname][namespace] = (number, profile.name)
    return newest


def _highest(names: Iterable[str]) -> dict[str, str]:
    highest: dict[str, str] = {}
    for name in names:
        namespace, number = split_version(name)
        if number is not None and (namespace not in highest or version_key(highest[namespace]) < version_key(number)):
            highest[namespace] = number
    return highest
