"""Version floors: per namespace the highest symbol version that the artifact asks for, who answers it, and who asks.

A version requirement (verneed) names a library and a version; the loader refuses to start where the library lacks it.  Versions that are
ordered numbers make a floor ("GLIBC_2.34"); the others are markers, members of a set ("GLIBC_PRIVATE", "GLIBC_ABI_DT_RELR").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from inspector.facts.binaries.elf_objects import ElfObject
from inspector.facts.loading.load_graph import LoadFacts
from inspector.patterns import lazy_pattern

_NAMESPACE = lazy_pattern(r"(.+)_(\d.*)", re.DOTALL)
_ORDERED = lazy_pattern(r"\d+(?:\.\d+)*[a-z]?\d*")
_NUMBERS = lazy_pattern(r"\d+|[a-z]+")

RUNTIME = "(runtime)"
"""Stands for the executable in front of an AppImage's payload where a path is asked for."""


class VersionRequest(Struct, frozen=True):
    """One verneed of one object.

    :ivar file: tree path, or :data:`RUNTIME`.
    :ivar namespace: the text before the last "_" that a digit follows ("GLIBC"); of a marker, the namespace that it belongs to.
    :ivar number: the rest ("2.34"), or None for a marker.
    :ivar from_host: whether the host must supply the library.
    :ivar index: version index in the object's versym table.
    """

    file: str
    library: str
    version: str
    namespace: str
    number: str | None
    from_host: bool
    weak: bool
    index: int


class NamespaceFloor(Struct, frozen=True):
    """The floor of one namespace; requests that say the same are kept, because each is a cause.

    :ivar version: highest number that anybody asks for, None where there are only markers.
    :ivar host_version: highest number that the host must answer.
    :ivar markers: full names, sorted.
    :ivar causes: requests for ``version``, for ``host_version`` and for markers.
    """

    namespace: str
    version: str | None
    host_version: str | None
    markers: tuple[str, ...]
    causes: tuple[VersionRequest, ...]


class UnmetVersion(Struct, frozen=True):
    """A version that an object asks of a library that the bundle itself carries, and that this library does not define."""

    file: str
    provider: str
    version: str
    weak: bool


def split_version(name: str) -> tuple[str, str | None]:
    """Namespace and number of a version name; the number is None where the rest is no ordered number."""
    match = _NAMESPACE.fullmatch(name)
    if match and _ORDERED.fullmatch(match[2]):
        return match[1], match[2]
    return name.partition("_")[0], None


def version_key(number: str) -> tuple[tuple[int, str], ...]:
    """Sorts version numbers: "2.9" before "2.34", "1.0.2" before "1.0.2a"."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in _NUMBERS.findall(number))


def version_requests(
    objects: Iterable[ElfObject], graph: LoadFacts, runtime: ElfObject | None
) -> tuple[VersionRequest, ...]:
    """All version requests of the objects, and of the runtime, which the host must answer wholly."""
    requests: list[VersionRequest] = []
    split: dict[str, tuple[str, str | None]] = {}
    for found in (*objects, *((runtime,) if runtime is not None else ())):
        bundled = {need.name for need in graph.needs.get(found.path, ()) if need.origin == "bundle"}
        for need in found.elf.verneed:
            parts = split.get(need.version)
            if parts is None:
                parts = split[need.version] = split_version(need.version)
            requests.append(
                VersionRequest(
                    file=found.path,
                    library=need.library,
                    version=need.version,
                    namespace=parts[0],
                    number=parts[1],
                    from_host=need.library not in bundled,
                    weak=need.weak,
                    index=need.index,
                )
            )
    return tuple(requests)


def floors(requests: Sequence[VersionRequest]) -> tuple[NamespaceFloor, ...]:
    """The floor of each namespace, by name.  Weak requests refuse no start and make no floor."""
    by_namespace: dict[str, list[VersionRequest]] = {}
    for request in requests:
        by_namespace.setdefault(request.namespace, []).append(request)
    return tuple(_floor(namespace, by_namespace[namespace]) for namespace in sorted(by_namespace))


def highest_by_file(namespace: str, requests: Iterable[VersionRequest]) -> list[tuple[str, str]]:
    """Each file that asks the host for an ordered version of a namespace, with the highest; highest first, then by path."""
    highest: dict[str, str] = {}
    for request in requests:
        if request.namespace != namespace or request.number is None or request.weak or not request.from_host:
            continue
        known = highest.get(request.file)
        if known is None or version_key(request.number) > version_key(known):
            highest[request.file] = request.number
    by_path = sorted(highest.items())
    return sorted(by_path, key=lambda row: version_key(row[1]), reverse=True)


def _floor(namespace: str, requests: Sequence[VersionRequest]) -> NamespaceFloor:
    strong = [request for request in requests if not request.weak]
    version = _highest(strong)
    host_version = _highest([request for request in strong if request.from_host])
    wanted = {number for number in (version, host_version) if number is not None}
    causes = [request for request in requests if request.number is None or request.number in wanted]
    causes.sort(
        key=lambda request: (
            request.number is None,
            request.number != version,
            not request.from_host,
            request.weak,
            request.file,
            request.library,
        )
    )
    markers = tuple(sorted({request.version for request in requests if request.number is None}))
    return NamespaceFloor(namespace, version, host_version, markers, tuple(causes))


def _highest(requests: Iterable[VersionRequest]) -> str | None:
    return max((request.number for request in requests if request.number is not None), key=version_key, default=None)


def unmet_versions(objects: Sequence[ElfObject], graph: LoadFacts) -> tuple[UnmetVersion, ...]:
    """Requests that a bundled provider does not define; one without any version definitions is accepted by the loader (glibc elf/dl-version.c)."""
    definitions = {found.path: frozenset(defined.name for defined in found.elf.verdef) for found in objects}
    unmet: list[UnmetVersion] = []
    for found in objects:
        providers = {need.name: need.path for need in graph.needs.get(found.path, ()) if need.path is not None}
        for need in found.elf.verneed:
            provider = providers.get(need.library)
            if provider is None:
                continue
            defined = definitions.get(provider)
            if defined and need.version not in defined:
                unmet.append(UnmetVersion(found.path, provider, need.version, need.weak))
    return tuple(unmet)
